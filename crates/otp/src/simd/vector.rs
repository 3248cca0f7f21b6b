//! HMAC-SHA-1 in vectors, one lane an HMAC: the text that the vector instruction sets share.

/// The round constants (FIPS 180-4 section 4.2.1).
pub(super) const ROUND: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];

/// SHA-1's compression (FIPS 180-4 section 6.1.2), unrolled where it stands: what is constant in a block of known padding is
/// computed by the compiler. `$w` is consumed.
macro_rules! compress {
    ($state:expr, $w:ident) => {{
        let state = $state;
        let [mut a, mut b, mut c, mut d, mut e] = state;
        let [k0, k1, k2, k3] = $crate::simd::vector::ROUND.map(|constant| splat(constant));
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
/// `load`, `store`, `splat`, `add`, `xor`, `rotate`, `choose`, `parity`, `majority`, `pick`, `window`.
macro_rules! kernel {
    ($features:literal) => {
        /// Both midstates of each lane's key block (RFC 2104 section 4).
        #[target_feature(enable = $features)]
        pub(super) fn midstates(lanes: &mut $crate::lanes::Lanes) {
            for at in (0..$crate::lanes::LANES).step_by(VECTOR) {
                for (pad, midstate) in [(0x3636_3636, &mut lanes.inner), (0x5c5c_5c5c, &mut lanes.outer)] {
                    let mut block = lanes
                        .key_block
                        .each_ref()
                        .map(|row| xor(load(row, at), splat(pad)));
                    let initial = <sha1::Sha1 as $crate::hash::Hash>::INITIAL.map(|word| splat(word));
                    let state = compress!(initial, block);
                    midstate
                        .iter_mut()
                        .zip(state)
                        .for_each(|(row, word)| store(row, at, word));
                }
            }
        }

        /// The truncated HMACs of each lane's first step and those after it.
        #[target_feature(enable = $features)]
        pub(super) fn truncated(lanes: &mut $crate::lanes::Lanes) {
            let [high, low] = &lanes.first_step;
            for (pass, truncated) in (0..).zip(&mut lanes.truncated) {
                for at in (0..$crate::lanes::LANES).step_by(VECTOR) {
                    let end = splat(0x8000_0000);
                    let mut block = [splat(0); 16];
                    (block[0], block[1], block[2]) = (load(high, at), add(load(low, at), splat(pass)), end);
                    block[15] = splat(8 * (64 + 8));
                    let inner = compress!(lanes.inner.each_ref().map(|row| load(row, at)), block);

                    let mut block = [splat(0); 16];
                    block[..5].copy_from_slice(&inner);
                    (block[5], block[15]) = (end, splat(8 * (64 + 20)));
                    let digest = compress!(lanes.outer.each_ref().map(|row| load(row, at)), block);
                    store(truncated, at, truncate(digest));
                }
            }
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
