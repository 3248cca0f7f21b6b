//! User counts: how many of an account's users have a device or a setting.

use serde::{Deserialize, Serialize};

use crate::{Key, Noun, Pending, Store};

/// The number of an account's users who have a device or a setting of protection, which is limited (P1).
///
/// Whoever gets the first, or loses the last, changes it by the same commit, so that two cannot take the last place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCount {
    /// Whose.
    pub account: String,
    /// Raised by every change.
    pub version: u64,
    /// How many there are.
    pub users: u64,
}

impl UserCount {
    fn key_of(account: &str) -> Key {
        Key::of_account(account, Self::NAME)
    }
}

impl Noun for UserCount {
    const NAME: &'static str = "user_count";

    fn key(&self) -> Key {
        Self::key_of(&self.account)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading user counts.
impl dyn Store + '_ {
    /// The count of this account; `None` where nobody has counted yet.
    pub fn user_count(&self, account: &str) -> Pending<'_, Option<UserCount>> {
        self.one(UserCount::key_of(account))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::golden;

    #[test]
    fn golden_files() {
        golden(
            "some",
            &UserCount {
                account: "acme".into(),
                version: 12,
                users: 9,
            },
        );
    }
}
