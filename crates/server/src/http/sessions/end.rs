//! `DELETE /v1/accounts/{account}/users/{user}/sessions/{id}`

use api::{EndSessionQuery, ProblemCode, SessionPath};
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

/// Ends one session
///
/// Role: enroll. With it the grants end that hold in it. The next check of its token says so.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}/sessions/{id}",
    tag = "sessions",
    params(SessionPath, EndSessionQuery),
    responses((status = 204, description = "It has ended.")),
)]
pub(super) async fn end_session(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    PathId(id): PathId,
    WithoutBody(query): WithoutBody<EndSessionQuery>,
) -> Answer {
    let caller = caller.acting(query.into_actor());
    app.service.end_session(&caller, &owner, id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
