//! The users, and what judging their codes would make of their states.

use crate::layout::{Change, Event, Key, Keyed, version};
use std::collections::HashSet;

/// The memo of the last request, of which no layout knows anything.
const MEMO: usize = 80;
/// A device's state.
const STATE: usize = 48;
/// What judging needs to know of a device beside its state, and its id: where the row is the user's, it is there.
const DEVICE: usize = 24;

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// As many users as asked for, each once.
    pub fn users(&mut self, end: u64, count: usize) -> Vec<User> {
        let mut seen = HashSet::with_capacity(count);
        while seen.len() < count {
            seen.insert(self.below(end));
        }
        seen.into_iter().map(User::new).collect()
    }
}

pub struct User {
    number: u64,
    pub account: String,
    pub name: String,
}

impl User {
    /// An account has a thousand of them.
    pub fn new(number: u64) -> Self {
        Self {
            number,
            account: format!("account-{:05}", number / 1000),
            name: format!("a.person-{number:08}"),
        }
    }

    /// Of so many devices: one user in four has two.
    pub fn count(devices: u64) -> u64 {
        devices * 4 / 5
    }

    pub fn key(&self) -> Key {
        Key::User(format!("{}\0{}", self.account, self.name).into())
    }

    /// What a database begins with; where a row is a device's, the state may have a memo too.
    pub fn states(&self, by_user: bool, device_memo: usize) -> Vec<Keyed> {
        let devices = if self.number.is_multiple_of(4) { 2 } else { 1 };
        if by_user {
            let length = 8 + MEMO + devices * (DEVICE + STATE);
            return vec![(self.key(), vec![0; length].into())];
        }
        let mut ids = Rng(self.number);
        (0..devices)
            .map(|_| (Key::Device(ids.array()), vec![0; STATE + device_memo].into()))
            .collect()
    }
}

/// One code in sixteen is wrong: then all states of the user change, else the state of one device, or the user's row.
pub fn judge(rng: &mut Rng, loaded: Vec<Vec<Keyed>>) -> Vec<Change> {
    let at = 1_750_000_000_000 + rng.below(1 << 30) as i64;
    let mut one = |mut states: Vec<Keyed>| {
        if rng.below(16) != 0 {
            states.truncate(1);
        }
        let mut new = |(key, mut state): Keyed| {
            let expected = version(&state);
            state[..8].copy_from_slice(&(expected + 1).to_be_bytes());
            rng.fill(&mut state[8..]);
            (key, expected, state)
        };
        Change {
            states: states.drain(..).map(&mut new).collect(),
            event: Event {
                at,
                payload: format!("{{{:.>198}}}", rng.below(1 << 40)),
                salt: rng.array(),
                commitment: rng.array(),
                hash: rng.array(),
            },
        }
    };
    loaded.into_iter().map(&mut one).collect()
}
