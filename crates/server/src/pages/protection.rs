//! Login and operation protection: by what the user is checked, and whether a browser may be trusted.

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use service::{ProtectionChange, ProtectionChoices, ProtectionMethod, ServiceError, UserPageName};

use crate::{
    http::App,
    pages::{
        address::Queried,
        form::Posted,
        frame::{Frame, Page, redirect},
        fresh,
        settings::{Section, change, choices, unchanged},
        visit::{UserVisit, page},
    },
};

#[derive(Template)]
#[template(path = "protection.html")]
struct ProtectionPage<'a> {
    frame: &'a Frame,
    version: u64,
    sections: [Section<'a>; 2],
    trust: bool,
    has_device: bool,
    asks_code: bool,
}

/// What is ticked and chosen.
struct Chosen {
    login: String,
    operation: String,
    trust: bool,
}

impl Chosen {
    fn now(all: &ProtectionChoices) -> Self {
        let own = &all.view.settings;
        Self {
            login: own.login_protection.method.name().to_owned(),
            operation: own.operation_protection.method.name().to_owned(),
            trust: own.allow_trusted_devices,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Done {
    /// Something was saved.
    pub(crate) saved: Option<String>,
}

/// `GET /pages/protection`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit, Queried(done): Queried<Done>) -> Page {
    visit.sees(&app, UserPageName::Protection)?;
    let all = choices(&app, &visit).await?;
    let mut frame = Frame::of(&app, &visit, "protection");
    frame.notice = done.saved.map(|_| frame.t("protection.saved"));
    Ok(shown(&app, &visit, (&frame, &all), &Chosen::now(&all), false))
}

fn shown(
    app: &App,
    visit: &UserVisit,
    (frame, all): (&Frame, &ProtectionChoices),
    chosen: &Chosen,
    asks_code: bool,
) -> Response {
    let view = &all.view;
    let section = |name, title, of| Section::new(frame.lang, (name, title), all, of);
    let login = (&*chosen.login, &view.login_protection);
    let operation = (&*chosen.operation, &view.operation_protection);
    let protection = ProtectionPage {
        frame,
        version: view.settings.version,
        sections: [
            section("login", "protection.login", login),
            section("operation", "protection.operation", operation),
        ],
        trust: chosen.trust,
        has_device: all.has_device,
        asks_code,
    };
    page(app, visit, frame, &protection)
}

#[derive(Deserialize)]
pub(crate) struct Changing {
    version: u64,
    login: String,
    operation: String,
    trust: Option<String>,
    #[serde(default)]
    code: String,
    #[serde(default)]
    recovery_code: String,
}

/// `POST /pages/protection`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Changing>) -> Page {
    visit.sees(&app, UserPageName::Protection)?;
    let all = choices(&app, &visit).await?;
    let wanted = ProtectionChange {
        login_protection: ProtectionMethod::named(&form.login),
        operation_protection: ProtectionMethod::named(&form.operation),
        allow_trusted_devices: form.trust.is_some(),
        factor: fresh::factor(&form.code, &form.recovery_code),
        ..unchanged(&all.view.settings)
    };
    let (error, asks_code) = match change(&app, &visit, (form.version, all.has_device), &wanted).await {
        Ok(()) => return Ok(redirect("/pages/protection?saved=1")),
        Err(refused) => refused,
    };
    let chosen = match error {
        ServiceError::PreconditionFailed => Chosen::now(&all),
        _ => Chosen {
            login: form.login,
            operation: form.operation,
            trust: form.trust.is_some(),
        },
    };
    let alert = fresh::refused(visit.browser.lang, all.has_device, &error);
    let frame = Frame::of(&app, &visit, "protection").alerting(Some(alert));
    Ok(shown(&app, &visit, (&frame, &all), &chosen, asks_code))
}
