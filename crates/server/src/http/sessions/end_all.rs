//! `POST /v1/accounts/{account}/users/{user}/sessions/end-all`

use api::{EndSessionsRequest, EndedSessions, Problem, ProblemCode, UserPath};
use axum::extract::State;

use crate::{
    answer::json,
    http::{
        app::App,
        convert::{approver, factor},
        document::Problems,
        extract::{Authorized, Json, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::FactorRequired,
    ProblemCode::Conflict,
    ProblemCode::CodeRefused,
    ProblemCode::NoDevice,
]);

/// Signs a user out everywhere
///
/// Role: enroll. All sessions end, the current one too, and all grants, and so do visits to the hosted pages. It takes a fresh
/// `factor` where a device is bound. An administrator of the account, or its root, signs another user out by a code of their
/// own, as `approver`; nobody signs the root out so. The next check of any of the tokens says so.
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
    let caller = caller.acting(request.actor);
    let service = &app.service;
    let ended = match (
        request.factor.map(factor),
        request.approver.map(|given| approver(app.user_names(), given)),
    ) {
        (Some(_), Some(_)) => {
            let why = "the user's own factor, or an administrator as `approver`: one of the two";
            return Err(Problem::new(ProblemCode::InvalidRequest, why)
                .with_field("approver")
                .into());
        }
        (None, Some(approver)) => {
            service
                .end_all_sessions_by_administrator(&caller, &owner, &approver)
                .await?
        }
        (given, None) => service.end_all_sessions(&caller, &owner, given.as_ref()).await?,
    };
    let ended = u32::try_from(ended).unwrap_or(u32::MAX);
    Ok(json(&EndedSessions { ended }))
}
