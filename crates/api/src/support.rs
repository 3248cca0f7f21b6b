//! What takes two people of support, on the wire: one asks, another approves with a code of their own.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Actor, Approver, Name, PageSize, Text, Timestamp};

/// Where a request of support is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SupportRequestPath {
    /// Its id.
    pub id: Uuid,
}

/// Approves of what another person of support asked for.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// Who approves.
    pub approver: Approver,
    /// The same person, as the caller names them.
    pub actor: Actor,
}

/// Acts on a request of support.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupportActRequest {
    /// On whose behalf.
    pub actor: Actor,
}

/// Asks for a temporary passcode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasscodeRequest {
    /// The user's account.
    #[schema(example = "acme")]
    pub account: Name,
    /// The user who is to be let in.
    #[schema(example = "alice")]
    pub user: Name,
    /// Why, for whoever approves.
    #[schema(example = "lost her phone; called back on the number in the contract")]
    pub reason: Text<512>,
    /// Who asks.
    pub actor: Actor,
}

/// A temporary passcode: it is asked for, approved by another person, shown once, and opens one login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Passcode {
    /// To be told to whoever approves.
    pub id: Uuid,
    /// Where it stands.
    pub state: PasscodeState,
    /// The user's account.
    pub account: String,
    /// The user.
    pub user: String,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    #[schema(example = "desk-3")]
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// Who approved of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "desk-7")]
    pub approved_by: Option<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Where a passcode stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasscodeState {
    /// Waiting for another's approval.
    Requested,
    /// It may be shown, once.
    Approved,
    /// It was shown, and opens one login.
    Issued,
    /// It opened a login.
    Used,
    /// A newer request, or too many wrong passcodes.
    Ended,
}

/// A passcode as it is shown, once.
// No `Debug`: it carries a secret.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RevealedPasscode {
    /// Eight digits, which the user types where a code is asked for at login.
    #[schema(example = "48213095")]
    pub passcode: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Opens a request to end a user's devices.
// No `Debug`: it may carry a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbindRequestOpening {
    /// The user's account.
    #[schema(example = "acme")]
    pub account: Name,
    /// The user.
    #[schema(example = "alice")]
    pub user: Name,
    /// The device that is to end; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<Uuid>,
    /// What it is to end in.
    pub outcome: UnbindOutcome,
    /// What was shown for it: 1 to 20 pieces.
    pub evidence: Vec<NewEvidence>,
    /// Why, for whoever approves.
    #[schema(example = "her phone was stolen; identity checked at the counter")]
    pub reason: Text<512>,
    /// Who opens it.
    pub actor: Actor,
}

/// Applies for the end of a user's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbindApplicationRequest {
    /// Why, in the user's words.
    #[schema(example = "my phone fell into the sea")]
    pub reason: Text<512>,
    /// What they refer to, for support to look at: at most 20 pieces, or none.
    #[serde(default)]
    pub evidence: Vec<EvidenceReference>,
    /// Who applies.
    pub actor: Actor,
}

/// A piece of evidence that an applicant refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceReference {
    /// What it is; a token is handed back to support.
    pub kind: EvidenceKind,
    /// The caller's own name of it.
    #[schema(example = "ticket-12")]
    pub reference: Text<128>,
}

/// An application for the end of a user's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnbindApplication {
    /// The unbind request's.
    pub id: Uuid,
    /// `applied`: support looks at it; a repeat of the call is told where it stands by now.
    pub state: UnbindRequestState,
}

/// Vouches for what a user applied for.
// No `Debug`: it may carry a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbindRequestVouching {
    /// What support looked at itself: 1 to 20 pieces.
    pub evidence: Vec<NewEvidence>,
    /// Why, for whoever approves.
    #[schema(example = "called back on the number in the contract")]
    pub reason: Text<512>,
    /// Who vouches.
    pub actor: Actor,
}

/// What an unbind request is to end in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbindOutcome {
    /// Which.
    pub kind: UnbindOutcomeKind,
    /// With `switch_to`: one of the operator's main methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "sms")]
    pub method: Option<Text<64>>,
    /// With `switch_to`: what it reaches the user by, newly proven; opaque, and never shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "+86 138 0013 8000")]
    pub identity: Option<Text<128>>,
}

/// Kinds of what an unbind request ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnbindOutcomeKind {
    /// The devices end, and what they protected is not protected any more.
    Unbind,
    /// What they protected is protected by an external method from then on.
    SwitchTo,
}

