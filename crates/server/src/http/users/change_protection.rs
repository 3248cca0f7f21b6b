//! `PUT /v1/accounts/{account}/users/{user}/protection`

use api::{IfMatchHeader, ProblemCode, ProtectionSettings, ProtectionSettingsRequest, UserPath};
use axum::extract::State;
use service::ProtectionChange;

use super::protection::answer;
use crate::http::{
    app::App,
    convert::{factor, wanted_method},
    document::Problems,
    extract::{Authorized, IfMatch, Json, User},
    problem::Answer,
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::FactorRequired,
    ProblemCode::GrantRefused,
    ProblemCode::Conflict,
    ProblemCode::NoDevice,
    ProblemCode::MethodNotProven,
    ProblemCode::UserLimit,
    ProblemCode::PreconditionFailed,
    ProblemCode::CodeRefused,
]);

/// Changes where a user's second factor is asked for, and by which method
///
/// Role: enroll. All settings are sent. Less protection than before takes a fresh `factor` where a device is bound: a method
/// that goes, or another than `mfa` in place of one; browsers that may be trusted; longer sessions. More takes none. An external
/// method has to be proven for the user before.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/users/{user}/protection",
    tag = "users",
    params(UserPath, IfMatchHeader),
    request_body(content = ProtectionSettingsRequest, example = json!({
        "login_protection": "mfa", "operation_protection": "none", "suspicious_login_protection": "mfa",
        "allow_trusted_devices": true, "session_idle_minutes": 120, "session_total_hours": 48,
        "factor": {"code": "492 039"}, "actor": {"id": "alice", "kind": "user"},
    })),
    responses((status = 200, description = "The settings.", body = ProtectionSettings, headers(("ETag" = String, description = "For `If-Match` of the next change.")))),
)]
pub(super) async fn change_protection(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    IfMatch(version): IfMatch,
    Json(request): Json<ProtectionSettingsRequest>,
) -> Answer {
    let change = ProtectionChange {
        login_protection: wanted_method(&request.login_protection),
        operation_protection: wanted_method(&request.operation_protection),
        suspicious_login_protection: wanted_method(&request.suspicious_login_protection),
        allow_trusted_devices: request.allow_trusted_devices,
        session_idle_minutes: request.session_idle_minutes,
        session_total_hours: request.session_total_hours,
        factor: request.factor.map(factor),
    };
    let caller = caller.acting(request.actor);
    let changed = app.service.set_protection(&caller, &owner, version, &change).await?;
    Ok(answer(&changed))
}
