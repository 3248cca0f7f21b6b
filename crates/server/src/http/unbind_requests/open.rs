//! `POST /v1/support/unbind-requests`

use api::{
    IdempotencyHeader, Problem, ProblemCode, UnbindOutcome, UnbindOutcomeKind, UnbindRequestOpening, UnbindRequestView,
};
use axum::extract::State;
use service::{NewOutcome, NewUnbindRequest};

use super::{brought, view};
use crate::{
    answer::created,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Creating},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::NoDevice,
    ProblemCode::CodeRefused,
    ProblemCode::RequestState,
    ProblemCode::Conflict,
    ProblemCode::IdempotencyKeyReused,
]);

/// Opens a request to end a user's devices
///
/// Role: support. For a user who cannot end them: a lost device, a changed number, somebody who left. Nothing ends before
/// another person has approved, the user was told, and a cool-down has passed, which depends on the evidence: none for a token
/// that was handed back, or where an evidence provider signed that the face was right; 24 hours else, unless the operator set
/// another. A user has one open request.
#[utoipa::path(
    post,
    path = "/v1/support/unbind-requests",
    tag = "support",
    params(IdempotencyHeader),
    request_body(content = UnbindRequestOpening, example = json!({
        "account": "acme", "user": "alice", "outcome": {"kind": "unbind"},
        "evidence": [{"kind": "id_number", "reference": "case-4711/1"}, {"kind": "face", "reference": "case-4711/2"}],
        "reason": "her phone was stolen; identity checked at the counter", "actor": {"id": "desk-3", "kind": "support"},
    })),
    responses((status = 201, description = "The request, to be approved.", body = UnbindRequestView)),
)]
pub(super) async fn open_unbind_request(
    State(app): State<App>,
    caller: Authorized,
    Creating { request, key }: Creating<UnbindRequestOpening>,
) -> Answer {
    let wanted = NewUnbindRequest {
        owner: app.user_names().owner(request.account.as_str(), request.user.as_str()),
        device: request.device_id,
        outcome: outcome(request.outcome)?,
        evidence: request.evidence.into_iter().map(brought).collect(),
        reason: request.reason.as_str().to_owned(),
    };
    let caller = caller.acting(request.actor).with_idempotency_key(key);
    Ok(created(&view(app.service.open_unbind_request(&caller, &wanted).await?)))
}

fn outcome(wanted: UnbindOutcome) -> Result<NewOutcome, Problem> {
    let text = |text: &str| text.to_owned();
    match (wanted.kind, wanted.method, wanted.identity) {
        (UnbindOutcomeKind::Unbind, None, None) => Ok(NewOutcome::Unbind),
        (UnbindOutcomeKind::SwitchTo, Some(method), Some(identity)) => Ok(NewOutcome::SwitchTo {
            method: text(method.as_str()),
            identity: text(identity.as_str()),
        }),
        (UnbindOutcomeKind::Unbind, ..) => Err(refused(
            "`unbind` has neither method nor identity: `switch_to` has both",
        )),
        (UnbindOutcomeKind::SwitchTo, ..) => Err(refused("`switch_to` has a method and an identity")),
    }
}

fn refused(why: &'static str) -> Problem {
    Problem::new(ProblemCode::InvalidRequest, why).with_field("outcome")
}
