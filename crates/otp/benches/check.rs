//! Checks of three steps, typed text in and verdict out, one by one and in batches, beside totp-rs in the same run.

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use countersign_otp::{Algorithm, Check, CheckKey, Code, Digits, Kernel, Key, Match, Period, Secret, Step, Window};
use criterion::{Criterion, Throughput};
use totp_rs::{Builder, Totp};

const SECRET: &[u8; 20] = b"12345678901234567890";
const NOW_S: u64 = 1_800_000_015;
const RADIUS: u32 = 1;

struct Case {
    name: &'static str,
    algorithm: Algorithm,
    key: Key,
    peer: Totp,
    wrong: String,
    right: String,
}

impl Case {
    fn new(algorithm: Algorithm, name: &'static str, peer: totp_rs::Algorithm) -> Self {
        let key = key(algorithm);
        let peer = Builder::new()
            .with_algorithm(peer)
            .with_secret(*SECRET)
            .with_skew(1)
            .build();
        let now = Step::at(NOW_S, Period::THIRTY);
        let stands = |step| key.code(now.offset(step), Digits::SIX).text(&mut [0; 8]).to_owned();
        Self {
            name,
            algorithm,
            peer: peer.expect("parameters that totp-rs takes"),
            wrong: stands(1_000),
            right: stands(0),
            key,
        }
    }

    fn all() -> [Self; 3] {
        [
            Self::new(Algorithm::Sha1, "SHA-1", totp_rs::Algorithm::SHA1),
            Self::new(Algorithm::Sha256, "SHA-256", totp_rs::Algorithm::SHA256),
            Self::new(Algorithm::Sha512, "SHA-512", totp_rs::Algorithm::SHA512),
        ]
    }

    /// What a verification does: reads the text, finds the window, checks it.
    fn ours(&self, typed: &str) -> bool {
        let code = Code::parse(black_box(typed)).expect("six digits");
        let window = Window::around(Step::at(black_box(NOW_S), Period::THIRTY), RADIUS);
        matches!(black_box(&self.key).check(&code, window, None), Match::Accepted(_))
    }

    fn theirs(&self, typed: &str) -> bool {
        black_box(&self.peer)
            .check(black_box(typed), black_box(NOW_S))
            .is_some()
    }
}

/// Checks of as many devices, each with a key and a code of its own; every other code is right.
struct Batch {
    keys: Vec<Key>,
    secrets: Vec<Secret>,
    typed: Vec<String>,
    peers: Vec<Totp>,
}

impl Batch {
    const LEN: usize = 1_024;

    fn new() -> Self {
        let now = Step::at(NOW_S, Period::THIRTY);
        let secret = |number: usize| {
            let mut bytes = *SECRET;
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            bytes
        };
        let secrets: Vec<_> = (0..Self::LEN)
            .map(|number| Secret::from_slice(&secret(number)).expect("20 bytes"))
            .collect();
        let keys: Vec<_> = secrets.iter().map(|secret| Key::new(secret, Algorithm::Sha1)).collect();
        let shown = |(number, key): (usize, &Key)| {
            let step = now.offset(if number.is_multiple_of(2) { 0 } else { 1_000 });
            key.code(step, Digits::SIX).text(&mut [0; 8]).to_owned()
        };
        let peer = |number| {
            Builder::new()
                .with_secret(secret(number))
                .with_skew(1)
                .build()
                .expect("totp-rs takes it")
        };
        Self {
            typed: keys.iter().enumerate().map(shown).collect(),
            peers: (0..Self::LEN).map(peer).collect(),
            keys,
            secrets,
        }
    }

    /// The number of right codes.
    fn ours(&self, kernel: Kernel, from_secrets: bool) -> usize {
        let window = Window::around(Step::at(black_box(NOW_S), Period::THIRTY), RADIUS);
        let codes: Vec<_> = self
            .typed
            .iter()
            .map(|typed| Code::parse(typed).expect("six digits"))
            .collect();
        let key = |number: usize| match from_secrets {
            true => CheckKey::Secret(&self.secrets[number], Algorithm::Sha1),
            false => CheckKey::Key(&self.keys[number]),
        };
        let check = |(number, code)| Check {
            key: key(number),
            code,
            window,
            last: None,
        };
        let checks: Vec<_> = codes.iter().enumerate().map(check).collect();
        let mut matches: Vec<_> = checks.iter().map(|_| Match::None).collect();
        kernel.check_all(&checks, &mut matches);
        matches
            .iter()
            .filter(|found| matches!(found, Match::Accepted(_)))
            .count()
    }

