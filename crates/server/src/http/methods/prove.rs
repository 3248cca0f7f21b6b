//! `PUT /v1/accounts/{account}/users/{user}/methods/{method}`

use api::{Method, MethodRequest, ProblemCode, UserMethodPath};
use axum::extract::State;
use service::{NewProvenMethod, UnixMs};

use super::method;
use crate::{
    answer::json,
    http::{
        app::App,
        convert::factor,
        document::Problems,
        extract::{Authorized, Json, MethodName, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::FactorRequired,
    ProblemCode::GrantRefused,
    ProblemCode::NotFound,
    ProblemCode::Conflict,
    ProblemCode::CodeRefused,
]);

/// Registers an external method that the caller proved for a user
///
/// Role: enroll. In place of the one of its name. The time of the proof may be long ago, but what takes another identity's place
/// was proven within the last minutes (`identity_proof_minutes`). Where a device is bound, an identity that is new takes a
/// fresh `factor`; where none is, what takes the place of another, or comes beside one while something is protected, takes an
/// identity grant by a method of before. It counts from the next challenge on.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/users/{user}/methods/{method}",
    tag = "users",
    params(UserMethodPath),
    request_body(content = MethodRequest, example = json!({
        "identity": "+86 138 0013 8000", "verified_at": "2026-11-29T12:00:00Z", "factor": {"code": "492 039"},
        "actor": {"id": "alice", "kind": "user"},
    })),
    responses((status = 200, description = "The method as it is registered.", body = Method)),
)]
pub(super) async fn prove_method(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    MethodName(name): MethodName,
    Json(request): Json<MethodRequest>,
) -> Answer {
    let wanted = NewProvenMethod {
        identity: request.identity.as_str().to_owned(),
        verified_at: UnixMs::new(request.verified_at.unix_ms()),
        factor: request.factor.map(factor),
    };
    let caller = caller.acting(request.actor);
    let proven = app.service.prove_method(&caller, &owner, &name, &wanted).await?;
    Ok(json(&method(proven)))
}
