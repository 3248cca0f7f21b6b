//! The newest states that are in the trail and not yet in `device_state`.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use rusqlite::Connection;
use store::{Id, codec};
use verify::DeviceState;

use crate::error::{Fault, Result};

/// In key order, for folding; encoded, for that is a third of the memory and what folding writes.
#[derive(Default)]
pub(crate) struct Tail {
    states: BTreeMap<Id, Box<[u8]>>,
    /// The row of the trail up to which it has been read from the file.
    seen: Option<i64>,
}

impl Tail {
    pub(crate) fn get(&self, device: &Id) -> Result<Option<DeviceState>> {
        self.states.get(device).map(|state| decode(device, state)).transpose()
    }

    pub(crate) fn insert(&mut self, device: Id, state: Box<[u8]>) {
        self.states.insert(device, state);
    }

    pub(crate) fn remove(&mut self, device: &Id) {
        self.states.remove(device);
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// What comes after this device, in key order; everything for `None`.
    pub(crate) fn after(&self, device: Option<Id>) -> impl Iterator<Item = (&Id, &[u8])> {
        let from = device.map_or(Unbounded, Excluded);
        self.states.range((from, Unbounded)).map(|(id, state)| (id, &**state))
    }

    /// Takes in the rows of the trail that it has not seen: all unfolded ones when opening, what the owner
    /// has written since when beside it.
    pub(crate) fn catch_up(&mut self, conn: &Connection) -> Result<()> {
        let from = match self.seen {
            Some(seen) => seen,
            None => conn.query_row("SELECT through FROM fold", [], |row| row.get(0))?,
        };
        let mut rows =
            conn.prepare_cached("SELECT sequence, states FROM audit WHERE sequence > ? ORDER BY sequence")?;
        let mut rows = rows.query([from])?;
        let mut seen = from;
        while let Some(row) = rows.next()? {
            seen = row.get(0)?;
            if let Some(states) = row
                .get_ref(1)?
                .as_blob_or_null()
                .map_err(|_| Fault::damaged("audit", seen))?
            {
                for (device, state) in codec::decode_states(states).map_err(|_| Fault::damaged("audit", seen))? {
                    self.insert(device, codec::encode_state(&state).into());
                }
            }
        }
        self.seen = Some(seen);
        Ok(())
    }
}

/// A state, with its device named when it cannot be read.
pub(crate) fn decode(device: &Id, state: &[u8]) -> Result<DeviceState> {
    codec::decode_state(state).map_err(|_| Fault::damaged("device_state", device))
}
