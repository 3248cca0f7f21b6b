//! `GET /v1/operations/{product}/{operation}`

use api::{Operation, OperationPath, ProblemCode};
use axum::extract::State;

use super::operation;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, OperationKey},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// One operation of the catalogue
///
/// Role: verify.
#[utoipa::path(
    get,
    path = "/v1/operations/{product}/{operation}",
    tag = "protection",
    params(OperationPath),
    responses((status = 200, description = "The operation.", body = Operation)),
)]
pub(super) async fn get_operation(
    State(app): State<App>,
    caller: Authorized,
    OperationKey(key): OperationKey,
) -> Answer {
    Ok(json(&operation(app.service.operation(&caller.0, &key).await?)))
}
