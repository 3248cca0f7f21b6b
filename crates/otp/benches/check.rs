//! One check of three steps, typed text in and verdict out, beside totp-rs in the same run.

use std::hint::black_box;
use std::time::{Duration, Instant};

use countersign_otp::{Algorithm, Code, Digits, Key, Match, Period, Secret, Step, Window};
use criterion::Criterion;
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

/// Ratios of interleaved rounds: a shared machine that slows down slows both sides of a round.
fn ratios() {
    for case in Case::all() {
        for (outcome, typed, accepted) in [("wrong", &case.wrong, false), ("right", &case.right, true)] {
            assert!(case.ours(typed) == accepted && case.theirs(typed) == accepted);
            let ratio = median_ratio(|| case.theirs(typed), || case.ours(typed));
            println!("otp/{} check {outcome}: {ratio:.2}x totp-rs", case.name);
        }
    }
}

fn median_ratio(mut theirs: impl FnMut() -> bool, mut ours: impl FnMut() -> bool) -> f64 {
    const ROUNDS: usize = 301;
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| round(&mut theirs).as_secs_f64() / round(&mut ours).as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ROUNDS / 2]
}

fn round(check: &mut impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    for _ in 0..1_000 {
        black_box(check());
    }
    start.elapsed()
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    groups(&mut criterion);
    criterion.final_summary();
    // `cargo test --benches` only asks whether it runs
    if !std::env::args().any(|argument| argument == "--test") {
        ratios();
    }
}
