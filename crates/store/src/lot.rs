//! Batches of hardware tokens, and the users they are open to.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Key, List, Noun, Owner, Pending, Store, shape};

/// Tokens that came together, and who may bind them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// The desk's own name for it.
    pub name: String,
    /// Raised by every change.
    pub version: u64,
    /// When it was made.
    #[serde(rename = "created_at_ms", with = "shape::ms")]
    pub created_at: UnixMs,
    /// The users who may bind a token of it.
    pub open_to: OpenTo,
    /// For people.
    pub note: Option<String>,
}

/// The users who may bind a token of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenTo {
    /// Not yet, or no more.
    Nobody,
    /// Every user of these accounts.
    Accounts(Vec<String>),
    /// These users: a beta.
    Users(Vec<Owner>),
    /// Every user.
    Everybody,
}

impl OpenTo {
    /// `true` where this user is among them. Looks at all of a list, wherever the user stands in it.
    pub fn includes(&self, owner: &Owner) -> bool {
        match self {
            Self::Nobody => false,
            Self::Accounts(accounts) => accounts.iter().filter(|account| **account == *owner.account).count() > 0,
            Self::Users(users) => users.iter().filter(|user| *user == owner).count() > 0,
            Self::Everybody => true,
        }
    }
}

impl Lot {
    fn key_of(name: &str) -> Key {
        Key::global(Self::NAME, name)
    }
}

impl Noun for Lot {
    const NAME: &'static str = "batch";

    fn key(&self) -> Key {
        Self::key_of(&self.name)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading lots.
impl dyn Store + '_ {
    /// One lot.
    pub fn lot(&self, name: String) -> Pending<'_, Option<Lot>> {
        self.one(Lot::key_of(&name))
    }

    /// Up to `limit` lots after this name, in the order of names.
    pub fn lots(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<Lot>> {
        let after = after.unwrap_or_default();
        self.list(List::Global { after }, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, owner};

    #[test]
    fn golden_files() {
        let lot = |open_to| Lot {
            name: "2026-03".into(),
            version: 2,
            created_at: NOW,
            open_to,
            note: Some("beta".into()),
        };
        golden("nobody", &lot(OpenTo::Nobody));
        golden("accounts", &lot(OpenTo::Accounts(vec!["acme".into()])));
        golden("users", &lot(OpenTo::Users(vec![owner()])));
        golden("everybody", &lot(OpenTo::Everybody));
    }
}
