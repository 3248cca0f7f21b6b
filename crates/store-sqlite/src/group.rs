//! One transaction of the writer: conditions, effects and audit rows of many changes.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;
use store::{Id, Outcome, Write, audit::Head};
use verify::{DeviceState, Standing};

use crate::{
    error::Result,
    job::Job,
    tables::{allowance, api_key, audit, batch, device, enrollment, export, protection, recovery, token, witness},
    tail::{self, Tail},
};

/// What a transaction has done so far; published after COMMIT, dropped after ROLLBACK.
pub(crate) struct Group<'a> {
    tx: &'a Connection,
    tail: &'a Tail,
    folded: device::FoldedStates<'a>,
    trail: audit::Appender<'a>,
    /// The chain with the rows of this group.
    pub(crate) head: Head,
    /// The newest row of this group; `None` while it has none.
    pub(crate) newest: Option<i64>,
    /// How many rows it has.
    pub(crate) rows: u64,
    /// The devices whose state changed.
    pub(crate) changed: HashMap<Id, Changed>,
    /// A secret was erased.
    pub(crate) erases: bool,
}

/// Where a device's new state is.
pub(crate) enum Changed {
    /// In the trail only; belongs into the tail.
    Appended(Box<[u8]>),
    /// In `device_state`; does not belong into the tail any more.
    Written(Box<[u8]>),
}

impl Changed {
    fn state(&self) -> &[u8] {
        match self {
            Self::Appended(state) | Self::Written(state) => state,
        }
    }
}

impl<'a> Group<'a> {
    pub(crate) fn new(tx: &'a Connection, tail: &'a Tail, head: Head) -> Result<Self> {
        Ok(Self {
            tx,
            tail,
            folded: device::FoldedStates::of(tx)?,
            trail: audit::Appender::to(tx)?,
            head,
            newest: None,
            rows: 0,
            changed: HashMap::new(),
            erases: false,
        })
    }

    /// All of this change, or nothing of it.
    pub(crate) fn apply(&mut self, job: &Job) -> Result<Outcome> {
        for write in &job.writes {
            if !self.holds(write)? {
                return Ok(Outcome::Missed);
            }
        }
        let mut states = job.states.iter();
        for write in &job.writes {
            self.write(write, &mut states)?;
        }
        // The first row carries the states of the whole change.
        let mut blob = &*job.blob;
        for (event, commitment) in &job.events {
            let (head, sequence) = self.trail.append(&self.head, event, commitment, blob)?;
            (self.head, self.newest, blob) = (head, Some(sequence), &[]);
            self.rows += 1;
        }
        Ok(Outcome::Done)
    }

    fn holds(&mut self, write: &Write) -> Result<bool> {
        let bound = |state: Option<DeviceState>, expected| {
            state.is_some_and(|state| state.version == expected && state.standing != Standing::Unbound)
        };
        Ok(match write {
            Write::State { device, expected, .. } => bound(self.state(device)?, *expected),
            Write::Bind { device, .. } => self.state(&device.id)?.is_none(),
            Write::Unbind {
                owner,
                device,
                expected,
                ..
            } => bound(self.state(device)?, *expected) && device::is_bound(self.tx, owner, *device)?,
            Write::Enrollment { expected, next } => enrollment::version(self.tx, &next.owner, next.id)? == *expected,
            Write::RecoveryCodes { expected, next } => {
                recovery::one(self.tx, &next.owner)?.map(|codes| codes.version) == *expected
            }
            Write::Protection { expected, next } => {
                protection::one(self.tx, &next.owner)?.map(|protection| protection.version) == *expected
            }
            Write::Token { expected, next } => token::meets(self.tx, *expected, next)?,
            Write::Batch { expected, next } => batch::version(self.tx, &next.name)? == *expected,
            Write::Export { expected, next } => export::version(self.tx, next.id)? == *expected,
            Write::Allowance { expected, next } => {
                allowance::one(self.tx, &next.name)?.map(|allowance| allowance.version) == *expected
            }
            Write::NewApiKey(key) => !api_key::exists(self.tx, key.id)?,
            Write::RevokeApiKey { id, .. } => api_key::lives(self.tx, *id)?,
            Write::Witness(sealed) => !witness::exists(self.tx, sealed.key_id)?,
        })
    }

