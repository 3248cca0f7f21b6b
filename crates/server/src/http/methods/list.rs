//! `GET /v1/accounts/{account}/users/{user}/methods`

use api::{Methods, UserPath};
use axum::extract::State;

use super::method;
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

/// The external methods that were proven for a user
///
/// Role: enroll. At most one of each of the operator's methods; none for a user nobody ever heard of. Identities are as they
/// were registered: show people a part of them.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}/methods",
    tag = "users",
    params(UserPath),
    responses((status = 200, description = "The methods.", body = Methods)),
)]
pub(super) async fn list_methods(State(app): State<App>, caller: Authorized, User(owner): User) -> Answer {
    let methods = app.service.methods(&caller.0, &owner).await?;
    let items = methods.into_iter().map(method).collect();
    Ok(json(&Methods { items }))
}
