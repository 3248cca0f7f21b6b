//! `DELETE /v1/accounts/{account}/users/{user}/enrollments/{id}`

use api::{AbandonEnrollmentQuery, EnrollmentPath, ProblemCode};
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

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::EnrollmentExpired,
    ProblemCode::EnrollmentEnded,
    ProblemCode::Conflict,
]);

/// Ends a binding under way
///
/// Role: enroll. Its secret is erased.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}/enrollments/{id}",
    tag = "enrollments",
    params(EnrollmentPath, AbandonEnrollmentQuery),
    responses((status = 204, description = "It has ended.")),
)]
pub(super) async fn abandon_enrollment(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    WithoutBody(query): WithoutBody<AbandonEnrollmentQuery>,
) -> Answer {
    app.service
        .abandon_enrollment(&caller.acting(query.into_actor()), &owner, id)
        .await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
