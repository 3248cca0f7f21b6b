//! Eight lanes in a vector of AVX2.

use core::arch::x86_64::*;

use super::vector::{compress, five_rounds, kernel, round, twenty_rounds};
use crate::lanes::Row;

const VECTOR: usize = 8;
type Vector = __m256i;

kernel!("avx2");

#[target_feature(enable = "avx2")]
#[inline]
fn load(row: &Row, at: usize) -> Vector {
    let words = &row[at..at + VECTOR];
    // SAFETY: these are eight words of 32 bits, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(row: &mut Row, at: usize, words: Vector) {
    let room = &mut row[at..at + VECTOR];
    // SAFETY: these are eight words of 32 bits that nobody else sees, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(room.as_mut_ptr().cast(), words) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn splat(word: u32) -> Vector {
    _mm256_set1_epi32(word as i32)
}

#[target_feature(enable = "avx2")]
#[inline]
fn add(one: Vector, other: Vector) -> Vector {
    _mm256_add_epi32(one, other)
}

#[target_feature(enable = "avx2")]
#[inline]
fn and(one: Vector, other: Vector) -> Vector {
    _mm256_and_si256(one, other)
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor(one: Vector, other: Vector) -> Vector {
    _mm256_xor_si256(one, other)
}

#[target_feature(enable = "avx2")]
#[inline]
fn rotate<const LEFT: i32, const RIGHT: i32>(words: Vector) -> Vector {
    _mm256_or_si256(_mm256_slli_epi32::<LEFT>(words), _mm256_srli_epi32::<RIGHT>(words))
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_left<const BITS: i32>(words: Vector) -> Vector {
    _mm256_slli_epi32::<BITS>(words)
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_right<const BITS: i32>(words: Vector) -> Vector {
    _mm256_srli_epi32::<BITS>(words)
}

/// The bits of `b` where `a` has ones, of `c` elsewhere.
#[target_feature(enable = "avx2")]
#[inline]
fn choose(a: Vector, b: Vector, c: Vector) -> Vector {
    xor(c, and(a, xor(b, c)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn parity(a: Vector, b: Vector, c: Vector) -> Vector {
    xor(a, xor(b, c))
}

#[target_feature(enable = "avx2")]
#[inline]
fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
    xor(and(a, b), and(c, xor(a, b)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn equal(one: Vector, other: Vector) -> Vector {
    _mm256_cmpeq_epi32(one, other)
}

#[target_feature(enable = "avx2")]
#[inline]
fn pick(where_: Vector, yes: Vector, no: Vector) -> Vector {
    _mm256_blendv_epi8(no, yes, where_)
}

/// The upper words of both, side by side, shifted to the left by 0 to 31 `bits`.
#[target_feature(enable = "avx2")]
#[inline]
fn joined(high: Vector, low: Vector, bits: Vector) -> Vector {
    let rest = _mm256_srlv_epi32(low, _mm256_sub_epi32(splat(32), bits));
    _mm256_or_si256(_mm256_sllv_epi32(high, bits), rest)
}

#[target_feature(enable = "avx2")]
#[inline]
fn subtract(one: Vector, other: Vector) -> Vector {
    _mm256_sub_epi32(one, other)
}

#[target_feature(enable = "avx2")]
#[inline]
fn multiply(one: Vector, other: Vector) -> Vector {
    _mm256_mullo_epi32(one, other)
}

#[target_feature(enable = "avx2")]
#[inline]
fn rotate_right(words: Vector, bits: Vector) -> Vector {
    let rest = _mm256_sllv_epi32(words, subtract(splat(32), bits));
    _mm256_or_si256(_mm256_srlv_epi32(words, bits), rest)
}

/// A bit a lane.
#[target_feature(enable = "avx2")]
#[inline]
fn at_most(words: Vector, most: Vector) -> u32 {
    let within = equal(_mm256_min_epu32(words, most), words);
    _mm256_movemask_ps(_mm256_castsi256_ps(within)) as u32
}
