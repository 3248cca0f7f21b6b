//! The memory that vectors of HMACs are loaded from and stored to.

use sha1::Sha1;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Secret;
use crate::hash::Hash;

/// HMACs side by side.
pub(crate) const LANES: usize = 16;

/// Consecutive steps of a lane: the usual window.
pub(crate) const STEPS: usize = 3;

/// One word of each lane.
pub(crate) type Row = [u32; LANES];

/// An HMAC-SHA-1 key a lane, and some of its steps. As good as the secrets to whoever steals them: wiped when dropped.
pub(crate) struct Lanes {
    /// The key filled up to a block (RFC 2104 section 2).
    pub(crate) key_block: [Row; 16],
    pub(crate) inner: [Row; 5],
    pub(crate) outer: [Row; 5],
    /// The upper and the lower word of the first step. To the steps after it nothing is carried: they have its upper word.
    pub(crate) first_step: [Row; 2],
    /// The truncated HMACs of the first step and those after it.
    pub(crate) truncated: [Row; STEPS],
}

impl Lanes {
    pub(crate) const fn new() -> Self {
        Self {
            key_block: [[0; LANES]; 16],
            inner: [[0; LANES]; 5],
            outer: [[0; LANES]; 5],
            first_step: [[0; LANES]; 2],
            truncated: [[0; LANES]; STEPS],
        }
    }

    pub(crate) fn put_secret(&mut self, lane: usize, secret: &Secret) {
        let block = Zeroizing::new(Sha1::key_block(secret.expose_secret()));
        let (words, _) = block.as_chunks();
        for (row, word) in self.key_block.iter_mut().zip(words) {
            row[lane] = u32::from_be_bytes(*word);
        }
    }

    pub(crate) fn put_midstates(&mut self, lane: usize, [inner, outer]: [&[u32; 5]; 2]) {
        for (rows, midstate) in [(&mut self.inner, inner), (&mut self.outer, outer)] {
            rows.iter_mut().zip(midstate).for_each(|(row, word)| row[lane] = *word);
        }
    }

    pub(crate) fn put_step(&mut self, lane: usize, step: u64) {
        let [high, low] = &mut self.first_step;
        (high[lane], low[lane]) = ((step >> 32) as u32, step as u32);
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.key_block.as_flattened_mut().zeroize();
        self.inner.as_flattened_mut().zeroize();
        self.outer.as_flattened_mut().zeroize();
        self.truncated.as_flattened_mut().zeroize();
    }
}

impl ZeroizeOnDrop for Lanes {}
