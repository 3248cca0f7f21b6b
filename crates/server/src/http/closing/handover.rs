//! `POST /v1/accounts/{account}/users/{user}/handover`

use api::{ClosingStatus, HandoverRequest, ProblemCode, UserPath};
use axum::extract::State;

use super::done;
use crate::http::{
    app::App,
    document::Problems,
    extract::{Authorized, Json, User},
    problem::Answer,
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::Conflict,
    ProblemCode::EnrollmentEnded,
    ProblemCode::EnrollmentExpired,
]);

/// Hands a user over to another person
///
/// Role: admin. The new holder first binds a device in place of the old one (`replaces`), so that there is no moment without;
/// this names that enrollment, which has to have replaced one, and ends the rest at once: other devices, recovery codes of before, grants, bindings under
/// way. A setting that asks by an external method asks for a code from then on. An old holder without a
/// device has nothing that could be replaced: end everything of theirs (`…/leave`), and let the new holder bind anew.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/handover",
    tag = "users",
    params(UserPath),
    request_body(content = HandoverRequest, example = json!({
        "enrollment_id": "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11", "actor": {"id": "root", "kind": "admin"},
    })),
    responses((status = 200, description = "It is the new holder's.", body = ClosingStatus)),
)]
pub(super) async fn hand_over(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Json(request): Json<HandoverRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    app.service.hand_over(&caller, &owner, request.enrollment_id).await?;
    Ok(done(api::ClosingState::HandedOver))
}
