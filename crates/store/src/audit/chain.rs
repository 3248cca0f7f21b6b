//! Chains of the trail: their heads and hashes, and the register that says where each began and ended.

use sha2::{Digest, Sha256};
use verify::UnixMs;

use super::{Hash, Place};

/// The end of a chain: enough to append to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The chain.
    pub chain: i64,
    /// The number of its rows.
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

    /// The place of its last row; position 0 where there is none.
    pub fn place(&self) -> Place {
        Place {
            chain: self.chain,
            position: self.position,
        }
    }

    /// The bytes that a signature under this head covers.
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
    /// The writer: node, process, lane.
    pub writer: String,
    /// When it began.
    pub at: UnixMs,
    /// The hash of the register's previous opening; zeroes for the first.
    pub previous: Hash,
}

impl Opening {
    /// The bytes that its signature covers, and what the chain begins with.
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
    /// Its beginning.
    pub opening: Opening,
    /// Ed25519 under [`Opening::statement`].
    pub opening_signature: Vec<u8>,
    /// Its end; `None` while its writer lives, or after it was killed.
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

/// Checks that the signature under a statement is one of ours.
pub type Verify<'a> = &'a (dyn Fn(&[u8], &[u8]) -> bool + Send + Sync);
