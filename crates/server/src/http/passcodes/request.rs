//! `POST /v1/support/passcodes`

use api::{IdempotencyHeader, Passcode, PasscodeRequest, ProblemCode};
use axum::extract::State;
use service::NewPasscode;

use super::passcode;
use crate::{
    answer::created,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Creating},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict, ProblemCode::IdempotencyKeyReused]);

/// Asks for a temporary passcode
///
/// Role: support. For a user who lost their device. Nothing is shown before another person has approved: another actor, whose
/// key another owner answers for. It waits for 24 hours, and ends one that was asked for before.
#[utoipa::path(
    post,
    path = "/v1/support/passcodes",
    tag = "support",
    params(IdempotencyHeader),
    request_body(content = PasscodeRequest, example = json!({
        "account": "acme", "user": "alice", "reason": "lost her phone; called back on the number in the contract",
        "actor": {"id": "desk-3", "kind": "support"},
    })),
    responses((status = 201, description = "The passcode's request, to be approved.", body = Passcode)),
)]
pub(super) async fn request_passcode(
    State(app): State<App>,
    caller: Authorized,
    Creating { request, key }: Creating<PasscodeRequest>,
) -> Answer {
    let wanted = NewPasscode {
        owner: app.user_names().owner(request.account.as_str(), request.user.as_str()),
        reason: request.reason.as_str().to_owned(),
    };
    let caller = caller.acting(request.actor).with_idempotency_key(key);
    Ok(created(&passcode(
        app.service.request_passcode(&caller, &wanted).await?,
    )))
}
