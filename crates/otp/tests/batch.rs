//! Batches by each kernel, beside the scalar one, which the RFCs and the other judges know.

mod support;

use countersign_otp::{
    Algorithm, Check, CheckKey, Code, Digits, Kernel, Key, Match, Period, Secret, Step, Window, check_all,
};
use proptest::prelude::*;
use support::{code, key, rows};

/// The kernels of this processor; those that it lacks are told.
fn kernels() -> Vec<Kernel> {
    let kernels: Vec<_> = Kernel::all().collect();
    for name in ["AVX-512", "AVX2", "SHA-NI"] {
        if !kernels.iter().any(|kernel| kernel.name() == name) {
            eprintln!("not tested: this processor has no {name}");
        }
    }
    assert_eq!(kernels.last().map(|kernel| kernel.name()), Some("scalar"));
    kernels
}

#[derive(Clone, Debug)]
struct Case {
    secret: Vec<u8>,
    algorithm: Algorithm,
    /// Checked by a key that stands ready, or by the secret.
    ready: bool,
    digits: u8,
    center: u64,
    before: u32,
    after: u32,
    /// How far from the center the typed code stands.
    shown: i64,
    last: Option<i64>,
}

fn any_case() -> impl Strategy<Value = Case> {
    let algorithm = prop_oneof![8 => Just(Algorithm::Sha1), 1 => Just(Algorithm::Sha256), 1 => Just(Algorithm::Sha512)];
    let center = prop_oneof![
        4 => 50_000_000..70_000_000_u64,
        1 => 0..20_u64,
        1 => (1 << 32) - 10..(1_u64 << 32) + 10,
        1 => u64::MAX - 20..=u64::MAX,
    ];
    // the usual window, and any other
    let window = prop_oneof![2 => Just((1, 1)), 1 => (0..12_u32, 0..12_u32)];
    let secret =
        prop_oneof![2 => prop::collection::vec(any::<u8>(), 20), 1 => prop::collection::vec(any::<u8>(), 1..=128)];
    let near = -3..4_i64;
    let parts = (
        secret,
        algorithm,
        any::<bool>(),
        6..=8_u8,
        center,
        window,
        near.clone(),
        prop::option::of(near),
    );
    parts.prop_map(
        |(secret, algorithm, ready, digits, center, (before, after), shown, last)| Case {
            secret,
            algorithm,
            ready,
            digits,
            center,
            before,
            after,
            shown,
            last,
        },
    )
}

/// A case with what a check borrows.
struct Made {
    secret: Secret,
    key: Key,
    code: Code,
    case: Case,
}

impl Made {
    fn new(case: Case) -> Self {
        let key = key(&case.secret, case.algorithm);
        let shown = Step::new(case.center).offset(case.shown);
        Self {
            secret: Secret::from_slice(&case.secret).unwrap(),
            code: key.code(shown, Digits::new(case.digits).unwrap()),
            key,
            case,
        }
    }

    fn check(&self) -> Check<'_> {
        let center = Step::new(self.case.center);
        Check {
            key: match self.case.ready {
                true => CheckKey::Key(&self.key),
                false => CheckKey::Secret(&self.secret, self.case.algorithm),
            },
            code: &self.code,
            window: Window::spanning(center, self.case.before, self.case.after),
            last: self.case.last.map(|steps| center.offset(steps)),
        }
    }
}

fn outcomes(kernel: Kernel, checks: &[Check<'_>]) -> Vec<Match> {
    let mut matches: Vec<_> = checks.iter().map(|_| Match::None).collect();
    kernel.check_all(checks, &mut matches);
    matches
}

proptest! {
    #[test]
    fn every_kernel_says_what_one_check_says(cases in prop::collection::vec(any_case(), 0..40)) {
        let made: Vec<_> = cases.into_iter().map(Made::new).collect();
        let checks: Vec<_> = made.iter().map(Made::check).collect();
        let alone: Vec<_> = made.iter().map(|made| {
            let check = made.check();
            made.key.check(check.code, check.window, check.last)
        }).collect();
        for kernel in kernels() {
            prop_assert_eq!(&outcomes(kernel, &checks), &alone, "{}", kernel.name());
        }
        let mut matches: Vec<_> = checks.iter().map(|_| Match::None).collect();
        check_all(&checks, &mut matches);
        prop_assert_eq!(&matches, &alone);
    }
}

/// 40 devices whose codes stand at each step of the window in turn, and nowhere.
#[test]
fn a_code_is_found_at_each_step_of_each_lane() {
    let window = Window::around(Step::new(60_000_000), 1);
    let keys: Vec<_> = (0..40_u8).map(|number| key(&[number; 20], Algorithm::Sha1)).collect();
    for turn in 0..4 {
        let shown = |lane: usize| window.first().offset((lane as i64 + turn) % 4);
        let codes: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(lane, key)| key.code(shown(lane), Digits::EIGHT))
            .collect();
        let check = |(key, code)| Check {
            key: CheckKey::Key(key),
            code,
            window,
            last: None,
        };
        let checks: Vec<_> = keys.iter().zip(&codes).map(check).collect();
        for kernel in kernels() {
            for (lane, outcome) in outcomes(kernel, &checks).into_iter().enumerate() {
                let found = match outcome {
                    Match::Accepted(accepted) => Some(accepted.step()),
                    Match::Used { .. } | Match::None => None,
                };
                assert_eq!(
                    found,
                    Some(shown(lane)).filter(|step| window.contains(*step)),
                    "{} lane {lane}",
                    kernel.name()
                );
            }
        }
    }
}

#[test]
fn rfc_4226_appendix_d() {
    let rows = rows(include_str!("vectors/rfc4226.tsv"));
    let made: Vec<_> = rows
        .iter()
        .map(|[secret, counter, _, hotp]| {
            (
                Secret::from_slice(secret.as_bytes()).unwrap(),
                Algorithm::Sha1,
                Step::new(counter.parse().unwrap()),
                code(hotp),
            )
        })
        .collect();
    every_code_is_right(&made);
}

#[test]
fn rfc_6238_appendix_b() {
    let rows = rows(include_str!("vectors/rfc6238.tsv"));
    let made: Vec<_> = rows
        .iter()
        .map(|[algorithm, secret, unix_s, totp]| {
            let algorithm = Algorithm::ALL
                .into_iter()
                .find(|known| known.name() == *algorithm)
                .unwrap();
            (
                Secret::from_slice(secret.as_bytes()).unwrap(),
                algorithm,
                Step::at(unix_s.parse().unwrap(), Period::THIRTY),
                code(totp),
            )
        })
        .collect();
    every_code_is_right(&made);
}

/// Each alone at its step, so often that the vectors are full.
fn every_code_is_right<'a>(rows: &'a [(Secret, Algorithm, Step, Code)]) {
    assert!(rows.len() >= 10);
    let check = |(secret, algorithm, step, code): &'a (Secret, Algorithm, Step, Code)| Check {
        key: CheckKey::Secret(secret, *algorithm),
        code,
        window: Window::around(*step, 0),
        last: None,
    };
    let checks: Vec<_> = rows.iter().cycle().take(8 * rows.len()).map(check).collect();
    for kernel in kernels() {
        for (outcome, check) in outcomes(kernel, &checks).into_iter().zip(&checks) {
            match outcome {
                Match::Accepted(accepted) => assert_eq!(accepted.step(), check.window.first(), "{}", kernel.name()),
                other => panic!("{}: {other:?}", kernel.name()),
            }
        }
    }
}
