//! The trail: append-only rows in chains, one chain per writer and start, in a signed register.
//!
//! A row holds all events of one commit. Its hash covers the row before it in its chain, the time of each event and a salted
//! commitment to what it says, and the users' states that the commit made durable. What an event says can therefore be
//! erased without breaking the chain, while nothing else can be changed, removed or cut off without a hash, a position or a
//! signature saying where.
//!
//! Nothing here is keyed: what keeps an intruder from computing a whole new chain is the signature under
//! each closed chain and under each head kept outside the database.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};
use verify::UnixMs;

use crate::Pending;

/// SHA-256.
pub type Hash = [u8; 32];

/// What the trail is told of one decision.
#[derive(Clone)]
pub struct Event {
    /// When it was decided.
    pub at: UnixMs,
    /// Random; makes the commitment say nothing about an erased payload.
    pub salt: [u8; 16],
    /// One JSON object; opaque to engines.
    pub payload: String,
}

/// Where a row is: its chain and its place in that, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The chain.
    pub chain: i64,
    /// Its place in the chain.
    pub position: u64,
}

/// The id of an event: the place of its row, and its own among the row's events, from 1; written `chain.position.index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The row.
    pub place: Place,
    /// Which of its events.
    pub index: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.place.chain, self.place.position, self.index)
    }
}

/// This is no id of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of an event is `chain.position.index`")]
pub struct NoEventId;

impl FromStr for EventId {
    type Err = NoEventId;

    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let mut parts = text.split('.');
        let mut part = || {
            parts
                .next()
                .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let (chain, position, index) = (part(), part(), part());
        let parsed = (|| {
            let place = Place {
                chain: chain?.parse().ok()?,
                position: position?.parse().ok()?,
            };
            let index = index?.parse().ok()?;
            Some(Self { place, index })
        })();
        parsed.filter(|_| parts.next().is_none()).ok_or(NoEventId)
    }
}

/// Where a reader stands in the order of commitment over all chains; of this engine and this database alone.
///
/// It is no [`Place`], which whoever writes to the database behind our back may give twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub i64);

/// A row of the trail, as read.
#[derive(Clone, Debug)]
pub struct Row {
    /// Where a reader goes on from.
    pub cursor: Cursor,
    /// Where it is.
    pub place: Place,
    /// The events of its commit, one at least, in the order in which they were decided.
    pub events: Vec<Recorded>,
    /// The states of users that it made durable, as [`codec::join_users`](crate::codec::join_users) writes them; often one.
    pub states: Vec<u8>,
    /// The chain up to here.
    pub hash: Hash,
}

/// An event, as read.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When it was decided.
    pub at: UnixMs,
    /// What was said, unless it was erased.
    pub payload: Payload,
}

impl Recorded {
    /// The commitment to it, by its own word.
    pub fn commitment(&self) -> Hash {
        match &self.payload {
            Payload::Kept { salt, payload } => commitment(salt, payload),
            Payload::Erased(commitment) => *commitment,
        }
    }
}

impl Row {
    /// Its events with their ids.
    pub fn identified(self) -> impl Iterator<Item = (EventId, Recorded)> {
        let place = self.place;
        let events = (1..).zip(self.events);
        events.map(move |(index, event)| (EventId { place, index }, event))
    }

    /// What its hash covers of each of its events.
    pub fn covered(&self) -> Vec<(UnixMs, Hash)> {
        self.events.iter().map(|event| (event.at, event.commitment())).collect()
    }
}

/// The row that came last, of whatever chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Where it is.
    pub place: Place,
    /// When the last of its events was decided; a clock that was set back made rows before it that are later.
    pub at: UnixMs,
}

/// What is left of what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// All of it.
    Kept {
        /// The salt of [`Event::salt`].
        salt: [u8; 16],
        /// The JSON object.
        payload: String,
    },
    /// Erased; only its commitment stays.
    Erased(Hash),
}

/// `SHA-256(salt, payload)`.
pub fn commitment(salt: &[u8; 16], payload: &str) -> Hash {
    Sha256::new().chain_update(salt).chain_update(payload).finalize().into()
}

/// The end of a chain: enough to append to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The chain.
    pub chain: i64,
    /// How many rows it has.
    pub position: u64,
    /// The hash of the last one; of the opening, when there is none.
    pub hash: Hash,
}

