//! Unbinding a device.

use store::{Id, Owner};

use crate::{
    Approver, Caller, Factor, Role, Service, ServiceError,
    devices::{ending::Ending, factor::paid_by},
    protection::approval::{Approved, approved},
};

const ACTION: &str = "device.unbind";

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
            let Some(spent) = paid_by(&attempt, &factors.user, Some(id), factor, ACTION).await? else {
                continue;
            };
            let mut ending = Ending::of(&attempt, owner, &factors).await?;
            ending.end(id, spent).await?;
            if ending.ended().await?.on(not_required).commit().await? {
                return Ok(());
            }
        }
    }

    /// Ends a device of a user by the code of an administrator of the account. The account's requirement does not hold it:
    /// whoever lost the only device binds another one, and is asked for nothing less meanwhile.
    pub async fn unbind_by_administrator(
        &self,
        caller: &Caller,
        owner: &Owner,
        id: Id,
        approver: &Approver,
    ) -> Result<(), ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let _locks = core.lock_both(owner, &approver.owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let factors = core.factors(owner, attempt.now).await?;
            if factors.user.device(id).is_none() {
                return Err(ServiceError::NotFound("bound device"));
            }
            let what = Approved {
                action: ACTION,
                account: &owner.account,
                user: Some(&factors.user),
            };
            let Some(approval) = approved(&attempt, approver, what).await? else {
                continue;
            };
            let mut ending = Ending::of(&attempt, owner, &factors).await?;
            ending.end_by(id, approval).await?;
            if ending.ended().await?.commit().await? {
                return Ok(());
            }
        }
    }
}
