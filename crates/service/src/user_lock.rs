//! One lock per user: changes of one user's factors take turns.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use store::Owner;
use tokio::sync::OwnedMutexGuard;

use crate::ServiceError;

/// One change of a user's factors at a time, and few that wait: guesses that are judged side by side would all
/// be judged against the same count, and only one of them would be counted.
pub(crate) struct UserLocks<K: Eq + Hash + Clone = Owner> {
    present: Mutex<HashMap<K, Present>>,
}

impl<K: Eq + Hash + Clone> Default for UserLocks<K> {
    fn default() -> Self {
        Self {
            present: Mutex::default(),
        }
    }
}

#[derive(Default)]
struct Present {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Those who wait, and the one whose turn it is.
    count: usize,
}

/// Its holder's turn; the next one's when it is dropped.
pub(crate) struct UserLock<'a, K: Eq + Hash + Clone = Owner> {
    /// Let go of first: whoever waits must find the place still counted.
    _turn: OwnedMutexGuard<()>,
    _place: Place<'a, K>,
}

/// A place in the queue, given back however the call ends.
struct Place<'a, K: Eq + Hash + Clone> {
    turns: &'a UserLocks<K>,
    owner: K,
}

impl<K: Eq + Hash + Clone> UserLocks<K> {
    /// Waits for this user's turn, where no more than `most` are present already.
    pub(crate) async fn take(&self, owner: &K, most: usize) -> Result<UserLock<'_, K>, ServiceError> {
        let turn = {
            let mut all = self.lock();
            let present = all.entry(owner.clone()).or_default();
            if present.count >= most {
                return Err(ServiceError::RateLimited);
            }
            present.count += 1;
            present.turn.clone()
        };
        let place = Place {
            turns: self,
            owner: owner.clone(),
        };
        Ok(UserLock {
            _turn: turn.lock_owned().await,
            _place: place,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Present>> {
        // Nothing in the critical sections can panic halfway.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> Drop for Place<'_, K> {
    fn drop(&mut self) {
        let mut all = self.turns.lock();
        if let Some(present) = all.get_mut(&self.owner) {
            present.count -= 1;
            if present.count == 0 {
                all.remove(&self.owner);
            }
        }
    }
}
