//! A year in virtual time, rule A1: the owner who is clumsy is never suspended, and whoever guesses beside an owner who
//! logs in every day gets no more than the manual's arithmetic says.

use otp::{Algorithm, Code, Key, Parameters, Secret, Step};
use verify::{Credential, DeviceState, Kind, LIFTS, Lock, Moving, Policy, Purpose, UnixMs, Verdict, confirm, judge};

const SECRET: &[u8] = b"12345678901234567890";
const START: i64 = 1_700_000_000_000;
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// SplitMix64, repeatable from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A device, its key beside the service's own, and the judge.
struct Device {
    credential: Credential,
    key: Key,
    state: DeviceState,
    policy: Policy,
}

impl Device {
    fn new() -> Self {
        let secret = || Secret::from_slice(SECRET).expect("20 bytes");
        let credential = Credential::new(secret(), Parameters::DEFAULT, Kind::Virtual);
        let (key, policy) = (Key::new(&secret(), Algorithm::Sha1), Policy::default());
        let code = key.code(step_at(START).offset(-1), Parameters::DEFAULT.digits);
        let confirmed = confirm(&credential, &[code], UnixMs::new(START), &policy);
        Self {
            state: confirmed.expect("a code of now").state,
            credential,
            key,
            policy,
        }
    }

    fn shown(&self, at_ms: i64) -> String {
        let code = self.key.code(step_at(at_ms), Parameters::DEFAULT.digits);
        code.text(&mut [0; 8]).to_owned()
    }

    fn send(&mut self, text: &str, purpose: Purpose, at_ms: i64) -> Verdict {
        let code = Code::parse(text).ok();
        let now = UnixMs::new(at_ms);
        let judgement = judge(&self.state, &self.credential, code.as_ref(), purpose, now, &self.policy);
        self.state = judgement.next;
        judgement.verdict
    }
}

fn step_at(ms: i64) -> Step {
    Step::new((ms / 30_000) as u64)
}

/// What somebody types who meant to type this.
fn mistyped(shown: &str, random: &mut Random) -> String {
    let mut digits: Vec<u8> = shown.bytes().collect();
    let place = random.below(5) as usize;
    let other = |digit: u8, random: &mut Random| b'0' + (digit - b'0' + 1 + random.below(9) as u8) % 10;
    match random.below(20) {
        0..=11 => digits[place] = other(digits[place], random),
        12..=14 => digits.swap(place, place + 1),
        15 => drop(digits.remove(place)),
        16 => digits.insert(place, digits[place]),
        17 => digits = b"letmein".to_vec(),
        // Two digits wrong, neither of them beside the other: one in ten.
        _ => {
            digits[place] = other(digits[place], random);
            let far = (place + 2) % 6;
            digits[far] = other(digits[far], random);
        }
    }
    String::from_utf8(digits).expect("ASCII")
}

/// Who logs in so often a day, mistypes one code in fifty, gives up now and then, takes the neighbour entry's code once
/// a week, reads slowly now and then, and perhaps has a client that sends everything twice.
fn clumsy_year(logins_a_day: i64, sends_twice: bool, seed: u64) -> (u32, u32) {
    let mut device = Device::new();
    let mut random = Random(seed);
    let (mut most, mut locks) = (0, 0);
    // Their phone's clock, and more than a phone's clock does.
    let phone_off = random.below(41) as i64 * SECOND - 20 * SECOND;
    for login in 0..365 * logins_a_day {
        let mut now = START + login * DAY / logins_a_day + random.below((DAY / logins_a_day / 2) as u64) as i64;
        let neighbours = random.once_in(7 * logins_a_day as u64);
        for attempt in 0..4 {
            // Read, and typed a while later; now and then a minute later.
            let typing = if random.once_in(50) {
                70 * SECOND
            } else {
                random.below(12) as i64 * SECOND
            };
            let shown = device.shown(now + phone_off);
            now += typing;
            let text = match attempt {
                0 if neighbours => format!("{:06}", random.below(1_000_000)),
                _ if random.once_in(50) => mistyped(&shown, &mut random),
                _ => shown,
            };
            let mut verdict = device.send(&text, Purpose::Verification, now);
            if sends_twice {
                let again = device.send(&text, Purpose::Verification, now + 200);
                verdict = if matches!(verdict, Verdict::Accepted(_)) {
                    verdict
                } else {
                    again
                };
            }
            match verdict {
                Verdict::Accepted(_) => break,
                Verdict::Refused(_) => most = most.max(device.state.parts().verification.long.sum(UnixMs::new(now))),
                Verdict::Locked(Lock::Until(until)) => {
                    locks += 1;
                    now = until.get();
                }
                Verdict::Locked(Lock::Suspended) => {
                    panic!("A1: {logins_a_day} a day, seed {seed}: suspended at login {login}")
                }
            }
            if random.once_in(10) {
                break;
            }
            // The next code.
            now += 30 * SECOND;
        }
    }
    (most, locks)
}

