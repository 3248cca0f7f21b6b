//! The codes of entries, beside `oathtool`, a Python script, and Steam's published values.

mod support;

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use otp::{Algorithm, Step};
use support::{credential, tests};
use vault::Kind;

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

struct Case {
    kind: Kind,
    secret: Vec<u8>,
    algorithm: Algorithm,
    digits: u8,
    unix_s: u64,
}

impl Case {
    fn random(random: &mut SplitMix64, digits: std::ops::RangeInclusive<u8>) -> Self {
        let kind = match random.below(3) {
            0 => Kind::Hotp {
                counter: random.next() >> random.below(63).max(1),
            },
            1 => Kind::TOTP_30_S,
            _ => Kind::Totp {
                period_s: (1 + random.below(100_000) as u32).try_into().unwrap(),
            },
        };
        let len = 1 + random.below(128);
        let (first, count) = (*digits.start(), digits.count() as u64);
        Self {
            kind,
            secret: (0..len).map(|_| random.next() as u8).collect(),
            // oathtool's HOTP is SHA-1's only
            algorithm: match kind {
                Kind::Hotp { .. } => Algorithm::Sha1,
                _ => Algorithm::ALL[random.below(3) as usize],
            },
            digits: first + random.below(count) as u8,
            unix_s: random.below(1 << 35),
        }
    }

    fn ours(&self) -> String {
        let credential = credential(self.kind, &self.secret, self.algorithm, self.digits);
        let step = match (self.kind, credential.step_at(self.unix_s)) {
            (Kind::Hotp { counter }, _) => Step::new(counter),
            (_, Some(at)) => at.step,
            _ => unreachable!("only HOTP has no time"),
        };
        credential.code(step).expose().to_owned()
    }

    fn secret_hex(&self) -> String {
        self.secret.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn by_oathtool(&self) -> String {
        let mut command = Command::new("oathtool");
        match self.kind {
            Kind::Hotp { counter } => command.args(["--hotp", &format!("--counter={counter}")]),
            kind => command
                .arg(format!("--totp={}", self.algorithm.name()))
                .arg(format!("--time-step-size={}s", kind.period_s().unwrap()))
                .arg(format!("--now=@{}", self.unix_s)),
        };
        let output = command
            .arg(format!("--digits={}", self.digits))
            .arg(self.secret_hex())
            .output()
            .expect("oathtool cannot be run: install the Debian package oathtool");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

#[test]
fn oathtool_agrees_about_1_000_entries() {
    let mut random = SplitMix64(0x6238);
    for number in 0..1_000 {
        let case = Case::random(&mut random, 6..=8);
        assert_eq!(case.ours(), case.by_oathtool(), "entry {number}: {:?}", case.kind);
    }
}

/// Python's `hmac` where oathtool does not go: 5, 9 and 10 digits, Steam, HOTP with SHA-256 and SHA-512.
#[test]
fn python_agrees_about_1_000_entries_of_any_kind() {
    let mut random = SplitMix64(0x4226);
    let (mut questions, mut ours) = (String::new(), String::new());
    for _ in 0..1_000 {
        let mut case = Case::random(&mut random, 5..=10);
        if random.below(4) == 0 {
            (case.kind, case.algorithm) = (Kind::Steam, Algorithm::Sha1);
        } else {
            case.algorithm = Algorithm::ALL[random.below(3) as usize];
        }
        let step = match case.kind {
            Kind::Hotp { counter } => counter,
            kind => case.unix_s / u64::from(kind.period_s().unwrap().get()),
        };
        let digits = if case.kind == Kind::Steam {
            "steam".to_owned()
        } else {
            case.digits.to_string()
        };
        writeln!(
            questions,
            "{} {} {digits} {step}",
            case.secret_hex(),
            case.algorithm.name()
        )
        .unwrap();
        writeln!(ours, "{}", case.ours()).unwrap();
    }
    let mut python = Command::new("python3")
        .arg(tests().join("judges/codes.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 cannot be run: install the Debian package python3");
    python.stdin.take().unwrap().write_all(questions.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), ours);
}

#[test]
fn the_rest_of_a_period_is_told() {
    let slow = Kind::Totp {
        period_s: 86_400.try_into().unwrap(),
    };
    let credential = credential(slow, b"secret", Algorithm::Sha1, 6);
    for (unix_s, step, seconds_left) in [
        (0, 0, 86_400),
        (86_399, 0, 1),
        (86_400, 1, 86_400),
        (u64::MAX, u64::MAX / 86_400, 61_185),
    ] {
        let at = credential.step_at(unix_s).unwrap();
        assert_eq!((at.step, at.seconds_left), (Step::new(step), seconds_left), "{unix_s}");
    }
}
