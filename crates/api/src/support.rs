//! What takes two people of support, on the wire: one asks, another approves with a code of their own.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Actor, CodeText, FactorMethod, Name, Text, Timestamp};

/// Where a request of support is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SupportRequestPath {
    /// Its id.
    pub id: Uuid,
}

/// The person who approves, whom the presented key is bound to, and a fresh code of theirs.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// Their account.
    #[schema(example = "staff")]
    pub account: Name,
    /// Their user.
    #[schema(example = "anna")]
    pub user: Name,
    /// A code of their device, or one of their recovery codes.
    pub code: CodeText,
    /// What the code is: `totp` when absent.
    #[serde(default)]
    pub method: FactorMethod,
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
