//! `POST /v1/accounts/{account}/users/{user}/unbind-applications`

use api::{IdempotencyHeader, ProblemCode, UnbindApplication, UnbindApplicationRequest, UserPath};
use axum::extract::State;
use service::{NewApplication, NewEvidence, Owner};

use super::{kind, state};
use crate::{
    answer::created,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Creating, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NoDevice,
    ProblemCode::RequestState,
    ProblemCode::Conflict,
    ProblemCode::IdempotencyKeyReused,
    ProblemCode::RateLimited,
]);

/// Applies for the end of a user's devices
///
/// Role: enroll. For a console's own page of a lost device, where the operator takes applications (`[support] applications`).
/// Nothing comes of one by itself: support vouches for it (`/v1/support/unbind-requests/{id}/open`), another person approves,
/// and it cools down. It ends after 7 days, or by a right code of the device. A user has one open request or application, and
/// makes three a day at most.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/unbind-applications",
    tag = "users",
    params(UserPath, IdempotencyHeader),
    request_body(content = UnbindApplicationRequest, example = json!({
        "reason": "my phone fell into the sea", "evidence": [{"kind": "phone", "reference": "ticket-12"}],
        "actor": {"id": "alice", "kind": "user"},
    })),
    responses((status = 201, description = "The application, for support to look at.", body = UnbindApplication)),
)]
pub(super) async fn apply_for_unbinding(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Creating { request, key }: Creating<UnbindApplicationRequest>,
) -> Answer {
    let wanted = wanted(owner, &request);
    let caller = caller.acting(request.actor).with_idempotency_key(key);
    let applied = app.service.apply_for_unbinding(&caller, &wanted).await?;
    Ok(created(&UnbindApplication {
        id: applied.id,
        state: state(&applied.state),
    }))
}

fn wanted(owner: Owner, request: &UnbindApplicationRequest) -> NewApplication {
    let referred = |piece: &api::EvidenceReference| NewEvidence {
        kind: kind(piece.kind).to_owned(),
        reference: piece.reference.as_str().to_owned(),
        statement: None,
    };
    NewApplication {
        owner,
        evidence: request.evidence.iter().map(referred).collect(),
        reason: request.reason.as_str().to_owned(),
    }
}
