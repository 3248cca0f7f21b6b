//! Known users: the rows of those seen lately, as the newest commit left them, with those who have none.
//!
//! The thread that writes is the only one to put rows in, each in the order of its reads and after its commits, so that what
//! is known is what stands in the database. Secrets are sealed here as they are there.

use std::sync::{Mutex, MutexGuard};

use hashlink::LruCache;
use rusqlite::Connection;
use store::{Outcome, Owner, Revision, User, Write};

use crate::{fault::Result, shared::lock, writer::Call};

/// Rows by owner; `None` for an owner who has none. Whoever was asked for least lately makes room.
pub(crate) struct Known(Mutex<LruCache<Owner, Option<User>>>);

impl Known {
    /// Of so many users at most.
    pub(crate) fn of(most: usize) -> Self {
        Self(Mutex::new(LruCache::new(most)))
    }

    fn rows(&self) -> MutexGuard<'_, LruCache<Owner, Option<User>>> {
        lock(&self.0)
    }

    /// The row of each owner, in the order asked; `None` for one that has to be read.
    pub(crate) fn rows_of(&self, owners: &[Owner]) -> Vec<Option<Option<User>>> {
        let mut rows = self.rows();
        owners.iter().map(|owner| rows.get(owner).cloned()).collect()
    }

    /// The revision of this user's row, where the row is known.
    pub(crate) fn revision(&self, user: &User) -> Option<Revision> {
        let mut rows = self.rows();
        let row = rows.get(&user.owner)?.as_ref()?;
        (row.id == user.id).then_some(row.revision).flatten()
    }

    /// Rows as they were read.
    pub(crate) fn read(&self, owners: Vec<Owner>, found: &[Option<User>]) {
        let mut rows = self.rows();
        for (owner, row) in owners.into_iter().zip(found) {
            rows.insert(owner, row.clone());
        }
    }

    /// What calls have brought about that were committed with these outcomes, all by one row of the trail.
    pub(crate) fn committed(&self, calls: &mut [Call], outcomes: &[Vec<Outcome>], revision: Revision) {
        let mut rows = self.rows();
        let changes = calls.iter_mut().flat_map(|call| call.changes.drain(..));
        for (change, outcome) in changes.zip(outcomes.iter().flatten()) {
            if *outcome == Outcome::Done {
                change
                    .into_writes()
                    .into_iter()
                    .for_each(|write| learn(&mut rows, write, revision));
            }
        }
    }

    /// Nothing is known any more: somebody else has written, or secrets have other bytes.
    pub(crate) fn forget_all(&self) {
        self.rows().clear();
    }
}

/// Other connections' commits, which the connection that writes is told of.
#[derive(Default)]
pub(crate) struct Others {
    data_version: Option<i64>,
}

impl Others {
    /// Forgets what is known once somebody else has written.
    pub(crate) fn look(&mut self, conn: &Connection, known: &Known) -> Result<()> {
        let ask = &mut conn.prepare_cached("PRAGMA data_version")?;
        let version = Some(ask.query_row([], |row| row.get(0))?);
        if self.data_version != version {
            self.data_version = version;
            known.forget_all();
        }
        Ok(())
    }
}

fn learn(rows: &mut LruCache<Owner, Option<User>>, write: Write, revision: Revision) {
    match write {
        Write::User { next, devices: true } => {
            let row = User {
                names_key: None,
                revision: Some(revision),
                ..*next
            };
            rows.insert(row.owner.clone(), Some(row));
        }
        // What was not written with it may be another by now: a secret that was sealed anew since the row was read.
        Write::User { next, devices: false } => {
            if let Some(Some(row)) = rows.get_mut(&next.owner) {
                use_row(row, *next, revision);
            }
        }
        Write::RenameUser { from, next } => {
            rows.remove(&from);
            rows.remove(&next.owner);
        }
        Write::EraseUser(user) => {
            rows.remove(&user.owner);
        }
        // Whose secret it is stands nowhere but in rows that are not read here.
        Write::Reseal { .. } => rows.clear(),
        Write::Put { .. } | Write::Delete { .. } | Write::Require { .. } | Write::Index { .. } => {}
    }
}

/// States and memo of the next row.
fn use_row(row: &mut User, next: User, revision: Revision) {
    (row.revision, row.memo) = (Some(revision), next.memo);
    for (bound, next) in row.devices.iter_mut().zip(next.devices) {
        bound.state = next.state;
    }
}
