//! Login and operation protection of a user on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a user's second factor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Protection {
    /// At login, after the password was right.
    pub login_protection: ProtectionMethod,
    /// Before a sensitive operation.
    pub operation_protection: ProtectionMethod,
}

/// By what a user is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProtectionMethod {
    /// Nothing is asked.
    None,
    /// A code of a bound device.
    Mfa,
}

/// What a binding switches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A code is asked for at login.
    LoginProtection,
    /// A code is asked for before a sensitive operation.
    OperationProtection,
}
