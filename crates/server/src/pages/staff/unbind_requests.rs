//! Unbind requests by state, and the form that opens one.

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use service::{Id, NewOutcome, NewUnbindRequest, Role, UnbindRequest, UserNames};

use super::{
    evidence::{self, EvidenceForm},
    visit::{self, StaffVisit},
    who::Named,
};
use crate::{
    http::App,
    pages::{
        address::Queried,
        form::Posted,
        frame::{Frame, Page, redirect, refusal_of},
        visit::page,
    },
};

/// Requests on a page.
const ROWS: u32 = 25;
/// The states, as lists are asked for.
const STATES: [&str; 8] = [
    "applied",
    "requested",
    "approved",
    "in_force",
    "completed",
    "rejected",
    "withdrawn",
    "expired",
];

#[derive(Template)]
#[template(path = "staff/unbind_requests.html")]
struct Requests<'a> {
    frame: &'a Frame,
    state: &'static str,
    states: Vec<(&'static str, String)>,
    requests: &'a [UnbindRequest],
    next: Option<Id>,
}

impl Requests<'_> {
    fn is_chosen(&self, state: &str) -> bool {
        self.state == state
    }
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    state: Option<String>,
    cursor: Option<Id>,
}

/// `GET /staff/unbind-requests`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let wanted = asked.state.as_deref().unwrap_or("requested");
    let state = STATES.into_iter().find(|state| *state == wanted).unwrap_or("requested");
    let found = app
        .service
        .unbind_requests(visit.caller(), state, asked.cursor, ROWS)
        .await;
    let (requests, next) = found.map_err(|error| refusal_of(&app, &visit.browser, &error))?;
    let frame = visit::frame(&app, &visit, "unbind_requests");
    let template = Requests {
        frame: &frame,
        state,
        states: STATES.map(|state| (state, state_named(&frame, state))).into(),
        requests: &requests,
        next,
    };
    Ok(page(&app, &visit, &frame, &template))
}

/// A state in words.
pub(crate) fn state_named(frame: &Frame, state: &str) -> String {
    frame.t(&format!("staff_unbind.state_is_{state}"))
}

#[derive(Template)]
#[template(path = "staff/unbind_request_new.html")]
struct Open<'a> {
    frame: &'a Frame,
    form: &'a Opening,
    kinds: Vec<(&'static str, String)>,
}

/// The form that opens a request.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Opening {
    account: String,
    user: String,
    /// An external method instead of the device.
    method: String,
    identity: String,
    reason: String,
    #[serde(flatten)]
    evidence: EvidenceForm,
}

/// `GET /staff/unbind-requests/new`
pub(crate) async fn form(State(app): State<App>, visit: StaffVisit, Queried(named): Queried<Named>) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let form = Opening {
        account: named.account,
        user: named.user,
        ..Opening::default()
    };
    Ok(to_open(&app, &visit, &form, None))
}

fn to_open(app: &App, visit: &StaffVisit, form: &Opening, alert: Option<String>) -> Response {
    let frame = visit::frame(app, visit, "unbind_requests").alerting(alert);
    let kinds = evidence::kinds(&frame);
    let template = Open {
        frame: &frame,
        form,
        kinds,
    };
    page(app, visit, &frame, &template)
}

/// `POST /staff/unbind-requests/new`
pub(crate) async fn open(State(app): State<App>, Posted { visit, form }: Posted<StaffVisit, Opening>) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let said = match wanted(app.user_names(), &form, &visit) {
        Ok(wanted) => match app.service.open_unbind_request(visit.caller(), &wanted).await {
            Ok(opened) => return Ok(redirect(&format!("/staff/unbind-requests/{}?done=opened", opened.id))),
            Err(error) => visit.told(&error, "staff_unbind.not_by_you"),
        },
        Err(said) => said,
    };
    Ok(to_open(&app, &visit, &form, Some(said)))
}

fn wanted(names: UserNames, form: &Opening, visit: &StaffVisit) -> Result<NewUnbindRequest, String> {
    let named = Named {
        account: form.account.clone(),
        user: form.user.clone(),
    };
    Ok(NewUnbindRequest {
        owner: named.owner(names, visit.browser.lang)?,
        device: None,
        outcome: match form.method.trim() {
            "" => NewOutcome::Unbind,
            method => NewOutcome::SwitchTo {
                method: method.to_owned(),
                identity: form.identity.trim().to_owned(),
            },
        },
        evidence: form.evidence.brought(),
        reason: form.reason.trim().to_owned(),
    })
}
