//! Signing out everywhere: what it means, a check, and a second yes.

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use service::UserPageName;

use crate::{
    http::App,
    pages::{
        form::Posted,
        frame::{Frame, Page, redirect},
        fresh,
        settings::choices,
        visit::{UserVisit, page},
    },
};

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOut<'a> {
    frame: &'a Frame,
    /// There is a device whose code is asked for.
    asks_code: bool,
    /// It was ticked.
    sure: bool,
}

/// `GET /pages/sign-out`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit) -> Page {
    visit.sees(&app, UserPageName::Sessions)?;
    let has_device = choices(&app, &visit).await?.has_device;
    Ok(shown(&app, &visit, None, (has_device, false)))
}

fn shown(app: &App, visit: &UserVisit, alert: Option<String>, (asks_code, sure): (bool, bool)) -> Response {
    let frame = Frame::of(app, visit, "sessions").alerting(alert);
    let sign_out = SignOut {
        frame: &frame,
        asks_code,
        sure,
    };
    page(app, visit, &frame, &sign_out)
}

#[derive(Deserialize)]
pub(crate) struct Ending {
    sure: Option<String>,
    #[serde(default)]
    code: String,
    #[serde(default)]
    recovery_code: String,
}

/// `POST /pages/sign-out`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Ending>) -> Page {
    visit.sees(&app, UserPageName::Sessions)?;
    let lang = visit.browser.lang;
    let has_device = choices(&app, &visit).await?.has_device;
    if form.sure.is_none() {
        // No code is judged, and so none is used up, for somebody who is not sure.
        let alert = lang.say("sessions.not_sure", &[]);
        return Ok(shown(&app, &visit, Some(alert), (has_device, false)));
    }
    let factor = fresh::factor(&form.code, &form.recovery_code);
    let ended = app
        .service
        .end_all_sessions(visit.caller(), visit.owner(), factor.as_ref())
        .await;
    match ended {
        Ok(count) => Ok(redirect(&format!("/pages/sessions?ended={count}"))),
        Err(error) => {
            let alert = fresh::refused(lang, has_device, &error);
            Ok(shown(&app, &visit, Some(alert), (has_device, true)))
        }
    }
}
