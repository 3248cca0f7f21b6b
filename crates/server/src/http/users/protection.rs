//! `GET /v1/accounts/{account}/users/{user}/protection`

use api::{Protection, UserPath};
use axum::extract::State;

use super::protection;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// Where a user's second factor is asked for
///
/// Role: enroll. A user nobody ever heard of has `none` of both.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}/protection",
    tag = "users",
    params(UserPath),
    responses((status = 200, description = "The settings.", body = Protection)),
)]
pub(super) async fn get_protection(State(app): State<App>, caller: Authorized, User(owner): User) -> Answer {
    Ok(json(&protection(&app.service.protection(&caller.0, &owner).await?)))
}
