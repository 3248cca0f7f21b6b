//! Renewal of recovery codes.

use store::{Change, Owner, User, Write};
use zeroize::Zeroizing;

use crate::{
    Caller, Factor, Role, Service, ServiceError, devices::factor::paid_by, recovery::recovery_set::issue,
    verification::memo::Memo,
};

const ACTION: &str = "recovery_codes.renew";

impl Service {
    /// A new set for a right code of a device; the old set dies. Shown once.
    pub async fn renew_recovery_codes(
        &self,
        caller: &Caller,
        owner: &Owner,
        factor: &Factor,
    ) -> Result<Vec<Zeroizing<String>>, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let origin = caller.origin();
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(origin);
        loop {
            let attempt = attempts.next()?;
            let user = core.store.user(owner.clone()).await?;
            let user = user.filter(|user| !user.devices.is_empty());
            let user = user.ok_or(ServiceError::NoDevice)?;
            let old = core.store.recovery_codes(owner.clone()).await?;
            let Some(spent) = paid_by(&attempt, &user, None, factor, ACTION).await? else {
                continue;
            };
            let (codes, next) = issue(core, owner, old.as_ref(), attempt.now)?;
            let name = spent.name();
            // A recovery code that pays for the new set dies with the old one anyway, and so does what was remembered of it.
            let mut memo = Memo::read(&spent.user.memo);
            memo.forget(None);
            let user = User {
                memo: memo.write(),
                ..spent.user
            };
            let entry = attempt.entry(ACTION, "done").of_user().because(name);
            let change = Change::of(attempt.event_of(&user, &entry).await?);
            let writes = [Write::put(old.as_ref().map(|old| old.version), &next), user.used()];
            if let Some(done) = attempt.commit(change.with(writes), codes).await? {
                return Ok(done);
            }
        }
    }
}
