//! The memory that vectors of HMACs are loaded from and stored to.

use core::iter::repeat;

use sha1::Sha1;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::hash::Hash;
use crate::{Code, Secret};

/// HMACs side by side.
pub(crate) const LANES: usize = 16;

/// Consecutive steps of a lane: the usual window.
pub(crate) const STEPS: usize = 3;

/// One word of each lane.
pub(crate) type Row = [u32; LANES];

/// An HMAC-SHA-1 key a lane, and some of its steps. As good as the secrets to whoever steals them: wiped when dropped.
pub(crate) struct Lanes {
    /// 1 for a lane whose midstates are to be made, of the key filled up to a block (RFC 2104 section 2).
    pub(crate) by_block: Row,
    pub(crate) key_block: [Row; 16],
    pub(crate) inner: [Row; 5],
    pub(crate) outer: [Row; 5],
    /// The upper and the lower word of the first step. To the steps after it nothing is carried: they have its upper word.
    pub(crate) first_step: [Row; 2],
    /// The value of the code that is looked for, and the number of its digits.
    pub(crate) value: Row,
    pub(crate) digits: Row,
    /// Where the code stands: a bit a lane, at the first step and those after it.
    pub(crate) stands: [u32; STEPS],
}

impl Lanes {
    pub(crate) const fn new() -> Self {
        Self {
            by_block: [0; LANES],
            key_block: [[0; LANES]; 16],
            inner: [[0; LANES]; 5],
            outer: [[0; LANES]; 5],
            first_step: [[0; LANES]; 2],
            value: [0; LANES],
            digits: [0; LANES],
            stands: [0; STEPS],
        }
    }

    pub(crate) fn put_secret(&mut self, lane: usize, secret: &Secret) {
        const BLOCK: usize = 64;
        let key = secret.expose_secret();
        if key.len() <= BLOCK {
            self.put_key(lane, key);
        } else {
            self.put_key(lane, &*Zeroizing::new(Sha1::key_block(key)));
        }
    }

    fn put_key(&mut self, lane: usize, key: &[u8]) {
        let (words, end) = key.as_chunks();
        let mut last = [0; 4];
        last[..end.len()].copy_from_slice(end);
        let words = words.iter().chain([&last]).map(|word| u32::from_be_bytes(*word));
        for (row, word) in self.key_block.iter_mut().zip(words.chain(repeat(0))) {
            row[lane] = word;
        }
        self.by_block[lane] = 1;
    }

    pub(crate) fn has_secrets(&self) -> bool {
        self.by_block.contains(&1)
    }

    #[inline]
    pub(crate) fn put_midstates(&mut self, lane: usize, [inner, outer]: [&[u32; 5]; 2]) {
        for (rows, midstate) in [(&mut self.inner, inner), (&mut self.outer, outer)] {
            for (row, word) in rows.iter_mut().zip(midstate) {
                row[lane] = *word;
            }
        }
        self.by_block[lane] = 0;
    }

    /// Looks for `code` at `first_step` and those after it.
    #[inline]
    pub(crate) fn put_question(&mut self, lane: usize, code: &Code, first_step: u64) {
        let [high, low] = &mut self.first_step;
        (high[lane], low[lane]) = ((first_step >> 32) as u32, first_step as u32);
        (self.value[lane], self.digits[lane]) = (code.value(), code.digits().get().into());
    }

    /// Where this lane's code stands: the lowest bit is the first step's.
    #[inline]
    pub(crate) fn stands_at(&self, lane: usize) -> u32 {
        let [first, second, third] = self.stands.map(|lanes| lanes >> lane & 1);
        first | second << 1 | third << 2
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.key_block.as_flattened_mut().zeroize();
        self.inner.as_flattened_mut().zeroize();
        self.outer.as_flattened_mut().zeroize();
        self.value.zeroize();
        self.stands.zeroize();
    }
}

impl ZeroizeOnDrop for Lanes {}
