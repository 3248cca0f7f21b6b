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
        let near: Vec<_> = (step - 3..=step + 3).map(|step| self.code(step)).collect();
        let free = (0..)
            .map(|number| format!("{number:06}"))
            .find(|code| !near.contains(code));
        free.expect("a million numbers are more than seven")
    }
}
