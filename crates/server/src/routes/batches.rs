//! Endpoints of lots of tokens.

use api::{BatchChangeRequest, BatchPage, BatchQuery, BatchRequest};
use axum::{extract::State, http::StatusCode};
use service::NewBatch;

use crate::{
    App, convert,
    extract::{Authorized, Json, PathName, Queried},
    problem::{Answer, json},
};

/// `GET /v1/batches`
pub(crate) async fn list(State(app): State<App>, caller: Authorized, Queried(query): Queried<BatchQuery>) -> Answer {
    let limit = query.limit.get();
    let found = app.service.batches(&caller.0, query.cursor, limit).await?;
    let full = found.len() == limit as usize;
    let next_cursor = found.last().filter(|_| full).map(|batch| batch.name.clone());
    let items = found.into_iter().map(convert::batch).collect();
    Ok(json(&BatchPage { items, next_cursor }))
}

/// `POST /v1/batches`
pub(crate) async fn create(State(app): State<App>, caller: Authorized, Json(request): Json<BatchRequest>) -> Answer {
    let wanted = NewBatch {
        open_to: request.open_to.map(convert::open_to),
        note: request.note.map(|note| note.as_str().to_owned()),
    };
    let caller = caller.acting(request.actor);
    let made = app
        .service
        .create_batch(&caller, request.name.as_str(), &wanted)
        .await?;
    let mut response = json(&convert::batch(made));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `GET /v1/batches/{name}`
pub(crate) async fn get(State(app): State<App>, caller: Authorized, PathName(name): PathName) -> Answer {
    Ok(json(&convert::batch(app.service.batch(&caller.0, &name).await?)))
}

/// `PATCH /v1/batches/{name}`
pub(crate) async fn change(
    State(app): State<App>,
    caller: Authorized,
    PathName(name): PathName,
    Json(request): Json<BatchChangeRequest>,
) -> Answer {
    let wanted = NewBatch {
        open_to: request.open_to.map(convert::open_to),
        note: request.note.map(|note| note.as_str().to_owned()),
    };
    let caller = caller.acting(request.actor);
    let changed = app.service.change_batch(&caller, &name, &wanted).await?;
    Ok(json(&convert::batch(changed)))
}
