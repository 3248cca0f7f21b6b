//! A user's sessions, and the limits that the next ones have (P6).

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use service::{ProtectionChange, ProtectionChoices, ServiceError, SessionView, UnixMs, UserPageName};

use crate::{
    http::App,
    pages::{
        address::Queried,
        agent,
        form::Posted,
        frame::{Frame, Page, Refusal, redirect, refusal_of},
        fresh,
        settings::{change, choices, unchanged},
        visit::{UserVisit, page},
    },
};

/// More than anybody may have at once.
const SESSIONS: u32 = 1_000;
/// What is offered of 15 to 720 minutes, and of 1 to 48 hours.
const IDLE_MINUTES: [u16; 7] = [15, 30, 60, 120, 240, 480, 720];
const TOTAL_HOURS: [u16; 7] = [1, 2, 4, 8, 12, 24, 48];

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage<'a> {
    frame: &'a Frame,
    sessions: Vec<Shown>,
    version: u64,
    idle: Vec<(u16, bool)>,
    total: Vec<(u16, bool)>,
    asks_code: bool,
}

/// One session.
struct Shown {
    /// The user came from it.
    is_this: bool,
    browser: String,
    address: String,
    city: String,
    since: UnixMs,
    last_seen: UnixMs,
}

#[derive(Deserialize)]
pub(crate) struct Done {
    saved: Option<String>,
    /// So many were ended.
    ended: Option<u32>,
}

/// `GET /pages/sessions`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit, Queried(done): Queried<Done>) -> Page {
    visit.sees(&app, UserPageName::Sessions)?;
    let all = choices(&app, &visit).await?;
    let mut frame = Frame::of(&app, &visit, "sessions");
    frame.notice = match (done.ended, done.saved) {
        (Some(count), _) => Some(frame.t1("sessions.ended", "count", count)),
        (None, Some(_)) => Some(frame.t("sessions.saved")),
        (None, None) => None,
    };
    let limits = limits(&all);
    shown(&app, &visit, (&frame, &all), limits, false).await
}

fn limits(all: &ProtectionChoices) -> (u16, u16) {
    let own = &all.view.settings;
    (own.session_idle_minutes, own.session_total_hours)
}

/// What is offered, and what is set or was chosen, be it offered or not.
fn offered(all: &[u16], chosen: u16) -> Vec<(u16, bool)> {
    let mut offered: Vec<u16> = all.to_vec();
    if !offered.contains(&chosen) {
        offered.push(chosen);
        offered.sort_unstable();
    }
    offered.into_iter().map(|value| (value, value == chosen)).collect()
}

async fn shown(
    app: &App,
    visit: &UserVisit,
    (frame, all): (&Frame, &ProtectionChoices),
    (idle, total): (u16, u16),
    asks_code: bool,
) -> Page {
    let sessions = SessionsPage {
        frame,
        sessions: listed(app, visit).await?,
        version: all.view.settings.version,
        idle: offered(&IDLE_MINUTES, idle),
        total: offered(&TOTAL_HOURS, total),
        asks_code,
    };
    let response: Response = page(app, visit, frame, &sessions);
    Ok(response)
}

async fn listed(app: &App, visit: &UserVisit) -> Result<Vec<Shown>, Refusal> {
    let lang = visit.browser.lang;
    let read = app
        .service
        .sessions(visit.caller(), visit.owner(), None, SESSIONS)
        .await;
    let sessions: Vec<SessionView> = read.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    let newest_first = sessions.into_iter().rev();
    Ok(newest_first
        .map(|session| Shown {
            is_this: visit.is_from(session.id),
            browser: agent::browser(lang, session.client.as_ref()),
            address: agent::address(session.client.as_ref()),
            city: agent::city(lang, session.city.as_deref()),
            since: session.created_at,
            last_seen: session.last_seen_at,
        })
        .collect())
}

#[derive(Deserialize)]
pub(crate) struct Changing {
    version: u64,
    idle: u16,
    total: u16,
    #[serde(default)]
    code: String,
    #[serde(default)]
    recovery_code: String,
}

/// `POST /pages/sessions`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Changing>) -> Page {
    visit.sees(&app, UserPageName::Sessions)?;
    let all = choices(&app, &visit).await?;
    let wanted = ProtectionChange {
        session_idle_minutes: form.idle,
        session_total_hours: form.total,
        factor: fresh::factor(&form.code, &form.recovery_code),
        ..unchanged(&all.view.settings)
    };
    let (error, asks_code) = match change(&app, &visit, (form.version, all.has_device), &wanted).await {
        Ok(()) => return Ok(redirect("/pages/sessions?saved=1")),
        Err(refused) => refused,
    };
    let chosen = match error {
        ServiceError::PreconditionFailed => limits(&all),
        _ => (form.idle, form.total),
    };
    let alert = fresh::refused(visit.browser.lang, all.has_device, &error);
    let frame = Frame::of(&app, &visit, "sessions").alerting(Some(alert));
    shown(&app, &visit, (&frame, &all), chosen, asks_code).await
}
