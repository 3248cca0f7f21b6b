use otp::Parameters;
use verify::UnixMs;

use crate::{Bound, Id, Owner, Pending, Sealed};

/// A hardware token in the inventory: one serial number, one record, whatever secrets it had in its life.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What stands on its back.
    pub serial_number: String,
    /// UUIDv7; another one with each secret, so that what was sealed for an older one opens for nothing.
    pub id: Id,
    /// Raised by every change.
    pub version: u64,
    /// The batch it came in.
    pub batch: String,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// What its user will call it.
    pub label: Option<String>,
    /// Algorithm, digits, period.
    pub parameters: Parameters,
    /// By which its secret is known again after it was erased.
    pub fingerprint: Fingerprint,
    /// The key that sets the token's clock and wipes it; `None` once retired.
    pub management: Option<Sealed>,
    /// Steps by which its clock was ahead (behind: negative), as the seed file said, then as binding measured.
    pub drift_steps: i32,
    /// Not to be bound before.
    pub starts_at: Option<UnixMs>,
    /// Not to be bound afterwards.
    pub expires_at: Option<UnixMs>,
    /// When it came in with its present secret.
    pub imported_at: UnixMs,
    /// The last change.
    pub changed_at: UnixMs,
    /// When its present secret left in an export, last.
    pub exported_at: Option<UnixMs>,
    /// Where it stands in its life.
    pub state: TokenState,
}

impl Token {
    /// The next version of it, in another state.
    #[must_use]
    pub fn become_state(self, state: TokenState, at: UnixMs) -> Self {
        Self {
            version: self.version + 1,
            management: self.management.filter(|_| state.stage() != Stage::Retired),
            changed_at: at,
            state,
            ..self
        }
    }
}

/// A life. Its secret stands only where it can still be bound; a bound one's is its device's.
///
/// ```text
/// imported ◄──► assigned ──► bound ──► returned ──► (imported, with a new secret) or retired
///     │             │          │           ▲
///     └─────────────┴──────────┴──► lost ──┘        and from everywhere but bound ──► retired
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum TokenState {
    /// In the drawer: free for whom its batch is open to.
    Imported {
        /// The secret.
        sealed: Sealed,
    },
    /// Meant for this user and nobody else.
    Assigned {
        /// The secret.
        sealed: Sealed,
        /// Whom it is for.
        owner: Owner,
    },
    /// It is this device.
    Bound {
        /// Whose.
        owner: Owner,
        /// The device, which holds the secret now.
        device: Id,
    },
    /// Nobody knows where it is.
    Lost {
        /// Whose device it still is, until they unbind it.
        bound: Option<(Owner, Id)>,
    },
    /// Unbound, or found: without a secret until it is provisioned anew.
    Returned,
    /// The end.
    Retired,
}

/// The names of [`TokenState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// [`TokenState::Imported`].
    Imported,
    /// [`TokenState::Assigned`].
    Assigned,
    /// [`TokenState::Bound`].
    Bound,
    /// [`TokenState::Lost`].
    Lost,
    /// [`TokenState::Returned`].
    Returned,
    /// [`TokenState::Retired`].
    Retired,
}

impl Stage {
    /// Every stage, in the order of a life.
    pub const ALL: [Self; 6] = [
        Self::Imported,
        Self::Assigned,
        Self::Bound,
        Self::Lost,
        Self::Returned,
        Self::Retired,
    ];

    /// The name on the wire and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Assigned => "assigned",
            Self::Bound => "bound",
            Self::Lost => "lost",
            Self::Returned => "returned",
            Self::Retired => "retired",
        }
    }

    /// The stage of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

