//! `GET /v1/accounts/{account}/administrators`

use api::{AccountPath, Administrators, ProblemCode};
use axum::{extract::State, response::Response};

use crate::{
    answer::versioned,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathName},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// The root and the administrators of an account
///
/// Role: admin. `not_found` until they are named.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/administrators",
    tag = "users",
    params(AccountPath),
    responses((status = 200, description = "Root and administrators.", body = Administrators, headers(("ETag" = String, description = "For `If-Match` of a change.")))),
)]
pub(super) async fn get_administrators(
    State(app): State<App>,
    caller: Authorized,
    PathName(account): PathName,
) -> Answer {
    Ok(answer(&app.service.administrators(&caller.0, &account).await?))
}

pub(super) fn answer(administrators: &service::Administrators) -> Response {
    let told = Administrators {
        root: administrators.root.clone(),
        administrators: administrators.administrators.clone(),
    };
    versioned(administrators.version, &told)
}
