//! Signing in and out, and the first page: what the key of whoever signed in may.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use service::{ServiceError, typed};
use zeroize::Zeroizing;

use super::{
    today::{self, TODAY},
    visit::{self, SIGN_IN, StaffVisit},
};
use crate::{
    http::App,
    pages::{
        form::{OpenForm, Posted},
        frame::{Frame, Page, html, redirect, refusal, refusal_of},
        said,
        visit::{Browser, begin_session, end_session, found, page},
    },
    transport::received::Received,
};

#[derive(Template)]
#[template(path = "staff/home.html")]
struct Home<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "staff/sign_in.html")]
struct SignIn<'a> {
    frame: &'a Frame,
    actor: &'a str,
}

/// `GET /staff`
pub(crate) async fn show(State(app): State<App>, browser: Browser) -> Page {
    let found: Option<StaffVisit> = found(&app, &browser, None).await?;
    let Some(visit) = found else {
        return Ok(to_sign_in(&app, &browser, "", None));
    };
    let frame = visit::frame(&app, &visit, "home");
    Ok(page(&app, &visit, &frame, &Home { frame: &frame }))
}

fn to_sign_in(app: &App, browser: &Browser, actor: &str, alert: Option<String>) -> Response {
    let frame = Frame::plain(app, browser).alerting(alert);
    let mut response = html(app, &frame, StatusCode::OK, &SignIn { frame: &frame, actor });
    browser.keep_lang(&mut response);
    response
}

#[derive(Deserialize)]
pub(crate) struct SigningIn {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    api_key: Zeroizing<String>,
}

/// `POST /staff`
pub(crate) async fn sign_in(
    State(app): State<App>,
    received: Option<Extension<Received>>,
    OpenForm { browser, form }: OpenForm<SigningIn>,
) -> Page {
    let opened = app
        .service
        .sign_in(typed::trimmed(&form.api_key), &form.actor, browser.address())
        .await;
    if let Some(Extension(received)) = &received {
        // A connection that shows wrong keys is the first to go when there is no room.
        match opened {
            Err(ServiceError::Unauthorized) => received.connection.disprove(),
            Ok(_) if !received.connection.prove() => return Err(refusal(&app, &browser, "error.rate_limited", 429)),
            _ => {}
        }
    }
    match opened {
        Ok(opened) => {
            let visitor = app.service.page_visitor(&opened.cookie, None).await;
            let sees_today = visitor.is_ok_and(|visitor| today::is_open_to(&visitor.caller));
            let mut response = redirect(if sees_today { TODAY } else { SIGN_IN });
            begin_session::<StaffVisit>(&mut response, &opened.cookie);
            Ok(response)
        }
        Err(error @ (ServiceError::Internal(_) | ServiceError::Untrusted(_))) => {
            Err(refusal_of(&app, &browser, &error))
        }
        Err(error) => {
            let alert = match error {
                ServiceError::Unauthorized => browser.lang.say("staff.wrong_key", &[]),
                ServiceError::Forbidden(_) => browser.lang.say("staff.no_role", &[]),
                ServiceError::Invalid { .. } => browser.lang.say("staff.no_name", &[]),
                error => said::refused(browser.lang, &error),
            };
            Ok(to_sign_in(&app, &browser, &form.actor, Some(alert)))
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Nothing {}

/// `POST /staff/sign-out`
pub(crate) async fn sign_out(
    State(app): State<App>,
    Posted {
        visit,
        form: Nothing {},
    }: Posted<StaffVisit, Nothing>,
) -> Page {
    let ended = app.service.end_page_session(visit.caller(), visit.session()).await;
    ended.map_err(|error| refusal_of(&app, &visit.browser, &error))?;
    let mut response = redirect(SIGN_IN);
    end_session::<StaffVisit>(&mut response);
    Ok(response)
}