impl TokenState {
    /// Its name.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Imported { .. } => Stage::Imported,
            Self::Assigned { .. } => Stage::Assigned,
            Self::Bound { .. } => Stage::Bound,
            Self::Lost { .. } => Stage::Lost,
            Self::Returned => Stage::Returned,
            Self::Retired => Stage::Retired,
        }
    }

    /// The sealed secret, while it is the inventory's.
    pub fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Imported { sealed } | Self::Assigned { sealed, .. } => Some(sealed),
            Self::Bound { .. } | Self::Lost { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// Whom it is meant for, or whose it is.
    pub fn owner(&self) -> Option<&Owner> {
        match self {
            Self::Assigned { owner, .. } | Self::Bound { owner, .. } => Some(owner),
            Self::Lost { bound } => bound.as_ref().map(|(owner, _)| owner),
            Self::Imported { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// The device that it is.
    pub fn device(&self) -> Option<Id> {
        match self {
            Self::Bound { device, .. } => Some(*device),
            Self::Lost { bound } => bound.as_ref().map(|(_, device)| *device),
            Self::Imported { .. } | Self::Assigned { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// Set aside for this user; from the drawer, or from another user who did not bind it.
    pub fn assigned(self, owner: Owner) -> Option<Self> {
        match self {
            Self::Imported { sealed } | Self::Assigned { sealed, .. } => Some(Self::Assigned { sealed, owner }),
            _ => None,
        }
    }

    /// Back in the drawer, nobody's.
    pub fn unassigned(self) -> Option<Self> {
        match self {
            Self::Assigned { sealed, .. } => Some(Self::Imported { sealed }),
            _ => None,
        }
    }

    /// It became this device of this user, unless it is meant for somebody else.
    pub fn bound(self, owner: Owner, device: Id) -> Option<Self> {
        match self {
            Self::Imported { .. } => Some(Self::Bound { owner, device }),
            Self::Assigned { owner: meant, .. } if meant == owner => Some(Self::Bound { owner, device }),
            _ => None,
        }
    }

    /// This device of it has ended: a token without a secret, lost or not.
    pub fn unbound(self, device: Id) -> Option<Self> {
        match self {
            Self::Bound { device: its, .. } if its == device => Some(Self::Returned),
            Self::Lost { bound: Some((_, its)) } if its == device => Some(Self::Lost { bound: None }),
            _ => None,
        }
    }

    /// Nobody knows where it is. What its secret opened, it opens no more.
    pub fn lost(self) -> Option<Self> {
        match self {
            Self::Imported { .. } | Self::Assigned { .. } => Some(Self::Lost { bound: None }),
            Self::Bound { owner, device } => Some(Self::Lost {
                bound: Some((owner, device)),
            }),
            Self::Lost { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// It is here again, without a secret. A device of it has to be unbound first.
    pub fn returned(self) -> Option<Self> {
        match self {
            Self::Imported { .. } | Self::Assigned { .. } | Self::Lost { bound: None } => Some(Self::Returned),
            _ => None,
        }
    }

    /// It will not be used again. A device of it has to be unbound first.
    pub fn retired(self) -> Option<Self> {
        match self {
            Self::Bound { .. } | Self::Lost { bound: Some(_) } | Self::Retired => None,
            _ => Some(Self::Retired),
        }
    }
}

/// A keyed hash of a secret: no secret comes in twice, under whatever serial number, not even long after it was
/// erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// HMAC-SHA-256 under a key of the keyring.
    pub mac: [u8; 32],
    /// The key's id.
    pub key_id: u32,
}

/// Which tokens a list is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// Those at this stage of their life.
    pub stage: Option<Stage>,
    /// Those of this batch.
    pub batch: Option<String>,
}

/// A token and the device that it is, as read together.
#[derive(Clone)]
pub struct BoundToken {
    /// The inventory's record.
    pub token: Token,
    /// The device's.
    pub bound: Bound,
}

/// Reading the inventory.
pub trait Tokens: Send + Sync {
    /// The token of each serial number, in the order asked.
    fn tokens_of(&self, serial_numbers: Vec<String>) -> Pending<'_, Vec<Option<Token>>>;

    /// Up to `limit` tokens after this serial number, in the order of serial numbers.
    fn tokens(&self, filter: TokenFilter, after: Option<String>, limit: u32) -> Pending<'_, Vec<Token>>;

    /// Up to `limit` tokens that are somebody's device, lost ones too, after this serial number and in that order. The
    /// state of one that is unbound at this moment may say so already.
    fn bound_tokens(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<BoundToken>>;

    /// The keys under which fingerprints of this store were made.
    fn fingerprint_keys(&self) -> Pending<'_, Vec<u32>>;

    /// Which of these are of a secret that some token has or had, in the order asked.
    fn known_fingerprints(&self, macs: Vec<[u8; 32]>) -> Pending<'_, Vec<bool>>;
}