/// A piece of evidence: an opaque reference to what lies elsewhere.
// No `Debug`: it may carry a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvidence {
    /// What it is.
    pub kind: EvidenceKind,
    /// The caller's own name of it.
    #[schema(example = "case-4711/2")]
    pub reference: Text<128>,
    /// What a program can check: the JSON Web Token that an evidence provider signed, or, with `token_returned`, the code that
    /// the token shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Text<4096>>,
}

/// Kinds of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The real name.
    RealName,
    /// An identity card's number.
    IdNumber,
    /// A check of the face.
    Face,
    /// Photos.
    Photos,
    /// A telephone number.
    Phone,
    /// The account that somebody logs in with.
    LoginAccount,
    /// A company's name.
    CompanyName,
    /// A company's number.
    CompanyNumber,
    /// A licence.
    Licence,
    /// A legal representative.
    LegalRepresentative,
    /// A letter of authorization.
    AuthorizationLetter,
    /// Who applies for a company.
    Applicant,
    /// A hardware token that was handed back; the code that it shows proves it.
    TokenReturned,
}

/// A request to end a user's devices: two persons of support, evidence, a cool-down, and the user who finishes it.
// No `Debug`: it may carry a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnbindRequestView {
    /// To be told to whoever approves.
    pub id: Uuid,
    /// Where it stands.
    pub state: UnbindRequestState,
    /// The user's account.
    pub account: String,
    /// The user.
    pub user: String,
    /// The device that is to end; all of them when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<Uuid>,
    /// The method that it switches to; the devices only end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "sms")]
    pub switch_to: Option<String>,
    /// What support was shown for it; empty while it is applied.
    pub evidence: Vec<SeenEvidence>,
    /// Why, in support's words; empty while it is applied.
    pub reason: String,
    /// Who of support opened it; empty while it is applied.
    #[schema(example = "desk-3")]
    pub opened_by: String,
    /// When; while it is applied, when the user applied.
    pub opened_at: Timestamp,
    /// What the user said, where it began as an application of theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<SeenApplication>,
    /// Who approved of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "desk-7")]
    pub approved_by: Option<String>,
    /// When the cool-down is over, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force_at: Option<Timestamp>,
    /// Told once, with the approval: to be handed to the applicant, whose console finishes the request with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ut_019a9ef4…_5b1c…")]
    pub applicant_token: Option<String>,
}

/// What a user said who applied for the end of their devices; nobody but support has looked at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenApplication {
    /// What they refer to.
    pub evidence: Vec<SeenEvidence>,
    /// Why, in their words.
    #[schema(example = "my phone fell into the sea")]
    pub reason: String,
    /// When they applied.
    pub applied_at: Timestamp,
}

/// A piece of evidence, as it is shown to whoever approves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenEvidence {
    /// What it is.
    #[schema(example = "face")]
    pub kind: String,
    /// The caller's own name of it.
    #[schema(example = "case-4711/2")]
    pub reference: String,
    /// Who found it right, beside support: an evidence provider, or `countersign` itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "faces")]
    pub checked_by: Option<String>,
}

/// Where an unbind request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnbindRequestState {
    /// The user applied for it: waiting for support, which opens it or not, for seven days.
    Applied,
    /// Waiting for another's approval, for three days.
    Requested,
    /// Cooling down: a right code of the device withdraws it.
    Approved,
    /// The user may finish it by their token, for 24 hours.
    InForce,
    /// It was done.
    Completed,
    /// Another person found that it should not be done.
    Rejected,
    /// Support thought better of it, or a right code of the device came in.
    Withdrawn,
    /// Nobody opened, approved or finished it in time.
    Expired,
}

/// Ends a request that is not to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbindRequestEnd {
    /// Why.
    #[schema(example = "called back on the number in the contract: it was not her")]
    pub reason: Text<512>,
    /// On whose behalf.
    pub actor: Actor,
}

/// Finishes an approved request.
// No `Debug`: it carries a secret.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbindRequestCompletion {
    /// As support handed it to the applicant.
    #[schema(example = "ut_019a9ef4…_5b1c…")]
    pub applicant_token: Text<128>,
    /// On whose behalf.
    pub actor: Actor,
}

/// What of support's list is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UnbindRequestQuery {
    /// Those in this state.
    #[param(inline)]
    pub state: UnbindRequestState,
    /// Items on the page.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: PageSize,
    /// `next_cursor` of the page before; from the oldest when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Uuid>,
}

/// A part of support's list, oldest first.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnbindRequestPage {
    /// Those of the users whom the key reaches; there may be fewer than asked for, or none, though more follow.
    pub items: Vec<UnbindRequestView>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<Uuid>,
}
