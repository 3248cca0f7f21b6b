use store::{Change, Outcome, Owner, User, Write};
use zeroize::Zeroizing;

use crate::{
    Factor, Origin, Service, ServiceError,
    core::TRIES,
    event::Entry,
    factor::{Judged, judge_factor},
    memo::Memo,
    recovery_set::issue,
};

impl Service {
    /// A new set for a right code of a device; the old set dies. Shown once.
    pub async fn renew_recovery_codes(
        &self,
        owner: &Owner,
        factor: &Factor,
        origin: &Origin,
    ) -> Result<Vec<Zeroizing<String>>, ServiceError> {
        let core = &*self.core;
        let _turn = core.turn(owner).await?;
        for _try in 0..TRIES {
            let now = core.clock.now()?;
            let user = core.store.user(owner.clone()).await?;
            let user = user.filter(|user| !user.devices.is_empty());
            let user = user.ok_or(ServiceError::FactorRequired)?;
            let old = core.store.recovery_codes(owner.clone()).await?;
            let judged = judge_factor(core, &user, None, factor, "recovery_codes.renew", origin, now).await?;
            let spent = match judged {
                Judged::Right(spent) => spent,
                Judged::Wrong { writes, event, error } => {
                    match core.commit(vec![Change::of(event).with(writes)]).await?[..] {
                        [Outcome::Done] => return Err(error),
                        _ => continue,
                    }
                }
            };
            let (codes, next) = issue(core, owner, old.as_ref(), now)?;
            let name = spent.name();
            // A recovery code that pays for the new set dies with the old one anyway, and so does what was remembered of it.
            let mut memo = Memo::read(&spent.user.memo);
            memo.forget(None);
            let user = User {
                memo: memo.write(),
                ..spent.user
            };
            let entry = Entry::new("recovery_codes.renew", "done", origin)
                .of_user()
                .because(name);
            let change = Change::of(core.event_of(&user, &entry, now).await?);
            let writes = [Write::put(old.as_ref().map(|old| old.version), &next), user.used()];
            let change = change.with(writes);
            if core.commit(vec![change]).await? == [Outcome::Done] {
                return Ok(codes);
            }
        }
        Err(ServiceError::Contended)
    }
}
