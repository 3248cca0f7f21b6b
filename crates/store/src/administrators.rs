//! Administrators: the root of an account, and those who look after its users.

use serde::{Deserialize, Serialize};

use crate::{Key, Noun, Pending, Store};

/// The root and the administrators of an account, by their names under it: all that is kept of who is who there (U2b).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administrators {
    /// Whose.
    pub account: String,
    /// Raised by every change.
    pub version: u64,
    /// Whose factor a change of them takes, and whom no administrator unbinds.
    pub root: String,
    /// Those who look after the account's other users, in order, each once.
    pub administrators: Vec<String>,
}

impl Administrators {
    /// Whether `by` may end a device of `whom` by a fresh factor of their own (U2): the root and administrators may, of
    /// anybody but the root and themselves, who has roads of their own.
    pub fn may_unbind(&self, by: &str, whom: &str) -> bool {
        self.looks_after(by) && whom != self.root && whom != by
    }

    /// Whether this is the root or an administrator.
    pub fn looks_after(&self, by: &str) -> bool {
        self.root == by || self.administrators.iter().any(|name| name == by)
    }

    /// The next version, without this user among the administrators; `None` where they are none.
    pub fn without(&self, user: &str) -> Option<Self> {
        let mut next = self.clone();
        next.administrators.retain(|name| name != user);
        next.version += 1;
        (next.administrators != self.administrators).then_some(next)
    }

    /// The key of an account's administrators, whether it has any or not.
    pub fn key_of(account: &str) -> Key {
        Key::of_account(account, Self::NAME)
    }
}

impl Noun for Administrators {
    const NAME: &'static str = "administrators";

    fn key(&self) -> Key {
        Self::key_of(&self.account)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading administrators.
impl dyn Store + '_ {
    /// The root and the administrators of this account; `None` where nobody ever named them.
    pub fn administrators(&self, account: &str) -> Pending<'_, Option<Administrators>> {
        self.one(Administrators::key_of(account))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::golden;

    fn acme() -> Administrators {
        Administrators {
            account: "acme".into(),
            version: 2,
            root: "root".into(),
            administrators: vec!["álice".into(), "bob".into()],
        }
    }

    #[test]
    fn golden_files() {
        golden("two", &acme());
    }

    #[test]
    fn u2b_administrators_unbind_sub_users_and_nobody_unbinds_the_root() {
        let acme = acme();
        for (by, whom, may) in [
            ("bob", "carol", true),
            ("bob", "álice", true),
            ("root", "bob", true),
            ("bob", "root", false),
            ("root", "root", false),
            ("bob", "bob", false),
            ("carol", "bob", false),
            ("carol", "root", false),
        ] {
            assert_eq!(acme.may_unbind(by, whom), may, "{by} of {whom}");
        }
    }

    #[test]
    fn who_goes_is_taken_off_the_list_and_nobody_else() {
        let left = acme().without("bob").expect("bob was one");
        assert_eq!((left.version, &*left.administrators), (3, &["álice".to_owned()][..]));
        assert_eq!(acme().without("carol"), None);
        assert_eq!(acme().without("root"), None, "the root is named by another line");
    }
}
