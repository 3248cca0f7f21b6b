//! `DELETE /v1/accounts/{account}/users/{user}/trusted-devices/{id}`

use api::{EndTrustQuery, ProblemCode, TrustedDevicePath};
use axum::{extract::State, http::StatusCode};

use crate::{
    answer::empty,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathId, User, WithoutBody},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound, ProblemCode::Conflict]);

/// Ends the trust in one browser
///
/// Role: enroll. The user is asked in it again at the next login.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}/trusted-devices/{id}",
    tag = "protection",
    params(TrustedDevicePath, EndTrustQuery),
    responses((status = 204, description = "It has ended.")),
)]
pub(super) async fn end_trusted_device(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    WithoutBody(query): WithoutBody<EndTrustQuery>,
) -> Answer {
    let caller = caller.acting(query.into_actor());
    app.service.end_trust(&caller, &owner, Some(id)).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