    fn theirs(&self) -> usize {
        let checks = self.peers.iter().zip(&self.typed);
        checks
            .filter(|(peer, typed)| peer.check(black_box(typed), black_box(NOW_S)).is_some())
            .count()
    }
}

fn key(algorithm: Algorithm) -> Key {
    Key::new(&Secret::from_slice(SECRET).expect("20 bytes"), algorithm)
}

fn groups(criterion: &mut Criterion) {
    for case in Case::all() {
        for (outcome, typed) in [("wrong", &case.wrong), ("right", &case.right)] {
            let mut group = criterion.benchmark_group(format!("otp/{}/check {outcome}", case.name));
            group.bench_function("ours", |b| b.iter(|| case.ours(typed)));
            group.bench_function("totp-rs", |b| b.iter(|| case.theirs(typed)));
            group.finish();
        }
        let secret = Secret::from_slice(SECRET).expect("20 bytes");
        let mut group = criterion.benchmark_group(format!("otp/{}", case.name));
        group.bench_function("Key::new", |b| b.iter(|| Key::new(black_box(&secret), case.algorithm)));
        group.bench_function("Key::code", |b| {
            b.iter(|| case.key.code(black_box(Step::new(60_000_000)), Digits::SIX));
        });
        group.finish();
    }
}

fn batch_groups(criterion: &mut Criterion) {
    let batch = Batch::new();
    for (source, from_secrets) in [("keys", false), ("secrets", true)] {
        let mut group = criterion.benchmark_group(format!("otp/SHA-1/{} checks from {source}", Batch::LEN));
        group.throughput(Throughput::Elements(Batch::LEN as u64));
        for kernel in Kernel::all() {
            group.bench_function(kernel.name(), |b| b.iter(|| batch.ours(kernel, from_secrets)));
        }
        if !from_secrets {
            group.bench_function("totp-rs", |b| b.iter(|| batch.theirs()));
        }
        group.finish();
    }
}

/// Ratios of interleaved rounds: a shared machine that slows down slows both sides of a round.
fn ratios() {
    for case in Case::all() {
        for (outcome, typed, accepted) in [("wrong", &case.wrong, false), ("right", &case.right, true)] {
            assert!(case.ours(typed) == accepted && case.theirs(typed) == accepted);
            let compared = Compared::of(1_000, || case.theirs(typed), || case.ours(typed));
            println!("otp/{} check {outcome}: {compared}", case.name);
        }
    }
    let batch = Batch::new();
    for kernel in Kernel::all() {
        for (source, from_secrets) in [("keys", false), ("secrets", true)] {
            assert_eq!(batch.ours(kernel, from_secrets), batch.theirs());
            let compared = Compared::of(1, || batch.theirs(), || batch.ours(kernel, from_secrets)).each(Batch::LEN);
            println!(
                "otp/SHA-1 {} checks from {source}, {}: {compared}",
                Batch::LEN,
                kernel.name()
            );
        }
    }
}

/// Medians of interleaved rounds.
struct Compared {
    ratio: f64,
    ours_ns: f64,
    theirs_ns: f64,
}

impl Compared {
    fn of<T>(times: u32, mut theirs: impl FnMut() -> T, mut ours: impl FnMut() -> T) -> Self {
        const ROUNDS: usize = 301;
        let (ours, theirs): (Vec<_>, Vec<_>) = (0..ROUNDS)
            .map(|_| (round_ns(times, &mut ours), round_ns(times, &mut theirs)))
            .unzip();
        let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| theirs / ours).collect();
        Self {
            ratio: median(ratios),
            ours_ns: median(ours),
            theirs_ns: median(theirs),
        }
    }

    /// Where each time was of a batch of `len`.
    fn each(self, len: usize) -> Self {
        Self {
            ours_ns: self.ours_ns / len as f64,
            theirs_ns: self.theirs_ns / len as f64,
            ..self
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ratio,
            ours_ns,
            theirs_ns,
        } = self;
        write!(f, "{ratio:.2}x totp-rs ({ours_ns:.0} ns, {theirs_ns:.0} ns)")
    }
}

/// The time of one call, in nanoseconds.
fn round_ns<T>(times: u32, check: &mut impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        black_box(check());
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    groups(&mut criterion);
    batch_groups(&mut criterion);
    criterion.final_summary();
    // `cargo test --benches` only asks whether it runs
    if !std::env::args().any(|argument| argument == "--test") {
        ratios();
    }
}
