//! `POST /v1/accounts/{account}/users/{user}/devices/{id}/resync`

use api::{Device, DevicePath, ProblemCode, ResyncRequest};
use axum::extract::State;

use super::device;
use crate::{
    answer::json,
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
    ProblemCode::GrantRefused,
    ProblemCode::NotFound,
    ProblemCode::TokenState,
    ProblemCode::Conflict,
]);

/// Measures a device's clock, or finds its counter, by two consecutive codes
///
/// Role: enroll. For a device whose clock left the window, or whose counter is ahead. With an identity proof it lifts a
/// suspension too, as `unlock` would.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/devices/{id}/resync",
    tag = "devices",
    params(DevicePath),
    request_body(
        content = ResyncRequest,
        example = json!({"codes": ["492 039", "118 204"], "actor": {"id": "alice", "kind": "user"}}),
    ),
    responses((status = 200, description = "The device, with its new drift.", body = Device)),
)]
pub(super) async fn resync_device(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    Json(request): Json<ResyncRequest>,
) -> Answer {
    let [first, second] = request.codes.map(convert::typed);
    let proof = request.identity_proof.as_ref().map(convert::identity_proof);
    let caller = caller.acting(request.actor);
    let view = app
        .service
        .resync(&caller, &owner, id, [&first, &second], proof.as_ref())
        .await?;
    Ok(json(&device(view)))
}
