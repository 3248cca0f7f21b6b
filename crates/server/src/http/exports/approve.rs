//! `POST /v1/exports/{id}/approve`

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

/// Approves of an export
///
/// Role: admin. By another key than it was asked for with, of another owner, and by another actor.
#[utoipa::path(
    post,
    path = "/v1/exports/{id}/approve",
    tag = "tokens",
    params(ExportPath),
    request_body(content = ExportActRequest, example = json!({"actor": {"id": "desk-7", "kind": "admin"}})),
    responses((status = 200, description = "The export; its file may be fetched.", body = Export)),
)]
pub(super) async fn approve_export(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<ExportActRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    Ok(json(&export(app.service.approve_export(&caller, id).await?)))
}
