//! `POST /v1/accounts/{account}/users/{user}/devices/{id}/unlock`

use api::{Device, DevicePath, ProblemCode, UnlockRequest};
use axum::extract::State;
use service::UnixMs;

use super::device;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json, PathId, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::TokenState,
    ProblemCode::Conflict,
    ProblemCode::FirstFactorUnchanged,
]);

/// Lifts a lock or a suspension
///
/// Role: support. A lock ends for good. A lifted suspension does not clear its count: it allows ten more wrong codes, and
/// may be lifted twice within 13 weeks, over all that is judged. After that only `first_factor_changed_at` helps.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/devices/{id}/unlock",
    tag = "devices",
    params(DevicePath),
    request_body(content = UnlockRequest, example = json!({"actor": {"id": "desk-14", "kind": "support"}})),
    responses((status = 200, description = "The device; its codes are judged again.", body = Device)),
)]
pub(super) async fn unlock_device(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    Json(request): Json<UnlockRequest>,
) -> Answer {
    let changed_at = request.first_factor_changed_at.map(|at| UnixMs::new(at.unix_ms()));
    let view = app
        .service
        .unlock(&caller.acting(request.actor), &owner, id, changed_at)
        .await?;
    Ok(json(&device(view)))
}
