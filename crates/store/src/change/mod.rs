//! Changes: conditional writes together with the audit events that say so, committed all or nothing.

mod refusal;

use crate::{
    Allowance, ApiKey, Document, Id, Key, Noun, Owner, Pending, Sealed, StoreError, TrailReader, User,
    audit::{self, Event, Hash},
    codec, history,
};
pub(crate) use refusal::is_empty;

/// One decision: its effects and the audit events that say so, at least one.
///
/// Either every write's condition holds and all of it becomes durable, or nothing of it does.
#[derive(Clone)]
pub struct Change {
    writes: Vec<Write>,
    events: Vec<Event>,
}

impl Change {
    /// A decision of which the trail says this; without effects so far.
    pub fn of(event: Event) -> Self {
        Self {
            writes: Vec::new(),
            events: vec![event],
        }
    }

    /// A decision of which the trail says all of these; `None` for none.
    pub fn of_all(events: Vec<Event>) -> Option<Self> {
        let writes = Vec::new();
        (!events.is_empty()).then_some(Self { writes, events })
    }

    /// An effect without an event of its own: a counter goes up, whose record is what it counted, later.
    pub fn of_count(expected: Option<u64>, next: &Allowance) -> Self {
        Self {
            writes: vec![Write::put(expected, next)],
            events: Vec::new(),
        }
    }

    /// Another effect without an event of its own: a reader of the trail has read on. The history's reader may fill its
    /// index [with](Self::with) it by one [`Write::Index`], which says no more than events that are there.
    pub fn of_reading(expected: Option<u64>, next: &TrailReader) -> Self {
        Self {
            writes: vec![Write::put(expected, next)],
            events: Vec::new(),
        }
    }

    /// A third: what became of notices whose events are there. A webhook's reader may come further with it.
    pub fn of_delivering(writes: impl IntoIterator<Item = Write>) -> Self {
        Self {
            writes: writes.into_iter().collect(),
            events: Vec::new(),
        }
    }

    /// With one more event.
    #[must_use]
    pub fn and(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// With these effects, too.
    #[must_use]
    pub fn with(mut self, writes: impl IntoIterator<Item = Write>) -> Self {
        self.writes.extend(writes);
        self
    }
}

/// One effect with the condition under which it holds.
///
/// `expected` is the version that was read; `None` means that the record must not exist.
#[derive(Clone)]
pub enum Write {
    /// A document, new or changed.
    Put {
        /// The version that was read.
        expected: Option<u64>,
        /// What it becomes; its version is higher.
        document: Box<Document>,
    },
    /// A document ends; the secrets that it named are erased.
    Delete {
        /// The version that was read.
        expected: u64,
        /// Which.
        key: Key,
    },
    /// No effect: the rest of the change holds only while this document stays as it was read. Any number of changes may
    /// require the same one at once.
    Require {
        /// The version that was read.
        expected: Option<u64>,
        /// Which.
        key: Key,
    },
    /// The row of a user, new or changed: made by [`User::used`] and [`User::changed`].
    User {
        /// What it becomes; its revision is the one that was read, and the next one is the engine's.
        next: Box<User>,
        /// Devices may have come or gone: the secrets of those that are not there any more are erased.
        devices: bool,
    },
    /// The row of a user gets another name, and its devices the secrets that are sealed for that: made by [`User::renamed`].
    /// In a change of nothing else. Documents of the user stay where they are, under the name of before.
    RenameUser {
        /// Whose row it is now. Whoever it becomes has none.
        from: Owner,
        /// What it becomes; its id stays, by which the trail means it.
        next: Box<User>,
    },
    /// The row of a user ends, and with it every document whose key is of this user: made by [`User::erased`]. All their
    /// secrets are erased, and an engine with files sees to it that no copy of the user's name stays in one.
    EraseUser(Box<User>),
    /// A secret is sealed under another key; its record, which does not change, has it from now on. The old bytes are
    /// erased. In a change of nothing else.
    ///
    /// No version is raised by this, and no revision. So a document that was read before and is written after puts the old
    /// bytes back, under the old key, and so do a user's devices; whoever retires a key asks once more for what is sealed
    /// under it.
    Reseal {
        /// Where it is. A number may have been another secret's before: it holds only while these very bytes stand there.
        number: i64,
        /// What was read.
        old: Sealed,
        /// What it becomes: as long, under another key.
        new: Sealed,
    },
    /// Entries of the history's index; one that is there already stays. Only beside the cursor of the reader that fills it,
    /// by which it is known what the index has.
    Index {
        /// Which.
        entries: Vec<history::Entry>,
    },
}

impl Write {
    /// This record, new or changed.
    pub fn put(expected: Option<u64>, next: &impl Noun) -> Self {
        Self::Put {
            expected,
            document: Box::new(Document::of(next)),
        }
    }

