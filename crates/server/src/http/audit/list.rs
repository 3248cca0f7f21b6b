//! `GET /v1/audit`

use api::{AuditPage, AuditQuery, AuditRecord, Problem, ProblemCode};
use axum::extract::State;
use data_encoding::HEXLOWER;
use serde_json::value::RawValue;
use service::{FaultClass, Record, ServiceError, audit::EventId};

use crate::{
    answer::json,
    http::{
        app::App,
        convert::time,
        document::Problems,
        extract::{Authorized, Queried},
        problem::{Answer, Rejection},
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The audit trail, oldest first
///
/// Role: audit. Every decision, with its cause. That a code was refused because its time is still to come nobody reads
/// before that time is past: a cause is shown as `wrong`, and the record as `masked`, for a few minutes (for hours, after a
/// binding or a resync).
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    params(AuditQuery),
    responses((status = 200, description = "A page of it.", body = AuditPage)),
)]
pub(super) async fn list_audit(
    State(app): State<App>,
    caller: Authorized,
    Queried(query): Queried<AuditQuery>,
) -> Answer {
    let after = query.cursor.as_deref().map(event_id).transpose()?;
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
    let items = records.into_iter().map(record).collect::<Result<_, ServiceError>>()?;
    Ok(json(&AuditPage { items, next_cursor }))
}

fn event_id(cursor: &str) -> Result<EventId, Problem> {
    cursor.parse().map_err(|_| no_cursor())
}

fn no_cursor() -> Problem {
    Problem::new(ProblemCode::InvalidRequest, "cursor is none that this service gave").with_field("cursor")
}

fn record(record: Record) -> Result<AuditRecord, ServiceError> {
    let event = record.event.map(RawValue::from_string).transpose();
    Ok(AuditRecord {
        id: record.id.to_string(),
        chain: record.id.place.chain,
        position: record.id.place.position,
        at: time(record.at),
        event: event.map_err(|error| ServiceError::Internal(error.to_string()))?,
        masked: record.masked,
        committed: record.committed,
        commitment: record.commitment.map(|commitment| HEXLOWER.encode(&commitment)),
        salt: record.salt.map(|salt| HEXLOWER.encode(&salt)),
        hash: HEXLOWER.encode(&record.hash),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_the_id_of_a_record() {
        assert_eq!(event_id("3.42.1").unwrap().to_string(), "3.42.1");
        for text in ["", "3.42", "3.42.x", "CS-000042"] {
            assert_eq!(event_id(text).unwrap_err().field.as_deref(), Some("cursor"), "{text}");
        }
    }
}
