//! `POST /v1/support/unbind-requests/{id}/withdraw`

use api::{ProblemCode, SupportRequestPath, UnbindRequestEnd, UnbindRequestView};
use axum::extract::State;

use super::view;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json, PathId},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems =
    Problems::keyed(&[ProblemCode::NotFound, ProblemCode::RequestState, ProblemCode::Conflict]);

/// Withdraws an unbind request
///
/// Role: support. Whoever thinks better of it, before it is completed.
#[utoipa::path(
    post,
    path = "/v1/support/unbind-requests/{id}/withdraw",
    tag = "support",
    params(SupportRequestPath),
    request_body(content = UnbindRequestEnd, example = json!({
        "reason": "called back on the number in the contract: it was not her", "actor": {"id": "desk-7", "kind": "support"},
    })),
    responses((status = 200, description = "The request, which has ended.", body = UnbindRequestView)),
)]
pub(super) async fn withdraw_unbind_request(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<UnbindRequestEnd>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let ended = app
        .service
        .withdraw_unbind_request(&caller, id, request.reason.as_str())
        .await?;
    Ok(json(&view(ended)))
}
