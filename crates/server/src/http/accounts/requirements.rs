//! `GET /v1/accounts/{account}/requirements`

use api::{AccountPath, Requirements};
use axum::extract::State;

use super::answer;
use crate::http::{
    app::App,
    document::Problems,
    extract::{Authorized, PathName},
    problem::Answer,
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The protection that an account requires of its users
///
/// Role: admin. An account that never required anything permits every alternative.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/requirements",
    tag = "protection",
    params(AccountPath),
    responses((status = 200, description = "The requirements.", body = Requirements, headers(("ETag" = String, description = "For `If-Match` of a change.")))),
)]
pub(super) async fn get_requirements(
    State(app): State<App>,
    caller: Authorized,
    PathName(account): PathName,
) -> Answer {
    Ok(answer(&app.service.requirements(&caller.0, &account).await?))
}
