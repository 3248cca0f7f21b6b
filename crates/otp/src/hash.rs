//! The hash functions under HMAC, at the level of its compression function.
//!
//! Both messages of such an HMAC fit in one block: the step number (8 bytes) after the inner pad, the
//! inner digest after the outer pad. So a code costs two compressions from the two midstates, and the
//! padding of either block is known beforehand.

use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

pub(crate) trait Hash {
    /// The chaining value, as words.
    type State: Copy + Zeroize;
    type Block: Zeroize;

    const INITIAL: Self::State;

    fn compress(state: &mut Self::State, block: &Self::Block);

    /// The key filled up to a block; one longer than that is hashed first (RFC 2104 section 2).
    fn key_block(key: &[u8]) -> Self::Block;

    /// `byte` added modulo 2 to each byte of the block.
    fn xor(block: &mut Self::Block, byte: u8);

    /// The block after the inner pad: `step`, padded (RFC 4226 section 5.2: big-endian).
    fn step_block(step: u64) -> Self::Block;

    /// The block after the outer pad: room for the inner digest, padded.
    fn digest_block() -> Self::Block;

    /// Writes the inner digest into its room.
    fn put_digest(block: &mut Self::Block, inner: &Self::State);

    /// The first twenty bytes of the digest as big-endian words, and its last byte.
    fn ends(digest: &Self::State) -> ([u32; 5], u8);
}

/// Dynamic truncation (RFC 4226 section 5.3): 31 bits at the offset that the last byte tells.
///
/// The offset is secret, so no memory is addressed by it: of the pairs of neighbouring words each is
/// looked at, and one kept.
#[inline]
pub(crate) fn truncate((words, last_byte): ([u32; 5], u8)) -> u32 {
    let offset = last_byte & 0xf;
    let mut pair = 0;
    for (index, two) in (0_u8..).zip(words.windows(2)) {
        let here = u64::from(two[0]) << 32 | u64::from(two[1]);
        pair.conditional_assign(&here, index.ct_eq(&(offset / 4)));
    }
    (pair << (8 * (offset % 4)) >> 32) as u32 & 0x7fff_ffff
}

macro_rules! hash {
    ($hash:ty, $compress:path, $word:ty, words: $words:literal, block: $block:literal, initial: $initial:expr, $ends:expr) => {
        impl Hash for $hash {
            type State = [$word; $words];
            type Block = [u8; $block];

            // FIPS 180-4 section 5.3
            const INITIAL: Self::State = $initial;

            #[inline]
            fn compress(state: &mut Self::State, block: &Self::Block) {
                $compress(state, core::slice::from_ref(block));
            }

            fn key_block(key: &[u8]) -> Self::Block {
                let mut block = [0; $block];
                if let Some(start) = block.get_mut(..key.len()) {
                    start.copy_from_slice(key);
                } else {
                    let mut digest = Self::digest(key);
                    block[..digest.len()].copy_from_slice(&digest);
                    digest.as_mut_slice().zeroize();
                }
                block
            }

            fn xor(block: &mut Self::Block, byte: u8) {
                block.iter_mut().for_each(|b| *b ^= byte);
            }

            #[inline]
            fn step_block(step: u64) -> Self::Block {
                let mut block = [0; $block];
                block[..8].copy_from_slice(&step.to_be_bytes());
                pad(&mut block, 8);
                block
            }

            #[inline]
            fn digest_block() -> Self::Block {
                let mut block = [0; $block];
                pad(&mut block, size_of::<Self::State>());
                block
            }

            #[inline]
            fn put_digest(block: &mut Self::Block, inner: &Self::State) {
                for (bytes, word) in block.chunks_exact_mut(size_of::<$word>()).zip(inner) {
                    bytes.copy_from_slice(&word.to_be_bytes());
                }
            }

            #[inline]
            fn ends(digest: &Self::State) -> ([u32; 5], u8) {
                $ends(digest)
            }
        }
    };
}

hash!(
    Sha1, sha1::block_api::compress, u32, words: 5, block: 64,
    initial: [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0],
    |digest: &[u32; 5]| (*digest, digest[4] as u8)
);

hash!(
    Sha256, sha2::block_api::compress256, u32, words: 8, block: 64,
    initial: [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ],
    |&[a, b, c, d, e, .., last]: &[u32; 8]| ([a, b, c, d, e], last as u8)
);

hash!(
    Sha512, sha2::block_api::compress512, u64, words: 8, block: 128,
    initial: [
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    ],
    |&[a, b, c, .., last]: &[u64; 8]| {
        ([(a >> 32) as u32, a as u32, (b >> 32) as u32, b as u32, (c >> 32) as u32], last as u8)
    }
);

/// Ends a message of one whole block and the `len` bytes at the start of this one, which leave room
/// for it (FIPS 180-4 section 5.1).
#[inline]
fn pad(block: &mut [u8], len: usize) {
    let message_bits = 8 * (block.len() + len) as u16;
    let length = block.len() - 2;
    block[len] = 0x80;
    block[length..].copy_from_slice(&message_bits.to_be_bytes());
}
