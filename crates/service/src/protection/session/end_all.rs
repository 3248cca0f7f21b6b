//! Signing out everywhere: all sessions of a user end, the current one too, all their grants, and all trust in their browsers.

use serde_json::json;
use store::{Change, Owner, Role, User, Write};

use crate::{
    Approver, Caller, Factor, Service, ServiceError,
    attempt::Attempt,
    devices::{
        factor::{ConsumedFactor, paid_by},
        factors::touched,
    },
    protection::{
        approval::{APPROVED, Approved, approved},
        challenge::can_be_identified,
        factors_that_do::FactorsThatDo,
        in_force::unchanged,
        session::ending::ended,
    },
    verification::memo::Memo,
};

const ACTION: &str = "session.end_all";

impl Service {
    /// Ends all sessions of this user, and their visits to the hosted pages but for the one in which it is done. It takes a
    /// fresh factor where there is anything that may check them: without a device, an identity grant. The result is the number
    /// of sessions, and the next check of any of them says so.
    pub async fn end_all_sessions(
        &self,
        caller: &Caller,
        owner: &Owner,
        factor: Option<&Factor>,
    ) -> Result<usize, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let user = core.row(owner, attempt.now).await?;
            // What else it rests on changes with the user's row alone.
            let requirements = core.store.requirements(&owner.account).await?;
            let guard = unchanged(owner, requirements.as_ref());
            let is_checked = can_be_identified(&attempt, &user).await?;
            let spent = match (is_checked, factor) {
                (false, _) => None,
                (true, None) => {
                    let doing = FactorsThatDo::of(ACTION, !user.devices.is_empty());
                    return Err(ServiceError::FactorRequired(doing));
                }
                (true, Some(factor)) => match paid_by(&attempt, &user, None, factor, ACTION).await? {
                    None => continue,
                    spent => spent,
                },
            };
            let sessions = core.sessions_of(owner).await?;
            let entry = attempt.entry(ACTION, "done").of_user().count(sessions.len() as u64);
            let entry = match &spent {
                Some(spent) => entry.because(spent.name()),
                None => entry,
            };
            let event = attempt.event_of(&user, &entry).await?;
            let no_trust = core.end_trusted_devices(&user).await?;
            let change = Change::of(event).with(burned(user, spent, &attempt));
            let change = change.with(sessions.iter().map(ended)).with([no_trust, guard]);
            let change = change.with(core.end_page_visits(owner, caller.page_session()).await?);
            if attempt.commit_ending(change, owner, &sessions).await? {
                return Ok(sessions.len());
            }
        }
    }

    /// The same by the code of an administrator of the account.
    pub async fn end_all_sessions_by_administrator(
        &self,
        caller: &Caller,
        owner: &Owner,
        approver: &Approver,
    ) -> Result<usize, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let _locks = core.lock_both(owner, &approver.owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let user = core.row(owner, attempt.now).await?;
            let what = Approved {
                action: ACTION,
                account: &owner.account,
                user: Some(&user),
            };
            let Some(approval) = approved(&attempt, approver, what).await? else {
                continue;
            };
            let sessions = core.sessions_of(owner).await?;
            let entry = attempt.entry(ACTION, "done").of_user().count(sessions.len() as u64);
            let entry = entry.because(APPROVED).detail(json!({"approver": approval.by}));
            let event = attempt.event_of(&user, &entry).await?;
            let no_trust = core.end_trusted_devices(&user).await?;
            let change = Change::of(event).and(approval.event).with(approval.writes);
            let change = change.with(burned(user, None, &attempt));
            let change = change.with(sessions.iter().map(ended)).with([no_trust]);
            let change = change.with(core.end_page_visits(owner, None).await?);
            if attempt.commit_ending(change, owner, &sessions).await? {
                return Ok(sessions.len());
            }
        }
    }
}

/// The user's row with the factor burned and all grants ended, and the recovery codes where one of them paid.
fn burned(user: User, spent: Option<ConsumedFactor>, attempt: &Attempt<'_>) -> Vec<Write> {
    let (user, recovery) = match spent {
        Some(spent) => (spent.user, spent.recovery),
        None => (user, None),
    };
    let mut memo = Memo::read(&user.memo);
    memo.grants.revoke_all(attempt.now);
    let next = User {
        memo: memo.write(),
        ..user
    };
    let recovery = recovery.map(|(expected, next)| Write::put(Some(expected), &next));
    [touched(next)].into_iter().chain(recovery).collect()
}
