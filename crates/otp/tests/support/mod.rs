//! What several test files need: repeatable random numbers and short constructors.
#![allow(dead_code, reason = "each test file uses its own part")]

use countersign_otp::{Algorithm, Code, Digits, Key, Period, Secret, Step};

/// SplitMix64: repeatable from its seed, which every failure can be run again with.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `0..bound`; the bias is of no concern here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// A device and a time.
    pub(crate) fn case(&mut self) -> Case {
        let len = 1 + self.below(128) as usize;
        Case {
            secret: self.bytes(len),
            algorithm: Algorithm::ALL[self.below(3) as usize],
            digits: Digits::new(6 + self.below(3) as u8).unwrap(),
            period: Period::new_s(1 + self.below(3_600) as u32).unwrap(),
            // half of them this century, half anywhere up to the year 36812
            unix_s: if self.below(2) == 0 {
                self.below(1 << 32)
            } else {
                self.below(1 << 40)
            },
        }
    }
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) secret: Vec<u8>,
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: Digits,
    pub(crate) period: Period,
    pub(crate) unix_s: u64,
}

impl Case {
    pub(crate) fn step(&self) -> Step {
        Step::at(self.unix_s, self.period)
    }

    pub(crate) fn our_text(&self) -> String {
        text(&key(&self.secret, self.algorithm).code(self.step(), self.digits))
    }
}

pub(crate) fn key(secret: &[u8], algorithm: Algorithm) -> Key {
    Key::new(&Secret::from_slice(secret).unwrap(), algorithm)
}

pub(crate) fn code(typed: &str) -> Code {
    Code::parse(typed).unwrap_or_else(|error| panic!("{typed:?}: {error}"))
}

pub(crate) fn text(code: &Code) -> String {
    code.text(&mut [0; 8]).to_owned()
}

/// The rows of a vector file: tab-separated, `#` starts a comment line.
pub(crate) fn rows<const N: usize>(tsv: &str) -> Vec<[&str; N]> {
    let lines = tsv.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split('\t').collect::<Vec<_>>().try_into().expect(line))
        .collect()
}
