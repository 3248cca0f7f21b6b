//! Temporary passcodes, which one person of support requests and another approves (U3).

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Fingerprint, Id, Key, List, Lookup, Noun, Owner, Pending, Person, Store, document, shape};

/// A temporary passcode of a user who lost their device: it opens one login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passcode {
    /// UUIDv7.
    pub id: Id,
    /// The user.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// Why it is asked for, in support's words.
    pub reason: String,
    /// The person who asked for it, and to whom it is shown.
    pub requested_by: Person,
    /// When.
    #[serde(rename = "requested_at_ms", with = "shape::ms")]
    pub requested_at: UnixMs,
    /// When it ends by itself: the request, and the passcode once it was shown.
    #[serde(rename = "expires_at_ms", with = "shape::ms")]
    pub expires_at: UnixMs,
    /// Its state.
    pub state: PasscodeState,
}

/// `requested -> approved -> issued -> used`, or ended from any of the first three; expiry is a matter of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasscodeState {
    /// Waiting for another's approval.
    Requested,
    /// It may be shown, once.
    Approved {
        /// By whom.
        by: Person,
    },
    /// It was shown, and opens one login.
    Issued {
        /// Who had approved.
        approved_by: Person,
        /// The passcode, to be known again.
        passcode: Fingerprint,
        /// Wrong passcodes so far, each once.
        wrong: u32,
        /// The last wrong one, so that a client that repeats itself is one guess.
        last_wrong: Option<u32>,
    },
    /// It opened a login.
    Used,
    /// A newer request, too many wrong passcodes, or the end of what it was for.
    Ended,
}

impl PasscodeState {
    /// Another person approves.
    pub fn approved(self, by: Person) -> Option<Self> {
        matches!(self, Self::Requested).then_some(Self::Approved { by })
    }

    /// It is shown.
    pub fn issued(self, passcode: Fingerprint) -> Option<Self> {
        match self {
            Self::Approved { by } => Some(Self::Issued {
                approved_by: by,
                passcode,
                wrong: 0,
                last_wrong: None,
            }),
            Self::Requested | Self::Issued { .. } | Self::Used | Self::Ended => None,
        }
    }

    /// It opens a login.
    pub fn used(self) -> Option<Self> {
        matches!(self, Self::Issued { .. }).then_some(Self::Used)
    }

    /// One more wrong passcode, of so many that end it; the same one again is no other guess, and changes nothing.
    pub fn wrong(self, guess: u32, most: u32) -> Option<Self> {
        match self {
            Self::Issued { last_wrong, .. } if last_wrong == Some(guess) => None,
            Self::Issued { wrong, .. } if wrong + 1 >= most => Some(Self::Ended),
            Self::Issued {
                approved_by,
                passcode,
                wrong,
                ..
            } => Some(Self::Issued {
                approved_by,
                passcode,
                wrong: wrong + 1,
                last_wrong: Some(guess),
            }),
            Self::Requested | Self::Approved { .. } | Self::Used | Self::Ended => None,
        }
    }

    /// The person who has approved.
    pub fn approver(&self) -> Option<&Person> {
        match self {
            Self::Approved { by: person }
            | Self::Issued {
                approved_by: person, ..
            } => Some(person),
            Self::Requested | Self::Used | Self::Ended => None,
        }
    }

    /// The name on the wire and in storage.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved { .. } => "approved",
            Self::Issued { .. } => "issued",
            Self::Used => "used",
            Self::Ended => "ended",
        }
    }

    /// Whether something can still become of it.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Used | Self::Ended)
    }
}

const OPEN: &str = "open";
const ID: &str = "id";

impl Passcode {
    /// The next version of it, in another state.
    #[must_use]
    pub fn become_state(self, state: PasscodeState) -> Self {
        Self {
            version: self.version + 1,
            state,
            ..self
        }
    }

    /// Whether something can still become of it at `now`. One that was asked for while the clock was ahead would live until
    /// then: it is over.
    pub fn is_living(&self, now: UnixMs) -> bool {
        self.state.is_open() && now < self.expires_at && now.since(self.requested_at) >= -UnixMs::MINUTE
    }

    fn key_of(owner: &Owner, id: Id) -> Key {
        Key::of_user(owner, Self::NAME, id.to_string())
    }
}

impl Noun for Passcode {
    const NAME: &'static str = "passcode";

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
        let id = self.id.to_string();
        let open = self
            .state
            .is_open()
            .then(|| Lookup::listed(OPEN, &[account, user, &id]));
        [Lookup::unique(ID, &[&id])].into_iter().chain(open).collect()
    }
}

/// Reading passcodes.
impl dyn Store + '_ {
    /// The passcode of this id, whosever it is.
    pub fn passcode(&self, id: Id) -> Pending<'_, Option<Passcode>> {
        let list = List::Lookup {
            name: ID,
            prefix: document::value(&[&id.to_string()]),
            after: String::new(),
        };
        let asked = self.list(list, 1);
        Box::pin(async move { Ok(asked.await?.pop()) })
    }

    /// Those of this owner that are [open](PasscodeState::is_open), oldest first: one, but for a moment.
    pub fn open_passcodes(&self, owner: &Owner) -> Pending<'_, Vec<Passcode>> {
        let list = List::Lookup {
            name: OPEN,
            prefix: document::value(&[&owner.account, &owner.user]),
            after: String::new(),
        };
        self.list(list, u32::MAX)
    }

    /// Up to `limit` that are open, of all users beyond this one, in the order of their names.
    pub fn all_open_passcodes(&self, after: Option<&Owner>, limit: u32) -> Pending<'_, Vec<Passcode>> {
        let list = List::Lookup {
            name: OPEN,
            prefix: String::new(),
            after: after.map_or_else(String::new, |after| document::value(&[&after.account, &after.user])),
        };
        self.list(list, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id, owner};

    #[test]
    fn golden_files() {
        let person = |number: u128| Person {
            api_key: id(number),
            key_owner: "team desk".into(),
            actor: format!("desk-{number}"),
            user: Some(Owner::new("staff", format!("desk-{number}"))),
        };
        let passcode = |state| Passcode {
            id: id(5),
            owner: owner(),
            version: 3,
            reason: "lost their phone".into(),
            requested_by: person(6),
            requested_at: NOW,
            expires_at: NOW.plus(UnixMs::DAY),
            state,
        };
        let approved = PasscodeState::Requested.approved(person(7)).expect("another's");
        let fingerprint = Fingerprint {
            mac: [9; 32],
            key_id: 1,
        };
        let issued = approved.clone().issued(fingerprint).expect("it was approved");
        let wrong = issued.clone().wrong(77, 5).expect("it is counted");
        assert_eq!(wrong.clone().wrong(77, 5), None, "one guess");
        assert_eq!(wrong.clone().wrong(78, 2), Some(PasscodeState::Ended));
        for state in [
            PasscodeState::Requested,
            approved,
            wrong,
            PasscodeState::Used,
            PasscodeState::Ended,
        ] {
            golden(state.name(), &passcode(state.clone()));
        }
    }
}