impl Head {
    /// The head of a chain that has just been opened.
    pub fn opened(chain: i64, opening: &Opening) -> Self {
        Self {
            chain,
            position: 0,
            hash: opening.hash(chain),
        }
    }

    /// The head after one more row, of events at these times with these commitments.
    #[must_use]
    pub fn next(&self, events: &[(UnixMs, Hash)], states: &[u8]) -> Self {
        let position = self.position + 1;
        let mut hash = Sha256::new()
            .chain_update(b"countersign/audit/row/2")
            .chain_update(self.hash)
            .chain_update(self.chain.to_be_bytes())
            .chain_update(position.to_be_bytes())
            .chain_update((events.len() as u64).to_be_bytes());
        for (at, commitment) in events {
            hash.update(at.get().to_be_bytes());
            hash.update(commitment);
        }
        hash.update((states.len() as u64).to_be_bytes());
        hash.update(states);
        Self {
            chain: self.chain,
            position,
            hash: hash.finalize().into(),
        }
    }

    /// Where its last row is; position 0 where there is none.
    pub fn place(&self) -> Place {
        Place {
            chain: self.chain,
            position: self.position,
        }
    }

    /// What a signature under this head covers.
    pub fn statement(&self) -> Vec<u8> {
        let mut bytes = b"countersign/audit/head/1".to_vec();
        bytes.extend(self.chain.to_be_bytes());
        bytes.extend(self.position.to_be_bytes());
        bytes.extend(self.hash);
        bytes
    }
}

/// The first line of a chain in the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Who writes: node, process, lane.
    pub writer: String,
    /// When it began.
    pub at: UnixMs,
    /// The hash of the register's previous opening; zeroes for the first.
    pub previous: Hash,
}

impl Opening {
    /// What its signature covers, and what the chain begins with.
    pub fn statement(&self, chain: i64) -> Vec<u8> {
        let mut bytes = b"countersign/audit/chain/1".to_vec();
        bytes.extend(chain.to_be_bytes());
        bytes.extend(self.previous);
        bytes.extend(self.at.get().to_be_bytes());
        bytes.extend(self.writer.as_bytes());
        bytes
    }

    /// The hash that the next opening names, and that the chain begins with.
    pub fn hash(&self, chain: i64) -> Hash {
        Sha256::digest(self.statement(chain)).into()
    }
}

/// A chain in the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Numbers rise by one.
    pub chain: i64,
    /// How it began.
    pub opening: Opening,
    /// Ed25519 under [`Opening::statement`].
    pub opening_signature: Vec<u8>,
    /// How it ended; `None` while its writer lives, or after it was killed.
    pub closing: Option<Closing>,
}

/// The last line of a chain in the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The last row.
    pub head: Head,
    /// Ed25519 under [`Head::statement`].
    pub signature: Vec<u8>,
}

/// Makes the signature under a statement.
pub type Sign<'a> = &'a (dyn Fn(&[u8]) -> Vec<u8> + Send + Sync);

/// Whether the signature under a statement is one of ours.
pub type Verify<'a> = &'a (dyn Fn(&[u8], &[u8]) -> bool + Send + Sync);

/// Reading the trail and keeping its register. Rows come into being only by
/// [`commit`](crate::Commit::commit).
pub trait Trail: Send + Sync {
    /// Up to `limit` rows after this one, in the order of commitment; from the first for `None`.
    fn rows(&self, after: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>>;

    /// Up to `limit` rows before this one, the newest first; from the last for `None`.
    fn rows_before(&self, before: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>>;

    /// The row at each of these, in the order asked.
    fn rows_at(&self, cursors: Vec<Cursor>) -> Pending<'_, Vec<Option<Row>>>;

    /// The row at this place.
    fn row(&self, place: Place) -> Pending<'_, Option<Row>>;

    /// The register, in the order of its numbers.
    fn chains(&self) -> Pending<'_, Vec<Chain>>;

    /// The head of the chain that this process writes: durable rows only.
    fn head(&self) -> Head;

    /// The newest row's place and time; `None` for an empty trail.
    fn newest(&self) -> Pending<'_, Option<Newest>>;

    /// The last row of any chain, as found in the table; the opening when there is none.
    fn last_of(&self, chain: i64) -> Pending<'_, Option<Head>>;

    /// Closes a chain in the register. Idempotent; a closed chain keeps its first closing.
    fn close_chain(&self, closing: Closing) -> Pending<'_, ()>;
}
