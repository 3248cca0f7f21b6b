//! `GET /v1/accounts/{account}/users/{user}/devices/{id}`

use api::{Device, DevicePath, ProblemCode};
use axum::extract::State;

use super::device;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathId, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// One device of a user, tombstones included
///
/// Role: enroll or support.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}/devices/{id}",
    tag = "devices",
    params(DevicePath),
    responses((status = 200, description = "The device.", body = Device)),
)]
pub(super) async fn get_device(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
) -> Answer {
    Ok(json(&device(app.service.device(&caller.0, &owner, id).await?)))
}
