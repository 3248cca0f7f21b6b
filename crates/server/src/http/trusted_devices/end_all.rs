//! `DELETE /v1/accounts/{account}/users/{user}/trusted-devices`

use api::{EndTrustQuery, ProblemCode, UserPath};
use axum::{extract::State, http::StatusCode};

use crate::{
    answer::empty,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, User, WithoutBody},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Ends the trust in all browsers of a user
///
/// Role: enroll. They are asked in each of them again at the next login.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}/trusted-devices",
    tag = "protection",
    params(UserPath, EndTrustQuery),
    responses((status = 204, description = "None is trusted any more.")),
)]
pub(super) async fn end_trusted_devices(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    WithoutBody(query): WithoutBody<EndTrustQuery>,
) -> Answer {
    let caller = caller.acting(query.into_actor());
    app.service.end_trust(&caller, &owner, None).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
