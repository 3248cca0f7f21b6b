//! Recovery codes.

use serde::{Deserialize, Serialize};
use verify::{Throttle, UnixMs};

use crate::{Key, Noun, Owner, Pending, Store, shape};

/// The recovery codes of a user: one set at a time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// The owner.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// When this set was issued.
    #[serde(rename = "issued_at_ms", with = "shape::ms")]
    pub issued_at: UnixMs,
    /// The user's name that stands in the hashes, where that is another one: they were renamed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashed_for: Option<String>,
    /// The set; empty when it died with the last device.
    pub codes: Vec<RecoveryCode>,
    /// Wrong codes.
    #[serde(with = "shape::budget")]
    pub budget: Throttle,
    /// Wrong codes at checks of identity, where they lock no login.
    #[serde(default, with = "shape::budget", skip_serializing_if = "shape::counts_nothing")]
    pub identity_budget: Throttle,
}

impl RecoveryCodes {
    /// Whom its hashes name.
    pub fn hashed_owner(&self) -> Owner {
        let name = self.hashed_for.as_deref();
        name.map_or_else(
            || self.owner.clone(),
            |name| Owner::new(self.owner.account.clone(), name),
        )
    }

    /// The number of codes that can still be spent.
    pub fn left(&self) -> usize {
        self.codes.iter().filter(|code| code.used_at.is_none()).count()
    }
}

/// One code, as a keyed hash of it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCode {
    /// HMAC-SHA-256 under a MAC key of the keyring.
    #[serde(with = "shape::hex")]
    pub mac: [u8; 32],
    /// The MAC key's id.
    pub key_id: u32,
    /// When it was spent.
    #[serde(rename = "used_at_ms", with = "shape::optional_ms")]
    pub used_at: Option<UnixMs>,
}

impl RecoveryCodes {
    fn key_of(owner: &Owner) -> Key {
        Key::of_user(owner, Self::NAME, "")
    }
}

impl Noun for RecoveryCodes {
    const NAME: &'static str = "recovery_codes";

    fn key(&self) -> Key {
        Self::key_of(&self.owner)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading recovery codes.
impl dyn Store + '_ {
    /// The set of this owner.
    pub fn recovery_codes(&self, owner: Owner) -> Pending<'_, Option<RecoveryCodes>> {
        self.one(RecoveryCodes::key_of(&owner))
    }

    /// The set of each owner, in the order asked.
    pub fn recovery_codes_of(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<RecoveryCodes>>> {
        self.each(owners.iter().map(RecoveryCodes::key_of).collect())
    }
}

#[cfg(test)]
mod tests {
    use verify::{GuessMac, LongCount, Recent};

    use super::*;
    use crate::golden::{NOW, golden, owner};

    #[test]
    fn recovery_codes() {
        let code = |byte: u8, used_at| RecoveryCode {
            mac: [byte; 32],
            key_id: 1,
            used_at,
        };
        let fresh = RecoveryCodes {
            owner: owner(),
            version: 1,
            issued_at: NOW,
            hashed_for: None,
            codes: vec![code(1, None), code(2, Some(NOW.plus(5)))],
            budget: Throttle::default(),
            identity_budget: Throttle::default(),
        };
        golden("fresh", &fresh);
        let used = RecoveryCodes {
            version: 9,
            budget: Throttle {
                recent: Recent::of([NOW.plus(9), NOW]),
                lock_count: 1,
                locked_until: Some(NOW.plus(UnixMs::HOUR)),
                since_success: 5,
                last_wrong: Some(GuessMac(77)),
                long: LongCount {
                    week: 2_968,
                    counts: [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                },
                suspended_at: Some(NOW.plus(10)),
                lifted: [Some(2_960), None],
            },
            ..fresh
        };
        golden("used", &used);
        let identity = RecoveryCodes {
            identity_budget: used.budget,
            ..used
        };
        golden("identity", &identity);
    }
}
