//! The limit of an account's users who have a device or a setting (P1): counted where somebody gets the first, or loses the
//! last.

use sha2::{Digest as _, Sha256};
use store::{Administrators, Owner, Protection, User, UserCount, Write};
use tokio::sync::{Mutex, MutexGuard};

use crate::{Core, ServiceError};

/// Rows read at once while an account is counted for the first time.
const PAGE: u32 = 256;
/// Locks that accounts share; two of one account never change its count at once, and seldom two of two.
const LOCKS: usize = 64;

/// The locks of accounts whose counts change: of many users who are bound at once, each would miss the others' counts.
pub(crate) struct UserCounting {
    locks: Vec<Mutex<()>>,
}

impl Default for UserCounting {
    fn default() -> Self {
        Self {
            locks: std::iter::repeat_with(Mutex::default).take(LOCKS).collect(),
        }
    }
}

/// The turn of an account whose count changes, until that is committed.
pub(crate) type CountTurn<'a> = Option<MutexGuard<'a, ()>>;

/// Whether a user is one of those who are counted.
pub(crate) fn counts(user: &User, settings: Option<&Protection>) -> bool {
    !user.devices.is_empty() || settings.is_some_and(Protection::is_set)
}

impl Core {
    /// The writes by which an account's count follows a user of whom this was and will be so; refuses one more than there may
    /// be. The turn is kept until they are committed.
    pub(crate) async fn counted(
        &self,
        owner: &Owner,
        (was, is): (bool, bool),
    ) -> Result<(Vec<Write>, CountTurn<'_>), ServiceError> {
        if was == is {
            return Ok((Vec::new(), None));
        }
        let turn = self.user_counting.turn(&owner.account).await;
        let read = self.store.user_count(&owner.account).await?;
        let expected = read.as_ref().map(|count| count.version);
        let count = match read {
            Some(count) => count,
            None => self.count(&owner.account).await?,
        };
        let mut writes = Vec::new();
        if is {
            writes.extend(self.has_room(owner, &count).await?);
        }
        let users = if is {
            count.users + 1
        } else {
            count.users.saturating_sub(1)
        };
        let version = count.version + 1;
        let next = UserCount {
            users,
            version,
            ..count
        };
        writes.push(Write::put(expected, &next));
        Ok((writes, turn))
    }

    /// Refuses a user who would be one too many, before anything is asked of them; the commit asks again.
    pub(crate) async fn may_be_counted(&self, owner: &Owner, is_counted: bool) -> Result<(), ServiceError> {
        match self.store.user_count(&owner.account).await? {
            Some(count) if !is_counted => self.has_room(owner, &count).await.map(drop),
            _ => Ok(()),
        }
    }

    /// The root is no sub-user, and so is looked for where that makes the difference.
    async fn has_room(&self, owner: &Owner, count: &UserCount) -> Result<Option<Write>, ServiceError> {
        let most = self.settings.users_per_account;
        if count.users < most {
            return Ok(None);
        }
        let administrators = self.store.administrators(&owner.account).await?;
        let administrators: Administrators = administrators.ok_or(ServiceError::UserLimit)?;
        let root = Owner::new(&*owner.account, &*administrators.root);
        let is_beside_the_root = || async {
            let user = self.store.user(root.clone()).await?;
            let settings = self.store.protection(root.clone()).await?;
            Ok::<bool, ServiceError>(user.is_some_and(|user| counts(&user, settings.as_ref())))
        };
        if *owner == root || (count.users == most && is_beside_the_root().await?) {
            return Ok(Some(Write::require(&administrators)));
        }
        Err(ServiceError::UserLimit)
    }

    /// Counts an account's users once; from then on the count is kept.
    async fn count(&self, account: &str) -> Result<UserCount, ServiceError> {
        let mut users = 0;
        let mut after = Owner::new(account, "");
        loop {
            let mut rows = self.store.users_after(Some(after.clone()), PAGE).await?;
            let is_full = rows.len() == PAGE as usize;
            rows.retain(|row| *row.owner.account == *account);
            let owners: Vec<Owner> = rows.iter().map(|row| row.owner.clone()).collect();
            let settings = self.store.protections_of(&owners).await?;
            let counted = rows.iter().zip(settings);
            users += counted.filter(|(row, settings)| counts(row, settings.as_ref())).count() as u64;
            match owners.into_iter().next_back() {
                Some(last) if is_full && rows.len() == PAGE as usize => after = last,
                _ => break,
            }
        }
        Ok(UserCount {
            account: account.to_owned(),
            version: 0,
            users,
        })
    }
}

impl UserCounting {
    async fn turn(&self, account: &str) -> CountTurn<'_> {
        let [place, ..]: [u8; 32] = Sha256::digest(account).into();
        let lock = self.locks.get(usize::from(place) % LOCKS)?;
        Some(lock.lock().await)
    }
}
