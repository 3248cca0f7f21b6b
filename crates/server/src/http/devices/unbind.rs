//! `POST /v1/accounts/{account}/users/{user}/devices/{id}/unbind`

use api::{DevicePath, Problem, ProblemCode, UnbindRequest};
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
    ProblemCode::NoDevice,
]);

/// Ends a device by a code of it, or by an administrator's
///
/// Role: enroll. Its secret is erased and never works again. With the user's last device, protection and recovery
/// codes end too: tell the user before. An administrator of the account, or its root, ends the device of another user by a
/// code of their own, as `approver`; nobody ends the root's so. Where the account requires a device, the last one is ended by an
/// `approver` alone.
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
    let caller = caller.acting(request.actor);
    match (request.code, request.approver) {
        (Some(code), None) => {
            let factor = convert::code_factor(code, request.method);
            app.service.unbind(&caller, &owner, id, &factor).await?;
        }
        (None, Some(approver)) => {
            let approver = convert::approver(app.user_names(), approver);
            app.service
                .unbind_by_administrator(&caller, &owner, id, &approver)
                .await?;
        }
        _ => {
            let why = "the user's own code, or an administrator as `approver`: one of the two";
            return Err(Problem::new(ProblemCode::InvalidRequest, why).with_field("code").into());
        }
    }
    Ok(empty(StatusCode::NO_CONTENT))
}
