//! Finding a user: their devices, what is open for them, what happened, and why a code was refused.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use service::{
    DeviceView, Diagnosis, HistoryView, Id, Owner, Passcode, Role, ServiceError, SessionView, UnbindRequest, UserView,
};
use zeroize::Zeroizing;

use super::{
    drift::{self, Drifts},
    event::StaffEvent,
    visit::{self, StaffVisit},
    who::Named,
};
use crate::{
    http::{App, event_id},
    pages::{
        address::Queried,
        agent,
        form::Posted,
        frame::{Frame, Page, redirect},
        visit::page,
        words::Lang,
    },
};

/// Rows of the history on a page.
const ROWS: usize = 25;
/// Events that are looked at for how the clocks of devices went.
const LOOKED_AT: u32 = 100;
/// Sessions that are listed.
const SESSIONS: u32 = 50;

#[derive(Template)]
#[template(path = "staff/users.html")]
struct Users<'a> {
    frame: &'a Frame,
    named: Named,
    found: Option<&'a Found>,
    told: Option<&'a Told>,
}

/// What is known of a user.
struct Found {
    user: UserView,
    request: Option<UnbindRequest>,
    passcodes: Vec<Passcode>,
    sessions: Vec<SessionView>,
    history: Vec<StaffEvent>,
    /// By how much the clocks of their devices were off, by device.
    drifts: HashMap<String, Drifts>,
    /// The address of what happened before.
    next: Option<String>,
}

/// Why a code was refused.
struct Told {
    text: String,
    asks_left: u32,
    used_at: Option<service::UnixMs>,
}

impl Users<'_> {
    fn kind(&self, device: &DeviceView) -> String {
        self.frame.t(match device.serial_number {
            Some(_) => "security.kind_is_token",
            None => "security.kind_is_app",
        })
    }

    fn counts(&self, device: &DeviceView) -> bool {
        device.moving == service::Moving::Counter
    }

    /// A lock, a suspension or none.
    fn lock(&self, device: &DeviceView) -> &'static str {
        match (device.suspended.is_empty(), device.locked_until) {
            (false, _) => "staff_user.lock_is_suspended",
            (true, Some(_)) => "staff_user.lock_is_locked",
            (true, None) => "staff_user.lock_is_none",
        }
    }

    fn drifts(&self, device: &DeviceView) -> Option<&Drifts> {
        self.found?.drifts.get(&device.id.to_string())
    }

    fn browser(&self, session: &SessionView) -> String {
        agent::browser(self.frame.lang, session.client.as_ref())
    }

    fn address(&self, session: &SessionView) -> String {
        agent::address(session.client.as_ref())
    }

    fn city(&self, session: &SessionView) -> String {
        agent::city(self.frame.lang, session.city.as_deref())
    }

    fn is_locked(&self, device: &DeviceView) -> bool {
        !device.suspended.is_empty() || device.locked_until.is_some()
    }
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    account: String,
    #[serde(default)]
    user: String,
    cursor: Option<String>,
    done: Option<String>,
}

/// `GET /staff/users`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let named = Named {
        account: asked.account,
        user: asked.user,
    };
    let mut frame = visit::frame(&app, &visit, "users");
    if asked.done.as_deref() == Some("unlocked") {
        frame.notice = Some(frame.t("staff_user.unlocked"));
    }
    shown(&app, &visit, frame, named, asked.cursor.as_deref(), None).await
}

async fn shown(
    app: &App,
    visit: &StaffVisit,
    mut frame: Frame,
    named: Named,
    cursor: Option<&str>,
    told: Option<Told>,
) -> Page {
    let found = match named.is_empty() {
        true => Ok(None),
        false => match named.owner(frame.lang) {
            Ok(owner) => found(app, visit, &owner, cursor).await.map(Some),
            Err(said) => {
                frame.alert = Some(said);
                Ok(None)
            }
        },
    };
    let found = found.unwrap_or_else(|error| {
        frame.alert = Some(visit.told(&error, "staff.not_reached"));
        None
    });
    let users = Users {
        frame: &frame,
        named,
        found: found.as_ref(),
        told: told.as_ref(),
    };
    Ok(page(app, visit, &frame, &users))
}

