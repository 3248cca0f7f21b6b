//! The owner of a record: an account's user, with both names in one normalization form.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The user of an account: whose device, enrollment or setting a record is.
///
/// Both names are the caller's own, 1 to 128 bytes, checked where they enter; they are compared by their bytes once they
/// are in Unicode's normalization form C, as which they stand in keys and hashes (rule A3b). Where a service folds the case
/// of users' names, whoever names a user makes the owner by [`UserNames::owner`](crate::UserNames::owner).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The account, which everything of a user carries.
    pub account: Arc<str>,
    /// The user under that account.
    pub user: Arc<str>,
}

impl Owner {
    /// From the caller's two names.
    pub fn new(account: impl Into<Arc<str>>, user: impl Into<Arc<str>>) -> Self {
        Self {
            account: normalised(account),
            user: normalised(user),
        }
    }
}

/// The name of an account or of a user in normalization form C (Unicode Standard Annex 15): a letter with its accent is one
/// letter, however it was typed.
pub fn normalised(name: impl Into<Arc<str>>) -> Arc<str> {
    let name = name.into();
    if name.is_ascii() || is_nfc(&name) {
        return name;
    }
    name.nfc().collect::<String>().into()
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.user)
    }
}
