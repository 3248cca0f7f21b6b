//! Requirements: the protection that an account asks of all its users.

use serde::{Deserialize, Serialize};

use crate::{Key, Noun, Pending, ProtectionSetting, Store};

/// What an account requires of its users, whose own choice it stands in for where that is nothing (P1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirements {
    /// Whose.
    pub account: String,
    /// Raised by every change.
    pub version: u64,
    /// Asked at login.
    pub login_protection: ProtectionSetting,
    /// Asked before a sensitive operation.
    pub operation_protection: ProtectionSetting,
    /// The external methods that may stand in for the main one (P4).
    pub alternatives: Vec<String>,
}

impl Requirements {
    /// Of an account that never required anything, with these methods as alternatives.
    pub fn none(account: &str, alternatives: Vec<String>) -> Self {
        Self {
            account: account.to_owned(),
            version: 0,
            login_protection: ProtectionSetting::default(),
            operation_protection: ProtectionSetting::default(),
            alternatives,
        }
    }

    /// The key of an account's requirements, whether it has any or not.
    pub fn key_of(account: &str) -> Key {
        Key::of_account(account, Self::NAME)
    }
}

impl Noun for Requirements {
    const NAME: &'static str = "requirements";

    fn key(&self) -> Key {
        Self::key_of(&self.account)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading requirements.
impl dyn Store + '_ {
    /// The requirements of this account; `None` for one that never required anything.
    pub fn requirements(&self, account: &str) -> Pending<'_, Option<Requirements>> {
        self.one(Requirements::key_of(account))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ProtectionMethod,
        golden::{NOW, golden},
    };

    #[test]
    fn golden_files() {
        let none = Requirements {
            version: 1,
            ..Requirements::none("acme", Vec::new())
        };
        golden("nothing", &none);
        golden(
            "login",
            &Requirements {
                version: 2,
                login_protection: ProtectionSetting::of(ProtectionMethod::Mfa, NOW),
                alternatives: vec!["sms".into()],
                ..none
            },
        );
    }
}