#[test]
fn no_honest_clumsy_user_is_suspended_in_a_year() {
    let people = if soak() { 300 } else { 12 };
    let (mut most, mut locks) = (0, 0);
    for seed in 0..people {
        for (logins, twice) in [(5, false), (5, true), (48, false), (48, true)] {
            let (counted, locked) = clumsy_year(logins, twice, seed * 4 + 1);
            most = most.max(counted);
            locks += locked;
        }
    }
    println!(
        "{} clumsy years: the most on a long count is {most} of 60; {locks} locks",
        people * 4
    );
    assert!(most < 45, "A1: {most} of 60 leaves too little room");
}

/// Guesses that were judged, and when.
#[derive(Default)]
struct Guesses(Vec<i64>);

impl Guesses {
    /// The most within any such time.
    fn most_within(&self, ms: i64) -> usize {
        let ends = |from: usize| self.0.partition_point(|at| *at < self.0[from] + ms) - from;
        (0..self.0.len()).map(ends).max().unwrap_or(0)
    }
}

/// Guesses as fast as it goes; `helped` by an owner who logs in every day and support that lifts whatever it may at once.
fn guessed_year(purpose: Purpose, pause_ms: i64, helped: bool) -> Guesses {
    let mut device = Device::new();
    let mut guesses = Guesses::default();
    let (mut now, mut owner_at, mut number) = (START, START + HOUR, 0_u64);
    while now < START + YEAR {
        if helped && now >= owner_at {
            let shown = device.shown(now);
            let _accepted_or_locked = device.send(&shown, purpose, now);
            owner_at += DAY;
        }
        number += 1;
        match device.send(&format!("{:06}", number * 7_919 % 1_000_000), purpose, now) {
            Verdict::Refused(_) => {
                guesses.0.push(now);
                now += pause_ms;
            }
            // One in 300,000: the attacker is in, which the arithmetic counts, and this test goes on without.
            Verdict::Accepted(_) => now += 30 * SECOND,
            Verdict::Locked(Lock::Until(until)) => now = until.get(),
            Verdict::Locked(Lock::Suspended) => match device.state.unlocked(UnixMs::new(now)).filter(|_| helped) {
                Some(lifted) => device.state = lifted,
                None => now += DAY,
            },
        }
    }
    guesses
}

#[test]
fn whoever_guesses_beside_a_daily_login_gets_what_the_arithmetic_says() {
    let policy = Policy::default();
    for purpose in [Purpose::Verification, Purpose::Unbinding, Purpose::Identity] {
        let throttle = policy.throttle(purpose, Moving::Time);
        let stops = throttle.suspend_after + LIFTS * throttle.lift;
        for pause_ms in [SECOND, HOUR / 9, HOUR / 4] {
            let alone = guessed_year(purpose, pause_ms, false);
            let hour = alone.most_within(HOUR);
            assert!(hour <= 10, "A1: {hour} within an hour");
            let guesses = guessed_year(purpose, pause_ms, true);
            // One in some 5,000 guesses is what a mistake looks like, and is not counted for long.
            let by_chance = 4;
            let most = |ms| guesses.most_within(ms);
            assert!(
                most(12 * 7 * DAY) <= stops as usize + by_chance,
                "A1: {} within twelve weeks",
                most(12 * 7 * DAY)
            );
            assert!(
                most(YEAR) <= 5 * stops as usize + by_chance,
                "A1: {} within a year",
                most(YEAR)
            );
            assert!(
                most(YEAR) >= 3 * stops as usize,
                "the attacker is no straw man: {}",
                most(YEAR)
            );
        }
    }
}

fn soak() -> bool {
    #[allow(clippy::disallowed_methods, reason = "a test asks how long it may take")]
    let soak = std::env::var_os("COUNTERSIGN_SOAK");
    soak.is_some_and(|value| value == "1")
}
