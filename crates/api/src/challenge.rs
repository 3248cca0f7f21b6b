//! Challenges on the wire: must a user be checked, by which method, and the answer.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Client, CodeText, MethodReport, Name, Text, Timestamp};

/// Asks whether a user must be checked, and by which method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// The user's account.
    #[schema(example = "acme")]
    pub account: Name,
    /// The user. **Names are compared byte for byte**, unless the service folds their case: where a directory takes `Joe` for
    /// `joe`, and this service does not, `Joe` is an unknown user, and is asked for nothing.
    #[schema(example = "alice")]
    pub user: Name,
    /// What for.
    pub purpose: ChallengePurpose,
    /// Who is to accept the grant: one of the API key's audiences, its first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "countersign")]
    pub audience: Option<Name>,
    /// The catalogue's `product/operation`, and of the shape of its keys even where it is not in there; with `identity`,
    /// the one thing that the check is for. Not with `login`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "cloud-virtual-machine/shutting-down-instances")]
    pub operation: Option<Text<256>>,
    /// The one resource of that operation. Not with `login`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ins-1a2b3c4d")]
    pub resource: Option<Text<256>>,
    /// The session, required with `operation`: ours, or any name of the caller's. Not with `login`, which comes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "session-7f3a")]
    pub session_id: Option<Text<256>>,
    /// What the first factor was, required with `login`: it is never asked again as the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_factor: Option<FirstFactor>,
    /// What the user came with, for the audit trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// With `login` alone: the caller takes it for risky, and suspicious-login protection asks then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// With `login` alone: the token that this browser was last given, if it was given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "AQAAAAEBmp70T2B8Hp1L…")]
    pub trusted_device: Option<Text<256>>,
}

/// What a challenge is for, and the grant that it ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChallengePurpose {
    /// A login, once the first factor was right.
    Login,
    /// A sensitive operation within a session.
    Operation,
    /// One named operation where there is no session, or none is meant.
    Identity,
}

/// The first factor of a login, which was right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstFactor {
    /// `password`, `wechat`, …: in the caller's own words, or an external method's name.
    #[schema(example = "password")]
    pub method: Text<64>,
}

/// A risk that the caller reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Ask, even where login protection is off.
    High,
}

/// Where a challenge is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ChallengePath {
    /// The challenge, as it was given.
    #[param(rename = "id", value_type = String, example = "AQAAAAEBmm…")]
    _id: String,
}

/// A challenge, and what was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    /// To be answered under. It is the challenge itself, sealed: up to some 3 KiB.
    pub id: String,
    /// What happens now.
    pub decision: Decision,
    /// Why: `unknown_user`, `not_protected`, `not_sensitive`, `grant_alive`, `trusted_device`, `protected`,
    /// `required_by_account`, `identity_always`, `identity`, `risk_reported`, `unusual_city`, `no_method`, `closing`,
    /// `recently_recovered`. More may come. The first is of a name under which nobody ever bound a device, or set or proved
    /// anything: of somebody who should be known it tells that the name is spelled otherwise.
    #[schema(example = "protected")]
    pub ground: String,
    /// What may answer, the strongest first; empty where nothing is asked.
    pub methods: Vec<OfferedMethod>,
    /// It cannot be answered after this.
    pub expires_at: Timestamp,
    /// No code is judged before: all devices are locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// With `allow`: the grant to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "eyJhbGciOiJFZERTQSIs…")]
    pub grant: Option<String>,
    /// When that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_expires_at: Option<Timestamp>,
    /// With the ground `no_method`, where it is denied: the operator's words for people who are stuck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Call 400-000-0000 with your ID card at hand.")]
    pub contact: Option<String>,
    /// Where the browser's trust stood in for the check: the token to keep in it in place of the one that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "AQAAAAEBmp70T2B8Hp1L…")]
    pub trusted_device: Option<String>,
    /// The operation is in no catalogue, be it misspelt or new: it was taken as `policy.unknown_operations` has it, and so
    /// asks never always. Absent where it is known, or none was named.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schema(example = false)]
    pub unknown_operation: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// The decision on a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Go on: nothing is asked, or it was answered.
    Allow,
    /// Ask the user by one of the methods.
    Challenge,
    /// Do not go on.
    Deny,
}

/// A method that may answer a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferedMethod {
    /// `totp`, `recovery_code`, or an external method's name.
    #[schema(example = "totp")]
    pub method: String,
    /// It is not the one that the user's setting names.
    #[schema(example = false)]
    pub alternative: bool,
}

/// Answers a challenge.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeAnswerRequest {
    /// One of the challenge's methods.
    #[schema(example = "totp")]
    pub method: Text<64>,
    /// As the user typed it: of `totp` and `recovery_code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// What the caller performed itself: of an external method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<MethodReport>,
    /// The user wants no check at login in this browser for 7 days; heard where their settings permit it.
    #[serde(default)]
    #[schema(default = false)]
    pub trust_device: bool,
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChallengeAnswer {
    /// `allow`, or `challenge`: the code was wrong, and another may be tried, unless `locked_until` is there.
    pub decision: Decision,
    /// The method of the answer.
    #[schema(example = "totp")]
    pub method: String,
    /// No code is judged before; told by the answer to the wrong code that locks, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// With `allow`: the grant to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "eyJhbGciOiJFZERTQSIs…")]
    pub grant: Option<String>,
    /// When that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_expires_at: Option<Timestamp>,
    /// Were they the user's own? With a device's code: wrong ones for that device since its last right one. With a recovery
    /// code: wrong recovery codes since the last right one, and the wrong codes for the device that has most of them. Those
    /// of identity checks are counted apart; in a trusted browser its own wrong codes come on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 0)]
    pub wrong_since_last_success: Option<u32>,
    /// The browser is trusted now: the token to keep in it, and to send with its next login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "AQAAAAEBmp70T2B8Hp1L…")]
    pub trusted_device: Option<String>,
}

/// Where a challenge stands; never its decision, nor a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChallengeStatus {
    /// The challenge.
    pub id: String,
    /// What it is for.
    pub purpose: ChallengePurpose,
    /// Where it stands.
    pub state: ChallengeState,
    /// It cannot be answered after this.
    pub expires_at: Timestamp,
}

/// The state of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeState {
    /// It waits for its answer.
    Open,
    /// It was answered.
    Answered,
    /// Its time is over.
    Expired,
}
