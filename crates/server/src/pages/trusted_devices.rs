//! The browsers that a user trusts: listed, and forgotten, one or all of them (P2).

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{Id, ServiceError, UnixMs, UserPageName};

use crate::{
    http::App,
    pages::{
        address::Queried,
        agent,
        form::Posted,
        frame::{Frame, Page, redirect, refusal_of},
        visit::{UserVisit, page},
    },
};

#[derive(Template)]
#[template(path = "trusted_devices.html")]
struct TrustedDevicesPage<'a> {
    frame: &'a Frame,
    devices: Vec<Shown>,
}

/// One browser.
struct Shown {
    id: Id,
    browser: String,
    address: String,
    city: String,
    since: UnixMs,
    until: UnixMs,
}

#[derive(Deserialize)]
pub(crate) struct Done {
    forgotten: Option<String>,
}

/// `GET /pages/trusted-devices`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit, Queried(done): Queried<Done>) -> Page {
    visit.sees(&app, UserPageName::TrustedDevices)?;
    let read = app.service.trusted_devices(visit.caller(), visit.owner()).await;
    let devices = read.map_err(|error| refusal_of(&app, &visit.browser, &error))?;
    let mut frame = Frame::of(&app, &visit, "trusted_devices");
    frame.notice = done.forgotten.map(|_| frame.t("sessions.forgotten"));
    let lang = frame.lang;
    let shown = devices.into_iter().map(|device| Shown {
        id: device.id,
        browser: agent::browser(lang, Some(&device.client)),
        address: agent::address(Some(&device.client)),
        city: agent::city(lang, device.city.as_deref()),
        since: device.since,
        until: device.until,
    });
    let devices = TrustedDevicesPage {
        frame: &frame,
        devices: shown.collect(),
    };
    Ok(page(&app, &visit, &frame, &devices))
}

#[derive(Deserialize)]
pub(crate) struct Forgetting {
    /// Only this one.
    device: Option<Id>,
}

/// `POST /pages/trusted-devices`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Forgetting>) -> Page {
    visit.sees(&app, UserPageName::TrustedDevices)?;
    match app.service.end_trust(visit.caller(), visit.owner(), form.device).await {
        // What has ended meanwhile is forgotten.
        Ok(()) | Err(ServiceError::NotFound(_)) => Ok(redirect("/pages/trusted-devices?forgotten=1")),
        Err(error) => Err(refusal_of(&app, &visit.browser, &error)),
    }
}
