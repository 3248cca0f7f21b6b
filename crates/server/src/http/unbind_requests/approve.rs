//! `POST /v1/support/unbind-requests/{id}/approve`

use api::{ApprovalRequest, ProblemCode, SupportRequestPath, UnbindRequestView};
use axum::extract::State;

use super::view;
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

/// Approves of an unbind request
///
/// Role: support. By another key than it was opened with, of another owner, and by another actor. The key is bound to a person
/// and 24 hours old at least; `approver` is that person, and `code` a fresh one of theirs, which is used up. From now on it
/// cools down; a right code of the user's device withdraws it meanwhile. The answer carries the applicant's token, once: hand
/// it to the user over a way that they proved.
#[utoipa::path(
    post,
    path = "/v1/support/unbind-requests/{id}/approve",
    tag = "support",
    params(SupportRequestPath),
    request_body(content = ApprovalRequest, example = json!({
        "approver": {"account": "staff", "user": "anna", "code": "492 039"}, "actor": {"id": "desk-7", "kind": "support"},
    })),
    responses((status = 200, description = "The request, and the applicant's token.", body = UnbindRequestView)),
)]
pub(super) async fn approve_unbind_request(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<ApprovalRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let approver = convert::approver(app.user_names(), request.approver);
    let approved = app.service.approve_unbind_request(&caller, id, &approver).await?;
    Ok(json(&UnbindRequestView {
        applicant_token: Some(approved.applicant_token.as_str().to_owned()),
        ..view(approved.request)
    }))
}
