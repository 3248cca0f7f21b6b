use verify::{Budget, LastRequest, UnixMs};

use crate::{Owner, Pending};

/// The recovery codes of a user: one set at a time.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// Whose.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// When this set was issued.
    pub issued_at: UnixMs,
    /// The set; empty when it died with the last device.
    pub codes: Vec<RecoveryCode>,
    /// Wrong codes.
    pub budget: Budget,
    /// See [`LastRequest`].
    pub last_request: Option<LastRequest>,
}

impl RecoveryCodes {
    /// How many can still be spent.
    pub fn left(&self) -> usize {
        self.codes.iter().filter(|code| code.used_at.is_none()).count()
    }
}

/// One code, as a keyed hash of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecoveryCode {
    /// HMAC-SHA-256 under a key of the keyring.
    pub mac: [u8; 32],
    /// The key's id.
    pub key_id: u32,
    /// When it was spent.
    pub used_at: Option<UnixMs>,
}

/// Reading recovery codes.
pub trait RecoverySets: Send + Sync {
    /// The set of this owner.
    fn recovery_codes(&self, owner: Owner) -> Pending<'_, Option<RecoveryCodes>>;
}
