//! A user's phone: an authenticator app that knows one entry.

use otp::{Digits, Key, Parameters, Secret, Step};

use super::tools;

pub(crate) struct Phone {
    key: Key,
    base32: String,
}

impl Phone {
    /// Reads an `otpauth` URI.
    pub(crate) fn scan(uri: &str) -> Self {
        let entry = enroll::Entry::parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
        assert_eq!(entry.parameters(), Some(Parameters::DEFAULT), "{uri}");
        let (_, query) = uri.split_once('?').expect("an otpauth URI has parameters");
        let base32 = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("secret="))
            .expect("a secret");
        Self::new(entry.secret(), base32)
    }

    /// Types the key that stands below a QR code.
    pub(crate) fn type_key(text: &str) -> Self {
        Self::scan(&format!("otpauth://totp/typed?secret={}", text.replace(' ', "")))
    }

    fn new(secret: &Secret, base32: &str) -> Self {
        Self {
            key: Key::new(secret, Parameters::DEFAULT.algorithm),
            base32: base32.to_owned(),
        }
    }

    /// What it shows at this step.
    pub(crate) fn code(&self, step: u64) -> String {
        let digits = Digits::new(6).expect("six digits are allowed");
        self.key.code(Step::new(step), digits).text(&mut [0; 8]).to_owned()
    }

    /// The same as a program by other hands computes it.
    pub(crate) fn code_by_oathtool(&self, step: u64) -> String {
        let now = format!("@{}", step * super::STEP_S);
        tools::output(
            "oathtool",
            "oathtool",
            &["--totp", "--base32", "--now", &now, &self.base32],
        )
    }

    /// Six digits that it shows at no step near this one.
    pub(crate) fn wrong_code(&self, step: u64) -> String {
        self.wrong_codes(step, 1).remove(0)
    }

    /// As many different ones; none is what somebody mistypes who means to type a code of this step.
    pub(crate) fn wrong_codes(&self, step: u64, count: usize) -> Vec<String> {
        let near: Vec<_> = (step - 30..=step + 30).map(|step| self.code(step)).collect();
        let differ = |a: &str, b: &str| a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count();
        let meant = |code: &str| near[28..=32].iter().any(|meant| differ(meant, code) <= 2);
        (0..1_000_000)
            .map(|number| format!("{number:06}"))
            .filter(|code| !near.contains(code) && !meant(code))
            .take(count)
            .collect()
    }
}
