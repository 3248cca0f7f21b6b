use otp::Parameters;
use verify::{Kind, UnixMs};

use crate::{Id, Owner, Pending, Sealed};

/// A binding under way.
#[derive(Clone)]
pub struct Enrollment {
    /// UUIDv7.
    pub id: Id,
    /// Whose.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// App or token.
    pub kind: Kind,
    /// Shown in the app above the code.
    pub issuer: String,
    /// The account's name as the app shows it.
    pub label: String,
    /// Algorithm, digits, period.
    pub parameters: Parameters,
    /// What the caller checked before it asked.
    pub identity_proof: IdentityProof,
    /// The token that is to be bound; its secret stays in the inventory until then.
    pub serial_number: Option<String>,
    /// The device that is unbound in the moment this one is bound.
    pub replaces: Option<Id>,
    /// When it began.
    pub started_at: UnixMs,
    /// When it ends by itself.
    pub expires_at: UnixMs,
    /// Where it stands.
    pub state: EnrollmentState,
}

/// `started -> confirmed | abandoned`; expiry is a matter of time, not of a write.
#[derive(Clone, PartialEq, Eq)]
pub enum EnrollmentState {
    /// Waiting for codes.
    Started {
        /// The secret that was shown; none of a token, whose codes are its own.
        sealed: Option<Sealed>,
        /// Wrong codes so far.
        wrong_codes: u32,
    },
    /// A newer enrollment took its place. The secret stays until expiry for one use only: to tell a user
    /// who types the older entry's code that it is the older entry's.
    Superseded {
        /// The secret that was shown.
        sealed: Sealed,
    },
    /// It became this device.
    Confirmed {
        /// The device.
        device: Id,
    },
    /// Ended by the caller, by too many wrong codes, or by housekeeping after expiry.
    Abandoned,
}

impl EnrollmentState {
    /// The sealed secret, while there is one.
    pub fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Started { sealed, .. } => sealed.as_ref(),
            Self::Superseded { sealed } => Some(sealed),
            Self::Confirmed { .. } | Self::Abandoned => None,
        }
    }

    /// Whether it has not ended yet, or still holds a secret.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Started { .. } | Self::Superseded { .. })
    }
}

/// The caller's word about who asks: what was checked, when, by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProof {
    /// `password`, `sms`, `face`, …: the caller's own word.
    pub method: String,
    /// When it was checked.
    pub at: UnixMs,
    /// Who or what checked it.
    pub by: String,
}

/// Reading enrollments.
pub trait Enrollments: Send + Sync {
    /// One enrollment of this owner.
    fn enrollment(&self, owner: Owner, id: Id) -> Pending<'_, Option<Enrollment>>;

    /// Those of this owner that are [open](EnrollmentState::is_open), oldest first.
    fn open_enrollments(&self, owner: Owner) -> Pending<'_, Vec<Enrollment>>;

    /// Up to `limit` enrollments of anybody that expired before `now` and are still open.
    fn expired_enrollments(&self, now: UnixMs, limit: u32) -> Pending<'_, Vec<Enrollment>>;
}
