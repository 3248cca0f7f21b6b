//! Verification on the wire: one code, or a batch of them, and what is answered.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type},
};
use uuid::Uuid;

use crate::{Client, CodeText, Name, Problem, VerifyMethod};

/// Is this code right?
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// The user's account.
    #[schema(example = "acme")]
    pub account: Name,
    /// The user. **Names are compared byte for byte**, unless the service folds their case: where a directory takes `Joe` for
    /// `joe`, and this service does not, `Joe` is an unknown user, and is asked for nothing.
    #[schema(example = "alice")]
    pub user: Name,
    /// As the user typed it.
    pub code: CodeText,
    /// The caller's word that the password, or its like, was right. Without it no code is judged.
    #[serde(default)]
    #[schema(required = true)]
    pub first_factor: bool,
    /// What the code is: `totp` when absent.
    #[serde(default)]
    pub method: VerifyMethod,
    /// For a caller whose answer was lost: an exact repeat of an accepted request, by the same API key and for the same
    /// `client`, is told the same within five minutes, as `repeated`. With anything else in it, it is another request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// What the user came with; for the audit trail, and to tell requests apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
}

/// The caller's own id of a request: 128 random bits, so that nobody meets or guesses another's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestId(Name);

impl RequestId {
    /// As many characters as 128 bits take in base64.
    const MIN_CHARS: usize = 22;

    /// The id that so many random bits make.
    pub fn from_random(bits: [u8; 16]) -> Self {
        let text = data_encoding::BASE64URL_NOPAD.encode(&bits);
        Self(Name::new(text).expect("22 characters of base64 are a name"))
    }

    /// The id as it came.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = RequestId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string of 22 to 128 characters")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RequestId, E> {
                if text.chars().count() < RequestId::MIN_CHARS {
                    return Err(E::custom(format_args!(
                        "has fewer than {} characters: send 128 random bits, which are 22 characters of base64 or 32 of hex",
                        RequestId::MIN_CHARS
                    )));
                }
                Name::new(text).map(RequestId).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl PartialSchema for RequestId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(Self::MIN_CHARS))
            .max_length(Some(128))
            .description(Some(
                "128 random bits, new for each request: 22 characters of base64 or 32 of hex; up to 128 bytes of UTF-8 without \
                 control characters.",
            ))
            .examples(["q8Zr2nTVx0uYbWkJ4mPdSg"])
            .into()
    }
}

impl ToSchema for RequestId {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RequestId")
    }
}

/// The decision. An accepted code is burned, and a wrong one counted, before it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifyResponse {
    /// Whether the user may pass.
    accepted: bool,
    /// The same with one more shade.
    outcome: VerifyOutcome,
    /// Whose code it was; absent unless accepted, and for recovery codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<Uuid>,
    /// The decision, as the audit trail names it; absent unless accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<Uuid>,
    /// Many of them say that somebody else knows the password. With a device's code: wrong ones for that device since its last
    /// right one. With a recovery code: wrong recovery codes since the last right one, and the wrong codes for the device that
    /// has most of them. Absent unless accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong_since_last_success: Option<u32>,
    /// True where this very request was accepted before, under this `decision_id`: it opens nothing anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeated: Option<bool>,
    /// While locked: seconds until a code is judged again. Absent when somebody has to act first: support lifts a
    /// suspension, and what was lost is replaced by a recovery code.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

impl VerifyResponse {
    /// Right, and burned; by this device, unless it was a recovery code.
    pub fn accepted(device_id: Option<Uuid>, decision_id: Uuid, wrong_since_last_success: u32) -> Self {
        Self {
            accepted: true,
            outcome: VerifyOutcome::Accepted,
            device_id,
            decision_id: Some(decision_id),
            wrong_since_last_success: Some(wrong_since_last_success),
            ..Self::refused()
        }
    }

    /// The same decision, told once more.
    #[must_use]
    pub fn repeated(self) -> Self {
        Self {
            repeated: Some(true),
            ..self
        }
    }

    /// Not accepted, and nothing more to say.
    pub fn refused() -> Self {
        Self {
            accepted: false,
            outcome: VerifyOutcome::Refused,
            device_id: None,
            decision_id: None,
            wrong_since_last_success: None,
            repeated: None,
            retry_after_s: None,
        }
    }

