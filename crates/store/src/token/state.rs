//! The states of a token and its transitions.

use serde::{Deserialize, Serialize};

use crate::{Id, Owner, Sealed};

/// The state of a token. Its secret stands only where it can still be bound; a bound one's is its device's.
///
/// ```text
/// imported ◄──► assigned ──► bound ──► returned ──► (imported, with a new secret) or retired
///     │             │          │           ▲
///     └─────────────┴──────────┴──► lost ──┘        and from everywhere but bound ──► retired
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// In the drawer: free for whom its lot is open to.
    Imported {
        /// The secret.
        #[serde(rename = "secret")]
        sealed: Sealed,
    },
    /// Meant for this user and nobody else.
    Assigned {
        /// The secret.
        #[serde(rename = "secret")]
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

/// The status of a token: a [`TokenState`] by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenStatus {
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

impl TokenStatus {
    /// Every status, in the order of a token's life.
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

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl TokenState {
    /// Its status.
    pub fn status(&self) -> TokenStatus {
        match self {
            Self::Imported { .. } => TokenStatus::Imported,
            Self::Assigned { .. } => TokenStatus::Assigned,
            Self::Bound { .. } => TokenStatus::Bound,
            Self::Lost { .. } => TokenStatus::Lost,
            Self::Returned => TokenStatus::Returned,
            Self::Retired => TokenStatus::Retired,
        }
    }

    /// The sealed secret, while it is the inventory's.
    pub fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Imported { sealed } | Self::Assigned { sealed, .. } => Some(sealed),
            Self::Bound { .. } | Self::Lost { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// The user whom it is meant for, or whose it is.
    pub fn owner(&self) -> Option<&Owner> {
        match self {
            Self::Assigned { owner, .. } | Self::Bound { owner, .. } => Some(owner),
            Self::Lost { bound } => bound.as_ref().map(|(owner, _)| owner),
            Self::Imported { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// The device that it is bound as.
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
