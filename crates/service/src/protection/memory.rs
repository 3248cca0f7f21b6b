//! The memory of a user's grants, in their row: answered challenges, passes for operations, and what was revoked.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::Id;
use verify::UnixMs;

use crate::protection::{grant::Grant, purpose::ChallengePurpose, token::PendingChallenge};

/// Challenges of one user that may be answered within the life of one; more are refused for a while.
const ANSWERED_MAX: usize = 16;
/// Passes of one user that are alive at once; of more the oldest ends, and is asked for again.
const PASSES_MAX: usize = 8;
/// Revoked grants, and sessions, of one user that are told apart; of more, all grants of before end.
const REVOKED_MAX: usize = 16;

/// What a user's row knows of their grants; bounded, for whoever asks much.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantMemory {
    answered: Vec<AnsweredChallenge>,
    passes: Vec<Pass>,
    revoked: Vec<Revoked>,
    /// Grants that were made up to then are not alive.
    revoked_before_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct AnsweredChallenge {
    id: [u8; 16],
    ends_ms: i64,
}

/// The hash of a name that the caller chose: of a session, an operation, a resource.
type Tag = [u8; 16];

fn tag(name: &str) -> Tag {
    let mut tag = [0; 16];
    tag.copy_from_slice(&Sha256::digest(name)[..16]);
    tag
}

/// A pass for operations in one session (P3).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pass {
    session: Tag,
    operation: Option<Tag>,
    resource: Option<Tag>,
    /// The grant that it was given with.
    id: [u8; 16],
    ends_ms: i64,
    /// How the user was checked.
    method: String,
}

impl Pass {
    pub(crate) fn of(grant: &Grant) -> Option<Self> {
        Some(Self {
            session: tag(grant.session_id.as_deref()?),
            operation: grant.operation.as_deref().map(tag),
            resource: grant.resource.as_deref().map(tag),
            id: grant.id.into_bytes(),
            ends_ms: grant.expires_at.get(),
            method: grant.methods.first().cloned().unwrap_or_default(),
        })
    }

    pub(crate) fn id(&self) -> Id {
        Id::from_bytes(self.id)
    }

    pub(crate) fn ends(&self) -> UnixMs {
        UnixMs::new(self.ends_ms)
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    fn covers(&self, session: &str, operation: Option<&str>, resource: Option<&str>) -> bool {
        let narrows = |mine: Option<Tag>, asked: Option<&str>| mine.is_none() || mine == asked.map(tag);
        self.session == tag(session) && narrows(self.operation, operation) && narrows(self.resource, resource)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Revoked {
    what: RevokedWhat,
    ends_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum RevokedWhat {
    /// The grant of this id.
    Grant([u8; 16]),
    /// Grants of this session that were made up to then.
    Session(Tag, i64),
}

/// The longest life of a grant.
const GRANT_MS: i64 = 30 * UnixMs::MINUTE;

impl GrantMemory {
    /// Of a row that cannot be read: nothing of before is alive, whenever it was.
    pub(crate) fn unreadable() -> Self {
        Self {
            revoked_before_ms: i64::MAX,
            ..Self::default()
        }
    }

    /// Whether this challenge was answered.
    pub(crate) fn is_answered(&self, challenge: Id) -> bool {
        self.answered
            .iter()
            .any(|answered| answered.id == challenge.into_bytes())
    }

    /// Takes note that a challenge was answered by this decision, and of the pass that it gives. There is room for it, as
    /// was asked before.
    pub(crate) fn answered(&mut self, challenge: &PendingChallenge, decision: Id, method: &str, now: UnixMs) {
        self.tidy(now);
        self.answered.push(AnsweredChallenge {
            id: challenge.id.into_bytes(),
            ends_ms: challenge.expires_at_ms,
        });
        if challenge.purpose == ChallengePurpose::Operation {
            self.passes.extend(Pass::of(&challenge.grant(decision, method)));
            if self.passes.len() > PASSES_MAX {
                self.passes.remove(0);
            }
        }
    }

    /// Whether there is room for one more answered challenge.
    pub(crate) fn has_room(&self, now: UnixMs) -> bool {
        let living = self.answered.iter().filter(|answered| now.get() < answered.ends_ms);
        living.count() < ANSWERED_MAX
    }

    /// The pass that covers this, the one that lives longest.
    pub(crate) fn pass(
        &self,
        session: &str,
        operation: Option<&str>,
        resource: Option<&str>,
        now: UnixMs,
    ) -> Option<&Pass> {
        let covering = self
            .passes
            .iter()
            .filter(|pass| now < pass.ends() && pass.covers(session, operation, resource));
        covering.max_by_key(|pass| pass.ends_ms)
    }

    /// Whether nothing has ended this grant before its time.
    pub(crate) fn is_alive(&self, grant: &Grant) -> bool {
        let made_ms = grant.issued_at.get();
        let session = grant.session_id.as_deref().map(tag);
        let ends_it = |revoked: &Revoked| match revoked.what {
            RevokedWhat::Grant(id) => id == grant.id.into_bytes(),
            RevokedWhat::Session(of, up_to_ms) => Some(of) == session && made_ms <= up_to_ms,
        };
        made_ms > self.revoked_before_ms && !self.revoked.iter().any(ends_it)
    }

    /// Ends one grant, and the pass that was given with it.
    pub(crate) fn revoke(&mut self, grant: Id, now: UnixMs) {
        self.passes.retain(|pass| pass.id != grant.into_bytes());
        self.note(RevokedWhat::Grant(grant.into_bytes()), now.plus(GRANT_MS), now);
    }

    /// Uses up a grant that is good for one thing, by the commit of that thing; `false` where it was used up or revoked
    /// before, and nothing is to be written.
    pub(crate) fn consume(&mut self, grant: &Grant, now: UnixMs) -> bool {
        let is_alive = self.is_alive(grant);
        if is_alive {
            self.note(RevokedWhat::Grant(grant.id.into_bytes()), grant.expires_at, now);
        }
        is_alive
    }

    /// Ends the grants of one session.
    pub(crate) fn revoke_session(&mut self, session: &str, now: UnixMs) {
        let session = tag(session);
        self.passes.retain(|pass| pass.session != session);
        self.note(RevokedWhat::Session(session, now.get()), now.plus(GRANT_MS), now);
    }

    /// Ends all grants of before.
    pub(crate) fn revoke_all(&mut self, now: UnixMs) {
        self.passes.clear();
        self.revoked.clear();
        self.revoked_before_ms = self.revoked_before_ms.max(now.get());
    }

    fn note(&mut self, what: RevokedWhat, ends: UnixMs, now: UnixMs) {
        self.tidy(now);
        if self.revoked.len() >= REVOKED_MAX {
            return self.revoke_all(now);
        }
        self.revoked.push(Revoked {
            what,
            ends_ms: ends.get(),
        });
    }

    fn tidy(&mut self, now: UnixMs) {
        let lives = |ends_ms: i64| now.get() < ends_ms;
        self.answered.retain(|answered| lives(answered.ends_ms));
        self.passes.retain(|pass| lives(pass.ends_ms));
        self.revoked.retain(|revoked| lives(revoked.ends_ms));
        // Of a row that could not be read, or of a clock that was ahead.
        self.revoked_before_ms = self.revoked_before_ms.min(now.get());
    }
}
