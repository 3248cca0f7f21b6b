use api::{ResyncRequest, UnbindRequest, UnlockRequest};
use axum::{extract::State, http::StatusCode};
use service::{Role, UnixMs};

use crate::{
    App, convert,
    extract::{Authorized, Json, PathId, User},
    problem::{Answer, empty, json},
};

/// `GET U/devices/{id}`
pub(crate) async fn get(State(app): State<App>, caller: Authorized, User(owner): User, PathId(id): PathId) -> Answer {
    caller.may(&[Role::Enroll, Role::Support], &owner)?;
    Ok(json(&convert::device(app.service.device(&owner, id).await?)))
}

/// `POST U/devices/{id}/unbind`
pub(crate) async fn unbind(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    Json(request): Json<UnbindRequest>,
) -> Answer {
    caller.may(&[Role::Enroll], &owner)?;
    let factor = convert::factor(request.code, request.method);
    app.service
        .unbind(&owner, id, &factor, &caller.acting(request.actor))
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
    caller.may(&[Role::Enroll], &owner)?;
    let [first, second] = request.codes.map(convert::typed);
    let proof = request.identity_proof.as_ref().map(convert::identity_proof);
    let origin = caller.acting(request.actor);
    let view = app
        .service
        .resync(&owner, id, [&first, &second], proof.as_ref(), &origin)
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
    caller.may(&[Role::Support], &owner)?;
    let changed_at = request.first_factor_changed_at.map(|at| UnixMs::new(at.unix_ms()));
    let view = app
        .service
        .unlock(&owner, id, changed_at, &caller.acting(request.actor))
        .await?;
    Ok(json(&convert::device(view)))
}
