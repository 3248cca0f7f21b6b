//! Endpoints of a user's devices.

use api::{ResyncRequest, UnbindRequest, UnlockRequest};
use axum::{extract::State, http::StatusCode};
use service::UnixMs;

use crate::{
    App, convert,
    extract::{Authorized, Json, PathId, User},
    problem::{Answer, empty, json},
};

/// `GET U/devices/{id}`
pub(crate) async fn get(State(app): State<App>, caller: Authorized, User(owner): User, PathId(id): PathId) -> Answer {
    Ok(json(&convert::device(app.service.device(&caller.0, &owner, id).await?)))
}

/// `POST U/devices/{id}/unbind`
pub(crate) async fn unbind(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    Json(request): Json<UnbindRequest>,
) -> Answer {
    let factor = convert::factor(request.code, request.method);
    app.service
        .unbind(&caller.acting(request.actor), &owner, id, &factor)
        .await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `POST U/devices/{id}/resync`
pub(crate) async fn resync(
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
    Ok(json(&convert::device(view)))
}

/// `POST U/devices/{id}/unlock`
pub(crate) async fn unlock(
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
    Ok(json(&convert::device(view)))
}
