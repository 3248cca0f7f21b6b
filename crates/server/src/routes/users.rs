//! Endpoints of users as a whole.

use api::{CloseUserRequest, RecoveryCodes, RecoveryCodesRequest};
use axum::{extract::State, http::StatusCode};

use crate::{
    App, convert,
    extract::{Authorized, Json, User},
    problem::{Answer, json},
};

/// `GET U`
pub(crate) async fn get(State(app): State<App>, caller: Authorized, User(owner): User) -> Answer {
    Ok(json(&convert::user(app.service.user(&caller.0, &owner).await?)))
}

/// `GET U/protection`
pub(crate) async fn protection(State(app): State<App>, caller: Authorized, User(owner): User) -> Answer {
    Ok(json(&convert::protection(
        &app.service.protection(&caller.0, &owner).await?,
    )))
}

/// `DELETE U`
pub(crate) async fn close(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<CloseUserRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    if request.erase {
        app.service.erase_user(&caller, &owner).await?;
    } else {
        app.service.close_user(&caller, &owner).await?;
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
    let factor = convert::factor(request.code, request.method);
    let recovery_codes = app
        .service
        .renew_recovery_codes(&caller.acting(request.actor), &owner, &factor)
        .await?;
    Ok(json(&RecoveryCodes { recovery_codes }))
}
