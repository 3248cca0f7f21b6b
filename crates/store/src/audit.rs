//! The trail: append-only rows in chains, one chain per writer and start, in a signed register.
//!
//! A row's hash covers the row before it in its chain, a salted commitment to its payload and the device
//! states that it made durable. The payload can therefore be erased (personal data) without breaking the
//! chain, while nothing else can be changed, removed or cut off without a hash, a position or a signature
//! saying where.
//!
//! Nothing here is keyed: what keeps an intruder from computing a whole new chain is the signature under
//! each closed chain and under each head kept outside the database.

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

/// A row of the trail, as read.
#[derive(Clone)]
pub struct Row {
    /// Its place in the order of commitment over all chains.
    pub sequence: i64,
    /// Its chain.
    pub chain: i64,
    /// Its place in the chain, from 1.
    pub position: u64,
    /// When it was decided.
    pub at: UnixMs,
    /// The salt of [`Event::salt`].
    pub salt: [u8; 16],
    /// What was said, unless it was erased.
    pub payload: Payload,
    /// The device states this row made durable, as [`codec::join_states`](crate::codec::join_states) writes them; often one.
    pub states: Vec<u8>,
    /// The chain up to here.
    pub hash: Hash,
}

/// The row that came last, of whatever chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its [`Row::sequence`].
    pub sequence: i64,
    /// When it was decided; a clock that was set back made rows before it that are later.
    pub at: UnixMs,
}

/// What is left of what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The JSON object.
    Kept(String),
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

    /// The head after one more row.
    #[must_use]
    pub fn next(&self, at: UnixMs, commitment: &Hash, states: &[u8]) -> Self {
        let position = self.position + 1;
        let hash = Sha256::new()
            .chain_update(b"countersign/audit/row/1")
            .chain_update(self.hash)
            .chain_update(self.chain.to_be_bytes())
            .chain_update(position.to_be_bytes())
            .chain_update(at.get().to_be_bytes())
            .chain_update(commitment)
            .chain_update((states.len() as u64).to_be_bytes())
            .chain_update(states)
            .finalize();
        Self {
            chain: self.chain,
            position,
            hash: hash.into(),
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
    /// Up to `limit` rows after this sequence number, in its order.
    fn rows(&self, after: i64, limit: u32) -> Pending<'_, Vec<Row>>;

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