    /// Not judged, for as many seconds or until somebody acts.
    pub fn locked(retry_after_s: Option<u64>) -> Self {
        Self {
            outcome: VerifyOutcome::Locked,
            retry_after_s,
            ..Self::refused()
        }
    }

    /// The decision.
    pub fn outcome(&self) -> VerifyOutcome {
        self.outcome
    }

    /// Whether the user may pass: only where both fields that say so agree.
    pub fn is_accepted(&self) -> bool {
        self.accepted && self.outcome == VerifyOutcome::Accepted
    }

    /// Whose code it was, where a device's was accepted.
    pub fn device_id(&self) -> Option<Uuid> {
        self.device_id
    }

    /// The decision's id in the audit trail, where it was accepted.
    pub fn decision_id(&self) -> Option<Uuid> {
        self.decision_id
    }

    /// Wrong codes between the success before and this one.
    pub fn wrong_since_last_success(&self) -> Option<u32> {
        self.wrong_since_last_success
    }

    /// Whether this very request was accepted before: it opens nothing anew.
    pub fn is_repeated(&self) -> bool {
        self.repeated == Some(true)
    }

    /// While locked: seconds until a code is judged again, where waiting helps.
    pub fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }
}

/// What a caller learns of a code. `locked`: too many wrong codes before, or the device was reported lost; right and wrong
/// codes get this same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyOutcome {
    /// Right, for the first time; or an exact repeat of the request that was.
    Accepted,
    /// Wrong, used, too old, of nobody: which of them, only support may learn.
    Refused,
    /// Not judged: too many wrong codes before, or the device was reported lost. Right and wrong codes get this same answer.
    Locked,
}

/// Several checks at once; those of one user are judged in their order.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyBatchRequest {
    /// The checks.
    pub items: BatchItems,
}

/// How many checks a batch holds at most.
pub const BATCH_ITEMS_MAX: usize = 4_096;

/// Up to [`BATCH_ITEMS_MAX`] checks; the next one is refused before it is read.
#[derive(Serialize)]
pub struct BatchItems(Vec<VerifyRequest>);

impl BatchItems {
    /// These checks, if they are not too many for one batch.
    pub fn new(items: Vec<VerifyRequest>) -> Option<Self> {
        (items.len() <= BATCH_ITEMS_MAX).then_some(Self(items))
    }

    /// The checks, in their order.
    pub fn into_inner(self) -> Vec<VerifyRequest> {
        self.0
    }
}

impl<'de> Deserialize<'de> for BatchItems {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = BatchItems;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an array of at most {BATCH_ITEMS_MAX} checks")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<BatchItems, A::Error> {
                let mut items = Vec::new();
                while items.len() < BATCH_ITEMS_MAX {
                    let Some(item) = seq.next_element()? else {
                        return Ok(BatchItems(items));
                    };
                    items.push(item);
                }
                match seq.next_element::<de::IgnoredAny>()? {
                    None => Ok(BatchItems(items)),
                    Some(_one_too_many) => Err(de::Error::custom(format_args!(
                        "has more than {BATCH_ITEMS_MAX} items: send several batches"
                    ))),
                }
            }
        }

        deserializer.deserialize_seq(Visitor)
    }
}

impl PartialSchema for BatchItems {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(Ref::from_schema_name("VerifyRequest"))
            .max_items(Some(BATCH_ITEMS_MAX))
            .description(Some("Up to 4,096 checks."))
            .into()
    }
}

impl ToSchema for BatchItems {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((VerifyRequest::name().into(), VerifyRequest::schema()));
        VerifyRequest::schemas(schemas);
    }
}

/// The results of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifyBatchResponse {
    /// One for each item, in their order.
    pub results: Vec<BatchResult>,
}

/// What became of one item: `accepted` is there in any case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BatchResult {
    /// It was decided.
    Decided(VerifyResponse),
    /// It was not; the others do not suffer from it.
    Failed(BatchFailure),
}

/// An item that was not decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchFailure {
    /// Always false.
    #[schema(example = false)]
    accepted: bool,
    /// Why, as `POST /v1/verify` would have said.
    problem: Problem,
}

impl BatchFailure {
    /// Not decided for this reason, hence not accepted.
    pub fn new(problem: Problem) -> Self {
        Self {
            accepted: false,
            problem,
        }
    }

    /// Why it was not decided.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}
