//! Protections: the settings of where a user's second factor is asked for.

use serde::{Deserialize, Serialize};

use crate::{Key, Noun, Owner, Pending, Store};

/// The settings of a user: where their second factor is asked for. Binding sets them, and unbinding the last device clears
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// The owner.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// Asked at login.
    pub login_protection: bool,
    /// Asked before a sensitive operation.
    pub operation_protection: bool,
}

impl Protection {
    /// Of a user who never had a factor.
    pub fn none(owner: Owner) -> Self {
        Self {
            owner,
            version: 0,
            login_protection: false,
            operation_protection: false,
        }
    }
}

impl Protection {
    fn key_of(owner: &Owner) -> Key {
        Key::of_user(owner, Self::NAME, "")
    }
}

impl Noun for Protection {
    const NAME: &'static str = "protection";

    fn key(&self) -> Key {
        Self::key_of(&self.owner)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading protections.
impl dyn Store + '_ {
    /// The protection of this owner; `None` for one who never had a factor.
    pub fn protection(&self, owner: Owner) -> Pending<'_, Option<Protection>> {
        self.one(Protection::key_of(&owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{golden, owner};

    #[test]
    fn golden_files() {
        golden(
            "login",
            &Protection {
                owner: owner(),
                version: 4,
                login_protection: true,
                operation_protection: false,
            },
        );
    }
}
