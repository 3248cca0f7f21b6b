//! HMAC-SHA-1 in vectors, one lane an HMAC: the text that the vector instruction sets share.

/// The round constants (FIPS 180-4 section 4.2.1).
pub(super) const ROUND: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];

/// The inverses of 5^6, 5^7 and 5^8 modulo 2^32.
pub(super) const FIVES_INVERSE: [u32; 3] = [inverse(15_625), inverse(78_125), inverse(390_625)];

/// The quotients of the greatest truncated HMAC by 10^6, 10^7 and 10^8.
pub(super) const QUOTIENT_MAX: [u32; 3] = [
    0x7fff_ffff / 1_000_000,
    0x7fff_ffff / 10_000_000,
    0x7fff_ffff / 100_000_000,
];

/// The inverse of an odd number modulo 2^32: each turn doubles the bits that are right, of which there are three at first.
const fn inverse(odd: u32) -> u32 {
    let mut inverse = odd;
    while odd.wrapping_mul(inverse) != 1 {
        inverse = inverse.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse
}

/// SHA-1's compression (FIPS 180-4 section 6.1.2), unrolled where it stands: what is constant in a block of known padding is
/// computed by the compiler. `$w` is consumed.
macro_rules! compress {
    ($state:expr, $w:ident) => {{
        let state = $state;
        let [mut a, mut b, mut c, mut d, mut e] = state;
        let [k0, k1, k2, k3] = words(&$crate::simd::vector::ROUND);
        twenty_rounds!(choose, k0, $w, 0, a b c d e);
        twenty_rounds!(parity, k1, $w, 20, a b c d e);
        twenty_rounds!(majority, k2, $w, 40, a b c d e);
        twenty_rounds!(parity, k3, $w, 60, a b c d e);
        let [h0, h1, h2, h3, h4] = state;
        [add(h0, a), add(h1, b), add(h2, c), add(h3, d), add(h4, e)]
    }};
}

macro_rules! twenty_rounds {
    ($f:ident, $k:ident, $w:ident, $t:expr, $a:ident $b:ident $c:ident $d:ident $e:ident) => {
        five_rounds!($f, $k, $w, $t, $a $b $c $d $e);
        five_rounds!($f, $k, $w, $t + 5, $a $b $c $d $e);
        five_rounds!($f, $k, $w, $t + 10, $a $b $c $d $e);
        five_rounds!($f, $k, $w, $t + 15, $a $b $c $d $e);
    };
}

macro_rules! five_rounds {
    ($f:ident, $k:ident, $w:ident, $t:expr, $a:ident $b:ident $c:ident $d:ident $e:ident) => {
        round!($f, $k, $w, $t, $a $b $c $d $e);
        round!($f, $k, $w, $t + 1, $e $a $b $c $d);
        round!($f, $k, $w, $t + 2, $d $e $a $b $c);
        round!($f, $k, $w, $t + 3, $c $d $e $a $b);
        round!($f, $k, $w, $t + 4, $b $c $d $e $a);
    };
}

macro_rules! round {
    ($f:ident, $k:ident, $w:ident, $t:expr, $a:ident $b:ident $c:ident $d:ident $e:ident) => {
        if $t >= 16 {
            let (two, four) = (
                xor($w[$t & 15], $w[($t + 2) & 15]),
                xor($w[($t + 8) & 15], $w[($t + 13) & 15]),
            );
            $w[$t & 15] = rotate::<1, 31>(xor(two, four));
        }
        $e = add(add(add($e, add($w[$t & 15], $k)), $f($b, $c, $d)), rotate::<5, 27>($a));
        $b = rotate::<30, 2>($b);
    };
}

/// The functions of one instruction set, made of the operations that the calling module has: `VECTOR` lanes in a vector,
/// `load`, `store`, `splat`, arithmetic, the functions of FIPS 180-4.
macro_rules! kernel {
    ($features:literal) => {
        /// Both midstates of each lane that has a key block (RFC 2104 section 4).
        #[target_feature(enable = $features)]
        pub(super) fn midstates(lanes: &mut $crate::lanes::Lanes) {
            for at in (0..$crate::lanes::LANES).step_by(VECTOR) {
                let by_block = equal(load(&lanes.by_block, at), splat(1));
                for (pad, midstate) in [(0x3636_3636, &mut lanes.inner), (0x5c5c_5c5c, &mut lanes.outer)] {
                    let mut block = [splat(pad); 16];
                    for (word, row) in block.iter_mut().zip(&lanes.key_block) {
                        *word = xor(*word, load(row, at));
                    }
                    let state = compress!(words(&<sha1::Sha1 as $crate::hash::Hash>::INITIAL), block);
                    for (row, word) in midstate.iter_mut().zip(state) {
                        store(row, at, pick(by_block, word, load(row, at)));
                    }
                }
            }
        }

        /// Each word in all lanes.
        #[target_feature(enable = $features)]
        #[inline]
        fn words<const N: usize>(words: &[u32; N]) -> [Vector; N] {
            let mut all = [splat(0); N];
            for (vector, word) in all.iter_mut().zip(words) {
                *vector = splat(*word);
            }
            all
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn rows(rows: &[$crate::lanes::Row; 5], at: usize) -> [Vector; 5] {
            let mut all = [splat(0); 5];
            for (vector, row) in all.iter_mut().zip(rows) {
                *vector = load(row, at);
            }
            all
        }

        /// Looks at which of its steps each lane's code stands.
        #[target_feature(enable = $features)]
        pub(super) fn look(lanes: &mut $crate::lanes::Lanes) {
            lanes.stands = [0; $crate::lanes::STEPS];
            for at in (0..$crate::lanes::LANES).step_by(VECTOR) {
                for pass in 0..$crate::lanes::STEPS {
                    let truncated = truncate(hmac(lanes, at, pass as u32));
                    let (value, digits) = (load(&lanes.value, at), load(&lanes.digits, at));
                    lanes.stands[pass] |= stands(truncated, value, digits) << at;
                }
            }
        }

        /// The HMACs of each lane's step, `pass` after its first.
        #[target_feature(enable = $features)]
        #[inline]
        fn hmac(lanes: &$crate::lanes::Lanes, at: usize, pass: u32) -> [Vector; 5] {
            let [high, low] = &lanes.first_step;
            let end = splat(0x8000_0000);
            let mut block = [splat(0); 16];
            (block[0], block[1], block[2]) = (load(high, at), add(load(low, at), splat(pass)), end);
            block[15] = splat(8 * (64 + 8));
            let inner = compress!(rows(&lanes.inner, at), block);

            let mut block = [splat(0); 16];
            block[..5].copy_from_slice(&inner);
            (block[5], block[15]) = (end, splat(8 * (64 + 20)));
            compress!(rows(&lanes.outer, at), block)
        }

        /// A bit for each lane whose truncated HMAC ends with `value`.
        ///
        /// What is left is then a multiple of 10^`digits`. Times the inverse of 5^`digits`, modulo 2^32, it is the quotient and
        /// as many zeros; of all that is no multiple of 31 bits, something else or something greater.
        #[target_feature(enable = $features)]
        #[inline]
        fn stands(truncated: Vector, value: Vector, digits: Vector) -> u32 {
            use $crate::simd::vector::{FIVES_INVERSE, QUOTIENT_MAX};
            let (six, seven) = (equal(digits, splat(6)), equal(digits, splat(7)));
            let of_digits = |by: [u32; 3]| pick(six, splat(by[0]), pick(seven, splat(by[1]), splat(by[2])));
            let product = multiply(subtract(truncated, value), of_digits(FIVES_INVERSE));
            at_most(rotate_right(product, digits), of_digits(QUOTIENT_MAX))
        }

        /// Dynamic truncation (RFC 4226 section 5.3): no memory is addressed by the offset, which is secret.
        #[target_feature(enable = $features)]
        #[inline]
        fn truncate([a, b, c, d, e]: [Vector; 5]) -> Vector {
            let word = and(shift_right::<2>(e), splat(3));
            let (mut high, mut low) = (a, b);
            for (index, one, next) in [(1, b, c), (2, c, d), (3, d, e)] {
                let here = equal(word, splat(index));
                (high, low) = (pick(here, one, high), pick(here, next, low));
            }
            let bits = shift_left::<3>(and(e, splat(3)));
            and(joined(high, low, bits), splat(0x7fff_ffff))
        }
    };
}

pub(super) use {compress, five_rounds, kernel, round, twenty_rounds};
