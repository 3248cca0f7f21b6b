//! The audit trail: append-only rows in chains, one chain per writer and start, in a signed register.
//!
//! A row holds all events of one commit. Its hash covers the row before it in its chain, the time of each event and a salted
//! commitment to what it says, and the users' states that the commit made durable. What an event says can therefore be
//! erased without breaking the chain, while nothing else can be changed, removed or cut off without a hash, a position or a
//! signature saying where.
//!
//! Nothing here is keyed: what keeps an intruder from computing a whole new chain is the signature under
//! each closed chain and under each head kept outside the database.

mod chain;
mod place;

use sha2::{Digest, Sha256};
use verify::UnixMs;

use crate::Pending;

pub use chain::{Chain, Closing, Head, Opening, Sign, Verify};
pub use place::{EventId, NoEventId, Place};

/// SHA-256.
pub type Hash = [u8; 32];

/// An event of the trail: what it is told of one decision.
#[derive(Clone)]
pub struct Event {
    /// When it was decided.
    pub at: UnixMs,
    /// Random; makes the commitment say nothing about an erased payload.
    pub salt: [u8; 16],
    /// One JSON object; opaque to engines.
    pub payload: String,
}

/// The cursor of a reader in the order of commitment over all chains; of this engine and this database alone.
///
/// It is no [`Place`], which whoever writes to the database behind our back may give twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub i64);

/// A row of the trail, as read.
#[derive(Clone, Debug)]
pub struct Row {
    /// The cursor to go on from.
    pub cursor: Cursor,
    /// Its place.
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
    /// Its payload, unless it was erased.
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

    /// The time and commitment of each of its events, which its hash covers.
    pub fn covered(&self) -> Vec<(UnixMs, Hash)> {
        self.events.iter().map(|event| (event.at, event.commitment())).collect()
    }
}

/// The row that came last, of whatever chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its place.
    pub place: Place,
    /// When the last of its events was decided; a clock that was set back made rows before it that are later.
    pub at: UnixMs,
}

/// The payload of an event, or what is left of it.
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
