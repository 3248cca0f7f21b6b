//! `DELETE /v1/accounts/{account}/users/{user}`

use api::{CloseUserQuery, ProblemCode, UserPath};
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

/// Ends everything of a user whose account was closed
///
/// Role: admin. Secrets are erased, tombstones stay, unless the person is to be erased. No code is asked for.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}",
    tag = "users",
    params(UserPath, CloseUserQuery),
    responses((status = 204, description = "Nothing of the user is left but tombstones (devices that ended); not those either where the person was to be erased, of whom the trail keeps what happened. The same for a user nobody ever heard of.")),
)]
pub(super) async fn close_user(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    WithoutBody(query): WithoutBody<CloseUserQuery>,
) -> Answer {
    let erase = query.erase;
    let caller = caller.acting(query.into_actor());
    if erase {
        app.service.erase_user(&caller, &owner).await?;
    } else {
        app.service.close_user(&caller, &owner).await?;
    }
    Ok(empty(StatusCode::NO_CONTENT))
}
