//! The users of the store and their devices, which both processes compute from a number.

use std::{io::Write as _, ops::RangeInclusive};

use otp::{Code, Digits, Key, Parameters, Period, Secret, Step};
use service::UnixMs;

/// Where the clock begins: a moment at which a time step does.
pub(crate) const BEGINNING: UnixMs = UnixMs::new(1_800_000_000_000);
/// The clock moves on by one step of every device.
pub(crate) const STEP_MS: i64 = 30_000;
/// Locked devices, behind the others.
pub(crate) const LOCKED: u32 = 1_000;
/// Counter tokens, behind those; no more than other devices.
const COUNTERS: u32 = 10_000;
/// The users of one large account stand apart, from this number on.
pub(crate) const LARGE_ACCOUNT: u32 = 4_000_000_000;
/// So many; enough that wrong codes do not lock all of them at once.
pub(crate) const LARGE_ACCOUNT_USERS: u32 = 2_000;
/// Users of every other account.
const ACCOUNT: u32 = 100;

/// The numbers of all users of a store with so many devices.
pub(crate) fn all(devices: u32) -> impl Iterator<Item = u32> {
    (0..nobody(devices)).chain(LARGE_ACCOUNT..LARGE_ACCOUNT + LARGE_ACCOUNT_USERS)
}

/// How many counter tokens there are.
pub(crate) fn counters(devices: u32) -> u32 {
    devices.min(COUNTERS)
}

/// From this number on, up to the large account, users have no device.
pub(crate) fn nobody(devices: u32) -> u32 {
    devices + LOCKED + counters(devices)
}

pub(crate) fn account(number: u32) -> String {
    if number >= LARGE_ACCOUNT {
        return "large".into();
    }
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
        self.none_of(step, -12..=12, 0)
    }

    /// The same, another one for each turn, and looked for no farther than where a clock that was never wrong may be.
    #[allow(dead_code, reason = "a flood alone guesses")]
    pub(crate) fn guess(&self, step: Step, turn: u64) -> Code {
        self.none_of(step, -2..=2, mixed(turn) % 1_000_000)
    }

    /// The first code from this number on that stands at none of these steps.
    fn none_of(&self, step: Step, distances: RangeInclusive<i64>, from: u64) -> Code {
        let near: Vec<_> = distances.map(|distance| self.shown(step.offset(distance))).collect();
        let code = |number: u64| Code::parse(&format!("{:06}", number % 1_000_000)).expect("six digits");
        let mut codes = (from..).map(code);
        let found = codes.find(|code| !near.iter().any(|shown| shown.ct_eq(code).into()));
        found.expect("there are more codes than steps")
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
