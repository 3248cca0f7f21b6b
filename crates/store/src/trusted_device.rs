//! Trusted devices: the browsers in which a user need not be checked at login for a while.

use serde::{Deserialize, Serialize};
use verify::{Throttle, UnixMs};

use crate::{Id, Key, Noun, Owner, Pending, Store, shape};

/// The browsers that a user trusts, all of them: one record, so that they are bounded, and end, at once (P2).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedDevices {
    /// Whose.
    pub owner: Owner,
    /// Raised by every change. It begins at the time, in milliseconds, so that what was read of a record that ended matches
    /// none that came after it.
    pub version: u64,
    /// The oldest first.
    pub devices: Vec<TrustedDevice>,
}

/// One browser that is trusted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedDevice {
    /// The decision that trusted it; UUIDv7.
    pub id: Id,
    /// When the user was checked in it.
    #[serde(rename = "since_ms", with = "shape::ms")]
    pub since: UnixMs,
    /// When the trust ends, whatever it was used for.
    #[serde(rename = "until_ms", with = "shape::ms")]
    pub until: UnixMs,
    /// When it last stood in for a check.
    #[serde(
        rename = "last_used_at_ms",
        default,
        with = "shape::optional_ms",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_used_at: Option<UnixMs>,
    /// The number of the newest token that came back; 0: none did yet.
    pub seen: u32,
    /// The tokens that came back lately, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen_lately: Vec<SeenToken>,
    /// Address, agent and city, sealed under the key of the user's names, which goes with the user's row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<SealedNames>,
    /// Wrong codes that were typed in it.
    #[serde(default, with = "shape::budget")]
    pub budget: Throttle,
}

/// A token that came back.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenToken {
    /// Its number.
    pub number: u32,
    /// When it came first.
    #[serde(rename = "at_ms", with = "shape::ms")]
    pub at: UnixMs,
}

/// Text that is sealed under the key of a user's names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedNames {
    /// The nonce is of it.
    #[serde(with = "shape::hex")]
    pub salt: [u8; 16],
    /// Base64.
    pub text: String,
}

impl TrustedDevices {
    /// Of a user who trusts none yet.
    pub fn none(owner: Owner, now: UnixMs) -> Self {
        Self {
            owner,
            version: u64::try_from(now.get()).unwrap_or(0),
            devices: Vec::new(),
        }
    }

    /// The trusted browser of this id.
    pub fn device(&self, id: Id) -> Option<&TrustedDevice> {
        self.devices.iter().find(|device| device.id == id)
    }

    /// The key of a user's trusted browsers, whether they have any or not.
    pub fn key_of(owner: &Owner) -> Key {
        Key::of_user(owner, Self::NAME, "")
    }
}

impl Noun for TrustedDevices {
    const NAME: &'static str = "trusted_devices";

    fn key(&self) -> Key {
        Self::key_of(&self.owner)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_at(&self) -> Option<UnixMs> {
        self.devices.iter().map(|device| device.until).max()
    }
}

/// Reading trusted devices.
impl dyn Store + '_ {
    /// The trusted browsers of this owner.
    pub fn trusted_devices(&self, owner: &Owner) -> Pending<'_, Option<TrustedDevices>> {
        self.one(TrustedDevices::key_of(owner))
    }

    /// Those of each owner, in the order asked.
    pub fn trusted_devices_of(&self, owners: &[Owner]) -> Pending<'_, Vec<Option<TrustedDevices>>> {
        self.each(owners.iter().map(TrustedDevices::key_of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id, owner};

    #[test]
    fn golden_files() {
        let fresh = TrustedDevice {
            id: id(7),
            since: NOW,
            until: NOW.plus(7 * UnixMs::DAY),
            last_used_at: None,
            seen: 0,
            seen_lately: Vec::new(),
            names: None,
            budget: Throttle::default(),
        };
        let used = TrustedDevice {
            id: id(8),
            last_used_at: Some(NOW.plus(UnixMs::HOUR)),
            seen: 2,
            seen_lately: vec![SeenToken {
                number: 2,
                at: NOW.plus(UnixMs::HOUR),
            }],
            names: Some(SealedNames {
                salt: [7; 16],
                text: "c2VhbGVk".into(),
            }),
            budget: Throttle {
                since_success: 1,
                ..Throttle::default()
            },
            ..fresh.clone()
        };
        golden(
            "two",
            &TrustedDevices {
                devices: vec![fresh, used],
                ..TrustedDevices::none(owner(), NOW)
            },
        );
    }
}
