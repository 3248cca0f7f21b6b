/// The hash under the HMAC (RFC 6238 section 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC-SHA-1: RFC 4226, and what every authenticator app computes.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// All of them, the usual one first.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// The name that `otpauth` URIs use: `SHA1`, `SHA256` or `SHA512`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

/// The number of decimal digits of a code: 6, 7 or 8 (RFC 4226 section 5.3).
///
/// ```
/// use countersign_otp::Digits;
///
/// assert_eq!(Digits::new(6), Some(Digits::SIX));
/// assert_eq!(Digits::new(9), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digits(u8);

impl Digits {
    /// Six, the usual number.
    pub const SIX: Self = Self(6);
    /// Seven.
    pub const SEVEN: Self = Self(7);
    /// Eight, the most.
    pub const EIGHT: Self = Self(8);

    /// `None` outside 6..=8.
    pub const fn new(digits: u8) -> Option<Self> {
        match digits {
            6..=8 => Some(Self(digits)),
            _ => None,
        }
    }

    /// 6, 7 or 8.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The last digits of a truncated HMAC (RFC 4226 section 5.3, step 3).
    ///
    /// Each modulus is a constant, so that the compiler multiplies: a division instruction takes
    /// longer for some values than for others on many processors, and this value is secret.
    pub(crate) const fn reduce(self, truncated: u32) -> u32 {
        match self.0 {
            6 => truncated % 1_000_000,
            7 => truncated % 10_000_000,
            _ => truncated % 100_000_000,
        }
    }
}

/// The time step during which a code is shown, in whole seconds: 1..=3600 (RFC 6238 section 4, X).
///
/// ```
/// use countersign_otp::Period;
///
/// assert_eq!(Period::new_s(30), Some(Period::THIRTY));
/// assert_eq!(Period::new_s(0), None);
/// assert_eq!(Period::new_s(3_601), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period(u16);

impl Period {
    /// Thirty seconds, the usual one.
    pub const THIRTY: Self = Self(30);

    /// A period of `seconds`; `None` outside 1..=3600.
    pub const fn new_s(seconds: u32) -> Option<Self> {
        match seconds {
            1..=3_600 => Some(Self(seconds as u16)),
            _ => None,
        }
    }

    /// The period in seconds.
    pub const fn get_s(self) -> u32 {
        self.0 as u32
    }
}

/// The parameters that a device and its verifier agree on beside the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// The hash under the HMAC.
    pub algorithm: Algorithm,
    /// The length of a code.
    pub digits: Digits,
    /// How long a code is shown.
    pub period: Period,
}

impl Parameters {
    /// SHA-1, six digits, thirty seconds: the only ones that every authenticator app honours.
    pub const DEFAULT: Self = Self {
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        period: Period::THIRTY,
    };
}
