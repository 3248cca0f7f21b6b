//! Checking a session: the token's MAC, and its entry in memory. Nothing is read from the store, nothing written.

use store::{Id, Owner, Role};
use verify::UnixMs;

use crate::{
    Caller, Service, ServiceError,
    protection::session::{life::Verdict, registry::Found, token::SessionToken},
};

/// A session as a check finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckedSession {
    /// It goes on.
    Active {
        /// Whose it is.
        owner: Owner,
        /// Its id.
        id: Id,
        /// It ends then, if nobody is seen before.
        idle_expires_at: UnixMs,
        /// It ends then at the latest.
        expires_at: UnixMs,
    },
    /// It does not.
    Over(SessionEnd),
}

/// Why a session does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// Somebody ended it.
    Ended,
    /// Nobody was seen for too long.
    Idle,
    /// Its whole time is over.
    Expired,
    /// The token is none of ours, or of a user whom the caller does not reach.
    Unknown,
}

impl Service {
    /// Whether the session of this token goes on. Where that cannot be known it is an error, and not the session's end.
    /// `is_seen`: the user did something, which the idle time begins anew with.
    pub fn check_session(&self, caller: &Caller, token: &str, is_seen: bool) -> Result<CheckedSession, ServiceError> {
        caller.may(&[Role::Verify])?;
        let core = &*self.core;
        // One that lost its files does not know what others ended since.
        core.store.trusted()?;
        let now = core.clock.now()?;
        let Some(token) = SessionToken::open(token, &*core.signer, now) else {
            return Ok(CheckedSession::Over(SessionEnd::Unknown));
        };
        let reaches = |owner: &Owner| caller.may_for(&[Role::Verify], owner).is_ok();
        let found = core.sessions.judge(token.id, now, is_seen, reaches)?;
        Ok(match found {
            Some(Found { owner, .. }) if !reaches(&owner) => CheckedSession::Over(SessionEnd::Unknown),
            Some(found) => checked(token.id, found),
            // All that live are in memory.
            None if now >= token.expires_at => CheckedSession::Over(SessionEnd::Expired),
            None => CheckedSession::Over(SessionEnd::Ended),
        })
    }
}

fn checked(id: Id, found: Found) -> CheckedSession {
    let Found {
        owner,
        verdict,
        expires_at,
    } = found;
    CheckedSession::Over(match verdict {
        Verdict::Active { idle_ends, .. } => {
            return CheckedSession::Active {
                owner,
                id,
                idle_expires_at: idle_ends,
                expires_at,
            };
        }
        Verdict::Idle => SessionEnd::Idle,
        Verdict::Expired => SessionEnd::Expired,
        Verdict::Pending => SessionEnd::Ended,
    })
}
