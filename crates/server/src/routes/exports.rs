//! Endpoints of exports of token seeds.

use api::{ExportActRequest, ExportFileRequest, ExportRequest, Problem, ProblemCode};
use axum::{body::Body, extract::State, http::StatusCode};
use service::{ExportedTokens, NewExport};

use crate::{
    App, convert,
    extract::{Authorized, Json, PathId},
    problem::{Answer, json, no_store},
};

/// `POST /v1/exports`
pub(crate) async fn request(State(app): State<App>, caller: Authorized, Json(request): Json<ExportRequest>) -> Answer {
    let tokens = match (request.serial_numbers, request.batch) {
        (Some(named), None) => {
            let text = |name: &api::Name| name.as_str().to_owned();
            ExportedTokens::Named(named.iter().map(text).collect())
        }
        (None, Some(batch)) => ExportedTokens::UnboundOf(batch.as_str().to_owned()),
        (None, None) | (Some(_), Some(_)) => {
            let detail = "tokens are named by serial_numbers, or by batch: give one of them";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail)
                .with_field("serial_numbers")
                .into());
        }
    };
    let wanted = NewExport {
        tokens,
        recipient: request.recipient.as_str().to_owned(),
        key: request.key_base64.into_inner(),
    };
    let caller = caller.acting(request.actor);
    let export = app.service.request_export(&caller, wanted).await?;
    let mut response = json(&convert::export(export));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `GET /v1/exports/{id}`
pub(crate) async fn get(State(app): State<App>, caller: Authorized, PathId(id): PathId) -> Answer {
    Ok(json(&convert::export(app.service.export(&caller.0, id).await?)))
}

/// `POST /v1/exports/{id}/approve`
pub(crate) async fn approve(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<ExportActRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let approved = app.service.approve_export(&caller, id).await?;
    Ok(json(&convert::export(approved)))
}

/// `POST /v1/exports/{id}/file`
pub(crate) async fn file(
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

/// `POST /v1/exports/{id}/withdraw`
pub(crate) async fn withdraw(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<ExportActRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    Ok(json(&convert::export(app.service.withdraw_export(&caller, id).await?)))
}
