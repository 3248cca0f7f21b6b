//! Records of the trail on the wire, wherever they are read.

use api::{AuditRecord, Cause, Problem, ProblemCode};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::value::RawValue;
use service::{FaultClass, Record, ServiceError, audit::EventId};

use crate::http::{convert::time, problem::Rejection};

pub(crate) fn event_id(cursor: &str) -> Result<EventId, Problem> {
    cursor.parse().map_err(|_| no_cursor())
}

/// What is not found is where a page was to begin.
pub(crate) fn of_cursor(error: ServiceError) -> Rejection {
    match error.class() {
        FaultClass::NotFound => no_cursor().into(),
        _ => error.into(),
    }
}

fn no_cursor() -> Problem {
    Problem::new(ProblemCode::InvalidRequest, "cursor is none that this service gave").with_field("cursor")
}

pub(crate) fn record(record: Record) -> Result<AuditRecord, ServiceError> {
    let explanation = record.event.as_deref().and_then(explained).map(Cause::explanation);
    let event = record.event.map(RawValue::from_string).transpose();
    Ok(AuditRecord {
        id: record.id.to_string(),
        chain: record.id.place.chain,
        position: record.id.place.position,
        at: time(record.at),
        event: event.map_err(|error| ServiceError::Internal(error.to_string()))?,
        masked: record.masked,
        explanation,
        committed: record.committed,
        commitment: record.commitment.map(|commitment| HEXLOWER.encode(&commitment)),
        salt: record.salt.map(|salt| HEXLOWER.encode(&salt)),
        hash: HEXLOWER.encode(&record.hash),
    })
}

/// The meaning of an event's cause.
pub(crate) fn explained(event: &str) -> Option<&'static Cause> {
    #[derive(Deserialize)]
    struct Said {
        outcome: String,
        cause: Option<String>,
    }
    let said: Said = serde_json::from_str(event).ok()?;
    match (said.cause, &*said.outcome) {
        (Some(cause), _) => Cause::named(&cause),
        (None, outcome @ "locked") => Cause::named(outcome),
        (None, _) => None,
    }
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
