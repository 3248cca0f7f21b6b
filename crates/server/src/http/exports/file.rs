//! `POST /v1/exports/{id}/file`

use api::{ExportFileRequest, ExportPath, ProblemCode};
use axum::{body::Body, extract::State, http::StatusCode};

use crate::{
    answer::no_store,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json, PathId},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems =
    Problems::keyed(&[ProblemCode::NotFound, ProblemCode::ExportState, ProblemCode::Conflict]);

/// Fetches the file of an approved export
///
/// Role: admin. By the key and the actor it was asked for with. PSKC (RFC 6030), encrypted with the recipient's key: each
/// value by AES in CBC mode, and authenticated by HMAC-SHA-256. There is one file: what is lost on the way is asked for
/// anew. A token that was bound since keeps all of them here.
#[utoipa::path(
    post,
    path = "/v1/exports/{id}/file",
    tag = "tokens",
    params(ExportPath),
    request_body(content = ExportFileRequest, example = json!({
        "key_base64": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "actor": {"id": "desk-3", "kind": "admin"},
    })),
    responses((status = 200, description = "The file.", body = String, content_type = "application/pskc+xml")),
)]
pub(super) async fn fetch_export(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<ExportFileRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let key = request.key_base64.into_inner();
    let file = app.service.fetch_export(&caller, id, &key).await?;
    Ok(no_store(StatusCode::OK, "application/pskc+xml", Body::from(file)))
}
