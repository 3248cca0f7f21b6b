//! Enrollments: bindings of devices under way, and their states.

use otp::Parameters;
use serde::{Deserialize, Serialize};
use verify::{Kind, Moving, UnixMs};

use crate::{Id, Key, List, Lookup, Noun, Owner, Pending, Sealed, Store, document, shape};

/// An enrollment: a binding under way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrollment {
    /// UUIDv7.
    pub id: Id,
    /// The owner.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// App or token.
    #[serde(with = "shape::KindName")]
    pub kind: Kind,
    /// Shown in the app above the code.
    pub issuer: String,
    /// The account's name as the app shows it.
    pub label: String,
    /// Algorithm, digits, period.
    #[serde(with = "shape::parameters")]
    pub parameters: Parameters,
    /// What the device's codes follow from.
    #[serde(
        default = "shape::by_time",
        with = "shape::MovingName",
        skip_serializing_if = "shape::is_by_time"
    )]
    pub moving: Moving,
    /// The check of identity that the caller made before it asked.
    pub identity_proof: IdentityProof,
    /// The token that is to be bound; its secret stays in the inventory until then.
    pub serial_number: Option<String>,
    /// The device that is unbound in the moment this one is bound.
    pub replaces: Option<Id>,
    /// When it began.
    #[serde(rename = "started_at_ms", with = "shape::ms")]
    pub started_at: UnixMs,
    /// When it ends by itself.
    #[serde(rename = "expires_at_ms", with = "shape::ms")]
    pub expires_at: UnixMs,
    /// Its state.
    pub state: EnrollmentState,
}

/// `started -> superseded | confirmed | abandoned`; expiry is a matter of time, not of a write.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrollmentState {
    /// Waiting for codes.
    Started {
        /// The secret that was shown; none of a token, whose codes are its own.
        #[serde(rename = "secret")]
        sealed: Option<Sealed>,
        /// Wrong codes so far.
        wrong_codes: u32,
    },
    /// A newer enrollment took its place. The secret stays until expiry for one use only: to tell a user
    /// who types the older entry's code that it is the older entry's.
    Superseded {
        /// The secret that was shown.
        #[serde(rename = "secret")]
        sealed: Sealed,
    },
    /// It became this device.
    Confirmed {
        /// The device.
        device: Id,
    },
    /// Ended by the caller, by too many wrong codes, or by housekeeping after expiry.
    Abandoned,
}

impl EnrollmentState {
    /// The sealed secret, while there is one.
    pub fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Started { sealed, .. } => sealed.as_ref(),
            Self::Superseded { sealed } => Some(sealed),
            Self::Confirmed { .. } | Self::Abandoned => None,
        }
    }

    /// One more wrong code, of so many that end it.
    pub fn wrong_code(self, most: u32) -> Option<Self> {
        match self {
            Self::Started { wrong_codes, .. } if wrong_codes + 1 >= most => Some(Self::Abandoned),
            Self::Started { sealed, wrong_codes } => Some(Self::Started {
                sealed,
                wrong_codes: wrong_codes + 1,
            }),
            Self::Superseded { .. } | Self::Confirmed { .. } | Self::Abandoned => None,
        }
    }

    /// A newer enrollment takes its place. Of a token, whose codes are its own, nothing is left to keep.
    pub fn superseded(self) -> Option<Self> {
        match self {
            Self::Started {
                sealed: Some(sealed), ..
            } => Some(Self::Superseded { sealed }),
            Self::Started { sealed: None, .. } | Self::Superseded { .. } => Some(Self::Abandoned),
            Self::Confirmed { .. } | Self::Abandoned => None,
        }
    }

    /// It becomes this device.
    pub fn confirmed(self, device: Id) -> Option<Self> {
        matches!(self, Self::Started { .. }).then_some(Self::Confirmed { device })
    }

    /// It ends without a device.
    pub fn abandoned(self) -> Option<Self> {
        self.is_open().then_some(Self::Abandoned)
    }

    /// `true` where it has not ended yet, or still holds a secret.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Started { .. } | Self::Superseded { .. })
    }
}

