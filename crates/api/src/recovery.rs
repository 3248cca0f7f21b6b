//! Recovery codes on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{Actor, CodeText, FactorMethod};

/// Asks for a new set of recovery codes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryCodesRequest {
    /// A fresh code of the user.
    pub code: CodeText,
    /// What the code is: `totp` when absent.
    #[serde(default)]
    pub method: FactorMethod,
    /// On whose behalf.
    pub actor: Actor,
}

/// A new set of recovery codes, shown once.
// No `Debug`: it is for the user's eyes.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each can be used once, in any order.
    #[schema(value_type = Vec<String>, example = json!(["K4VQ 6J2M XWTA 7N3B", "P5ZL D2RC Q7EY 3HUG"]))]
    pub recovery_codes: Vec<Zeroizing<String>>,
}
