//! A new device for an old one: a code of the old one or a recovery code, then a binding as any other. The old one works until
//! the new one is confirmed (B8).

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{Id, NewDevice, Replacement, UserPageName, UserView};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        device::{
            done::no_device,
            factor::Asking,
            start::{start, unproven},
        },
        form::Posted,
        frame::{Frame, Page, redirect, refusal_of},
        fresh::factor,
        visit::{UserVisit, page},
    },
};

const PATH: &str = "/pages/replace";

#[derive(Template)]
#[template(path = "device/replace.html")]
struct Replace<'a> {
    frame: &'a Frame,
    ask: Asking<'a>,
    typed: &'a Replacing,
    /// Their link says who they are.
    is_proven: bool,
}

/// The device that takes the place of the old one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NewKind {
    #[default]
    App,
    Token,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Replacing {
    device: Option<Id>,
    code: Zeroizing<String>,
    recovery_code: Zeroizing<String>,
    new: NewKind,
    serial_number: String,
}

impl Replacing {
    fn is_for_a_token(&self) -> bool {
        self.new == NewKind::Token
    }
}

/// `GET /pages/replace`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit) -> Page {
    visit.sees(&app, UserPageName::Replace)?;
    let alert = unproven(&visit);
    shown(&app, &visit, &Replacing::default(), alert).await
}

async fn shown(app: &App, visit: &UserVisit, typed: &Replacing, alert: Option<String>) -> Page {
    let user = app.service.user(visit.caller(), visit.owner()).await;
    let user: UserView = user.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    if user.devices.is_empty() {
        return no_device(app, visit, (PATH, "common.page_is_replace"));
    }
    let frame = Frame::of(app, visit, "security").at(PATH).alerting(alert);
    let replace = Replace {
        ask: Asking::of(&user).after(typed.device, !typed.recovery_code.is_empty()),
        is_proven: unproven(visit).is_none(),
        typed,
        frame: &frame,
    };
    Ok(page(app, visit, &frame, &replace))
}

/// `POST /pages/replace`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Replacing>) -> Page {
    visit.sees(&app, UserPageName::Replace)?;
    let (Some(device), Some(factor)) = (form.device, factor(&form.code, &form.recovery_code)) else {
        let alert = visit.browser.lang.say("device.one_code", &[]);
        return shown(&app, &visit, &form, Some(alert)).await;
    };
    let replacement = Replacement {
        replaces: Some(device),
        factor,
    };
    let (new, path) = match form.new {
        NewKind::App => (NewDevice::App { issuer: None }, "/pages/bind"),
        NewKind::Token => {
            let serial_number = form.serial_number.trim().to_owned();
            (NewDevice::Token { serial_number }, "/pages/bind-token")
        }
    };
    match start(&app, &visit, new, Some(replacement)).await {
        Ok(id) => Ok(redirect(&format!("{path}?enrollment={id}"))),
        Err(alert) => shown(&app, &visit, &form, Some(alert)).await,
    }
}
