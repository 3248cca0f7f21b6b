//! Protection of suspicious logins: by what they are checked, and the cities that are usual (P5).

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{OwnCities, ProtectionChange, ProtectionChoices, ProtectionMethod, ServiceError, UserPageName};

use crate::{
    http::App,
    pages::{
        address::Queried,
        form::Posted,
        frame::{Frame, Page, redirect, refusal_of},
        fresh,
        settings::{Section, change, choices, unchanged},
        visit::{UserVisit, page},
    },
};

#[derive(Template)]
#[template(path = "suspicious_login.html")]
struct SuspiciousLogin<'a> {
    frame: &'a Frame,
    version: u64,
    section: Section<'a>,
    has_device: bool,
    has_city_database: bool,
    cities: OwnCities,
    asks_code: bool,
}

#[derive(Deserialize)]
pub(crate) struct Done {
    saved: Option<String>,
    forgotten: Option<String>,
}

/// `GET /pages/suspicious-login`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit, Queried(done): Queried<Done>) -> Page {
    visit.sees(&app, UserPageName::SuspiciousLogin)?;
    let all = choices(&app, &visit).await?;
    let mut frame = Frame::of(&app, &visit, "suspicious_login");
    let saved = done.saved.map(|_| "protection.saved");
    let said = saved.or(done.forgotten.map(|_| "protection.forgotten_cities"));
    frame.notice = said.map(|key| frame.t(key));
    let chosen = now(&all);
    shown(&app, &visit, (&frame, &all), &chosen, false).await
}

fn now(all: &ProtectionChoices) -> String {
    let own = &all.view.settings.suspicious_login_protection;
    own.method.name().to_owned()
}

async fn shown(
    app: &App,
    visit: &UserVisit,
    (frame, all): (&Frame, &ProtectionChoices),
    chosen: &str,
    asks_code: bool,
) -> Page {
    let cities = app.service.own_cities(visit.caller(), visit.owner()).await;
    let cities = cities.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    let of = (chosen, &all.view.suspicious_login_protection);
    let named = ("suspicious", "protection.suspicious_ask");
    let shown = SuspiciousLogin {
        frame,
        version: all.view.settings.version,
        section: Section::new(frame.lang, named, all, of),
        has_device: all.has_device,
        has_city_database: all.has_city_database,
        cities,
        asks_code,
    };
    Ok(page(app, visit, frame, &shown))
}

#[derive(Deserialize)]
pub(crate) struct Changing {
    version: u64,
    suspicious: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    recovery_code: String,
}

/// `POST /pages/suspicious-login`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Changing>) -> Page {
    visit.sees(&app, UserPageName::SuspiciousLogin)?;
    let all = choices(&app, &visit).await?;
    let wanted = ProtectionChange {
        suspicious_login_protection: ProtectionMethod::named(&form.suspicious),
        factor: fresh::factor(&form.code, &form.recovery_code),
        ..unchanged(&all.view.settings)
    };
    let (error, asks_code) = match change(&app, &visit, (form.version, all.has_device), &wanted).await {
        Ok(()) => return Ok(redirect("/pages/suspicious-login?saved=1")),
        Err(refused) => refused,
    };
    let chosen = match error {
        ServiceError::PreconditionFailed => now(&all),
        _ => form.suspicious,
    };
    let alert = fresh::refused(visit.browser.lang, all.has_device, &error);
    let frame = Frame::of(&app, &visit, "suspicious_login").alerting(Some(alert));
    shown(&app, &visit, (&frame, &all), &chosen, asks_code).await
}

#[derive(Deserialize)]
pub(crate) struct Forgetting {}

/// `POST /pages/suspicious-login/forget`
pub(crate) async fn forget(
    State(app): State<App>,
    Posted {
        visit,
        form: Forgetting {},
    }: Posted<UserVisit, Forgetting>,
) -> Page {
    visit.sees(&app, UserPageName::SuspiciousLogin)?;
    let forgotten = app.service.forget_cities(visit.caller(), visit.owner()).await;
    forgotten.map_err(|error| refusal_of(&app, &visit.browser, &error))?;
    Ok(redirect("/pages/suspicious-login?forgotten=1"))
}
