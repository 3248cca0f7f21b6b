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
    mem,
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
    /// By a hash of their owner: each lock is held for a short time, however many rows there are.
    parts: Vec<Mutex<Rows>>,
    /// Hashed with each owner, so that nobody who chooses names knows which of them have one key.
    seed: u64,
    /// How often rows were forgotten, which only the thread that writes does.
    forgotten: AtomicU64,
    /// There is nobody whose row is to be read before they come.
    is_warm: AtomicBool,
}

struct Rows {
    /// By the hash of their owner, whose names stand in them; whoever was asked for least lately makes room.
    by_key: LruCache<u64, Row>,
    /// Every user of the database who belongs here has an entry.
    is_complete: bool,
    /// Somebody lost theirs since a pass over all users began.
    has_lost: bool,
}

impl Known {
    /// Of so many users at most; the seed is nobody's to know.
    pub(crate) fn of(most: usize, seed: u64) -> Self {
        /// Rows of a part, where there is more than one.
        const PART: usize = 1 << 16;
        let parts = (most / PART).max(1);
        let rows = || {
            Mutex::new(Rows {
                by_key: LruCache::new(most / parts),
                is_complete: false,
                has_lost: false,
            })
        };
        Self {
            parts: (0..parts).map(|_| rows()).collect(),
            seed,
            forgotten: AtomicU64::new(0),
            is_warm: AtomicBool::new(false),
        }
    }

    /// The key of this owner, and the part where it belongs. Of two owners with one key one is read each time.
    fn at(&self, owner: &Owner) -> (u64, MutexGuard<'_, Rows>) {
        let mut hasher = DefaultHasher::new();
        (self.seed, owner).hash(&mut hasher);
        let key = hasher.finish();
        (key, lock(&self.parts[key as usize % self.parts.len()]))
    }

    /// The row of each owner, in the order asked; `None` for one that has to be read.
    pub(crate) fn rows_of(&self, owners: &[Owner]) -> Vec<Option<Option<User>>> {
        let row = |owner| {
            let (key, mut rows) = self.at(owner);
            match rows.by_key.get(&key) {
                Some(row) => row.read(owner),
                None => rows.is_complete.then_some(None),
            }
        };
        owners.iter().map(row).collect()
    }

    /// The revision of this user's row, where the row is known.
    pub(crate) fn revision(&self, user: &User) -> Option<Revision> {
        let (key, mut rows) = self.at(&user.owner);
        rows.by_key.get(&key)?.revision(&user.owner, user.id)
    }

    /// Rows as they were read.
    pub(crate) fn read(&self, owners: &[Owner], found: &[Option<User>]) {
        for (owner, user) in owners.iter().zip(found) {
            self.insert(owner, Row::of(owner, user.as_ref()));
        }
    }

    fn insert(&self, owner: &Owner, row: Row) {
        let (key, mut rows) = self.at(owner);
        rows.insert(key, row);
    }

    /// A pass over all users begins.
    pub(crate) fn begin_pass(&self) {
        self.parts.iter().for_each(|part| lock(part).has_lost = false);
    }

    /// Rows of a pass as they were read; `false` once there is no room for more.
    pub(crate) fn met(&self, users: &[User]) -> bool {
        for user in users {
            let (key, mut rows) = self.at(&user.owner);
            if rows.by_key.contains_key(&key) {
                continue;
            }
            if rows.by_key.len() >= rows.by_key.capacity() {
                return false;
            }
            rows.insert(key, Row::of(&user.owner, Some(user)));
        }
        true
    }

    /// A pass has [met](Self::met) everybody.
    pub(crate) fn end_pass(&self) {
        for part in &self.parts {
            let mut rows = lock(part);
            rows.is_complete = !rows.has_lost;
        }
    }

    /// No pass goes on.
    pub(crate) fn warmed_up(&self) {
        self.is_warm.store(true, Release);
    }

    /// Whether no pass goes on, nor is to begin.
    pub(crate) fn is_warm(&self) -> bool {
        self.is_warm.load(Acquire)
    }

    /// What calls have brought about that were committed with these outcomes, all by one row of the trail.
    pub(crate) fn committed(&self, calls: &mut [Call], outcomes: &[Vec<Outcome>], revision: Revision) {
        let changes = calls.iter_mut().flat_map(|call| call.changes.drain(..));
        for (change, outcome) in changes.zip(outcomes.iter().flatten()) {
            if *outcome != Outcome::Done {
                continue;
            }
            let (writes, states) = change.into_effects();
            let mut states = states.into_iter();
            for write in &writes {
                self.learn(write, &mut states, revision);
            }
        }
    }

    /// Takes in what was written; `states` gives the encoded states in the order of the writes that have one.
    fn learn(&self, write: &Write, states: &mut impl Iterator<Item = (Id, Box<[u8]>)>, revision: Revision) {
        let mut kept = || {
            let (_, state) = states.next()?;
            Some(Kept { revision, state })
        };
        match write {
            Write::User { next, devices: true } => self.insert(&next.owner, Row::written(next, kept())),
            // What was not written with it may be another by now: a secret that was sealed anew since the row was read.
            Write::User { next, devices: false } => {
                // Taken whether or not the row is known: the next write has the next state.
                let kept = kept();
                let (key, mut rows) = self.at(&next.owner);
                let is_used = rows.by_key.get_mut(&key).is_some_and(|row| row.used(next, kept));
                if !is_used {
                    rows.by_key.remove(&key);
                    rows.lost();
                    drop(rows);
                    self.note_forgotten();
                }
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
            Write::Reseal { .. } => self.forget_all(),
            Write::Put { .. } | Write::Delete { .. } | Write::Require { .. } | Write::Index { .. } => {}
        }
    }

    /// Nothing is known any more: somebody else has written, or nobody knows what was written.
    pub(crate) fn forget_all(&self) {
        for part in &self.parts {
            let mut rows = lock(part);
            rows.lost();
            let capacity = rows.by_key.capacity();
            let forgotten = mem::replace(&mut rows.by_key, LruCache::new(capacity));
            drop(rows);
            // It takes as long as there are rows; nobody waits for it.
            drop(forgotten);
        }
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
    fn insert(&mut self, key: u64, row: Row) {
        let before = self.by_key.len();
        let is_new = self.by_key.insert(key, row).is_none();
        // Somebody made room.
        if is_new && self.by_key.len() == before {
            self.lost();
        }
    }

    fn lost(&mut self) {
        (self.is_complete, self.has_lost) = (false, true);
    }
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
