//! `GET /v1/exports/{id}`

use api::{Export, ExportPath, ProblemCode};
use axum::extract::State;

use super::export;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathId},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// One export
///
/// Role: admin. To be read before it is approved.
#[utoipa::path(
    get,
    path = "/v1/exports/{id}",
    tag = "tokens",
    params(ExportPath),
    responses((status = 200, description = "The export.", body = Export)),
)]
pub(super) async fn get_export(State(app): State<App>, caller: Authorized, PathId(id): PathId) -> Answer {
    Ok(json(&export(app.service.export(&caller.0, id).await?)))
}
