//! One entry of an authenticator, as somebody else described it.

use std::{fmt, num::NonZeroU32};

use otp::{Algorithm, Digits, Parameters, Period, Secret};

use crate::quirks::{self, Quirk};

/// The type of an entry: TOTP, HOTP or Steam.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By time (RFC 6238).
    Totp {
        /// How long one code lasts; as with digits, whatever others issue, be it hours.
        period_s: NonZeroU32,
    },
    /// By use (RFC 4226).
    Hotp {
        /// The counter of the next code.
        counter: u64,
    },
    /// Valve's TOTP: 30 s, SHA-1, five characters of an alphabet of its own.
    Steam,
}

/// The number of characters of a code, 5 to 10: wider than [`otp::Digits`], because entries that other
/// services issue have to be kept even where we would never issue them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryDigits(u8);

impl EntryDigits {
    /// Six, which every app shows.
    pub const SIX: Self = Self(6);
    /// Five, for Steam.
    pub(crate) const STEAM: Self = Self(5);

    /// 5 to 10, or `None`.
    pub fn new(digits: u8) -> Option<Self> {
        (5..=10).contains(&digits).then_some(Self(digits))
    }

    /// The number, 5 to 10.
    pub fn get(self) -> u8 {
        self.0
    }

    /// The digits as `otp` computes them, or `None` for 5, 9 and 10.
    pub fn to_otp(self) -> Option<Digits> {
        Digits::new(self.0)
    }
}

impl From<Digits> for EntryDigits {
    fn from(digits: Digits) -> Self {
        Self(digits.get())
    }
}

impl fmt::Display for EntryDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The entry of an otpauth URI, from [`Entry::parse`]. A claim of whoever wrote the URI: names are
/// not checked against anybody, and no code was computed yet.
///
/// It holds a secret, so it has neither `Debug` nor `Clone`. Names have no control characters.
pub struct Entry {
    pub(crate) kind: Kind,
    pub(crate) secret: Secret,
    pub(crate) has_odd_length: bool,
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: EntryDigits,
    pub(crate) issuer_prefix: Option<String>,
    pub(crate) issuer_parameter: Option<String>,
    pub(crate) account: String,
}

impl Entry {
    /// Its type, with the period or the counter.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The shared secret, of whatever length an [`otp::Secret`] may have; RFC 4226 asks for 16 bytes or more.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// True if the secret's base32 has a last letter that belongs to no byte (1, 3 or 6 letters
    /// modulo 8), which is left out, as other apps do: one may be missing.
    pub fn has_odd_length(&self) -> bool {
        self.has_odd_length
    }

    /// The secret alone, without a copy.
    pub fn into_secret(self) -> Secret {
        self.secret
    }

    /// The HMAC's hash function; SHA-1 for Steam.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The number of characters of a code.
    pub fn digits(&self) -> EntryDigits {
        self.digits
    }

    /// The issuer before the colon of the label, the one that Microsoft Authenticator shows.
    pub fn issuer_prefix(&self) -> Option<&str> {
        self.issuer_prefix.as_deref()
    }

    /// The issuer of the `issuer` parameter, the one that Google Authenticator shows.
    pub fn issuer_parameter(&self) -> Option<&str> {
        self.issuer_parameter.as_deref()
    }

    /// The issuer to show: the parameter, which the format's specification calls the stronger one,
    /// else the prefix.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer_parameter().or(self.issuer_prefix())
    }

    /// The user's name at the issuer; empty where the URI has no label.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The parameters as `otp` takes them, or `None` where it has no such codes: HOTP, Steam,
    /// 5, 9 or 10 digits, and periods that are no [`Period`].
    pub fn parameters(&self) -> Option<Parameters> {
        let Kind::Totp { period_s } = self.kind else {
            return None;
        };
        let (digits, period) = (self.digits.to_otp()?, Period::new_s(period_s.get())?);
        Some(Parameters {
            algorithm: self.algorithm,
            digits,
            period,
        })
    }

    /// The quirks of this entry: what well-known apps will ignore of it. Empty for what we issue ourselves.
    pub fn quirks(&self) -> Vec<Quirk> {
        quirks::of_entry(self)
    }
}