/// The caller's word about who asks: what was checked, when, by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProof {
    /// `password`, `sms`, `face`, …: the caller's own word.
    pub method: String,
    /// When it was checked.
    #[serde(rename = "at_ms", with = "shape::ms")]
    pub at: UnixMs,
    /// The person or program that checked it.
    pub by: String,
}

const OPEN: &str = "open";

impl Enrollment {
    /// The next version of it, in another state.
    #[must_use]
    pub fn become_state(self, state: EnrollmentState) -> Self {
        Self {
            version: self.version + 1,
            state,
            ..self
        }
    }

    fn key_of(owner: &Owner, id: Id) -> Key {
        Key::of_user(owner, Self::NAME, id.to_string())
    }
}

impl Noun for Enrollment {
    const NAME: &'static str = "enrollment";

    fn key(&self) -> Key {
        Self::key_of(&self.owner, self.id)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_at(&self) -> Option<UnixMs> {
        self.state.is_open().then_some(self.expires_at)
    }

    fn lookups(&self) -> Vec<Lookup> {
        let Owner { account, user } = &self.owner;
        let open = || Lookup::listed(OPEN, &[account, user, &self.id.to_string()]);
        self.state.is_open().then(open).into_iter().collect()
    }

    fn secrets(&self) -> Vec<&Sealed> {
        self.state.sealed().into_iter().collect()
    }

    fn secrets_mut(&mut self) -> Vec<&mut Sealed> {
        match &mut self.state {
            EnrollmentState::Started { sealed, .. } => sealed.iter_mut().collect(),
            EnrollmentState::Superseded { sealed } => vec![sealed],
            EnrollmentState::Confirmed { .. } | EnrollmentState::Abandoned => Vec::new(),
        }
    }
}

/// Reading enrollments.
impl dyn Store + '_ {
    /// One enrollment of this owner.
    pub fn enrollment(&self, owner: Owner, id: Id) -> Pending<'_, Option<Enrollment>> {
        self.one(Enrollment::key_of(&owner, id))
    }

    /// Those of this owner that are [open](EnrollmentState::is_open), oldest first.
    pub fn open_enrollments(&self, owner: Owner) -> Pending<'_, Vec<Enrollment>> {
        let list = List::Lookup {
            name: OPEN,
            prefix: document::value(&[&owner.account, &owner.user]),
            after: String::new(),
        };
        self.list(list, u32::MAX)
    }

    /// Up to `limit` enrollments of anybody that expired before `now` and are still open.
    pub fn expired_enrollments(&self, now: UnixMs, limit: u32) -> Pending<'_, Vec<Enrollment>> {
        self.list(List::Expired(now), limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id, owner, sealed};

    #[test]
    fn golden_files() {
        let enrollment = |state| Enrollment {
            id: id(2),
            owner: owner(),
            version: 2,
            kind: Kind::Virtual,
            issuer: "Wolke".into(),
            label: "acme:álice".into(),
            parameters: Parameters::DEFAULT,
            moving: Moving::Time,
            identity_proof: IdentityProof {
                method: "password".into(),
                at: NOW.plus(-1),
                by: "console".into(),
            },
            serial_number: None,
            replaces: Some(id(3)),
            started_at: NOW,
            expires_at: NOW.plus(UnixMs::HOUR),
            state,
        };
        let started = EnrollmentState::Started {
            sealed: Some(sealed(1)),
            wrong_codes: 2,
        };
        golden("started", &enrollment(started));
        golden(
            "superseded",
            &enrollment(EnrollmentState::Superseded { sealed: sealed(1) }),
        );
        golden("confirmed", &enrollment(EnrollmentState::Confirmed { device: id(4) }));
        golden("abandoned", &enrollment(EnrollmentState::Abandoned));
        let of_token = Enrollment {
            kind: Kind::Hardware,
            serial_number: Some("CS-000001".into()),
            ..enrollment(EnrollmentState::Started {
                sealed: None,
                wrong_codes: 0,
            })
        };
        golden("of_token", &of_token);
        let of_counter = Enrollment {
            moving: Moving::Counter,
            ..of_token
        };
        golden("of_counter_token", &of_counter);
    }
}