async fn found(app: &App, visit: &StaffVisit, owner: &Owner, cursor: Option<&str>) -> Result<Found, ServiceError> {
    let (service, caller) = (&app.service, visit.caller());
    let user = service.user(caller, owner).await?;
    // A cursor that is none of ours begins anew.
    let before = cursor.and_then(|text| event_id(text).ok());
    let records = service
        .user_history(caller, owner, HistoryView::Support, before, LOOKED_AT)
        .await?;
    let lang = visit.browser.lang;
    let mut history: Vec<_> = records.iter().map(|record| StaffEvent::of(lang, record)).collect();
    let drifts = drift::of(lang, &history);
    let full = history.len() > ROWS;
    history.truncate(ROWS);
    let next = history
        .last()
        .filter(|_| full)
        .map(|last| format!("{}&cursor={}", path_of(owner), last.number));
    Ok(Found {
        user,
        request: service.open_unbind_request_of(caller, owner).await?,
        passcodes: service.open_passcodes_of(caller, owner).await?,
        sessions: service.sessions(caller, owner, None, SESSIONS).await?,
        history,
        drifts,
        next,
    })
}

#[derive(Deserialize)]
pub(crate) struct Diagnosing {
    #[serde(default)]
    account: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    code: Zeroizing<String>,
}

/// `POST /staff/users/diagnose`
pub(crate) async fn diagnose(State(app): State<App>, Posted { visit, form }: Posted<StaffVisit, Diagnosing>) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let named = Named {
        account: form.account,
        user: form.user,
    };
    let frame = visit::frame(&app, &visit, "users").at("/staff/users");
    let owner = match named.owner(frame.lang) {
        Ok(owner) => owner,
        Err(said) => return shown(&app, &visit, frame.alerting(Some(said)), Named::default(), None, None).await,
    };
    let frame = frame.at(&path_of(&owner));
    match app.service.diagnose(visit.caller(), &owner, &form.code).await {
        Ok(diagnosis) => {
            let told = told(diagnosis, frame.lang);
            shown(&app, &visit, frame, named, None, Some(told)).await
        }
        Err(error) => {
            let said = visit.told(&error, "staff.not_reached");
            shown(&app, &visit, frame.alerting(Some(said)), named, None, None).await
        }
    }
}

fn told(diagnosis: Diagnosis, lang: Lang) -> Told {
    Told {
        text: match lang {
            Lang::En => diagnosis.text.en,
            Lang::Zh => diagnosis.text.zh,
        },
        asks_left: diagnosis.asks_left,
        used_at: diagnosis.used_at,
    }
}

#[derive(Deserialize)]
pub(crate) struct Unlocking {
    #[serde(default)]
    account: String,
    #[serde(default)]
    user: String,
    device: Id,
}

/// `POST /staff/users/unlock`
pub(crate) async fn unlock(State(app): State<App>, Posted { visit, form }: Posted<StaffVisit, Unlocking>) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let named = Named {
        account: form.account,
        user: form.user,
    };
    let mut frame = visit::frame(&app, &visit, "users").at("/staff/users");
    if let Ok(owner) = named.owner(frame.lang) {
        frame = frame.at(&path_of(&owner));
    }
    let said = match named.owner(frame.lang) {
        Ok(owner) => match app.service.unlock(visit.caller(), &owner, form.device, None).await {
            Ok(_) => return Ok(redirect(&format!("{}&done=unlocked", path_of(&owner)))),
            Err(error) => visit.told(&error, "staff_user.unlock_forbidden"),
        },
        Err(said) => said,
    };
    shown(&app, &visit, frame.alerting(Some(said)), named, None, None).await
}

/// The page of this user.
pub(crate) fn path_of(owner: &Owner) -> String {
    let name = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!(
        "/staff/users?account={}&user={}",
        name(&owner.account),
        name(&owner.user)
    )
}
