use verify::{DeviceState, UnixMs};

use crate::{
    Allowance, ApiKey, Batch, Device, Enrollment, Export, Id, Owner, Pending, Protection, RecoveryCodes, Sealed, Token,
    audit,
};

/// One decision: its effects and the audit events that say so.
///
/// Either every write's condition holds and all of it becomes durable, or nothing of it does.
#[derive(Clone, Default)]
pub struct Change {
    /// The effects; may be empty, for a refusal that has none.
    pub writes: Vec<Write>,
    /// What the trail says of it.
    pub events: Vec<audit::Event>,
}

/// One effect with the condition under which it holds.
///
/// `expected` is the version that was read; `None` means that the record must not exist.
#[derive(Clone)]
pub enum Write {
    /// The new state of a bound device.
    State {
        /// Whose.
        owner: Owner,
        /// Which device.
        device: Id,
        /// The version that was judged.
        expected: u64,
        /// What it becomes; its version is higher.
        next: DeviceState,
    },
    /// A device comes into being.
    Bind {
        /// The record; no device of this id exists.
        device: Box<Device>,
        /// Its first state.
        state: DeviceState,
    },
    /// A device becomes a tombstone: its secret is erased, its record stays.
    Unbind {
        /// Whose.
        owner: Owner,
        /// Which device.
        device: Id,
        /// The version that was judged.
        expected: u64,
        /// What it becomes; its standing is unbound.
        next: DeviceState,
        /// The tombstone's date.
        at: UnixMs,
    },
    /// An enrollment, new or changed.
    Enrollment {
        /// The version that was read.
        expected: Option<u64>,
        /// What it becomes.
        next: Box<Enrollment>,
    },
    /// A set of recovery codes, new or changed.
    RecoveryCodes {
        /// The version that was read.
        expected: Option<u64>,
        /// What it becomes.
        next: RecoveryCodes,
    },
    /// A protection, new or changed.
    Protection {
        /// The version that was read.
        expected: Option<u64>,
        /// What it becomes.
        next: Protection,
    },
    /// A token, new or changed. A secret that it has not had before is one that no token ever had: its fingerprint
    /// is kept, and a second one like it misses.
    Token {
        /// The version that was read.
        expected: Option<u64>,
        /// What it becomes.
        next: Box<Token>,
    },
    /// A batch, new or changed; or as it is, for a change that holds only while it stays so.
    Batch {
        /// The version that was read.
        expected: Option<u64>,
        /// What it becomes, or is.
        next: Batch,
    },
    /// An export, new or changed.
    Export {
        /// The version that was read.
        expected: Option<u64>,
        /// What it becomes.
        next: Box<Export>,
    },
    /// An allowance, new or changed.
    Allowance {
        /// The version that was read.
        expected: Option<u64>,
        /// What it becomes.
        next: Allowance,
    },
    /// A new API key; no key of this id exists.
    NewApiKey(ApiKey),
    /// The end of an API key that lives.
    RevokeApiKey {
        /// Which.
        id: Id,
        /// Since when.
        at: UnixMs,
    },
    /// The witness of a key in the keyring; there is none for this key.
    Witness(Sealed),
}

/// What became of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on disk.
    Done,
    /// A condition did not hold: somebody else was faster. Nothing of it was written; load and judge again.
    Missed,
}

/// Writing.
pub trait Commit: Send + Sync {
    /// Makes each change durable, or none of its parts; the outcomes stand in the order of the changes.
    ///
    /// This is the one security-critical operation: a false `Done` lets a code be accepted twice; a false
    /// `Missed` costs one more judgement, after which the user waits for the next code. On `Err` the caller
    /// must answer as if nothing had been decided, and may not answer "accepted".
    ///
    /// When this returns, the outcome survives a crash of the process and of the machine. Changes of one
    /// call are applied in order, so a later one may build on an earlier one's version.
    fn commit(&self, changes: Vec<Change>) -> Pending<'_, Vec<Outcome>>;
}
