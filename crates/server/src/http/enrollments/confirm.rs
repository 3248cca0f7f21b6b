//! `POST /v1/accounts/{account}/users/{user}/enrollments/{id}/confirm`

use api::{ConfirmRequest, ConfirmResponse, EnrollmentPath, ProblemCode, Scope};
use axum::extract::State;
use service::Confirmation;

use crate::{
    answer::json,
    http::{
        app::App,
        convert,
        devices::device,
        document::Problems,
        extract::{Authorized, Json, PathId, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::EnrollmentExpired,
    ProblemCode::EnrollmentEnded,
    ProblemCode::CodeRefused,
    ProblemCode::DeviceLimit,
    ProblemCode::UserLimit,
    ProblemCode::TokenUnavailable,
    ProblemCode::Conflict,
]);

/// Completes a binding by the code(s) of the new device
///
/// Role: enroll. The code counts as used. A wrong one is a `code_refused` with `attempts_left` and, where the user can
/// mend it, a `hint`; the fifth wrong one ends the enrollment.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/enrollments/{id}/confirm",
    tag = "enrollments",
    params(EnrollmentPath),
    request_body(content = ConfirmRequest, example = json!({
        "codes": ["492 039"], "scope": ["login_protection", "operation_protection"], "recovery_codes": true,
        "actor": {"id": "alice", "kind": "user"},
    })),
    responses((
        status = 200,
        description = "The device is bound.",
        body = ConfirmResponse,
        headers(("Cache-Control" = String, description = "`no-store`")),
    )),
)]
pub(super) async fn confirm_enrollment(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    Json(request): Json<ConfirmRequest>,
) -> Answer {
    let (confirmation, actor) = confirmation(request);
    let (bound, codes) = app
        .service
        .confirm_enrollment(&caller.acting(actor), &owner, id, &confirmation)
        .await?;
    Ok(json(&ConfirmResponse {
        device: device(bound),
        recovery_codes: confirmation.recovery_codes.then_some(codes),
    }))
}

fn confirmation(request: ConfirmRequest) -> (Confirmation, api::Actor) {
    let confirmation = Confirmation {
        codes: request.codes.into_inner().into_iter().map(convert::typed).collect(),
        login_protection: request.scope.contains(&Scope::LoginProtection),
        operation_protection: request.scope.contains(&Scope::OperationProtection),
        recovery_codes: request.recovery_codes,
    };
    (confirmation, request.actor)
}

#[cfg(test)]
mod tests {
    use api::read_json;

    use super::*;

    #[test]
    fn each_scope_switches_its_own_protection_on() {
        for (scope, login, operation) in [
            ("[]", false, false),
            (r#"["login_protection"]"#, true, false),
            (r#"["operation_protection", "operation_protection"]"#, false, true),
        ] {
            let body = format!(r#"{{"codes": ["1"], "scope": {scope}, "actor": {{"id": "a", "kind": "user"}}}}"#);
            let (confirmation, _) = confirmation(read_json(body.as_bytes()).unwrap());
            assert_eq!(confirmation.login_protection, login, "{scope}");
            assert_eq!(confirmation.operation_protection, operation, "{scope}");
            assert!(!confirmation.recovery_codes);
        }
    }
}
