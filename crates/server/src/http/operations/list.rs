//! `GET /v1/operations`

use api::{OperationPage, OperationQuery};
use axum::extract::State;

use super::operation;
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

/// The catalogue of sensitive operations, by key
///
/// Role: verify. The shipped operations and the operator's own, as they are in force. What is in no catalogue is decided by
/// the setting `unknown_operations`.
#[utoipa::path(
    get,
    path = "/v1/operations",
    tag = "protection",
    params(OperationQuery),
    responses((status = 200, description = "A page of them.", body = OperationPage)),
)]
pub(super) async fn list_operations(
    State(app): State<App>,
    caller: Authorized,
    Queried(query): Queried<OperationQuery>,
) -> Answer {
    let limit = query.limit.get();
    let (product, after) = (query.product.as_deref(), query.cursor.as_deref());
    let found = app.service.operations(&caller.0, product, after, limit).await?;
    let full = found.len() == limit as usize;
    let next_cursor = found.last().filter(|_| full).map(|last| last.key.clone());
    let items = found.into_iter().map(operation).collect();
    Ok(json(&OperationPage { items, next_cursor }))
}
