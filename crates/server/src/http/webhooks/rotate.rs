//! `POST /v1/webhooks/{id}/rotate`

use api::{ProblemCode, RotateWebhookRequest, WebhookPath, WebhookSecret};
use axum::extract::State;

use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json, PathId},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound, ProblemCode::Conflict]);

/// Gives a webhook a new secret
///
/// Role: admin. For so many hours deliveries carry two signatures, so that the receiver can be changed in between; with 0
/// the old secret signs nothing more.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/rotate",
    tag = "webhooks",
    params(WebhookPath),
    request_body(content = RotateWebhookRequest, example = json!({
        "overlap_hours": 24, "actor": {"id": "ops-1", "kind": "admin"},
    })),
    responses((status = 200, description = "The new secret.", body = WebhookSecret,
        headers(("Cache-Control" = String, description = "`no-store`")))),
)]
pub(super) async fn rotate_webhook(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<RotateWebhookRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let secret = app.service.rotate_webhook(&caller, id, request.overlap_hours).await?;
    Ok(json(&WebhookSecret { secret }))
}
