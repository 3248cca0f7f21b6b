//! `GET /v1/webhooks/{id}/deliveries`

use api::{DeliveryPage, DeliveryQuery, ProblemCode, WebhookPath};
use axum::extract::State;
use service::DeliveryState;

use super::delivery;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathId, Queried},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// What became of a webhook's notices
///
/// Role: admin. In the order in which what they tell happened: those that are pending, the newest 100 that were delivered,
/// the newest 1,000 that were given up, for 30 days. What was never tried is in the trail alone.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    params(WebhookPath, DeliveryQuery),
    responses((status = 200, description = "A page of them.", body = DeliveryPage)),
)]
pub(super) async fn list_deliveries(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Queried(query): Queried<DeliveryQuery>,
) -> Answer {
    let limit = query.limit.get();
    let state = query.state.map(|state| match state {
        api::DeliveryState::Pending => DeliveryState::Pending,
        api::DeliveryState::Delivered => DeliveryState::Delivered,
        api::DeliveryState::Dead => DeliveryState::Dead,
    });
    let found = app
        .service
        .deliveries(&caller.0, id, state, query.cursor, limit)
        .await?;
    let full = found.len() == limit as usize;
    let next_cursor = found.last().filter(|_| full).map(|last| last.id);
    let items = found.iter().filter_map(delivery).collect();
    Ok(json(&DeliveryPage { items, next_cursor }))
}
