//! Known users: the rows of those seen lately, as the newest commit left them, with those who have none.
//!
//! The thread that writes is the only one to put rows in, each in the order of its reads and after its commits, so that what
//! is known is what stands in the database. Rows are kept as they are written there, which is a third of the memory, and
//! secrets are sealed here as they are there.
//!
//! Once everybody is known, a name that is not is nobody's.

mod row;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{
        Mutex, MutexGuard,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use hashlink::LruCache;
use rusqlite::Connection;
use store::{Id, Outcome, Owner, Revision, User, Write};

use crate::{fault::Result, shared::lock, tail::Kept, writer::Call};
use row::Row;

pub(crate) struct Known {
    rows: Mutex<Rows>,
    /// How often rows were forgotten, which only the thread that writes does.
    forgotten: AtomicU64,
    /// There is nobody whose row is to be read before they come.
    is_warm: AtomicBool,
}

struct Rows {
    /// By a hash of their owner, whose names stand in them; whoever was asked for least lately makes room.
    by_key: LruCache<u64, Row>,
    /// Every user of the database has an entry.
    is_complete: bool,
    /// Somebody lost theirs since a pass over all users began.
    has_lost: bool,
}

impl Known {
    /// Of so many users at most.
    pub(crate) fn of(most: usize) -> Self {
        Self {
            rows: Mutex::new(Rows {
                by_key: LruCache::new(most),
                is_complete: false,
                has_lost: false,
            }),
            forgotten: AtomicU64::new(0),
            is_warm: AtomicBool::new(false),
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        lock(&self.rows)
    }

    /// The row of each owner, in the order asked; `None` for one that has to be read.
    pub(crate) fn rows_of(&self, owners: &[Owner]) -> Vec<Option<Option<User>>> {
        let mut rows = self.rows();
        owners.iter().map(|owner| rows.get(owner)).collect()
    }

    /// The revision of this user's row, where the row is known.
    pub(crate) fn revision(&self, user: &User) -> Option<Revision> {
        let mut rows = self.rows();
        rows.by_key.get(&key(&user.owner))?.revision(&user.owner, user.id)
    }

    /// Rows as they were read.
    pub(crate) fn read(&self, owners: &[Owner], found: &[Option<User>]) {
        let mut rows = self.rows();
        for (owner, user) in owners.iter().zip(found) {
            rows.insert(owner, Row::of(owner, user.as_ref()));
        }
    }

    /// A pass over all users begins.
    pub(crate) fn begin_pass(&self) {
        self.rows().has_lost = false;
    }

    /// Rows of a pass as they were read; `false` once there is no room for more.
    pub(crate) fn met(&self, users: &[User]) -> bool {
        let mut rows = self.rows();
        for user in users {
            if rows.by_key.contains_key(&key(&user.owner)) {
                continue;
            }
            if rows.by_key.len() >= rows.by_key.capacity() {
                return false;
            }
            rows.insert(&user.owner, Row::of(&user.owner, Some(user)));
        }
        true
    }

    /// No pass goes on.
    pub(crate) fn warmed_up(&self) {
        self.is_warm.store(true, Release);
    }

    /// Whether no pass goes on, nor is to begin.
    pub(crate) fn is_warm(&self) -> bool {
        self.is_warm.load(Acquire)
    }

    /// A pass has [met](Self::met) everybody.
    pub(crate) fn end_pass(&self) {
        let mut rows = self.rows();
        rows.is_complete = !rows.has_lost;
    }

    /// What calls have brought about that were committed with these outcomes, all by one row of the trail.
    pub(crate) fn committed(&self, calls: &mut [Call], outcomes: &[Vec<Outcome>], revision: Revision) {
        let mut rows = self.rows();
        let mut has_forgotten = false;
        let changes = calls.iter_mut().flat_map(|call| call.changes.drain(..));
        for (change, outcome) in changes.zip(outcomes.iter().flatten()) {
            if *outcome != Outcome::Done {
                continue;
            }
            let (writes, states) = change.into_effects();
            let mut states = states.into_iter();
            for write in &writes {
                has_forgotten |= !rows.learn(write, &mut states, revision);
            }
        }
        drop(rows);
        if has_forgotten {
            self.note_forgotten();
        }
    }

    /// Nothing is known any more: somebody else has written, or nobody knows what was written.
    pub(crate) fn forget_all(&self) {
        self.rows().clear();
        self.note_forgotten();
    }

    fn note_forgotten(&self) {
        self.forgotten.fetch_add(1, Relaxed);
        self.is_warm.store(false, Release);
    }

    /// How often rows were forgotten so far.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Relaxed)
    }
}

impl Rows {
    /// The row of this owner; `None` where it has to be read.
    fn get(&mut self, owner: &Owner) -> Option<Option<User>> {
        match self.by_key.get(&key(owner)) {
            Some(row) => row.read(owner),
            None => self.is_complete.then_some(None),
        }
    }

