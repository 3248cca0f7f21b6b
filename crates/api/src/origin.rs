//! Who is behind a call, as its caller says; all of it goes to the audit trail.

use std::{borrow::Cow, fmt, net::IpAddr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::{GrantText, Name, PresentedGrant, Text, Timestamp};

/// On whose behalf the caller makes a change; stands in the audit trail beside the API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The caller's own name for them.
    #[schema(example = "alice")]
    pub id: Name,
    /// What they are.
    pub kind: ActorKind,
    /// Where they came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "203.0.113.7")]
    pub ip: Option<IpAddr>,
}

impl Actor {
    /// A program that acts under a name of its own.
    pub fn named(id: &'static str, kind: ActorKind) -> Self {
        Self {
            id: Name::from_static(id),
            kind,
            ip: None,
        }
    }
}

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// The user themself.
    User,
    /// An administrator of the account.
    Admin,
    /// The cloud's support.
    Support,
    /// A program.
    Service,
}

/// What the user came with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The address of the user's browser or program.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "203.0.113.7")]
    pub ip: Option<IpAddr>,
    /// What it calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<UserAgent>,
}

/// What a browser calls itself; beyond 512 bytes it is cut, because its user could not shorten it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent(Arc<str>);

impl UserAgent {
    const MAX_BYTES: usize = 512;

    /// The beginning of it, as far as it is kept.
    pub fn new(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(Self::MAX_BYTES)].into())
    }

    /// The beginning of what came.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for UserAgent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UserAgent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = UserAgent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<UserAgent, E> {
                Ok(UserAgent::new(text))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl PartialSchema for UserAgent {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "What the user's browser calls itself; beyond 512 bytes it is cut.",
            ))
            .examples(["Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"])
            .into()
    }
}

impl ToSchema for UserAgent {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("UserAgent")
    }
}

/// How somebody made sure of the user's identity before a way in is asked for: the caller's word, or an identity grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, try_from = "IdentityProofFields")]
pub enum IdentityProof {
    /// The caller's word.
    Word(IdentityWord),
    /// An identity grant for this very change; it counts once. One that a device or a recovery code gave is the fresh factor
    /// of a further device as well.
    Grant(PresentedGrant),
}

/// The caller's word that it made sure of the user's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityWord {
    /// What was checked, in the caller's own words.
    #[schema(example = "password_and_sms")]
    pub method: Text<64>,
    /// When it was checked: at most 15 minutes ago.
    pub at: Timestamp,
    /// Who or what checked it.
    #[schema(example = "login-service")]
    pub by: Name,
}

/// Both kinds' fields, flat, so that what is wrong with one of them is told with its path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityProofFields {
    method: Option<Text<64>>,
    at: Option<Timestamp>,
    by: Option<Name>,
    grant: Option<GrantText>,
}

impl TryFrom<IdentityProofFields> for IdentityProof {
    type Error = &'static str;

    fn try_from(fields: IdentityProofFields) -> Result<Self, Self::Error> {
        match (fields.method, fields.at, fields.by, fields.grant) {
            (Some(method), Some(at), Some(by), None) => Ok(Self::Word(IdentityWord { method, at, by })),
            (None, None, None, Some(grant)) => Ok(Self::Grant(PresentedGrant { grant })),
            _ => Err("has either all of method, at and by, or a grant"),
        }
    }
}

/// The header of a request that changes what was read before; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatchHeader {
    /// The `ETag` of what was read. The change is refused, as `precondition_failed`, where that is not there any more.
    #[param(rename = "If-Match", required = true, example = "\"3\"")]
    _if_match: String,
}

/// The header of a request that creates something; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyHeader {
    /// The caller's own name for this request, 1 to 255 ASCII characters, best a UUID. A repeat of the request with it within
    /// 24 hours creates nothing: it is answered with what was created, and, where a secret was shown, by
    /// `already_created`.
    #[param(
        rename = "Idempotency-Key",
        required = false,
        example = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    )]
    _idempotency_key: Option<String>,
}
