use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The user of an account: whose device, enrollment or setting a record is.
///
/// Both names are the caller's own, 1 to 128 bytes, checked where they enter.
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
            account: account.into(),
            user: user.into(),
        }
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.user)
    }
}
