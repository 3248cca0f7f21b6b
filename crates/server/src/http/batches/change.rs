//! `PATCH /v1/batches/{name}`

use api::{Batch, BatchChangeRequest, BatchPath, ProblemCode};
use axum::extract::State;
use service::NewLot;

use super::{batch, open_to};
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json, PathName},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound, ProblemCode::Conflict]);

/// Opens a batch to others, or closes it
///
/// Role: inventory. Bindings under way are judged by what is said last; devices that are bound stay.
#[utoipa::path(
    patch,
    path = "/v1/batches/{name}",
    tag = "tokens",
    params(BatchPath),
    request_body(content = BatchChangeRequest, example = json!({
        "open_to": {"kind": "users", "users": [{"account": "acme", "user": "alice"}]},
        "actor": {"id": "desk-3", "kind": "admin"},
    })),
    responses((status = 200, description = "The batch.", body = Batch)),
)]
pub(super) async fn change_batch(
    State(app): State<App>,
    caller: Authorized,
    PathName(name): PathName,
    Json(request): Json<BatchChangeRequest>,
) -> Answer {
    let wanted = NewLot {
        open_to: request.open_to.map(|wanted| open_to(app.user_names(), wanted)),
        note: request.note.map(|note| note.as_str().to_owned()),
    };
    let caller = caller.acting(request.actor);
    let changed = app.service.change_lot(&caller, &name, &wanted).await?;
    Ok(json(&batch(changed)))
}
