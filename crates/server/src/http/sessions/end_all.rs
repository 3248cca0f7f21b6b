//! `POST /v1/accounts/{account}/users/{user}/sessions/end-all`

use api::{EndSessionsRequest, EndedSessions, ProblemCode, UserPath};
use axum::extract::State;

use crate::{
    answer::json,
    http::{
        app::App,
        convert::factor,
        document::Problems,
        extract::{Authorized, Json, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::FactorRequired,
    ProblemCode::Conflict,
    ProblemCode::CodeRefused,
]);

/// Signs a user out everywhere
///
/// Role: enroll. All sessions end, the current one too, and all grants. It takes a fresh `factor` where a device is bound.
/// The next check of any of the tokens says so.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/sessions/end-all",
    tag = "sessions",
    params(UserPath),
    request_body(content = EndSessionsRequest, example = json!({
        "factor": {"code": "492 039"}, "actor": {"id": "alice", "kind": "user"},
    })),
    responses((status = 200, description = "They have ended.", body = EndedSessions)),
)]
pub(super) async fn end_all_sessions(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<EndSessionsRequest>,
) -> Answer {
    let given = request.factor.map(factor);
    let caller = caller.acting(request.actor);
    let ended = app.service.end_all_sessions(&caller, &owner, given.as_ref()).await?;
    let ended = u32::try_from(ended).unwrap_or(u32::MAX);
    Ok(json(&EndedSessions { ended }))
}
