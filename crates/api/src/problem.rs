//! Refusals on the wire: problem details (RFC 9457) and their codes.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};
use uuid::Uuid;

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

/// What a user can mend when a code is refused at a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Hint {
    /// The device's clock is off: set it to the network's time.
    ClockOff {
        /// By how many seconds it is ahead (behind: negative), in whole time steps.
        #[schema(example = -90)]
        seconds: i64,
    },
    /// The app ignored the algorithm, or the token has another: use another app, or tell the inventory.
    OtherAlgorithm {
        /// The one that the code was made with.
        algorithm: HintAlgorithm,
    },
    /// The device's period is another one.
    OtherPeriod {
        /// The one that the code was made with, in seconds.
        #[schema(example = 60)]
        period_s: u32,
    },
    /// The code is of an older entry in the user's app: read the newest one.
    OtherEntry,
}

/// An algorithm as otpauth URIs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum HintAlgorithm {
    /// HMAC-SHA-1.
    #[serde(rename = "SHA1")]
    Sha1,
    /// HMAC-SHA-256.
    #[serde(rename = "SHA256")]
    Sha256,
    /// HMAC-SHA-512.
    #[serde(rename = "SHA512")]
    Sha512,
}

impl HintAlgorithm {
    /// As it stands in JSON, and in otpauth URIs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

/// One row of the table below for each code: its variant, name, status, title, and what the caller does about it.
macro_rules! problem_codes {
    ($($(#[$also:meta])* $variant:ident $name:literal $status:literal $title:literal $remedy:literal)+) => {
        /// What a problem is, for programs: stable, never translated, and each with one HTTP status.
        ///
        /// More may come; a caller treats one that it does not know by its status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(
                #[doc = concat!("`", $name, "`, ", stringify!($status), ". ", $remedy)]
                $(#[$also])*
                $variant,
            )+
            /// One that this version does not know, read from a newer service and written by none: all that is known of it
            /// is its status.
            Unknown(u16),
        }

        impl ProblemCode {
            /// All that a service writes, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The one of this name, if this version knows it.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// As it stands in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ Self::Unknown(_) => "unknown" }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ Self::Unknown(status) => status }
            }

            /// A short sentence, the same each time.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ Self::Unknown(_) => "A problem that this version does not know" }
            }

            /// What the caller does about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ Self::Unknown(_) => "Go by its status, and read `detail`." }
            }
        }
    };
}

problem_codes! {
    InvalidRequest "invalid_request" 400 "The request cannot be read"
        "Mend the request: `field` and `detail` say what is wrong. The same request fails again."
    FirstFactorRequired "first_factor_required" 400 "The first factor was not vouched for"
        "Check the password, or its like, first; then send `first_factor: true`. No code was judged."
    Unauthorized "unauthorized" 401 "The API key is missing or not valid"
        "Send a living API key as `Authorization: Bearer …`."
    Forbidden "forbidden" 403 "The API key may not do this"
        "Use a key that has the role, and that is not limited to other accounts."
    FactorRequired "factor_required" 403 "A fresh factor of the user is needed"
        "Ask the user for a code of a bound device, or a recovery code, and send it along."
    NotFound "not_found" 404 "There is no such thing"
        "Check the path; ids belong to the user they stand under."
    /// Beyond the first list: a wrong method on a known path is the caller's fault, and `not_found` would mislead.
    MethodNotAllowed "method_not_allowed" 405 "This path does not know the method"
        "Use a method of the `Allow` header."
    /// Beyond the first list: the request never came, or took too long; neither is another code's cause.
    RequestTimeout "request_timeout" 408 "The request took too long"
        "What it asked for may have happened: look before repeating a change; repeat `verify` with the same `request_id`."
    /// Beyond the first list: two changes of one user's factors met again and again.
    Conflict "conflict" 409 "Somebody else is changing the same"
        "Load the user's factors anew, and repeat the change if it is still wanted."
    /// Beyond the first list: a repeat of a request whose answer was lost.
    AlreadyCreated "already_created" 409 "It was created before, and its secret was shown"
        "The request with this `Idempotency-Key` was done; `id` is what it created. Its secret is shown once: begin anew, with a new key, if the user did not see it."
    /// Beyond the first list: an idempotency key of two requests would hide one of them.
    IdempotencyKeyReused "idempotency_key_reused" 409 "The idempotency key came with another request"
        "Take a new `Idempotency-Key` for a new request; repeat a request with its key unchanged."
    DeviceLimit "device_limit" 409 "The user has as many devices as allowed"
        "Name the device in `replaces`, or unbind it first."
    /// Beyond the first list: neither waiting nor support helps while the guesser has the user's password.
    FirstFactorUnchanged "first_factor_unchanged" 409 "Somebody has the user's first factor"
        "The suspension was lifted twice within 13 weeks: have the user's first factor changed, then unlock with `first_factor_changed_at`."
    /// Beyond the first list: what is refused here is told to those who look after tokens, not to those who bind them.
    TokenState "token_state" 409 "The token's state does not allow this"
        "Read the token anew: `detail` says what has to happen first."
    TokenUnavailable "token_unavailable" 409 "The token cannot be bound"
        "Check the serial number; every cause gets this same answer."
    /// Beyond the first list: two people and a file are told apart from a token's life.
    ExportState "export_state" 409 "The export's state does not allow this"
        "`detail` says what has to happen first; most often a new export is asked for."
    EnrollmentEnded "enrollment_ended" 410 "The enrollment has ended"
        "It was confirmed, abandoned, replaced, or ended by wrong codes: start a new one."
    EnrollmentExpired "enrollment_expired" 410 "The enrollment has expired"
        "Start a new one."
    PreconditionFailed "precondition_failed" 412 "It was changed meanwhile"
        "Nothing answers so yet, for nothing has an ETag. Load it anew and repeat the change."
    /// Beyond the first list: the limit is told apart from a body that is wrong.
    PayloadTooLarge "payload_too_large" 413 "The body is too large"
        "Send less at once; a batch holds at most 4,096 items."
    /// Beyond the first list: a form or a text instead of JSON was not even read.
    UnsupportedMediaType "unsupported_media_type" 415 "The body is not declared as JSON"
        "Send `Content-Type: application/json`."
    CodeRefused "code_refused" 422 "The code was refused"
        "Ask the user for the next code; `hint` says what the user can mend, where that is known. The wrong code was counted."
    RateLimited "rate_limited" 429 "Too many tries or requests"
        "Wait for `retry_after_s`. Without it, waiting does not help: either somebody seems to have the user's password, and the check is suspended until support unlocks it or a resync with an identity proof succeeds; or the token was reported lost, and a recovery code replaces it. Tell the user."
    /// Beyond the first list: for the operator and for us, never for the caller to mend.
    Internal "internal" 500 "The service failed"
        "Report it with the `X-Request-Id` of the answer; it is ours to mend. Treat the code as not accepted."
    /// Beyond the first list: codes cannot be judged, though storage is well, and another node may be right.
    ClockUnreliable "clock_unreliable" 503 "The clock of this node cannot be trusted"
        "Retry in a moment, on another node if there is one; `/readyz` of this one says what ends it. No code was judged."
    StorageUnavailable "storage_unavailable" 503 "Storage is unavailable"
        "Treat the code as not accepted, and retry in a moment with the next code."
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::ALL.iter().map(|code| code.name())))
            .description(Some(
                "Stable and untranslated. More may come: treat an unknown one by its status.",
            ))
            .into()
    }
}

impl ToSchema for ProblemCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProblemCode")
    }
}
