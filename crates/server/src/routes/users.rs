use api::{CloseUserRequest, RecoveryCodes, RecoveryCodesRequest};
use axum::{extract::State, http::StatusCode};
use service::Role;

use crate::{
    App, convert,
    extract::{Authorized, Json, User},
    problem::{Answer, json},
};

/// `GET U`
pub(crate) async fn get(State(app): State<App>, caller: Authorized, User(owner): User) -> Answer {
    caller.may(&[Role::Enroll, Role::Support], &owner)?;
    Ok(json(&convert::user(app.service.user(&owner).await?)))
}

/// `GET U/protection`
pub(crate) async fn protection(State(app): State<App>, caller: Authorized, User(owner): User) -> Answer {
    caller.may(&[Role::Enroll], &owner)?;
    Ok(json(&convert::protection(&app.service.user(&owner).await?.protection)))
}

/// `DELETE U`
pub(crate) async fn close(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<CloseUserRequest>,
) -> Answer {
    caller.may(&[Role::Admin], &owner)?;
    let origin = caller.acting(request.actor);
    if request.erase {
        app.service.erase_user(&owner, &origin).await?;
    } else {
        app.service.close_user(&owner, &origin).await?;
    }
    Ok(crate::problem::empty(StatusCode::NO_CONTENT))
}

/// `POST U/recovery-codes`
pub(crate) async fn renew_recovery_codes(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<RecoveryCodesRequest>,
) -> Answer {
    caller.may(&[Role::Enroll], &owner)?;
    let factor = convert::factor(request.code, request.method);
    let recovery_codes = app
        .service
        .renew_recovery_codes(&owner, &factor, &caller.acting(request.actor))
        .await?;
    Ok(json(&RecoveryCodes { recovery_codes }))
}
