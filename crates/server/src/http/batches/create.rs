//! `POST /v1/batches`

use api::{Batch, BatchRequest, IdempotencyHeader, ProblemCode};
use axum::extract::State;
use service::NewLot;

use super::{batch, open_to};
use crate::{
    answer::created,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Creating},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::IdempotencyKeyReused]);

/// Makes a batch, before anything of it is imported
///
/// Role: inventory. An import makes its batch too, open to nobody. Asked for the same again, it is there already.
#[utoipa::path(
    post,
    path = "/v1/batches",
    tag = "tokens",
    params(IdempotencyHeader),
    request_body(content = BatchRequest, example = json!({
        "name": "2026-11", "note": "ordered in spring", "open_to": {"kind": "accounts", "accounts": ["acme"]},
        "actor": {"id": "desk-3", "kind": "admin"},
    })),
    responses((status = 201, description = "The batch.", body = Batch)),
)]
pub(super) async fn create_batch(
    State(app): State<App>,
    caller: Authorized,
    Creating { request, key }: Creating<BatchRequest>,
) -> Answer {
    let wanted = NewLot {
        open_to: request.open_to.map(|wanted| open_to(app.user_names(), wanted)),
        note: request.note.map(|note| note.as_str().to_owned()),
    };
    let caller = caller.acting(request.actor).with_idempotency_key(key);
    let made = app.service.create_lot(&caller, request.name.as_str(), &wanted).await?;
    Ok(created(&batch(made)))
}
