//! Requirements on the wire: the protection that an account asks of its users.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Actor, Approver, Name, ProtectionMethod, Text};

/// Where an account is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AccountPath {
    /// The account.
    #[param(example = "acme")]
    pub account: Name,
}

/// What an account requires of those of its users who chose less: neither the same nor `mfa`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Requirements {
    /// At login; absent where nothing is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_protection: Option<ProtectionMethod>,
    /// Before a sensitive operation; absent where nothing is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_protection: Option<ProtectionMethod>,
    /// The external methods that may stand in for the main one.
    #[schema(example = json!(["email", "sms"]))]
    pub alternatives: Vec<String>,
}

/// Changes what an account requires, all of it.
// No `Debug`: it may carry a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementsRequest {
    /// At login; nothing is required when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_protection: Option<ProtectionMethod>,
    /// Before a sensitive operation; nothing is required when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_protection: Option<ProtectionMethod>,
    /// The external methods that may stand in for the main one.
    pub alternatives: Vec<Text<64>>,
    /// The account's root, or an administrator, with whose code the role `enroll` is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Approver>,
    /// On whose behalf.
    pub actor: Actor,
}
