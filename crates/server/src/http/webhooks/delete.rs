//! `DELETE /v1/webhooks/{id}`

use api::{DeleteWebhookQuery, ProblemCode, WebhookPath};
use axum::{extract::State, http::StatusCode};

use crate::{
    answer::empty,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathId, WithoutBody},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound, ProblemCode::Conflict]);

/// Ends a webhook
///
/// Role: admin. Nothing more is sent to it, and what waits for it is forgotten.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(WebhookPath, DeleteWebhookQuery),
    responses((status = 204, description = "It has ended.")),
)]
pub(super) async fn delete_webhook(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    WithoutBody(query): WithoutBody<DeleteWebhookQuery>,
) -> Answer {
    let caller = caller.acting(query.into_actor());
    app.service.delete_webhook(&caller, id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
