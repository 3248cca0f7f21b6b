//! `GET /v1/methods/{method}/uses`

use api::{MethodPath, MethodUses, MethodUsesQuery, ProblemCode};
use axum::extract::State;

use super::protection_name;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, MethodName, Queried},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// What an external method serves for a user
///
/// Role: verify. Ask it before your page lets somebody remove a telephone number, an address or a linked login.
#[utoipa::path(
    get,
    path = "/v1/methods/{method}/uses",
    tag = "protection",
    params(MethodPath, MethodUsesQuery),
    responses((status = 200, description = "The protections in force that ask for it.", body = MethodUses)),
)]
pub(super) async fn method_uses(
    State(app): State<App>,
    caller: Authorized,
    MethodName(method): MethodName,
    Queried(query): Queried<MethodUsesQuery>,
) -> Answer {
    let owner = app
        .user_names()
        .owner(query.account.into_inner(), query.user.into_inner());
    let told = app.service.method_uses(&caller.0, &owner, &method).await?;
    Ok(json(&MethodUses {
        uses: told.uses.into_iter().map(protection_name).collect(),
        removable: told.is_removable,
    }))
}
