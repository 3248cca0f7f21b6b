//! `POST /v1/support/unbind-requests/complete`

use api::{ProblemCode, UnbindRequestCompletion, UnbindRequestView};
use axum::extract::State;

use super::view;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems =
    Problems::keyed(&[ProblemCode::NotFound, ProblemCode::RequestState, ProblemCode::Conflict]);

/// Finishes an unbind request that is in force
///
/// Role: enroll. By the applicant's console, with the token that support handed them; once, and within 24 hours from when the
/// request is in force. Its devices end, and with them every trusted browser, session, grant and recovery code. Where it
/// switches to another method, what is always checked is refused for 72 hours. Evidence, reason and who opened it are left empty:
/// they are support's own.
#[utoipa::path(
    post,
    path = "/v1/support/unbind-requests/complete",
    tag = "support",
    request_body(content = UnbindRequestCompletion, example = json!({
        "applicant_token": "ut_019a9ef4d2c07d4bb1c0d3a5f0e1a2b3_5b1c…", "actor": {"id": "alice", "kind": "user"},
    })),
    responses((status = 200, description = "The request, which is completed.", body = UnbindRequestView)),
)]
pub(super) async fn complete_unbind_request(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<UnbindRequestCompletion>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let token = request.applicant_token.as_str();
    let done = app.service.complete_unbind_request(&caller, token).await?;
    // What support was shown, and why, is support's.
    Ok(json(&UnbindRequestView {
        evidence: Vec::new(),
        reason: String::new(),
        opened_by: String::new(),
        application: None,
        ..view(done)
    }))
}
