//! Unbinding a device: what will be switched off, a code, done (U1).

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{Id, ProtectionMethod, UserPageName, UserView};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        device::{
            done::{done, no_device},
            factor::{Asking, refused},
        },
        form::Posted,
        frame::{Frame, Page, refusal_of},
        fresh::factor,
        visit::{UserVisit, page},
    },
};

const PATH: &str = "/pages/unbind";

#[derive(Template)]
#[template(path = "device/unbind.html")]
struct Unbind<'a> {
    frame: &'a Frame,
    ask: Asking<'a>,
    /// What ends.
    ends: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Unbinding {
    device: Id,
    #[serde(default)]
    code: Zeroizing<String>,
    #[serde(default)]
    recovery_code: Zeroizing<String>,
}

/// `GET /pages/unbind`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit) -> Page {
    visit.sees(&app, UserPageName::Unbind)?;
    shown(&app, &visit, (None, false), None).await
}

async fn shown(
    app: &App,
    visit: &UserVisit,
    (chosen, by_recovery_code): (Option<Id>, bool),
    alert: Option<String>,
) -> Page {
    let user = app.service.user(visit.caller(), visit.owner()).await;
    let user = user.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    if user.devices.is_empty() {
        return no_device(app, visit, (PATH, "common.page_is_unbind"));
    }
    let frame = Frame::of(app, visit, "security").at(PATH).alerting(alert);
    let unbind = Unbind {
        ask: Asking::of(&user).after(chosen, by_recovery_code).by_button(),
        ends: ends(&frame, &user),
        frame: &frame,
    };
    Ok(page(app, visit, &frame, &unbind))
}

/// What is switched off with the device, or with the last of them.
fn ends(frame: &Frame, user: &UserView) -> Vec<String> {
    let mut ends = vec![frame.t("device.ends_codes")];
    if user.devices.len() == 1 {
        let protection = &user.protection;
        let by_code = [
            (&protection.login_protection, "device.ends_login"),
            (&protection.operation_protection, "device.ends_operation"),
            (&protection.suspicious_login_protection, "device.ends_suspicious_login"),
        ];
        let switched_off = by_code
            .into_iter()
            .filter(|(set, _)| set.method == ProtectionMethod::Mfa);
        ends.extend(switched_off.map(|(_, key)| frame.t(key)));
        if user.recovery_codes_left > 0 {
            ends.push(frame.t("device.ends_recovery_codes"));
        }
    }
    ends.push(frame.t("device.ends_trust"));
    ends
}

/// `POST /pages/unbind`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Unbinding>) -> Page {
    visit.sees(&app, UserPageName::Unbind)?;
    let typed = (Some(form.device), !form.recovery_code.is_empty());
    let Some(factor) = factor(&form.code, &form.recovery_code) else {
        let alert = visit.browser.lang.say("device.one_code", &[]);
        return shown(&app, &visit, typed, Some(alert)).await;
    };
    let ended = app.service.unbind(visit.caller(), visit.owner(), form.device, &factor);
    match ended.await {
        Ok(()) => done(&app, &visit, "device.unbound").await,
        Err(error) => {
            let alert = refused(visit.browser.lang, &error);
            shown(&app, &visit, typed, Some(alert)).await
        }
    }
}
