use std::num::NonZeroU32;

use enroll::EntryDigits;
use otp::{Algorithm, Key, Secret, Step};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::CodeText;

/// The type of an entry, which says how its codes move on. Wider than `otp`'s parameters: what other services issued has to
/// be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By time (RFC 6238).
    Totp {
        /// How long one code lasts.
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

const STEAM_PERIOD_S: NonZeroU32 = NonZeroU32::new(30).expect("30 is not 0");
const STEAM_DIGITS: u8 = 5;

impl Kind {
    /// TOTP with the usual period.
    pub const TOTP_30_S: Self = Self::Totp {
        period_s: STEAM_PERIOD_S,
    };

    /// The period of a code; `None` for HOTP.
    pub fn period_s(self) -> Option<NonZeroU32> {
        match self {
            Self::Totp { period_s } => Some(period_s),
            Self::Hotp { .. } => None,
            Self::Steam => Some(STEAM_PERIOD_S),
        }
    }
}

impl From<enroll::Kind> for Kind {
    fn from(kind: enroll::Kind) -> Self {
        match kind {
            enroll::Kind::Totp { period_s } => Self::Totp { period_s },
            enroll::Kind::Hotp { counter } => Self::Hotp { counter },
            enroll::Kind::Steam => Self::Steam,
        }
    }
}

/// Secret and parameters of an entry's codes. No `Debug`, no `Clone`.
pub struct Credential {
    pub(crate) kind: Kind,
    secret: Secret,
    algorithm: Algorithm,
    digits: EntryDigits,
}

impl Credential {
    /// Steam's algorithm and digits are its own, whatever is said here.
    pub fn new(kind: Kind, secret: Secret, algorithm: Algorithm, digits: EntryDigits) -> Self {
        let (algorithm, digits) = match kind {
            Kind::Steam => (Algorithm::Sha1, EntryDigits::new(STEAM_DIGITS).unwrap_or(digits)),
            Kind::Totp { .. } | Kind::Hotp { .. } => (algorithm, digits),
        };
        Self {
            kind,
            secret,
            algorithm,
            digits,
        }
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The shared secret.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The hash under the HMAC.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Characters of a code.
    pub fn digits(&self) -> EntryDigits {
        self.digits
    }

    /// The code of a step: of [`step_at`](Self::step_at), or of the counter that [`Entries::take_counter`](crate::Entries::take_counter) gave.
    pub fn code(&self, step: Step) -> CodeText {
        let truncated = Zeroizing::new(Key::new(&self.secret, self.algorithm).truncated(step));
        match self.kind {
            Kind::Steam => CodeText::steam(*truncated),
            Kind::Totp { .. } | Kind::Hotp { .. } => CodeText::decimal(*truncated, self.digits.get()),
        }
    }

    /// The step that `unix_s` is in, and how long it lasts from there; `None` for HOTP, whose counter is
    /// [`Entries`](crate::Entries)' to move.
    pub fn step_at(&self, unix_s: u64) -> Option<StepAt> {
        let period_s = u64::from(self.kind.period_s()?.get());
        Some(StepAt {
            step: Step::new(unix_s / period_s),
            seconds_left: (period_s - unix_s % period_s) as u32,
        })
    }

    /// True if both make the same codes: same secret, type, algorithm, digits and period. An HOTP counter moves, so that it
    /// does not count.
    pub fn is_same(&self, other: &Self) -> bool {
        let same_kind = match (self.kind, other.kind) {
            (Kind::Hotp { .. }, Kind::Hotp { .. }) => true,
            (one, two) => one == two,
        };
        let same_secret = self.secret.expose_secret().ct_eq(other.secret.expose_secret());
        same_kind && self.algorithm == other.algorithm && self.digits == other.digits && bool::from(same_secret)
    }

    /// Equal for what [`is_same`](Self::is_same), for looking up among thousands. As good as the secret where that can be
    /// guessed: not to be kept.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let (kind, period_s) = match self.kind {
            Kind::Totp { period_s } => (0, period_s.get()),
            Kind::Hotp { .. } => (1, 0),
            Kind::Steam => (2, 0),
        };
        let algorithm = self.algorithm.name().as_bytes();
        let mut hash = Sha256::new_with_prefix([kind, self.digits.get(), algorithm.len() as u8]);
        hash.update(period_s.to_le_bytes());
        hash.update(algorithm);
        hash.update(self.secret.expose_secret());
        hash.finalize().into()
    }
}

/// The step of a time, and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepAt {
    /// The step.
    pub step: Step,
    /// How long its code still stands: from the period down to 1.
    pub seconds_left: u32,
}