    /// `states` gives the encoded states in the order of the writes that have one.
    fn write<'s>(&mut self, write: &Write, states: &mut impl Iterator<Item = &'s (Id, Box<[u8]>)>) -> Result<()> {
        match write {
            Write::State { .. } => {
                self.changed
                    .extend(states.next().map(|(id, state)| (*id, Changed::Appended(state.clone()))));
            }
            Write::Bind { device, .. } => {
                device::insert(self.tx, device)?;
                if let Some((id, state)) = states.next() {
                    device::insert_state(self.tx, id, state)?;
                    self.changed.insert(*id, Changed::Written(state.clone()));
                }
            }
            Write::Unbind { owner, device, at, .. } => {
                device::bury(self.tx, owner, *device, *at)?;
                if let Some((id, state)) = states.next() {
                    device::update_state(self.tx, id, state)?;
                    self.changed.insert(*id, Changed::Written(state.clone()));
                }
                self.erases = true;
            }
            Write::Enrollment { next, .. } => self.erases |= enrollment::put(self.tx, next)?,
            Write::RecoveryCodes { next, .. } => recovery::put(self.tx, next)?,
            Write::Protection { next, .. } => protection::put(self.tx, next)?,
            Write::Token { next, .. } => self.erases |= token::put(self.tx, next)?,
            Write::Batch { next, .. } => batch::put(self.tx, next)?,
            Write::Export { next, .. } => export::put(self.tx, next)?,
            Write::Allowance { next, .. } => allowance::put(self.tx, next)?,
            Write::NewApiKey(key) => api_key::insert(self.tx, key)?,
            Write::RevokeApiKey { id, at } => api_key::revoke(self.tx, *id, *at)?,
            Write::Witness(sealed) => witness::insert(self.tx, sealed)?,
        }
        Ok(())
    }

    /// The state that the next change of this group meets.
    fn state(&mut self, id: &Id) -> Result<Option<DeviceState>> {
        if let Some(changed) = self.changed.get(id) {
            return tail::decode(id, changed.state()).map(Some);
        }
        if let Some(state) = self.tail.get(id)? {
            return Ok(Some(state));
        }
        self.folded.get(id)
    }

    /// What is to be published, without the borrow of the transaction.
    pub(crate) fn finish(self) -> Finished {
        let Self {
            head,
            newest,
            changed,
            erases,
            rows,
            ..
        } = self;
        Finished {
            head,
            newest,
            changed,
            erases,
            rows,
        }
    }
}

/// What a committed group makes known.
pub(crate) struct Finished {
    pub(crate) head: Head,
    pub(crate) newest: Option<i64>,
    pub(crate) changed: HashMap<Id, Changed>,
    pub(crate) erases: bool,
    pub(crate) rows: u64,
}

impl Finished {
    /// The first of its rows; `None` while it has none.
    pub(crate) fn first(&self) -> Option<i64> {
        self.newest
            .map(|newest| newest.saturating_sub_unsigned(self.rows).saturating_add(1))
    }

    /// The tail after COMMIT: folded states leave it, except those that have changed again.
    pub(crate) fn publish(self, tail: &mut Tail, folded: &[Id]) {
        for id in folded {
            tail.remove(id);
        }
        for (id, changed) in self.changed {
            match changed {
                Changed::Appended(state) => tail.insert(id, state),
                Changed::Written(_) => tail.remove(&id),
            }
        }
    }

    /// The devices that folding must leave alone in this transaction: what the tail has of them is old.
    pub(crate) fn touched(&self) -> HashSet<Id> {
        self.changed.keys().copied().collect()
    }
}
