//! Grants on the wire: introspection, revocation, and the public keys by which they are verified.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ChallengePurpose, Name, Text, Timestamp};

/// A grant, as its bearer presents it.
pub type GrantText = Text<8192>;

/// A grant that stands for something else: a code, or the caller's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresentedGrant {
    /// The grant, as its bearer presents it.
    #[schema(example = "eyJhbGciOiJFZERTQSIs…")]
    pub grant: GrantText,
}

/// Asks whether a grant is alive and passes where it is presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntrospectRequest {
    /// The grant, as its bearer presents it.
    #[schema(example = "eyJhbGciOiJFZERTQSIs…")]
    pub grant: GrantText,
    /// The session in which it is presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "session-7f3a")]
    pub session_id: Option<Text<256>>,
    /// The operation that it is to pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "cloud-virtual-machine/shutting-down-instances")]
    pub operation: Option<Text<256>>,
    /// The resource of that operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ins-1a2b3c4d")]
    pub resource: Option<Text<256>>,
}

/// What a grant says, if it is alive and passes; else only that it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Introspection {
    /// Let it pass on `true` alone.
    #[schema(example = true)]
    pub active: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<ChallengePurpose>,
    /// The user's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "acme")]
    pub account: Option<String>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice")]
    pub user: Option<String>,
    /// The session that it holds in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "session-7f3a")]
    pub session_id: Option<String>,
    /// The one operation that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "cloud-virtual-machine/shutting-down-instances")]
    pub operation: Option<String>,
    /// The one resource of that operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ins-1a2b3c4d")]
    pub resource: Option<String>,
    /// How the user was checked; empty where nothing was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["totp"]))]
    pub amr: Option<Vec<String>>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The decision that it came of, by which the trail knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<Uuid>,
}

/// Ends grants before their time: one, or those of a user or of a session of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeGrantsRequest {
    /// The grant, as its bearer has it; and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "eyJhbGciOiJFZERTQSIs…")]
    pub grant: Option<GrantText>,
    /// The user's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "acme")]
    pub account: Option<Name>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice")]
    pub user: Option<Name>,
    /// Only those of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "session-7f3a")]
    pub session_id: Option<Text<256>>,
}

/// The public keys of grants (RFC 7517).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    /// Those to come, the current one, and those of which grants may still be alive.
    pub keys: Vec<Jwk>,
}

/// An Ed25519 public key (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// Always `OKP`.
    #[schema(example = "OKP")]
    pub kty: String,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    pub crv: String,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA")]
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub usage: String,
    /// Its thumbprint (RFC 7638), as grants name it in their header.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    pub kid: String,
    /// The key, in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
}
