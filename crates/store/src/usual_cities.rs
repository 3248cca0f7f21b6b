//! Usual cities: where a user's logins come from.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Key, Noun, Owner, Pending, Store, shape};

/// The cities from which a user logged in with a fresh factor, each as a keyed hash: they are compared, and never shown (P5).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsualCities {
    /// Whose.
    pub owner: Owner,
    /// Raised by every change. It begins at the time, in milliseconds.
    pub version: u64,
    /// In no order.
    pub cities: Vec<UsualCity>,
}

/// One usual city.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsualCity {
    /// HMAC-SHA-256 of user and city under a MAC key of the keyring.
    #[serde(with = "shape::hex")]
    pub mac: [u8; 32],
    /// The MAC key's id.
    pub key_id: u32,
    /// The last login from there with a fresh factor, to the day.
    #[serde(rename = "last_seen_at_ms", with = "shape::ms")]
    pub last_seen_at: UnixMs,
}

impl UsualCities {
    /// A city is usual for so long after the last login from there.
    pub const KEPT_MS: i64 = 90 * UnixMs::DAY;

    /// Of a user who has none yet.
    pub fn none(owner: Owner, now: UnixMs) -> Self {
        Self {
            owner,
            version: u64::try_from(now.get()).unwrap_or(0),
            cities: Vec::new(),
        }
    }

    fn key_of(owner: &Owner) -> Key {
        Key::of_user(owner, Self::NAME, "")
    }
}

impl Noun for UsualCities {
    const NAME: &'static str = "usual_cities";

    fn key(&self) -> Key {
        Self::key_of(&self.owner)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_at(&self) -> Option<UnixMs> {
        let newest = self.cities.iter().map(|city| city.last_seen_at).max();
        newest.map(|at| at.plus(Self::KEPT_MS))
    }
}

/// Reading usual cities.
impl dyn Store + '_ {
    /// The usual cities of this owner.
    pub fn usual_cities(&self, owner: &Owner) -> Pending<'_, Option<UsualCities>> {
        self.one(UsualCities::key_of(owner))
    }

    /// Those of each owner, in the order asked.
    pub fn usual_cities_of(&self, owners: &[Owner]) -> Pending<'_, Vec<Option<UsualCities>>> {
        self.each(owners.iter().map(UsualCities::key_of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, owner};

    #[test]
    fn golden_files() {
        golden(
            "one",
            &UsualCities {
                cities: vec![UsualCity {
                    mac: [5; 32],
                    key_id: 1,
                    last_seen_at: NOW,
                }],
                ..UsualCities::none(owner(), NOW)
            },
        );
    }
}
