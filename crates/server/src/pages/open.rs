//! Opening a page link. The page that a link shows changes nothing, for scanners and previews look at links too; its button
//! opens it, once.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse as _,
};
use serde::Deserialize;
use service::{PageHolder, PageVisit, Prompt, ServiceError, UserPageName, VisitPurpose};

use crate::{
    http::App,
    pages::{
        address::Queried,
        bind,
        form::OpenForm,
        frame::{self, Frame, Page, html, redirect, refusal, refusal_of},
        prompt,
        visit::{Browser, UserVisit, Visitor as _, begin_session},
    },
};

#[derive(Template)]
#[template(path = "open.html")]
struct Open<'a> {
    frame: &'a Frame,
    token: &'a str,
    page: String,
}

/// `GET /pages/open/{token}`
pub(crate) async fn show(
    State(app): State<App>,
    browser: Browser,
    Path(token): Path<String>,
    Queried(asked): Queried<prompt::Asked>,
) -> Page {
    let (visit, prompt) = looked_at(&app, &browser, &token).await?;
    if let Some(prompt) = &prompt {
        return Ok(prompt::show_link(&app, &browser, (&token, &visit, prompt), &asked));
    }
    let VisitPurpose::Settings { page, .. } = &visit.purpose else {
        return Err(refusal(&app, &browser, "error.link_ended", 410));
    };
    let frame = Frame {
        owner: Some(visit.owner.clone()),
        ..Frame::plain(&app, &browser).leading_to(&visit.return_url)
    };
    let page = frame.t(&format!("common.page_is_{page}"));
    let token = &token;
    let open = Open {
        frame: &frame,
        token,
        page,
    };
    let mut response = html(&app, &frame, StatusCode::OK, &open);
    browser.keep_lang(&mut response);
    Ok(response)
}

async fn looked_at(app: &App, browser: &Browser, token: &str) -> Result<(PageVisit, Option<Prompt>), frame::Refusal> {
    match app.service.look_at_page_link(token).await {
        Ok(looked) => Ok(looked),
        Err(ServiceError::NotFound(_)) => Err(refusal(app, browser, "error.link_ended", 410)),
        Err(error) => Err(refusal_of(app, browser, &error)),
    }
}

#[derive(Deserialize)]
pub(crate) struct Opening {
    token: String,
    /// Of a prompt, whose form opens its link.
    #[serde(flatten)]
    prompt: prompt::Answering,
}

/// `POST /pages/open`
pub(crate) async fn act(State(app): State<App>, OpenForm { browser, form }: OpenForm<Opening>) -> Page {
    let opened = match app.service.open_page_link(&form.token, browser.address()).await {
        Ok(opened) => opened,
        Err(ServiceError::NotFound(_)) => return Err(refusal(&app, &browser, "error.link_ended", 410)),
        Err(error) => return Err(refusal_of(&app, &browser, &error)),
    };
    if matches!(&opened.visitor.holder, PageHolder::User(visit) if matches!(visit.purpose, VisitPurpose::Prompt { .. }))
    {
        return prompt::open(&app, browser, opened, form.prompt).await;
    }
    let cookie = opened.cookie;
    let visit = UserVisit::of(browser.clone(), opened.visitor);
    let visit = visit.ok_or_else(|| refusal(&app, &browser, "error.link_ended", 410))?;
    let mut response = match visit.scope {
        // One button fewer: what is shown next is the code to scan.
        // The link is used up: its session is the browser's, whatever is in the way.
        UserPageName::Bind => bind::begin(&app, &visit).await.into_response(),
        page => redirect(path_of(page)),
    };
    begin_session::<UserVisit>(&mut response, &cookie);
    Ok(response)
}

/// `GET /pages/open`: the page after a link that was not opened, loaded anew.
pub(crate) async fn again(State(app): State<App>, browser: Browser) -> Page {
    Err(refusal(&app, &browser, "error.link_ended", 410))
}

/// The path of a page.
pub(crate) fn path_of(page: UserPageName) -> &'static str {
    match page {
        UserPageName::Security => "/pages/security",
        UserPageName::Bind => "/pages/bind",
        UserPageName::BindToken => "/pages/bind-token",
        UserPageName::Replace => "/pages/replace",
        UserPageName::Unbind => "/pages/unbind",
        UserPageName::Protection => "/pages/protection",
        UserPageName::SuspiciousLogin => "/pages/suspicious-login",
        UserPageName::Sessions => "/pages/sessions",
        UserPageName::TrustedDevices => "/pages/trusted-devices",
        UserPageName::History => "/pages/history",
        UserPageName::RecoveryCodes => "/pages/recovery-codes",
        UserPageName::Lost => "/pages/lost",
    }
}
