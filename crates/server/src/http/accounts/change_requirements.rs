//! `PUT /v1/accounts/{account}/requirements`

use api::{AccountPath, IfMatchHeader, ProblemCode, ProtectionMethod, Requirements, RequirementsRequest};
use axum::extract::State;
use service::NewRequirements;

use super::answer;
use crate::http::{
    app::App,
    convert::{approver, wanted_method},
    document::Problems,
    extract::{Authorized, IfMatch, Json, PathName},
    problem::Answer,
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::PreconditionFailed,
    ProblemCode::Conflict,
    ProblemCode::CodeRefused,
    ProblemCode::NoDevice,
]);

/// Requires protection of an account's users
///
/// Role: admin. It counts from each user's next login and operation on, where they chose less. Who has nothing to answer
/// with is denied, and the last device of a user is not unbound while `mfa` is required.
/// With the code of the account's root or of an administrator, as `approver`, the role enroll is enough.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/requirements",
    tag = "protection",
    params(AccountPath, IfMatchHeader),
    request_body(content = RequirementsRequest, example = json!({
        "login_protection": "mfa", "alternatives": ["email", "sms"], "actor": {"id": "root", "kind": "admin"},
    })),
    responses((status = 200, description = "The requirements.", body = Requirements, headers(("ETag" = String, description = "For `If-Match` of the next change.")))),
)]
pub(super) async fn change_requirements(
    State(app): State<App>,
    caller: Authorized,
    PathName(account): PathName,
    IfMatch(version): IfMatch,
    Json(request): Json<RequirementsRequest>,
) -> Answer {
    let required = |method: &Option<ProtectionMethod>| method.as_ref().map(wanted_method).unwrap_or_default();
    let wanted = NewRequirements {
        login_protection: required(&request.login_protection),
        operation_protection: required(&request.operation_protection),
        alternatives: request
            .alternatives
            .iter()
            .map(|name| name.as_str().to_owned())
            .collect(),
    };
    let caller = caller.acting(request.actor);
    let service = &app.service;
    let changed = match request.approver.map(|given| approver(app.user_names(), given)) {
        None => service.set_requirements(&caller, &account, version, &wanted).await?,
        Some(approver) => {
            service
                .set_requirements_by_administrator(&caller, &account, version, &wanted, &approver)
                .await?
        }
    };
    Ok(answer(&changed))
}
