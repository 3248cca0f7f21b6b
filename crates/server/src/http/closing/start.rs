//! `POST /v1/accounts/{account}/users/{user}/closing`

use api::{ClosingRequest, ClosingStatus, ProblemCode, UserPath};
use axum::extract::State;

use super::answer;
use crate::http::{
    app::App,
    document::Problems,
    extract::{Authorized, Json, User},
    problem::Answer,
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Begins to close a user
///
/// Role: admin. Nobody logs in for them until `ends_at`, 15 days on, and grants end now. Then everything of theirs ends: devices, whose
/// tokens go back, recovery codes, settings. A user who is closing already stays so, and ends when they would have.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/closing",
    tag = "users",
    params(UserPath),
    request_body(content = ClosingRequest, example = json!({"actor": {"id": "account-closing", "kind": "service"}})),
    responses((status = 200, description = "What has become of it.", body = ClosingStatus)),
)]
pub(super) async fn start_closing(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<ClosingRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    Ok(answer(&app.service.start_closing(&caller, &owner).await?))
}
