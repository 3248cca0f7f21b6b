//! Known users: the rows of those seen lately, as the newest commit left them, with those who have none.
//!
//! The thread that writes is the only one to put rows in, each in the order of its reads and after its commits, so that what
//! is known is what stands in the database. Rows are kept as they are written there, which is a third of the memory, and
//! secrets are sealed here as they are there.
//!
//! Once everybody is known, a name that is not is nobody's.

mod row;
mod rows;
mod slots;

use std::{
    mem,
    sync::{
        Mutex, MutexGuard,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use rusqlite::Connection;
use store::{Id, Outcome, Owner, Revision, User, Write, codec};

use crate::{fault::Result, shared::lock, tail::Kept, writer::Call};
use rows::{Rows, hash};

pub(crate) struct Known {
    /// By a hash of their owner: each lock is held for a short time, however many rows there are.
    parts: Vec<Mutex<Part>>,
    seed: u64,
    /// How often rows were forgotten, which only the thread that writes does.
    forgotten: AtomicU64,
    /// There is nobody whose row is to be read before they come.
    is_warm: AtomicBool,
}

struct Part {
    rows: Rows,
    /// Every user of the database who belongs here has an entry.
    is_complete: bool,
    /// Somebody lost theirs since a pass over all users began.
    has_lost: bool,
}

impl Known {
    /// Of so many users at most; the seed is nobody's to know.
    pub(crate) fn of(most: usize, seed: u64) -> Self {
        /// Rows of a part: as many as a table of 2^16 takes before it grows.
        const PART: usize = 7 << 13;
        let parts = most.div_ceil(PART).max(1);
        let part = || {
            Mutex::new(Part {
                rows: Rows::of(most.div_ceil(parts), seed),
                is_complete: false,
                has_lost: false,
            })
        };
        Self {
            parts: (0..parts).map(|_| part()).collect(),
            seed,
            forgotten: AtomicU64::new(0),
            is_warm: AtomicBool::new(false),
        }
    }

    /// The hash of this owner, and the part where it belongs.
    fn at(&self, owner: &Owner) -> (u64, MutexGuard<'_, Part>) {
        let hash = hash(self.seed, owner.account.as_bytes(), owner.user.as_bytes());
        // By other bits than the table of a part goes by.
        let part = (hash >> 32) as usize % self.parts.len();
        (hash, lock(&self.parts[part]))
    }

    /// The row of each owner, in the order asked; `None` for one that has to be read.
    pub(crate) fn rows_of(&self, owners: &[Owner]) -> Vec<Option<Option<User>>> {
        let row = |owner| {
            let (hash, mut part) = self.at(owner);
            match part.rows.get(hash, owner) {
                Some(row) => row.read(owner),
                None => part.is_complete.then_some(None),
            }
        };
        owners.iter().map(row).collect()
    }

    /// The revision of this user's row, where the row is known.
    pub(crate) fn revision(&self, user: &User) -> Option<Revision> {
        let (hash, mut part) = self.at(&user.owner);
        part.rows.get(hash, &user.owner)?.revision(user.id)
    }

    /// Rows as they were read.
    pub(crate) fn read(&self, owners: &[Owner], found: &[Option<User>]) {
        for (owner, user) in owners.iter().zip(found) {
            let (hash, mut part) = self.at(owner);
            part.put(hash, owner, &as_read(owner, user.as_ref()));
        }
    }

    /// A pass over all users begins.
    pub(crate) fn begin_pass(&self) {
        self.parts.iter().for_each(|part| lock(part).has_lost = false);
    }

    /// Rows of a pass as they were read; `false` once there is no room for more.
    pub(crate) fn met(&self, users: &[User]) -> bool {
        for user in users {
            let (hash, mut part) = self.at(&user.owner);
            if part.rows.has(hash, &user.owner) {
                continue;
            }
            if part.rows.is_full() {
                return false;
            }
            part.put(hash, &user.owner, &as_read(&user.owner, Some(user)));
        }
        true
    }

    /// A pass has [met](Self::met) everybody.
    pub(crate) fn end_pass(&self) {
        for part in &self.parts {
            let mut part = lock(part);
            part.is_complete = !part.has_lost;
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
            Write::User { next, devices: true } => self.written(next, kept()),
            // What was not written with it may be another by now: a secret that was sealed anew since the row was read.
            Write::User { next, devices: false } => {
                // Taken whether or not the row is known: the next write has the next state.
                let kept = kept();
                let (hash, mut part) = self.at(&next.owner);
                let row = part.rows.get(hash, &next.owner);
                let row = row.zip(kept).and_then(|(row, kept)| row.used(next.id, &kept));
                match row {
                    Some(row) => part.put(hash, &next.owner, &row),
                    None => self.forget(part, hash, &next.owner),
                }
            }
            Write::RenameUser { from, next } => {
                self.absent(from);
                self.written(next, kept());
            }
            Write::EraseUser(user) => {
                kept();
                self.absent(&user.owner);
            }
            // Whose secret it is stands nowhere but in rows that are not read here.
            Write::Reseal { .. } => self.forget_all(),
            Write::Put { .. } | Write::Delete { .. } | Write::Require { .. } | Write::Index { .. } => {}
        }
    }

    /// A row as it was written, devices and all.
    fn written(&self, next: &User, kept: Option<Kept>) {
        let (hash, mut part) = self.at(&next.owner);
        match kept {
            Some(kept) => part.put(hash, &next.owner, &row::present(next, &kept)),
            None => self.forget(part, hash, &next.owner),
        }
    }

    /// An owner whose row went.
    fn absent(&self, owner: &Owner) {
        let (hash, mut part) = self.at(owner);
        match part.is_complete {
            // A name that is not known is nobody's, and takes no room.
            true => part.rows.remove(hash, owner),
            false => part.put(hash, owner, &row::absent(owner)),
        }
    }

    fn forget(&self, mut part: MutexGuard<'_, Part>, hash: u64, owner: &Owner) {
        part.rows.remove(hash, owner);
        part.lost();
        drop(part);
        self.note_forgotten();
    }

    /// Nothing is known any more: somebody else has written, or nobody knows what was written.
    pub(crate) fn forget_all(&self) {
        for part in &self.parts {
            let mut part = lock(part);
            part.lost();
            let empty = part.rows.emptied();
            let forgotten = mem::replace(&mut part.rows, empty);
            drop(part);
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

impl Part {
    fn put(&mut self, hash: u64, owner: &Owner, row: &[u8]) {
        if !self.rows.put(hash, owner, row) {
            self.lost();
        }
    }

    fn lost(&mut self) {
        (self.is_complete, self.has_lost) = (false, true);
    }
}

/// The row of an owner as it was read.
fn as_read(owner: &Owner, user: Option<&User>) -> Vec<u8> {
    match user.and_then(|user| Some((user, user.revision?))) {
        Some((user, revision)) => {
            let state = codec::encode_user(user).into();
            row::present(user, &Kept { revision, state })
        }
        None => row::absent(owner),
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
