//! Sixteen lanes in a vector of AVX-512.

use core::arch::x86_64::*;

use super::vector::{compress, five_rounds, kernel, round, twenty_rounds};
use crate::lanes::{LANES, Row};

const VECTOR: usize = LANES;
type Vector = __m512i;

kernel!("avx512f");

#[target_feature(enable = "avx512f")]
#[inline]
fn load(row: &Row, _at: usize) -> Vector {
    // SAFETY: a row is sixteen words of 32 bits, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(row: &mut Row, _at: usize, words: Vector) {
    // SAFETY: a row is sixteen words of 32 bits that nobody else sees, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), words) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn splat(word: u32) -> Vector {
    _mm512_set1_epi32(word as i32)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn add(one: Vector, other: Vector) -> Vector {
    _mm512_add_epi32(one, other)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn and(one: Vector, other: Vector) -> Vector {
    _mm512_and_si512(one, other)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn xor(one: Vector, other: Vector) -> Vector {
    _mm512_xor_si512(one, other)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn rotate<const LEFT: i32, const RIGHT: i32>(words: Vector) -> Vector {
    _mm512_rol_epi32::<LEFT>(words)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn shift_left<const BITS: u32>(words: Vector) -> Vector {
    _mm512_slli_epi32::<BITS>(words)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn shift_right<const BITS: u32>(words: Vector) -> Vector {
    _mm512_srli_epi32::<BITS>(words)
}

/// The bits of `b` where `a` has ones, of `c` elsewhere.
#[target_feature(enable = "avx512f")]
#[inline]
fn choose(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<0xca>(a, b, c)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn parity(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<0xe8>(a, b, c)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn equal(one: Vector, other: Vector) -> __mmask16 {
    _mm512_cmpeq_epi32_mask(one, other)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn pick(where_: __mmask16, yes: Vector, no: Vector) -> Vector {
    _mm512_mask_blend_epi32(where_, no, yes)
}

/// The upper words of both, side by side, shifted to the left by 0 to 31 `bits`.
#[target_feature(enable = "avx512f")]
#[inline]
fn joined(high: Vector, low: Vector, bits: Vector) -> Vector {
    let rest = _mm512_srlv_epi32(low, _mm512_sub_epi32(splat(32), bits));
    _mm512_or_si512(_mm512_sllv_epi32(high, bits), rest)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn subtract(one: Vector, other: Vector) -> Vector {
    _mm512_sub_epi32(one, other)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn multiply(one: Vector, other: Vector) -> Vector {
    _mm512_mullo_epi32(one, other)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn rotate_right(words: Vector, bits: Vector) -> Vector {
    _mm512_rorv_epi32(words, bits)
}

/// A bit a lane.
#[target_feature(enable = "avx512f")]
#[inline]
fn at_most(words: Vector, most: Vector) -> u32 {
    _mm512_cmple_epu32_mask(words, most).into()
}
