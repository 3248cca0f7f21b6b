//! One unbind request: what was shown for it, and what the next of staff does with it.

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use service::{Evidence, Id, NewVouching, Role, ServiceError, UnbindOutcome, UnbindRequest, UnbindState};
use zeroize::Zeroizing;

use super::{
    approving::{self, Approving},
    evidence::{self, EvidenceForm},
    unbind_requests::state_named,
    users,
    visit::{self, StaffVisit},
    who::Named,
};
use crate::{
    http::App,
    pages::{
        address::{PathId, Queried},
        form::Posted,
        frame::{Frame, Page, redirect, refusal_of},
        visit::page,
    },
};

#[derive(Template)]
#[template(path = "staff/unbind_request.html")]
struct One<'a> {
    frame: &'a Frame,
    request: &'a UnbindRequest,
    state: String,
    user_path: String,
    kinds: Vec<(&'static str, String)>,
    empty: EvidenceForm,
    approver: Named,
    /// The applicant's, shown once.
    token: Option<Zeroizing<String>>,
}

impl One<'_> {
    fn kind(&self, piece: &Evidence) -> String {
        evidence::kind_named(self.frame, &piece.kind)
    }

    fn switches_to(&self) -> Option<&str> {
        match &self.request.outcome {
            UnbindOutcome::SwitchTo { method, .. } => Some(method),
            UnbindOutcome::Unbind => None,
        }
    }

    fn is_applied(&self) -> bool {
        self.request.state == UnbindState::Applied
    }

    fn is_requested(&self) -> bool {
        self.request.state == UnbindState::Requested
    }

    /// Hours until it is in force, the one that has begun included.
    fn hours_left(&self) -> Option<i64> {
        let in_force_at = self.request.state.approval()?.in_force_at;
        let left_ms = in_force_at.since(self.frame.served_at?);
        (left_ms > 0).then(|| (left_ms + service::UnixMs::HOUR - 1) / service::UnixMs::HOUR)
    }
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    done: Option<String>,
}

/// `GET /staff/unbind-requests/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    visit: StaffVisit,
    PathId(id): PathId,
    Queried(asked): Queried<Asked>,
) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let mut frame = visit::frame(&app, &visit, "unbind_requests");
    frame.notice = match asked.done.as_deref() {
        Some("opened") => Some(frame.t("staff_unbind.opened")),
        Some("ended") => Some(frame.t("staff_unbind.ended")),
        _ => None,
    };
    shown(&app, &visit, frame, id, None).await
}

async fn shown(app: &App, visit: &StaffVisit, frame: Frame, id: Id, approver: Option<Named>) -> Page {
    let found = app.service.unbind_request(visit.caller(), id).await;
    let request = found.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    let approver = approver.unwrap_or_else(|| approving::own(app, visit));
    Ok(written(app, visit, &frame, &request, (approver, None)))
}

fn written(
    app: &App,
    visit: &StaffVisit,
    frame: &Frame,
    request: &UnbindRequest,
    (approver, token): (Named, Option<Zeroizing<String>>),
) -> Response {
    let one = One {
        frame,
        request,
        state: state_named(frame, request.state.name()),
        user_path: users::path_of(&request.owner),
        kinds: evidence::kinds(frame),
        empty: EvidenceForm::default(),
        approver,
        token,
    };
    page(app, visit, frame, &one)
}

fn path(id: Id) -> String {
    format!("/staff/unbind-requests/{id}")
}

/// The page again, with why nothing was done.
async fn refused(app: &App, visit: &StaffVisit, id: Id, said: String, approver: Option<Named>) -> Page {
    let frame = visit::frame(app, visit, "unbind_requests")
        .at(&path(id))
        .alerting(Some(said));
    shown(app, visit, frame, id, approver).await
}

/// `POST /staff/unbind-requests/{id}/approve`
pub(crate) async fn approve(
    State(app): State<App>,
    PathId(id): PathId,
    Posted { visit, form }: Posted<StaffVisit, Approving>,
) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let said = match form.approver(app.user_names(), visit.browser.lang) {
        Ok(approver) => match app.service.approve_unbind_request(visit.caller(), id, &approver).await {
            Ok(approved) => {
                let frame = visit::frame(&app, &visit, "unbind_requests").at(&path(id));
                let shown = (form.named(), Some(approved.applicant_token));
                return Ok(written(&app, &visit, &frame, &approved.request, shown));
            }
            Err(error) => visit.told(&error, "staff.four_eyes"),
        },
        Err(said) => said,
    };
    refused(&app, &visit, id, said, Some(form.named())).await
}

/// A form that says why.
#[derive(Deserialize)]
pub(crate) struct Ending {
    #[serde(default)]
    reason: String,
}

/// `POST /staff/unbind-requests/{id}/reject`
pub(crate) async fn reject(
    State(app): State<App>,
    PathId(id): PathId,
    Posted { visit, form }: Posted<StaffVisit, Ending>,
) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let done = app
        .service
        .reject_unbind_request(visit.caller(), id, form.reason.trim())
        .await;
    ended(&app, &visit, id, done).await
}

/// `POST /staff/unbind-requests/{id}/withdraw`
pub(crate) async fn withdraw(
    State(app): State<App>,
    PathId(id): PathId,
    Posted { visit, form }: Posted<StaffVisit, Ending>,
) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let done = app
        .service
        .withdraw_unbind_request(visit.caller(), id, form.reason.trim())
        .await;
    ended(&app, &visit, id, done).await
}

async fn ended(app: &App, visit: &StaffVisit, id: Id, done: Result<UnbindRequest, ServiceError>) -> Page {
    match done {
        Ok(_) => Ok(redirect(&format!("/staff/unbind-requests/{id}?done=ended"))),
        Err(error) => {
            let said = visit.told(&error, "staff_unbind.another_rejects");
            refused(app, visit, id, said, None).await
        }
    }
}

/// The form that vouches for an application.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct VouchingForm {
    reason: String,
    #[serde(flatten)]
    evidence: EvidenceForm,
}

/// `POST /staff/unbind-requests/{id}/vouch`
pub(crate) async fn vouch(
    State(app): State<App>,
    PathId(id): PathId,
    Posted { visit, form }: Posted<StaffVisit, VouchingForm>,
) -> Page {
    visit::sees(&app, &visit, &[Role::Support])?;
    let vouched = NewVouching {
        evidence: form.evidence.brought(),
        reason: form.reason.trim().to_owned(),
    };
    match app.service.vouch_for_unbind_request(visit.caller(), id, &vouched).await {
        Ok(_) => Ok(redirect(&format!("/staff/unbind-requests/{id}?done=opened"))),
        Err(error) => {
            let said = visit.told(&error, "staff_unbind.not_by_you");
            refused(&app, &visit, id, said, None).await
        }
    }
}
