//! `POST /v1/accounts/{account}/users/{user}/closing/withdraw`

use api::{ClosingRequest, ClosingStatus, ProblemCode, UserPath};
use axum::extract::State;

use super::answer;
use crate::http::{
    app::App,
    document::Problems,
    extract::{Authorized, Json, User},
    problem::Answer,
};

pub(super) const PROBLEMS: Problems =
    Problems::keyed(&[ProblemCode::NotFound, ProblemCode::ClosingEnded, ProblemCode::Conflict]);

/// Takes the closing of a user back
///
/// Role: admin. The user has what they had, but grants. `closing_ended` once the 15 days are over.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/closing/withdraw",
    tag = "users",
    params(UserPath),
    request_body(content = ClosingRequest, example = json!({"actor": {"id": "account-closing", "kind": "service"}})),
    responses((status = 200, description = "What has become of it.", body = ClosingStatus)),
)]
pub(super) async fn withdraw_closing(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<ClosingRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    Ok(answer(&app.service.withdraw_closing(&caller, &owner).await?))
}
