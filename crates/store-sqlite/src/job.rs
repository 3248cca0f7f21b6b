use std::collections::HashSet;

use store::{
    Change, Id, Owner, StoreError, Write,
    audit::{self, Event, Hash},
    codec,
};

/// A change with everything computed that the caller's thread can compute for the writer's.
pub(crate) struct Job {
    pub(crate) writes: Vec<Write>,
    pub(crate) events: Vec<(Event, Hash)>,
    /// The new state of each device this change is about, in the order of the writes.
    pub(crate) states: Vec<(Id, Box<[u8]>)>,
    /// The same for the first event's row, as [`codec::join_states`] writes them.
    pub(crate) blob: Vec<u8>,
}

impl Job {
    /// Refuses what no engine may do. `keys_only` is for a process beside the owner.
    pub(crate) fn new(change: Change, keys_only: bool) -> Result<Self, StoreError> {
        let states: Vec<(Id, Box<[u8]>)> = change
            .writes
            .iter()
            .filter_map(|write| match write {
                Write::State { device, next, .. } | Write::Unbind { device, next, .. } => Some((*device, next)),
                Write::Bind { device, state } => Some((device.id, state)),
                _ => None,
            })
            .map(|(id, state)| (id, codec::encode_state(state).into()))
            .collect();
        if !states.is_empty() && change.events.is_empty() {
            // The trail carries the states: without a row there would be none.
            return refused("the state of a device cannot change without an audit event");
        }
        if !distinct(&change.writes) {
            return refused("one change has two writes of one record");
        }
        let is_of_keys = |write: &Write| matches!(write, Write::NewApiKey(_) | Write::RevokeApiKey { .. });
        if keys_only && !change.writes.iter().all(is_of_keys) {
            return refused("a command beside the server may only change API keys");
        }
        let events = change.events.into_iter().map(|event| {
            let commitment = audit::commitment(&event.salt, &event.payload);
            (event, commitment)
        });
        Ok(Self {
            events: events.collect(),
            blob: codec::join_states(&states),
            states,
            writes: change.writes,
        })
    }

    pub(crate) fn changes_keys(&self) -> bool {
        self.writes
            .iter()
            .any(|write| matches!(write, Write::NewApiKey(_) | Write::RevokeApiKey { .. }))
    }
}

/// Programming errors of the caller; failing closed is all that is left.
fn refused<T>(why: &str) -> Result<T, StoreError> {
    Err(StoreError::Unavailable(format!("a change was refused: {why}")))
}

/// Conditions are checked before anything is written, so each record can be written once.
fn distinct(writes: &[Write]) -> bool {
    #[derive(PartialEq, Eq, Hash)]
    enum Record<'a> {
        Device(Id),
        Enrollment(Id),
        RecoveryCodes(&'a Owner),
        Protection(&'a Owner),
        Token(&'a str),
        Fingerprint(&'a [u8; 32]),
        Batch(&'a str),
        Export(Id),
        Allowance(&'a str),
        ApiKey(Id),
        Witness(u32),
    }
    let record = |write| match write {
        &Write::State { device, .. } | &Write::Unbind { device, .. } => Record::Device(device),
        Write::Bind { device, .. } => Record::Device(device.id),
        Write::Enrollment { next, .. } => Record::Enrollment(next.id),
        Write::RecoveryCodes { next, .. } => Record::RecoveryCodes(&next.owner),
        Write::Protection { next, .. } => Record::Protection(&next.owner),
        Write::Token { next, .. } => Record::Token(&next.serial_number),
        Write::Batch { next, .. } => Record::Batch(&next.name),
        Write::Export { next, .. } => Record::Export(next.id),
        Write::Allowance { next, .. } => Record::Allowance(&next.name),
        Write::NewApiKey(key) => Record::ApiKey(key.id),
        &Write::RevokeApiKey { id, .. } => Record::ApiKey(id),
        Write::Witness(sealed) => Record::Witness(sealed.key_id),
    };
    // Two tokens may not share a secret either.
    fn fingerprint(write: &Write) -> Option<Record<'_>> {
        match write {
            Write::Token { next, .. } => Some(Record::Fingerprint(&next.fingerprint.mac)),
            _ => None,
        }
    }
    let mut seen = HashSet::new();
    let mut records = writes.iter().map(record).chain(writes.iter().filter_map(fingerprint));
    writes.len() < 2 || records.all(|record| seen.insert(record))
}
