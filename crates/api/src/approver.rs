//! Approvers on the wire: who approves a change of somebody else by their own code.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CodeText, FactorMethod, Name};

/// Who approves, and a fresh code of theirs, which is burned. Wrong ones are counted for the approver alone.
// No `Debug`: it carries a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// The approver's account.
    #[schema(example = "acme")]
    pub account: Name,
    /// The approver under it.
    #[schema(example = "root")]
    pub user: Name,
    /// A fresh code of a device of the approver's, or one of their recovery codes.
    pub code: CodeText,
    /// What the code is: `totp` when absent.
    #[serde(default)]
    pub method: FactorMethod,
}