    fn insert(&mut self, owner: &Owner, row: Row) {
        let before = self.by_key.len();
        let is_new = self.by_key.insert(key(owner), row).is_none();
        if is_new && self.by_key.len() == before {
            self.lost();
        }
    }

    fn clear(&mut self) {
        self.by_key.clear();
        self.lost();
    }

    fn lost(&mut self) {
        (self.is_complete, self.has_lost) = (false, true);
    }

    /// Takes in what was written; `states` gives the encoded states in the order of the writes that have one. `false`
    /// where something was forgotten for it.
    fn learn(&mut self, write: &Write, states: &mut impl Iterator<Item = (Id, Box<[u8]>)>, revision: Revision) -> bool {
        let mut kept = || {
            let (_, state) = states.next()?;
            Some(Kept { revision, state })
        };
        match write {
            Write::User { next, devices: true } => self.insert(&next.owner, Row::written(next, kept())),
            // What was not written with it may be another by now: a secret that was sealed anew since the row was read.
            Write::User { next, devices: false } => {
                // Taken whether or not the row is known: the next write has the next state.
                let (key, kept) = (key(&next.owner), kept());
                let is_used = self.by_key.get_mut(&key).is_some_and(|row| row.used(next, kept));
                if !is_used {
                    self.by_key.remove(&key);
                    self.lost();
                }
                return is_used;
            }
            Write::RenameUser { from, next } => {
                self.insert(from, Row::of(from, None));
                self.insert(&next.owner, Row::written(next, kept()));
            }
            Write::EraseUser(user) => {
                kept();
                self.insert(&user.owner, Row::of(&user.owner, None));
            }
            // Whose secret it is stands nowhere but in rows that are not read here.
            Write::Reseal { .. } => {
                self.clear();
                return false;
            }
            Write::Put { .. } | Write::Delete { .. } | Write::Require { .. } | Write::Index { .. } => {}
        }
        true
    }
}

/// Of two owners with one hash, whom somebody would have to look for, one is read each time.
fn key(owner: &Owner) -> u64 {
    let mut hasher = DefaultHasher::new();
    owner.hash(&mut hasher);
    hasher.finish()
}

/// Other connections' commits, which the connection that writes is told of.
pub(crate) struct Others {
    data_version: i64,
}

impl Others {
    /// As of now, when nothing is known yet.
    pub(crate) fn of(conn: &Connection) -> Result<Self> {
        let data_version = data_version(conn)?;
        Ok(Self { data_version })
    }

    /// Forgets what is known once somebody else has written.
    pub(crate) fn look(&mut self, conn: &Connection, known: &Known) -> Result<()> {
        let version = data_version(conn)?;
        if self.data_version != version {
            self.data_version = version;
            known.forget_all();
        }
        Ok(())
    }
}

fn data_version(conn: &Connection) -> Result<i64> {
    let mut ask = conn.prepare_cached("PRAGMA data_version")?;
    Ok(ask.query_row([], |row| row.get(0))?)
}
