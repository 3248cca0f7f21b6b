//! `GET /v1/audit/heads`

use api::{AuditHead, AuditHeads};
use axum::extract::State;

use crate::{
    answer::json,
    http::{app::App, document::Problems, extract::Authorized, problem::Answer},
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// A signed head of the trail, to be kept elsewhere
///
/// Role: audit. Of the chain that this service writes. `countersign audit verify --heads FILE` holds the trail against a
/// file of this answer, or of several, one after the other.
#[utoipa::path(
    get,
    path = "/v1/audit/heads",
    tag = "audit",
    responses((status = 200, description = "The head, of durable records only.", body = AuditHeads)),
)]
pub(super) async fn get_audit_heads(State(app): State<App>, caller: Authorized) -> Answer {
    let head = app.service.signed_head(&caller.0)?;
    let head = AuditHead {
        chain: head.chain,
        position: head.position,
        hash: head.hash,
        signature: head.signature,
    };
    Ok(json(&AuditHeads { items: vec![head] }))
}
