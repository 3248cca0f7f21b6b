//! The newest states of users that are in the trail and not yet in `user_state`.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use rusqlite::Connection;
use store::{Id, Revision, codec};

use crate::{
    fault::{Fault, Result},
    tables::owner,
};

/// The part of a user that changes by use, as it is kept.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) revision: Revision,
    /// As [`codec::encode_user`] wrote it.
    pub(crate) state: Box<[u8]>,
}

/// In key order, for folding; encoded, for that is a third of the memory and what folding writes.
#[derive(Default)]
pub(crate) struct Tail {
    states: BTreeMap<Id, Kept>,
    /// The row of the trail up to which it has been read from the file.
    seen: Option<i64>,
}

impl Tail {
    pub(crate) fn get(&self, user: &Id) -> Option<&Kept> {
        self.states.get(user)
    }

    pub(crate) fn insert(&mut self, user: Id, state: Kept) {
        self.states.insert(user, state);
    }

    pub(crate) fn remove(&mut self, user: &Id) {
        self.states.remove(user);
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// The states after this user, in key order; everything for `None`.
    pub(crate) fn after(&self, user: Option<Id>) -> impl Iterator<Item = (&Id, &Kept)> {
        let from = user.map_or(Unbounded, Excluded);
        self.states.range((from, Unbounded))
    }

    /// Takes in the rows of the trail that it has not seen: all unfolded ones when opening, what the owner
    /// has written since when beside it.
    pub(crate) fn catch_up(&mut self, conn: &Connection) -> Result<()> {
        let from = match self.seen {
            Some(seen) => seen,
            None => conn.query_row("SELECT through FROM fold", [], |row| row.get(0))?,
        };
        let generation = owner::generation(conn)?;
        let mut rows = conn.prepare_cached(
            "SELECT sequence, states, chain, position FROM audit WHERE sequence > ? ORDER BY sequence",
        )?;
        let mut rows = rows.query([from])?;
        let mut seen = from;
        while let Some(row) = rows.next()? {
            seen = row.get(0)?;
            let states = row.get_ref(1)?.as_blob_or_null();
            let Some(states) = states.map_err(|_| Fault::damaged("audit", seen))? else {
                continue;
            };
            let revision = Revision {
                generation,
                chain: row.get(2)?,
                position: row.get::<_, i64>(3)?.cast_unsigned(),
            };
            for (user, state) in codec::split_users(states).map_err(|_| Fault::damaged("audit", seen))? {
                if state.is_empty() {
                    // Erased.
                    self.remove(&user);
                    continue;
                }
                codec::decode_user(state).map_err(|_| Fault::damaged("audit", seen))?;
                let state = state.into();
                self.insert(user, Kept { revision, state });
            }
        }
        self.seen = Some(seen);
        Ok(())
    }
}
