//! Passcodes (U3): one of staff asks, another approves, the first is shown it, once.

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use service::{Id, IssuedPasscode, NewPasscode, Passcode, PasscodeState, Role};

use super::{
    approving::{self, Approving},
    users,
    visit::{self, StaffVisit},
    who::Named,
};
use crate::{
    http::App,
    pages::{
        address::{PathId, Queried},
        form::Posted,
        frame::{Frame, Page, Refusal, redirect, refusal_of},
        visit::page,
    },
};

#[derive(Template)]
#[template(path = "staff/passcodes.html")]
struct Ask<'a> {
    frame: &'a Frame,
    form: &'a Asking,
    listed: Listed,
}

impl Ask<'_> {
    fn states(&self) -> [(&'static str, String, bool); 3] {
        STATES.map(|(name, key)| (name, self.frame.t(key), self.listed.state == name))
    }
}

/// Requests on a page.
const ROWS: u32 = 25;
/// The states of those that live, with their words.
const STATES: [(&str, &str); 3] = [
    ("requested", "staff_passcode.state_is_requested"),
    ("approved", "staff_passcode.state_is_approved"),
    ("issued", "staff_passcode.state_is_issued"),
];

/// Those in a state, as the page lists them.
struct Listed {
    state: &'static str,
    passcodes: Vec<Passcode>,
    next: Option<Id>,
}

/// Which of them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    account: String,
    user: String,
    state: String,
    cursor: Option<Id>,
}

/// The form that asks for one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asking {
    account: String,
    user: String,
    reason: String,
}

/// `GET /staff/passcodes`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(wanted): Queried<Wanted>) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let form = Asking {
        account: wanted.account,
        user: wanted.user,
        ..Asking::default()
    };
    let listed = listed(&app, &visit, &wanted.state, wanted.cursor).await?;
    Ok(to_ask(&app, &visit, (&form, listed), None))
}

async fn listed(app: &App, visit: &StaffVisit, state: &str, cursor: Option<Id>) -> Result<Listed, Refusal> {
    let (first, _) = STATES[0];
    let state = STATES
        .into_iter()
        .find(|(name, _)| *name == state)
        .map_or(first, |(name, _)| name);
    let found = app.service.passcodes(visit.caller(), state, cursor, ROWS).await;
    let (passcodes, next) = found.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    Ok(Listed { state, passcodes, next })
}

fn to_ask(app: &App, visit: &StaffVisit, (form, listed): (&Asking, Listed), alert: Option<String>) -> Response {
    let frame = visit::frame(app, visit, "passcodes").alerting(alert);
    let template = Ask {
        frame: &frame,
        form,
        listed,
    };
    page(app, visit, &frame, &template)
}

/// `POST /staff/passcodes`
pub(crate) async fn ask(State(app): State<App>, Posted { visit, form }: Posted<StaffVisit, Asking>) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let named = Named {
        account: form.account.clone(),
        user: form.user.clone(),
    };
    let said = match named.owner(app.user_names(), visit.browser.lang) {
        Ok(owner) => {
            let reason = form.reason.trim().to_owned();
            let wanted = NewPasscode { owner, reason };
            match app.service.request_passcode(visit.caller(), &wanted).await {
                Ok(asked) => return Ok(redirect(&format!("/staff/passcodes/{}", asked.id))),
                Err(error) => visit.told(&error, "staff_unbind.not_by_you"),
            }
        }
        Err(said) => said,
    };
    let listed = listed(&app, &visit, "", None).await?;
    Ok(to_ask(&app, &visit, (&form, listed), Some(said)))
}

#[derive(Template)]
#[template(path = "staff/passcode.html")]
struct One<'a> {
    frame: &'a Frame,
    passcode: &'a Passcode,
    user_path: String,
    approver: Named,
    issued: Option<&'a IssuedPasscode>,
}

impl One<'_> {
    fn state(&self) -> &'static str {
        match self.passcode.state {
            PasscodeState::Requested => "staff_passcode.state_is_requested",
            PasscodeState::Approved { .. } => "staff_passcode.state_is_approved",
            PasscodeState::Issued { .. } => "staff_passcode.state_is_issued",
            PasscodeState::Used => "staff_passcode.state_is_used",
            PasscodeState::Ended => "staff_passcode.state_is_ended",
        }
    }

    fn is_requested(&self) -> bool {
        matches!(self.passcode.state, PasscodeState::Requested)
    }

    fn is_approved(&self) -> bool {
        matches!(self.passcode.state, PasscodeState::Approved { .. })
    }
}

/// `GET /staff/passcodes/{id}`
pub(crate) async fn one(State(app): State<App>, visit: StaffVisit, PathId(id): PathId) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let approver = approving::own(&app, &visit);
    shown(&app, &visit, id, None, (approver, None)).await
}

async fn shown(
    app: &App,
    visit: &StaffVisit,
    id: Id,
    alert: Option<String>,
    (approver, issued): (Named, Option<&IssuedPasscode>),
) -> Page {
    let found = app.service.passcode(visit.caller(), id).await;
    let passcode = found.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    let frame = visit::frame(app, visit, "passcodes")
        .at(&format!("/staff/passcodes/{id}"))
        .alerting(alert);
    let one = One {
        frame: &frame,
        user_path: users::path_of(&passcode.owner),
        passcode: &passcode,
        approver,
        issued,
    };
    Ok(page(app, visit, &frame, &one))
}

/// `POST /staff/passcodes/{id}/approve`
pub(crate) async fn approve(
    State(app): State<App>,
    PathId(id): PathId,
    Posted { visit, form }: Posted<StaffVisit, Approving>,
) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let said = match form.approver(app.user_names(), visit.browser.lang) {
        Ok(approver) => match app.service.approve_passcode(visit.caller(), id, &approver).await {
            Ok(_) => return Ok(redirect(&format!("/staff/passcodes/{id}"))),
            Err(error) => visit.told(&error, "staff.four_eyes"),
        },
        Err(said) => said,
    };
    shown(&app, &visit, id, Some(said), (form.named(), None)).await
}

#[derive(Deserialize)]
pub(crate) struct Nothing {}

/// `POST /staff/passcodes/{id}/reveal`
pub(crate) async fn reveal(
    State(app): State<App>,
    PathId(id): PathId,
    Posted {
        visit,
        form: Nothing {},
    }: Posted<StaffVisit, Nothing>,
) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let approver = approving::own(&app, &visit);
    match app.service.reveal_passcode(visit.caller(), id).await {
        Ok(issued) => shown(&app, &visit, id, None, (approver, Some(&issued))).await,
        Err(error) => {
            let said = visit.told(&error, "staff_passcode.not_yours");
            shown(&app, &visit, id, Some(said), (approver, None)).await
        }
    }
}
