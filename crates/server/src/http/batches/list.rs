//! `GET /v1/batches`

use api::{BatchPage, BatchQuery};
use axum::extract::State;

use super::batch;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Queried},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The batches, by name
///
/// Role: inventory.
#[utoipa::path(
    get,
    path = "/v1/batches",
    tag = "tokens",
    params(BatchQuery),
    responses((status = 200, description = "A page of them.", body = BatchPage)),
)]
pub(super) async fn list_batches(
    State(app): State<App>,
    caller: Authorized,
    Queried(query): Queried<BatchQuery>,
) -> Answer {
    let limit = query.limit.get();
    let found = app.service.lots(&caller.0, query.cursor, limit).await?;
    let full = found.len() == limit as usize;
    let next_cursor = found.last().filter(|_| full).map(|batch| batch.name.clone());
    let items = found.into_iter().map(batch).collect();
    Ok(json(&BatchPage { items, next_cursor }))
}
