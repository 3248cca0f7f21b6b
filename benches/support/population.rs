//! The users of the store and their devices, which both processes compute from a number.

use std::io::Write as _;

use otp::{Code, Digits, Key, Parameters, Period, Secret, Step};
use service::UnixMs;

/// Where the clock begins: a moment at which a time step does.
pub(crate) const BEGINNING: UnixMs = UnixMs::new(1_800_000_000_000);
/// The clock moves on by one step of every device.
pub(crate) const STEP_MS: i64 = 30_000;
/// Locked devices, behind the others.
pub(crate) const LOCKED: u32 = 1_000;
/// Counter tokens, behind those.
pub(crate) const COUNTERS: u32 = 10_000;
/// Users of an account.
const ACCOUNT: u32 = 100;

pub(crate) fn account(number: u32) -> String {
    format!("account-{:06}", number / ACCOUNT)
}

pub(crate) fn user(number: u32) -> String {
    format!("user-{number:08}")
}

/// 20 bytes that nobody has to guess.
pub(crate) fn secret(number: u32) -> Secret {
    let fill = |bytes: &mut [u8]| {
        for (word, chunk) in bytes.chunks_mut(8).enumerate() {
            let mixed = mixed(u64::from(number) << 8 | word as u64).to_le_bytes();
            chunk.copy_from_slice(&mixed[..chunk.len()]);
        }
    };
    Secret::fill_with(20, fill).expect("20 bytes are a secret")
}

/// Random enough for ids, salts and secrets of a benchmark (splitmix64).
pub(crate) fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// A user's device in the user's hand.
pub(crate) struct Device(Key);

impl Device {
    pub(crate) fn of(number: u32) -> Self {
        Self(Key::new(&secret(number), Parameters::DEFAULT.algorithm))
    }

    pub(crate) fn shown(&self, step: Step) -> Code {
        self.0.code(step, Digits::SIX)
    }

    /// A code that stands at none of the steps near this one.
    pub(crate) fn not_shown(&self, step: Step) -> Code {
        let near: Vec<_> = (-12..=12).map(|distance| self.shown(step.offset(distance))).collect();
        let mut text = *b"000000";
        loop {
            let code = Code::parse(str::from_utf8(&text).expect("ASCII digits")).expect("six digits");
            if !near.iter().any(|shown| shown.ct_eq(&code).into()) {
                return code;
            }
            text[5] += 1;
        }
    }
}

/// The step that the clock shows after this many moves.
pub(crate) fn step(moves: u64) -> Step {
    let begin_s = u64::try_from(BEGINNING.get() / 1_000).expect("after 1970");
    Step::new(Step::at(begin_s, Period::THIRTY).get() + moves)
}

/// Writes what a verification of this user's code is asked with.
pub(crate) fn item(body: &mut Vec<u8>, number: u32, code: &Code) {
    let (account, user) = (account(number), user(number));
    let mut digits = [0; 8];
    let code = code.text(&mut digits);
    write!(
        body,
        r#"{{"account":"{account}","user":"{user}","code":"{code}","first_factor":true}}"#
    )
    .expect("a Vec takes all");
}
