//! `POST /v1/accounts/{account}/users/{user}/leave`

use api::{ClosingRequest, ClosingStatus, ProblemCode, UserPath};
use axum::extract::State;

use super::done;
use crate::http::{
    app::App,
    document::Problems,
    extract::{Authorized, Json, User},
    problem::Answer,
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Ends everything of a user who leaves
///
/// Role: admin. The same as a closing, without the wait, and without a way back. An administrator of the account is none any more.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/leave",
    tag = "users",
    params(UserPath),
    request_body(content = ClosingRequest, example = json!({"actor": {"id": "account-closing", "kind": "service"}})),
    responses((status = 200, description = "What has become of it.", body = ClosingStatus)),
)]
pub(super) async fn leave(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<ClosingRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    app.service.leave(&caller, &owner).await?;
    Ok(done(api::ClosingState::Ended))
}
