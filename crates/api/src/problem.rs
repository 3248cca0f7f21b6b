//! Refusals on the wire: problem details (RFC 9457).

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

use crate::{Hint, ProblemCode};

/// The media type of a [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not done (RFC 9457).
///
/// In JSON `type` and `title`, which follow from the code, stand with what is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What programs decide by.
    pub code: ProblemCode,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time and what to do, in English, for the person who reads the caller's log. Never a code, a
    /// secret, or anything else that the request carried as a value.
    pub detail: Cow<'static, str>,
    /// The field of the request that is wrong, as a path: `items[3].account`.
    pub field: Option<String>,
    /// What the user can mend, with `code_refused` at a binding.
    pub hint: Option<Hint>,
    /// How many more codes this enrollment takes, with `code_refused` at a binding.
    pub attempts_left: Option<u32>,
    /// Seconds to wait before the next try; belongs into `Retry-After` too.
    pub retry_after_s: Option<u64>,
    /// What was created before, with `already_created`.
    pub id: Option<Uuid>,
}

impl Problem {
    /// A problem with this code, its status, and nothing more.
    pub fn new(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            status: code.status(),
            detail: detail.into(),
            field: None,
            hint: None,
            attempts_left: None,
            retry_after_s: None,
            id: None,
        }
    }

    /// The same, about this field of the request.
    #[must_use]
    pub fn with_field(self, field: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..self
        }
    }
}

/// Why a request was not done (RFC 9457).
#[derive(Serialize, ToSchema)]
struct OnTheWire<'a> {
    /// A stable name, relative to the service; there is no page behind it.
    #[schema(format = "uri-reference", example = "/problems/invalid_request")]
    r#type: String,
    /// The same for every problem of this code.
    #[schema(example = "The request cannot be read")]
    title: &'a str,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// What is wrong this time, in English. Never repeats a value of the request.
    #[schema(example = "account is longer than 128 bytes of UTF-8")]
    detail: &'a str,
    /// What programs decide by.
    code: ProblemCode,
    /// The field of the request that is wrong, as a path: `items[3].account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "account")]
    field: Option<&'a str>,
    /// What the user can mend, with `code_refused` at a binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Hint>,
    /// How many more codes this enrollment takes, with `code_refused` at a binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<u32>,
    /// Seconds to wait before the next try; also in `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    /// What was created before, with `already_created`.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = OnTheWire {
            r#type: format!("/problems/{}", self.code.name()),
            title: self.code.title(),
            status: self.status,
            detail: &self.detail,
            code: self.code,
            field: self.field.as_deref(),
            hint: self.hint,
            attempts_left: self.attempts_left,
            retry_after_s: self.retry_after_s,
            id: self.id,
        };
        written.serialize(serializer)
    }
}

/// As a caller reads it. `type` and `title` follow from the code, and a hint of a kind that is not known is none.
#[derive(Deserialize)]
struct Received {
    status: u16,
    detail: String,
    code: String,
    field: Option<String>,
    #[serde(default, deserialize_with = "known_hint")]
    hint: Option<Hint>,
    attempts_left: Option<u32>,
    retry_after_s: Option<u64>,
    id: Option<Uuid>,
}

fn known_hint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Hint>, D::Error> {
    let hint = serde_json::Value::deserialize(deserializer)?;
    Ok(Hint::deserialize(hint).ok())
}

impl<'de> Deserialize<'de> for Problem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let received = Received::deserialize(deserializer)?;
        Ok(Self {
            code: ProblemCode::named(&received.code).unwrap_or(ProblemCode::Unknown(received.status)),
            status: received.status,
            detail: received.detail.into(),
            field: received.field,
            hint: received.hint,
            attempts_left: received.attempts_left,
            retry_after_s: received.retry_after_s,
            id: received.id,
        })
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        OnTheWire::schema()
    }
}

impl ToSchema for Problem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        OnTheWire::schemas(schemas);
    }
}