    /// This record as it was read: a condition.
    pub fn require(read: &impl Noun) -> Self {
        Self::Require {
            expected: Some(read.version()),
            key: read.key(),
        }
    }
}

/// The outcome of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on disk.
    Done,
    /// A condition did not hold: somebody else was faster. Nothing of it was written; load and judge again.
    Missed,
    /// Another document has this unique lookup. Nothing of it was written; trying again does not help.
    Taken(&'static str),
}

/// Writing: committing changes.
pub trait Commit: Send + Sync {
    /// Makes each change durable, or none of its parts; the outcomes stand in the order of the changes.
    ///
    /// This is the one security-critical operation: a false `Done` lets a code be accepted twice; a false
    /// `Missed` costs one more judgement, after which the user waits for the next code. On `Err` the caller
    /// must answer as if nothing had been decided, and may not answer "accepted".
    ///
    /// When this returns, the outcome survives a crash of the process and of the machine. Changes of one
    /// call are applied in order, so a later one may build on an earlier one's version; on an earlier one's user none
    /// can, for nobody knows that revision before it is read.
    fn commit(&self, changes: Vec<Change>) -> Pending<'_, Vec<Outcome>> {
        match changes.into_iter().map(Checked::of).collect() {
            Ok(changes) => self.apply(changes),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    /// The engine's part of [`commit`](Self::commit), which is what everybody else calls.
    fn apply(&self, changes: Vec<Checked>) -> Pending<'_, Vec<Outcome>>;
}

/// A change that an engine may be given, with everything computed that the caller's thread can compute for it.
pub struct Checked {
    writes: Vec<Write>,
    events: Vec<(Event, Hash)>,
    states: NextStates,
}

/// The new row of each user by its id, as [`codec::encode_user`] writes it; nothing for a row that ends.
pub type NextStates = Vec<(Id, Box<[u8]>)>;

impl Checked {
    /// Refuses what no engine may do.
    pub fn of(change: Change) -> Result<Self, StoreError> {
        let Change { writes, events } = change;
        if let Some(why) = refusal::fault(&writes, &events) {
            // A programming error of the caller; failing closed is all that is left.
            return Err(StoreError::Unavailable(format!("a change was refused: {why}")));
        }
        let states: Vec<_> = writes.iter().filter_map(next_state).collect();
        let with_commitment = |event: Event| {
            let commitment = audit::commitment(&event.salt, &event.payload);
            (event, commitment)
        };
        Ok(Self {
            events: events.into_iter().map(with_commitment).collect(),
            states,
            writes,
        })
    }

    /// The effects, none of them on the same record as another.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// [`writes`](Self::writes) and [`states`](Self::states), once nothing else is asked of it.
    pub fn into_effects(self) -> (Vec<Write>, NextStates) {
        (self.writes, self.states)
    }

    /// The events with their commitments.
    pub fn events(&self) -> &[(Event, Hash)] {
        &self.events
    }

    /// The new row of each user that this is about, by its id and as [`codec::encode_user`] writes it, in the order of the
    /// writes; nothing for a row that ends.
    pub fn states(&self) -> &[(Id, Box<[u8]>)] {
        &self.states
    }

    /// `true` where it changes API keys, of which every process is told.
    pub fn changes_api_keys(&self) -> bool {
        self.writes.iter().any(is_of_api_keys)
    }

    /// `true` where it changes nothing else: all that a command beside the service may do.
    pub fn changes_only_api_keys(&self) -> bool {
        self.writes.iter().all(is_of_api_keys)
    }
}

fn is_of_api_keys(write: &Write) -> bool {
    matches!(write, Write::Put { document, .. } if document.key.noun == ApiKey::NAME)
}

fn next_state(write: &Write) -> Option<(Id, Box<[u8]>)> {
    match write {
        Write::User { next, .. } | Write::RenameUser { next, .. } => Some((next.id, codec::encode_user(next).into())),
        Write::EraseUser(user) => Some((user.id, Box::default())),
        Write::Put { .. }
        | Write::Delete { .. }
        | Write::Require { .. }
        | Write::Reseal { .. }
        | Write::Index { .. } => None,
    }
}
