//! What shows codes in the tests: totp-rs computes them, not we.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use service::{StartedEnrollment, UnixMs};
use sha2::{Digest as _, Sha256};
use totp_rs::{Algorithm, Builder};

use super::STEP_MS;

/// An app with one entry, or a token.
#[derive(Clone)]
pub(crate) struct Phone {
    secret: Vec<u8>,
    algorithm: Algorithm,
    period_s: u64,
    digits: u8,
    /// How far its clock is ahead.
    ahead_ms: i64,
}

impl Phone {
    /// Types the key that stands below the QR code.
    pub(crate) fn of(offer: &StartedEnrollment) -> Self {
        let shown = offer.shown.as_ref().expect("an app is shown its secret");
        let base32 = shown.secret_text.replace(' ', "");
        Self::with(BASE32_NOPAD.decode(base32.as_bytes()).expect("base32"))
    }

    /// The token of this serial number, whose secret is made of it.
    pub(crate) fn token(serial_number: &str) -> Self {
        Self::with(Sha256::digest(serial_number)[..20].to_vec())
    }

    fn with(secret: Vec<u8>) -> Self {
        Self {
            secret,
            algorithm: Algorithm::SHA1,
            period_s: 30,
            digits: 6,
            ahead_ms: 0,
        }
    }

    /// It ignores what it was told to compute with.
    pub(crate) fn by_sha256(&self) -> Self {
        Self {
            algorithm: Algorithm::SHA256,
            ..self.clone()
        }
    }

    /// And with the longest of hashes.
    pub(crate) fn by_sha512(&self) -> Self {
        Self {
            algorithm: Algorithm::SHA512,
            ..self.clone()
        }
    }

    /// It renews its code at another period.
    pub(crate) fn every_s(&self, period_s: u64) -> Self {
        Self {
            period_s,
            ..self.clone()
        }
    }

    /// It shows another number of digits.
    pub(crate) fn with_digits(&self, digits: u8) -> Self {
        Self { digits, ..self.clone() }
    }

    /// Its clock is so many steps ahead; behind, where negative.
    pub(crate) fn ahead(&self, steps: i64) -> Self {
        Self {
            ahead_ms: steps * STEP_MS,
            ..self.clone()
        }
    }

    pub(crate) fn hex(&self) -> String {
        HEXLOWER.encode(&self.secret)
    }

    /// What it shows at this time.
    pub(crate) fn shows(&self, at: UnixMs) -> String {
        let at = at.plus(self.ahead_ms);
        let unix_s = u64::try_from(at.get() / UnixMs::SECOND).expect("after 1970");
        Builder::new()
            .with_secret(self.secret.as_slice())
            .with_algorithm(self.algorithm)
            .with_step_duration(self.period_s)
            .with_digits(self.digits)
            .build_noncompliant()
            .generate(unix_s)
            .to_string()
    }

    /// What it shows so many steps from this time.
    pub(crate) fn later(&self, at: UnixMs, steps: i64) -> String {
        self.shows(at.plus(steps * STEP_MS))
    }

    /// What it shows at this time, and in the step after it.
    pub(crate) fn two(&self, at: UnixMs) -> [String; 2] {
        [self.shows(at), self.later(at, 1)]
    }

    /// Codes that it shows at no step near this time, nor are mistyped ones of such.
    pub(crate) fn wrong_codes(&self, at: UnixMs, count: usize) -> Vec<String> {
        let seen: Vec<String> = (-150..=150).map(|steps| self.later(at, steps)).collect();
        let near: Vec<String> = (-2..=2).map(|steps| self.later(at, steps)).collect();
        let wrong = (0..).step_by(13).map(|number| format!("{number:06}"));
        let wrong = wrong.filter(|code| !seen.contains(code) && near.iter().all(|shown| distance(code, shown) > 2));
        wrong.take(count).collect()
    }

    /// The first of them.
    pub(crate) fn wrong_code(&self, at: UnixMs) -> String {
        self.wrong_codes(at, 1).remove(0)
    }
}

/// In how many places two codes differ.
fn distance(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count()
}
