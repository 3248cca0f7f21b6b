//! The purposes of challenges and grants: login, operation, identity.

use serde::{Deserialize, Serialize};
use verify::{Purpose, UnixMs};

/// The purpose of a challenge, and of the grant that it ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengePurpose {
    /// A login, after the first factor was right (P2).
    Login,
    /// A sensitive operation within a session (P3).
    Operation,
    /// One named operation where there is no session, or none is meant (P3b).
    Identity,
}

impl ChallengePurpose {
    /// The name on the wire and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Operation => "operation",
            Self::Identity => "identity",
        }
    }

    /// The road on which wrong codes are counted. A check of identity has its own: it may come before any first factor, so
    /// what outsiders lock there locks no login (A2).
    pub(crate) fn road(self) -> Purpose {
        match self {
            Self::Login | Self::Operation => Purpose::Verification,
            Self::Identity => Purpose::Identity,
        }
    }

    /// The life of its grants: 5 minutes, of an operation's 30.
    pub(crate) fn grant_ms(self) -> i64 {
        match self {
            Self::Login | Self::Identity => 5 * UnixMs::MINUTE,
            Self::Operation => 30 * UnixMs::MINUTE,
        }
    }
}
