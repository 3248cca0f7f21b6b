//! Unlocking a device whose codes are not judged any more.

use serde_json::json;
use store::{Bound, Change, Id, Owner};
use verify::{Purpose, UnixMs};

use crate::{
    Caller, DeviceView, Input, Role, Service, ServiceError,
    devices::{find_bound, not_lost},
};

impl Service {
    /// Support lifts a lock or a suspension. After two within 13 weeks it takes the caller's word that the user's first
    /// factor was changed since, for whoever guesses here has it.
    pub async fn unlock(
        &self,
        caller: &Caller,
        owner: &Owner,
        id: Id,
        first_factor_changed_at: Option<UnixMs>,
    ) -> Result<DeviceView, ServiceError> {
        caller.may_for(&[Role::Support], owner)?;
        let origin = caller.origin();
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(origin);
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            let (user, bound) = find_bound(core, owner, id).await?;
            not_lost(&bound)?;
            let next = match first_factor_changed_at {
                Some(at) if at > now => {
                    let why = "it lies ahead of this service's clock".into();
                    return Err(ServiceError::Invalid {
                        input: Input::FirstFactorChangedAt,
                        why,
                    });
                }
                Some(at) => bound.state.forgiven(at, now),
                None => bound.state.unlocked(now),
            };
            let next = next.ok_or(ServiceError::FirstFactorUnchanged)?;
            let is_lifted = |road: &Purpose| bound.state.suspended(*road) && !next.suspended(*road);
            let lifted: Vec<_> = Purpose::ALL.into_iter().filter(is_lifted).map(Purpose::name).collect();
            let entry = attempt
                .entry("device.unlock", "done")
                .of_user()
                .device(id)
                .detail(json!({
                    "lifted": lifted,
                    "first_factor_changed_at": first_factor_changed_at.map(UnixMs::get),
                }));
            let event = attempt.event_of(&user, &entry).await?;
            let change = Change::of(event).with([user.with_state(id, next.clone()).used()]);
            let bound = Bound { state: next, ..bound };
            let view = DeviceView::of(&bound, now, &core.settings.policy);
            if let Some(done) = attempt.commit(change, view).await? {
                return Ok(done);
            }
        }
    }
}
