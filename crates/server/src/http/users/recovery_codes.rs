//! `POST /v1/accounts/{account}/users/{user}/recovery-codes`

use api::{ProblemCode, RecoveryCodes, RecoveryCodesRequest, UserPath};
use axum::extract::State;

use crate::{
    answer::json,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, Json, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::CodeRefused,
    ProblemCode::GrantRefused,
    ProblemCode::NoDevice,
    ProblemCode::Conflict,
]);

/// A new set of recovery codes; the old ones die
///
/// Role: enroll. Shown once: the service keeps only their HMACs.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/recovery-codes",
    tag = "users",
    params(UserPath),
    request_body(content = RecoveryCodesRequest, example = json!({"code": "492 039", "actor": {"id": "alice", "kind": "user"}})),
    responses((status = 200, description = "The new set.", body = RecoveryCodes, headers(("Cache-Control" = String, description = "`no-store`")))),
)]
pub(super) async fn renew_recovery_codes(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<RecoveryCodesRequest>,
) -> Answer {
    let factor = convert::code_factor(request.code, request.method);
    let recovery_codes = app
        .service
        .renew_recovery_codes(&caller.acting(request.actor), &owner, &factor)
        .await?;
    Ok(json(&RecoveryCodes { recovery_codes }))
}
