//! Errors of the use cases.

use store::StoreError;
use verify::{Cause, UnixMs};

use crate::ports::PortError;

/// Why a use case did not do what it was asked; one mapping, in `server`, gives each its wire code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The caller's request cannot be meant so.
    #[error("{field}: {why}")]
    Invalid {
        /// The field, as the wire names it.
        field: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
    /// No key, or none that lives.
    #[error("the API key is missing, unknown or revoked")]
    Unauthorized,
    /// The key may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is none.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Nothing is judged without the caller's word.
    #[error("codes are judged only after the first factor was right: send first_factor: true once it was")]
    FirstFactorRequired,
    /// The enrollment's time is over.
    #[error("the enrollment expired: start a new one")]
    EnrollmentExpired,
    /// The enrollment was confirmed, abandoned, or ended by wrong codes.
    #[error("the enrollment has ended: start a new one")]
    EnrollmentEnded,
    /// A code was wrong.
    #[error("the code was refused")]
    CodeRefused {
        /// What the user can mend.
        hint: Option<Hint>,
        /// How many more may be tried here, where that is counted.
        attempts_left: Option<u32>,
    },
    /// Not judged: too many wrong codes, or the device was reported lost. Which of the two waits for somebody is not
    /// said: callers repeat these words to whoever types.
    #[error("{}", locked(*.until))]
    Locked {
        /// Judged again from then on; `None` when somebody has to act first.
        until: Option<UnixMs>,
        /// The wait, in seconds from the moment of the answer.
        retry_after_s: Option<u64>,
    },
    /// The user has as many devices as allowed.
    #[error("the user already has a bound device: name it in replaces, or unbind it first")]
    DeviceLimit,
    /// Suspended for the third time within 13 weeks: who guesses has the user's first factor.
    #[error(
        "it was lifted twice within 13 weeks, and somebody goes on guessing who has the user's first factor: have it \
         changed, then say when in first_factor_changed_at"
    )]
    FirstFactorUnchanged,
    /// The change needs a fresh code of the user.
    #[error("this change needs a code of a device that is bound")]
    FactorRequired,
    /// The token cannot be bound by this user; every cause gets this same answer.
    #[error("this token cannot be bound: check the serial number")]
    TokenUnavailable,
    /// The token's life does not go that way.
    #[error("the token is {stage}: {why}")]
    TokenState {
        /// Where it stands.
        stage: &'static str,
        /// Why that does not do, and what to do.
        why: &'static str,
    },
    /// The export is not where this could follow.
    #[error("the export is {state}: {why}")]
    ExportState {
        /// Where it stands.
        state: &'static str,
        /// What can be done.
        why: String,
    },
    /// The question may be asked only so often.
    #[error("this was asked too often within an hour: wait")]
    AskedTooOften {
        /// The wait, in seconds from the moment of the answer.
        retry_after_s: u64,
    },
    /// Too many requests for one user wait already.
    #[error("too many requests for this user wait already: retry in a moment")]
    RateLimited,
    /// Somebody else changed the same user's factors, again and again.
    #[error("the user's factors are being changed by somebody else: load them and try again")]
    Contended,
    /// The medium refuses.
    #[error("storage is unavailable, nothing was decided: {0}")]
    StorageUnavailable(String),
    /// The data directory cannot be trusted; the words are for whoever runs the service.
    #[error("nothing is decided: {0}")]
    Untrusted(String),
    /// The clock cannot be trusted.
    #[error("the clock cannot be trusted, nothing is judged: {0}")]
    ClockUnreliable(String),
    /// Ours to mend; the words are for the log.
    #[error("internal: {0}")]
    Internal(String),
}

fn locked(until: Option<UnixMs>) -> &'static str {
    match until {
        Some(_) => "too many wrong codes: nothing is judged for a while",
        None => {
            "locked: too many wrong codes, or the token was reported lost. Waiting does not end it: support lifts the one, \
             a recovery code replaces the other"
        }
    }
}

/// What a user can mend at binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The device's clock is this many seconds ahead (behind: negative).
    ClockOff {
        /// Whole steps, in seconds.
        seconds: i64,
    },
    /// The app ignored the algorithm, or the token has another.
    OtherAlgorithm(otp::Algorithm),
    /// The device's period is another one.
    OtherPeriod(otp::Period),
    /// The code is of another entry in the app: an older one of the same user.
    OtherEntry,
}

impl Hint {
    /// What a refusal at binding tells its user.
    pub(crate) fn of(refusal: verify::Refusal) -> Option<Self> {
        match (refusal.cause, refusal.clock_off_s) {
            (Cause::OtherAlgorithm(algorithm), _) => Some(Self::OtherAlgorithm(algorithm)),
            (Cause::OtherPeriod(period), _) => Some(Self::OtherPeriod(period)),
            (Cause::ClockOff { .. }, Some(seconds)) => Some(Self::ClockOff { seconds }),
            _ => None,
        }
    }

    /// A stable name for the trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClockOff { .. } => "clock_off",
            Self::OtherAlgorithm(_) => "other_algorithm",
            Self::OtherPeriod(_) => "other_period",
            Self::OtherEntry => "other_entry",
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::StorageUnavailable(why),
            StoreError::Closed => Self::StorageUnavailable("the service is shutting down".into()),
            StoreError::Damaged(what) => Self::Internal(what),
            StoreError::Untrusted(why) => Self::Untrusted(why),
        }
    }
}

impl From<PortError> for ServiceError {
    fn from(error: PortError) -> Self {
        Self::Internal(error.to_string())
    }
}
