//! Revocation of grants: one, those of a session, or all of a user. Verifiers that ask learn it at once, offline ones when
//! the grant expires.

use serde_json::json;
use store::{Change, Owner, Role, User};

use crate::{Caller, Service, ServiceError, devices::factors::touched, verification::memo::Memo};

/// The grants that end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// This one, as its bearer has it.
    Grant(String),
    /// All of this user.
    User(Owner),
    /// Those of this session of this user.
    Session(Owner, String),
}

impl Service {
    /// Ends grants before their time. A text that is no living grant of ours has nothing to end.
    pub async fn revoke_grants(&self, caller: &Caller, wanted: &Revocation) -> Result<(), ServiceError> {
        caller.may(&[Role::Verify])?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let (owner, grant) = match wanted {
            Revocation::Grant(text) => {
                let grant = core.verified_grant(text, now);
                let Some(grant) = grant.filter(|grant| caller.is_of_audience(&grant.audience)) else {
                    return Ok(());
                };
                (grant.owner.clone(), Some(grant))
            }
            Revocation::User(owner) | Revocation::Session(owner, _) => (owner.clone(), None),
        };
        caller.may_for(&[Role::Verify], &owner)?;
        let _lock = core.lock_user(&owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let user = core.row(&owner, attempt.now).await?;
            let mut memo = Memo::read(&user.memo);
            match (&grant, wanted) {
                (Some(grant), _) => memo.grants.revoke(grant.id, attempt.now),
                (None, Revocation::Session(_, session)) => memo.grants.revoke_session(session, attempt.now),
                (None, _) => memo.grants.revoke_all(attempt.now),
            }
            let detail = match (&grant, wanted) {
                (Some(grant), _) => json!({"grant": grant.id}),
                (None, Revocation::Session(_, session)) => json!({"session": session}),
                (None, _) => json!({"all": true}),
            };
            let event = attempt.entry("grant.revoke", "done").of_user().detail(detail);
            let event = attempt.event_of(&user, &event).await?;
            let next = User {
                memo: memo.write(),
                ..user
            };
            if let Some(done) = attempt.commit(Change::of(event).with([touched(next)]), ()).await? {
                return Ok(done);
            }
        }
    }
}
