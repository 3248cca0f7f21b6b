//! Endpoints of the audit trail.

use api::{AuditHead, AuditHeads, AuditPage, AuditQuery, AuditRecord, Problem, ProblemCode};
use axum::extract::State;
use data_encoding::HEXLOWER;
use serde_json::value::RawValue;
use service::{FaultClass, Record, ServiceError};

use crate::{
    App, convert,
    extract::{Authorized, Queried},
    problem::{Answer, Rejection, json},
};

/// `GET /v1/audit`
pub(crate) async fn list(State(app): State<App>, caller: Authorized, Queried(query): Queried<AuditQuery>) -> Answer {
    let after = match &query.cursor {
        Some(cursor) => Some(cursor.parse().map_err(|_| no_cursor())?),
        None => None,
    };
    let limit = query.limit.get();
    let records = app
        .service
        .trail(&caller.0, after, limit)
        .await
        .map_err(|error| match error.class() {
            FaultClass::NotFound => no_cursor().into(),
            _ => Rejection::from(error),
        })?;
    let full = records.len() == limit as usize;
    let next_cursor = records.last().filter(|_| full).map(|record| record.id.to_string());
    let items = records.into_iter().map(record).collect::<Result<_, Rejection>>()?;
    Ok(json(&AuditPage { items, next_cursor }))
}

fn no_cursor() -> Problem {
    Problem::new(ProblemCode::InvalidRequest, "cursor is none that this service gave").with_field("cursor")
}

/// `GET /v1/audit/heads`
pub(crate) async fn heads(State(app): State<App>, caller: Authorized) -> Answer {
    let head = app.service.signed_head(&caller.0)?;
    let head = AuditHead {
        chain: head.chain,
        position: head.position,
        hash: head.hash,
        signature: head.signature,
    };
    Ok(json(&AuditHeads { items: vec![head] }))
}

fn record(record: Record) -> Result<AuditRecord, Rejection> {
    let event = record.event.map(RawValue::from_string).transpose();
    Ok(AuditRecord {
        id: record.id.to_string(),
        chain: record.id.place.chain,
        position: record.id.place.position,
        at: convert::time(record.at),
        event: event.map_err(|error| ServiceError::Internal(error.to_string()))?,
        masked: record.masked,
        committed: record.committed,
        commitment: record.commitment.map(|commitment| HEXLOWER.encode(&commitment)),
        salt: record.salt.map(|salt| HEXLOWER.encode(&salt)),
        hash: HEXLOWER.encode(&record.hash),
    })
}
