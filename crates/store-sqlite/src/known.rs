//! Known users: the rows of those seen lately, as the newest commit left them, with those who have none.
//!
//! The thread that writes is the only one to put rows in, each in the order of its reads and after its commits, so that what
//! is known is what stands in the database. Rows are kept as they are written there, which is a third of the memory, and
//! secrets are sealed here as they are there.

mod row;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Mutex, MutexGuard},
};

use hashlink::LruCache;
use rusqlite::Connection;
use store::{Id, Outcome, Owner, Revision, User, Write};

use crate::{fault::Result, shared::lock, tail::Kept, writer::Call};
use row::Row;

/// Rows by a hash of their owner, whose names stand in them; whoever was asked for least lately makes room.
pub(crate) struct Known(Mutex<LruCache<u64, Row>>);

type Rows<'a> = MutexGuard<'a, LruCache<u64, Row>>;

impl Known {
    /// Of so many users at most.
    pub(crate) fn of(most: usize) -> Self {
        Self(Mutex::new(LruCache::new(most)))
    }

    fn rows(&self) -> Rows<'_> {
        lock(&self.0)
    }

    /// The row of each owner, in the order asked; `None` for one that has to be read.
    pub(crate) fn rows_of(&self, owners: &[Owner]) -> Vec<Option<Option<User>>> {
        let mut rows = self.rows();
        owners.iter().map(|owner| rows.get(&key(owner))?.read(owner)).collect()
    }

    /// The revision of this user's row, where the row is known.
    pub(crate) fn revision(&self, user: &User) -> Option<Revision> {
        self.rows().get(&key(&user.owner))?.revision(&user.owner, user.id)
    }

    /// Rows as they were read.
    pub(crate) fn read(&self, owners: &[Owner], found: &[Option<User>]) {
        let mut rows = self.rows();
        for (owner, user) in owners.iter().zip(found) {
            rows.insert(key(owner), Row::of(owner, user.as_ref()));
        }
    }

    /// What calls have brought about that were committed with these outcomes, all by one row of the trail.
    pub(crate) fn committed(&self, calls: &mut [Call], outcomes: &[Vec<Outcome>], revision: Revision) {
        let mut rows = self.rows();
        let changes = calls.iter_mut().flat_map(|call| call.changes.drain(..));
        for (change, outcome) in changes.zip(outcomes.iter().flatten()) {
            if *outcome != Outcome::Done {
                continue;
            }
            let (writes, states) = change.into_effects();
            let mut states = states.into_iter();
            for write in &writes {
                learn(&mut rows, write, &mut states, revision);
            }
        }
    }

    /// Nothing is known any more: somebody else has written, or nobody knows what was written.
    pub(crate) fn forget_all(&self) {
        self.rows().clear();
    }
}

/// `states` gives the encoded states in the order of the writes that have one.
fn learn(rows: &mut Rows<'_>, write: &Write, states: &mut impl Iterator<Item = (Id, Box<[u8]>)>, revision: Revision) {
    let mut kept = || {
        let (_, state) = states.next()?;
        Some(Kept { revision, state })
    };
    match write {
        Write::User { next, devices: true } => {
            rows.insert(key(&next.owner), Row::written(next, kept()));
        }
        // What was not written with it may be another by now: a secret that was sealed anew since the row was read.
        Write::User { next, devices: false } => {
            // Taken whether or not the row is known: the next write has the next state.
            let (key, kept) = (key(&next.owner), kept());
            let is_used = rows.get_mut(&key).is_some_and(|row| row.used(next, kept));
            if !is_used {
                rows.remove(&key);
            }
        }
        Write::RenameUser { from, next } => {
            kept();
            rows.remove(&key(from));
            rows.remove(&key(&next.owner));
        }
        Write::EraseUser(user) => {
            kept();
            rows.remove(&key(&user.owner));
        }
        // Whose secret it is stands nowhere but in rows that are not read here.
        Write::Reseal { .. } => rows.clear(),
        Write::Put { .. } | Write::Delete { .. } | Write::Require { .. } | Write::Index { .. } => {}
    }
}

/// Of two owners with one hash, whom somebody would have to look for, one is read each time.
fn key(owner: &Owner) -> u64 {
    let mut hasher = DefaultHasher::new();
    owner.hash(&mut hasher);
    hasher.finish()
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
