//! `GET /v1/batches/{name}`

use api::{Batch, BatchPath, ProblemCode};
use axum::extract::State;

use super::batch;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathName},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// One batch
///
/// Role: inventory.
#[utoipa::path(
    get,
    path = "/v1/batches/{name}",
    tag = "tokens",
    params(BatchPath),
    responses((status = 200, description = "The batch.", body = Batch)),
)]
pub(super) async fn get_batch(State(app): State<App>, caller: Authorized, PathName(name): PathName) -> Answer {
    Ok(json(&batch(app.service.lot(&caller.0, &name).await?)))
}
