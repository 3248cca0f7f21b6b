//! `POST /v1/accounts/{account}/users/{user}/devices/{id}/unbind`

use api::{DevicePath, ProblemCode, UnbindRequest};
use axum::{extract::State, http::StatusCode};

use crate::{
    answer::empty,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, Json, PathId, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::CodeRefused,
    ProblemCode::NotFound,
    ProblemCode::Conflict,
    ProblemCode::RequiredByAccount,
]);

/// Ends a device by a code of it
///
/// Role: enroll. Its secret is erased and never works again. With the user's last device, protection and recovery
/// codes end too: tell the user before.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/devices/{id}/unbind",
    tag = "devices",
    params(DevicePath),
    request_body(content = UnbindRequest, example = json!({"code": "492 039", "actor": {"id": "alice", "kind": "user"}})),
    responses((status = 204, description = "It has ended.")),
)]
pub(super) async fn unbind_device(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    Json(request): Json<UnbindRequest>,
) -> Answer {
    let factor = convert::code_factor(request.code, request.method);
    app.service
        .unbind(&caller.acting(request.actor), &owner, id, &factor)
        .await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
