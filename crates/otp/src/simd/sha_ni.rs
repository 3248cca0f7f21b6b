//! HMAC-SHA-1 by the SHA extensions: a few HMACs at once, their instructions interleaved, because one waits for itself.

use core::arch::x86_64::*;

/// A chaining value as the instructions take it: `a`, `b`, `c`, `d` from the highest lane down, and `e` in the highest.
type State = [__m128i; 2];

/// Each state after its block of sixteen words, the first of them in the highest lane; unrolled where it stands, so that all
/// stays in registers. The blocks are consumed.
macro_rules! compress {
    ($states:expr, $w:ident) => {{
        let mut states = $states;
        let (mut abcd, mut e) = (states.map(|state| state[0]), states.map(|state| state[1]));
        for i in 0..N {
            e[i] = _mm_add_epi32(e[i], $w[i][0]);
        }
        four_rounds!(abcd, e, $w, 0: 0 1 2 3 4);
        four_rounds!(abcd, e, $w, 1: 5 6 7 8 9);
        four_rounds!(abcd, e, $w, 2: 10 11 12 13 14);
        four_rounds!(abcd, e, $w, 3: 15 16 17 18);
        for (i, state) in states.iter_mut().enumerate() {
            let last = _mm_sha1rnds4_epu32::<3>(abcd[i], e[i]);
            *state = [_mm_add_epi32(state[0], last), _mm_sha1nexte_epu32(abcd[i], state[1])];
        }
        states
    }};
}

/// Four rounds of each state; then `e` is the next four's, with the words of those added.
macro_rules! four_rounds {
    ($abcd:ident, $e:ident, $w:ident, $quarter:literal: $($four:literal)+) => {$(
        for i in 0..N {
            let before = $abcd[i];
            $abcd[i] = _mm_sha1rnds4_epu32::<$quarter>(before, $e[i]);
            let w = &mut $w[i];
            if $four >= 3 {
                let mixed = _mm_sha1msg1_epu32(w[($four + 1) & 3], w[($four + 2) & 3]);
                w[($four + 1) & 3] = _mm_sha1msg2_epu32(_mm_xor_si128(mixed, w[($four + 3) & 3]), w[$four & 3]);
            }
            $e[i] = _mm_sha1nexte_epu32(before, w[($four + 1) & 3]);
        }
    )+};
}

/// The truncated HMACs of `first` and the `N - 1` steps after it (RFC 4226 section 5.3).
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) fn truncated<const N: usize>(inner: &[u32; 5], outer: &[u32; 5], first: u64) -> [u32; N] {
    let none = words(0, 0, 0, 0);
    let mut blocks = [[none; 4]; N];
    for (i, block) in blocks.iter_mut().enumerate() {
        let step = first.wrapping_add(i as u64);
        block[0] = words((step >> 32) as u32, step as u32, 0x8000_0000, 0);
        block[3] = words(0, 0, 0, 8 * (64 + 8));
    }
    let digests = compress!([state(inner); N], blocks);
    for (block, [abcd, e]) in blocks.iter_mut().zip(digests) {
        let end = _mm_or_si128(e, words(0, 0x8000_0000, 0, 0));
        *block = [abcd, end, none, words(0, 0, 0, 8 * (64 + 20))];
    }
    let digests = compress!([state(outer); N], blocks);
    let mut truncated = [0; N];
    for (truncated, digest) in truncated.iter_mut().zip(digests) {
        *truncated = truncate(digest);
    }
    truncated
}

#[target_feature(enable = "sse2")]
#[inline]
fn words(a: u32, b: u32, c: u32, d: u32) -> __m128i {
    _mm_set_epi32(a as i32, b as i32, c as i32, d as i32)
}

#[target_feature(enable = "sse2")]
#[inline]
fn state(&[a, b, c, d, e]: &[u32; 5]) -> State {
    [words(a, b, c, d), words(e, 0, 0, 0)]
}

/// Dynamic truncation (RFC 4226 section 5.3): the shuffles take as long wherever the offset, which is secret, points.
#[target_feature(enable = "sse2,ssse3,sse4.1")]
#[inline]
fn truncate([abcd, e]: State) -> u32 {
    let offset = _mm_set1_epi8(_mm_extract_epi32::<3>(e) as i8 & 0xf);
    // Byte j of the digest is byte 15 - j of `abcd`, byte 31 - j of `e`; an index of 128 and more gives zero.
    let in_abcd = _mm_sub_epi8(_mm_set1_epi32(0x0f0e_0d0c), offset);
    let in_e = _mm_sub_epi8(_mm_set1_epi32(0x8f8e_8d8c_u32 as i32), offset);
    let bytes = _mm_or_si128(_mm_shuffle_epi8(abcd, in_abcd), _mm_shuffle_epi8(e, in_e));
    _mm_cvtsi128_si32(bytes) as u32 & 0x7fff_ffff
}
