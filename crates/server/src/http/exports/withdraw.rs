//! `POST /v1/exports/{id}/withdraw`

use api::{Export, ExportActRequest, ExportPath, ProblemCode};
use axum::extract::State;

use super::export;
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
    Problems::keyed(&[ProblemCode::NotFound, ProblemCode::ExportState, ProblemCode::Conflict]);

/// Ends an export before anything has left
///
/// Role: admin.
#[utoipa::path(
    post,
    path = "/v1/exports/{id}/withdraw",
    tag = "tokens",
    params(ExportPath),
    request_body(content = ExportActRequest, example = json!({"actor": {"id": "desk-7", "kind": "admin"}})),
    responses((status = 200, description = "The export.", body = Export)),
)]
pub(super) async fn withdraw_export(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<ExportActRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    Ok(json(&export(app.service.withdraw_export(&caller, id).await?)))
}
