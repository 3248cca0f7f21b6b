//! `POST /v1/support/unbind-requests/{id}/open`

use api::{ProblemCode, SupportRequestPath, UnbindRequestView, UnbindRequestVouching};
use axum::extract::State;
use service::NewVouching;

use super::{brought, view};
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json, PathId},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::NoDevice,
    ProblemCode::CodeRefused,
    ProblemCode::RequestState,
    ProblemCode::Conflict,
]);

/// Vouches for what a user applied for
///
/// Role: support. The request is `applied`, and becomes `requested` by this person, as if they had opened it: another person
/// approves. `evidence` is what support looked at itself, and sets the cool-down; what the applicant referred to stands in
/// `application` and sets nothing.
#[utoipa::path(
    post,
    path = "/v1/support/unbind-requests/{id}/open",
    tag = "support",
    params(SupportRequestPath),
    request_body(content = UnbindRequestVouching, example = json!({
        "evidence": [{"kind": "id_number", "reference": "case-4711/1"}],
        "reason": "called back on the number in the contract", "actor": {"id": "desk-3", "kind": "support"},
    })),
    responses((status = 200, description = "The request, to be approved.", body = UnbindRequestView)),
)]
pub(super) async fn vouch_for_unbind_request(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<UnbindRequestVouching>,
) -> Answer {
    let vouched = NewVouching {
        evidence: request.evidence.into_iter().map(brought).collect(),
        reason: request.reason.as_str().to_owned(),
    };
    let caller = caller.acting(request.actor);
    Ok(json(&view(
        app.service.vouch_for_unbind_request(&caller, id, &vouched).await?,
    )))
}
