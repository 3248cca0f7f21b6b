//! `GET /v1/webhooks`

use api::WebhookPage;
use axum::extract::State;

use super::webhook;
use crate::{
    answer::json,
    http::{app::App, document::Problems, extract::Authorized, problem::Answer},
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The webhooks that the key reaches, oldest first
///
/// Role: admin. Without their secrets.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "webhooks",
    responses((status = 200, description = "All of them.", body = WebhookPage)),
)]
pub(super) async fn list_webhooks(State(app): State<App>, caller: Authorized) -> Answer {
    let found = app.service.webhooks(&caller.0).await?;
    let items = found.into_iter().map(webhook).collect();
    Ok(json(&WebhookPage { items }))
}
