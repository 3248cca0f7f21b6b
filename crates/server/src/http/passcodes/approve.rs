//! `POST /v1/support/passcodes/{id}/approve`

use api::{ApprovalRequest, Passcode, ProblemCode, SupportRequestPath};
use axum::extract::State;

use super::passcode;
use crate::{
    answer::json,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, Json, PathId},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::RequestState,
    ProblemCode::CodeRefused,
    ProblemCode::NoDevice,
    ProblemCode::Conflict,
]);

/// Approves of a passcode
///
/// Role: support. By another key than it was asked for with, of another owner, and by another actor. The key is bound to a
/// person and 24 hours old at least; `approver` is that person, and `code` a fresh one of theirs, which is used up.
#[utoipa::path(
    post,
    path = "/v1/support/passcodes/{id}/approve",
    tag = "support",
    params(SupportRequestPath),
    request_body(content = ApprovalRequest, example = json!({
        "approver": {"account": "staff", "user": "anna", "code": "492 039"}, "actor": {"id": "desk-7", "kind": "support"},
    })),
    responses((status = 200, description = "The request; whoever asked may be shown the passcode.", body = Passcode)),
)]
pub(super) async fn approve_passcode(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<ApprovalRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let approver = convert::approver(app.user_names(), request.approver);
    Ok(json(&passcode(
        app.service.approve_passcode(&caller, id, &approver).await?,
    )))
}
