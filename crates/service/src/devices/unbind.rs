//! Unbinding a device.

use store::{Id, Owner};

use crate::{
    Caller, Factor, Role, Service, ServiceError,
    devices::{ending::Ending, factor::paid_by},
};

impl Service {
    /// Ends a device by a code of it, or by a recovery code: its secret is erased, its record stays.
    pub async fn unbind(&self, caller: &Caller, owner: &Owner, id: Id, factor: &Factor) -> Result<(), ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let origin = caller.origin();
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(origin);
        loop {
            let attempt = attempts.next()?;
            let factors = core.factors(owner, attempt.now).await?;
            if factors.user.device(id).is_none() {
                return Err(ServiceError::NotFound("bound device"));
            }
            let not_required = core.may_lose_a_device(&factors.user).await?;
            let Some(spent) = paid_by(&attempt, &factors.user, Some(id), factor, "device.unbind").await? else {
                continue;
            };
            let mut ending = Ending::of(&attempt, owner, &factors).await?;
            ending.end(id, spent).await?;
            if ending.ended().await?.on(not_required).commit().await? {
                return Ok(());
            }
        }
    }
}
