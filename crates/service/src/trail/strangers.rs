//! Users of whom the trail says something before they have a row.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use store::{Change, Id, Named, Owner, User};
use tokio::{sync::Notify, time::sleep};
use verify::UnixMs;

use crate::{Core, ServiceError, access::caller::Origin, trail::event::NewEvent, trail::names::NamesKey};

/// The time that a new row waits to be written: not with the first answer, whose time would tell that there was none.
const AFTER: Duration = Duration::from_secs(1);
/// Rows written at once.
const CHUNK: usize = 1_024;

/// Rows that are not written yet. Names in the trail stand under their keys: whoever is killed before they are written
/// leaves names that nobody can read.
#[derive(Default)]
pub(crate) struct Strangers {
    rows: Mutex<HashMap<Owner, Row>>,
    begun: Notify,
}

struct Row {
    user: User,
    status: StrangerStatus,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StrangerStatus {
    /// Somebody may have something to say of them; with nothing said it is forgotten in the next round.
    Asked,
    /// Something is said.
    Said,
    /// It is in the store, and stays here for one more round: somebody may have looked there before.
    Written,
}

impl Strangers {
    /// The row of somebody who has none in the store.
    pub(crate) fn row(&self, core: &Core, owner: &Owner, now: UnixMs) -> Result<User, ServiceError> {
        if let Some(row) = self.rows().get(owner) {
            return Ok(row.user.clone());
        }
        let id = core.new_id(now)?;
        let names_key = NamesKey::sealed(&*core.entropy, &*core.sealer, id)?;
        let mut rows = self.rows();
        if rows.is_empty() {
            self.begun.notify_one();
        }
        let row = rows.entry(owner.clone()).or_insert_with(|| Row {
            user: User::new(owner.clone(), id, names_key),
            status: StrangerStatus::Asked,
        });
        Ok(row.user.clone())
    }

    /// The trail says something of them from now on.
    pub(crate) fn say(&self, user: &User) {
        let mut rows = self.rows();
        if rows.is_empty() {
            self.begun.notify_one();
        }
        let row = rows.entry(user.owner.clone()).or_insert_with(|| Row {
            user: user.clone(),
            status: StrangerStatus::Said,
        });
        if row.status == StrangerStatus::Asked {
            row.status = StrangerStatus::Said;
        }
    }

    /// The names of the pending row of this id.
    pub(crate) fn named(&self, id: Id) -> Option<Named> {
        let rows = self.rows();
        let found = &rows.values().find(|row| row.user.id == id)?.user;
        Some(Named {
            owner: found.owner.clone(),
            names_key: found.names_key.clone()?,
        })
    }

    /// The id of a row that is to be written.
    pub(crate) fn id_of(&self, owner: &Owner) -> Option<Id> {
        self.rows().get(owner).map(|row| row.user.id)
    }

    /// Drops this user's pending row.
    pub(crate) fn forget(&self, owner: &Owner) {
        self.rows().remove(owner);
    }

    /// Writes what is new, a second after the first of it, again and again; never ends.
    pub(crate) async fn write_always(&self, core: &Core) {
        loop {
            self.begun.notified().await;
            while !self.rows().is_empty() {
                sleep(AFTER).await;
                self.write(core).await;
            }
        }
    }

    /// Writes what is new. What cannot be written now waits.
    pub(crate) async fn write(&self, core: &Core) {
        let _nobody_is_erased = core.trail.writing.lock().await;
        let new: Vec<User> = {
            let mut rows = self.rows();
            rows.retain(|_, row| row.status == StrangerStatus::Said);
            rows.values().map(|row| row.user.clone()).collect()
        };
        for users in new.chunks(CHUNK) {
            if let Err(error) = try_write(core, users).await {
                tracing::warn!(%error, "new users are not written yet");
                return;
            }
            let mut rows = self.rows();
            for user in users {
                if let Some(row) = rows.get_mut(&user.owner) {
                    row.status = StrangerStatus::Written;
                }
            }
        }
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Owner, Row>> {
        // Nothing in the critical sections can panic halfway.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that has come into being elsewhere meanwhile has the same id and key, and is missed.
async fn try_write(core: &Core, users: &[User]) -> Result<(), ServiceError> {
    let now = core.clock.now()?;
    let origin = Origin::default();
    let mut changes = Vec::with_capacity(users.len());
    for user in users {
        let entry = NewEvent::new("user.first_seen", "done", &origin).of_user();
        changes.push(Change::of(core.event_of(user, &entry, now).await?).with([user.clone().changed()]));
    }
    core.commit(changes).await?;
    Ok(())
}
