//! Recovery codes: a new set for a fresh code, shown once (B6, U5).

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::UserPageName;
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        bind::as_file,
        device::{
            done::no_device,
            factor::{Asking, refused},
        },
        form::Posted,
        frame::{Frame, Page, refusal_of},
        fresh::factor,
        security,
        visit::{UserVisit, page},
    },
};

const PATH: &str = "/pages/recovery-codes";

#[derive(Template)]
#[template(path = "device/renew.html")]
struct Renew<'a> {
    frame: &'a Frame,
    ask: Asking<'a>,
    /// Of the old ones.
    recovery_codes_left: usize,
}

#[derive(Template)]
#[template(path = "device/renewed.html")]
struct Renewed<'a> {
    frame: &'a Frame,
    codes: &'a [Zeroizing<String>],
    file: Zeroizing<String>,
}

#[derive(Deserialize)]
pub(crate) struct Renewing {
    #[serde(default)]
    code: Zeroizing<String>,
    #[serde(default)]
    recovery_code: Zeroizing<String>,
}

/// `GET /pages/recovery-codes`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit) -> Page {
    visit.sees(&app, UserPageName::RecoveryCodes)?;
    shown(&app, &visit, false, None).await
}

async fn shown(app: &App, visit: &UserVisit, by_recovery_code: bool, alert: Option<String>) -> Page {
    let user = app.service.user(visit.caller(), visit.owner()).await;
    let user = user.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    if user.devices.is_empty() {
        return no_device(app, visit, (PATH, "common.page_is_recovery_codes"));
    }
    let frame = Frame::of(app, visit, "security").at(PATH).alerting(alert);
    let ask = Asking::of(&user).after(None, by_recovery_code);
    let renew = Renew {
        frame: &frame,
        ask,
        recovery_codes_left: user.recovery_codes_left,
    };
    Ok(page(app, visit, &frame, &renew))
}

/// `POST /pages/recovery-codes`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Renewing>) -> Page {
    visit.sees(&app, UserPageName::RecoveryCodes)?;
    let by_recovery_code = !form.recovery_code.is_empty();
    let Some(factor) = factor(&form.code, &form.recovery_code) else {
        let alert = visit.browser.lang.say("device.one_code", &[]);
        return shown(&app, &visit, by_recovery_code, Some(alert)).await;
    };
    let renewed = app.service.renew_recovery_codes(visit.caller(), visit.owner(), &factor);
    match renewed.await {
        Ok(codes) => {
            let frame = Frame::of(&app, &visit, "security").at(PATH);
            let renewed = Renewed {
                frame: &frame,
                file: as_file(&codes),
                codes: &codes,
            };
            Ok(page(&app, &visit, &frame, &renewed))
        }
        Err(error) => {
            let alert = refused(visit.browser.lang, &error);
            shown(&app, &visit, by_recovery_code, Some(alert)).await
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Kept {}

/// `POST /pages/kept`: the user has the codes, and goes on.
pub(crate) async fn kept(State(app): State<App>, Posted { visit, form: Kept {} }: Posted<UserVisit, Kept>) -> Page {
    visit.sees(&app, UserPageName::Security)?;
    let notice = visit.browser.lang.say("device.all_set", &[]);
    security::shown(&app, &visit, Some(notice)).await
}
