//! The codes are those of `oathtool`, and of Valve's and our arithmetic written a second time where `oathtool` has none.

use std::process::{Command, Stdio};

use data_encoding::BASE32_NOPAD;
use serde_json::Value;

use super::pocket::Pocket;
use crate::support::{Dice, now_ms};

const ENTRIES: usize = 1_000;

/// What `oathtool` can compute: 6 to 8 digits, any algorithm by time, SHA-1 by use.
struct Drawn {
    secret: String,
    algorithm: &'static str,
    digits: usize,
    period_s: usize,
    counter: Option<usize>,
}

impl Drawn {
    fn by(dice: &mut Dice) -> Self {
        let bytes: Vec<u8> = (0..10 + dice.below(55)).map(|_| dice.below(256) as u8).collect();
        let counter = (dice.below(5) == 0).then(|| dice.below(1_000_000_000));
        Self {
            secret: BASE32_NOPAD.encode(&bytes),
            algorithm: match counter {
                Some(_) => "SHA1",
                None => ["SHA1", "SHA256", "SHA512"][dice.below(3)],
            },
            digits: 6 + dice.below(3),
            period_s: [15, 30, 60, 90, 3_600, 1 + dice.below(3_600)][dice.below(6)],
            counter,
        }
    }

    fn uri(&self, number: usize) -> String {
        let Self {
            secret,
            algorithm,
            digits,
            period_s,
            ..
        } = self;
        let moves = match self.counter {
            Some(counter) => format!("counter={counter}"),
            None => format!("period={period_s}"),
        };
        let kind = if self.counter.is_some() { "hotp" } else { "totp" };
        format!("otpauth://{kind}/Example:user{number}?secret={secret}&algorithm={algorithm}&digits={digits}&{moves}\n")
    }

    /// This code and the next.
    fn oathtool(&self, now_s: u64) -> Vec<String> {
        let mut oathtool = Command::new("oathtool");
        match self.counter {
            Some(counter) => oathtool.arg("--hotp").arg(format!("--counter={counter}")),
            None => oathtool
                .arg(format!("--totp={}", self.algorithm.to_lowercase()))
                .arg(format!("--time-step-size={}s", self.period_s))
                .arg(format!("--now=@{now_s}")),
        };
        let args = ["--base32", "--window=1", "--digits"];
        let said = oathtool
            .args(args)
            .arg(self.digits.to_string())
            .arg(&self.secret)
            .stderr(Stdio::inherit())
            .output();
        let said = said.expect("oathtool is missing: install the Debian package oathtool");
        String::from_utf8(said.stdout)
            .expect("ASCII")
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

#[test]
fn a_thousand_random_entries_have_the_codes_of_oathtool() {
    let mut dice = Dice::new();
    let drawn: Vec<Drawn> = (0..ENTRIES).map(|_| Drawn::by(&mut dice)).collect();
    let uris: String = drawn
        .iter()
        .enumerate()
        .map(|(number, drawn)| drawn.uri(number))
        .collect();
    let pocket = Pocket::with(&uris);
    assert_eq!(pocket.list().len(), ENTRIES);
    for (number, drawn) in drawn.iter().enumerate() {
        let name = format!("#{}", number + 1);
        let ask = |more: &[&str]| pocket.done(&[&["code", &name, "--json"], more].concat()).json();
        // The answer's own time is known to lie between two readings of the clock; in one step they mean one code.
        let (now_s, said) = loop {
            let before_s = now_ms() / 1_000;
            let said = ask(&[]);
            let step_of = |unix_s: u64| unix_s / drawn.period_s as u64;
            if drawn.counter.is_some() || step_of(before_s) == step_of(now_ms() / 1_000) {
                break (before_s, said);
            }
        };
        let expected = drawn.oathtool(now_s);
        let what = drawn.uri(number);
        assert_eq!(said["code"], *expected[0], "{what}");
        match drawn.counter {
            Some(_) => {
                assert_eq!(said["next_code"], Value::Null);
                assert_eq!(ask(&[])["code"], *expected[1], "the counter has moved on: {what}");
            }
            None => {
                assert_eq!(said["next_code"], *expected[1], "{what}");
                let left_s = drawn.period_s as u64 - now_s % drawn.period_s as u64;
                let said_left_s = said["seconds_left"].as_u64().expect("a number");
                assert!(
                    said_left_s <= left_s && said_left_s > 0,
                    "{said_left_s} of {left_s}: {what}"
                );
            }
        }
    }
}

#[test]
fn the_next_code_is_the_code_of_the_next_step() {
    let pocket = Pocket::with("otpauth://totp/A:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=3600\n");
    let [now, next] =
        [&["code", "A", "--json"][..], &["code", "A", "--json", "--next"]].map(|args| pocket.done(args).json());
    assert_eq!(now["next_code"], next["code"]);
    assert!(next["seconds_left"].as_u64() > Some(3_600));
    let plain = pocket.done(&["code", "A", "--next"]);
    assert_eq!(plain.out.trim_end(), next["code"], "the code alone is on stdout");
    assert_eq!(plain.err, "", "where nobody looks nothing is said");
}
