//! Unbinding a device, and closing a user.

use store::{Change, Id, Owner, ProvenMethods};

use crate::{
    Caller, Core, Factor, Role, Service, ServiceError,
    access::caller::Origin,
    devices::{
        ending::Ending,
        factor::{FactorOutcome, judge_factor},
    },
    protection::{register::written, session::ending::ended},
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
            let judged = judge_factor(&attempt, &factors.user, Some(id), factor, "device.unbind").await?;
            let (change, told) = match judged {
                FactorOutcome::Right(spent) => {
                    let mut ending = Ending::of(&attempt, owner, &factors).await?;
                    ending.end(id, *spent).await?;
                    (ending.change().await?.with([not_required]), Ok(()))
                }
                FactorOutcome::Wrong { writes, event, error } => (Change::of(event).with(writes), Err(error)),
            };
            if let Some(told) = attempt.commit(change, told).await? {
                return told;
            }
        }
    }

    /// Ends everything of a user whose account was closed.
    pub async fn close_user(&self, caller: &Caller, owner: &Owner) -> Result<(), ServiceError> {
        caller.may_for(&[Role::Admin], owner)?;
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        close(core, owner, caller.origin()).await
    }
}

/// Closes a user: their devices end, the methods that were proven for them, and their sessions. Its caller has checked the
/// right, and holds the user's lock.
pub(crate) async fn close(core: &Core, owner: &Owner, origin: &Origin) -> Result<(), ServiceError> {
    let mut attempts = core.attempts(origin);
    loop {
        let attempt = attempts.next()?;
        let factors = core.factors(owner, attempt.now).await?;
        let mut ending = Ending::of(&attempt, owner, &factors).await?;
        for bound in &factors.user.devices {
            ending.tombstone(bound.device.id, "user_closed").await?;
        }
        let register = core.register(owner).await?;
        if !register.methods.is_empty() {
            let methods = Vec::new();
            ending.writes.push(written(ProvenMethods { methods, ..register }));
        }
        let sessions = core.sessions_of(owner).await?;
        let entry = attempt.entry("user.close", "done").of_user();
        let entry = entry.count(factors.user.devices.len() as u64);
        ending.events.push(attempt.event_of(&factors.user, &entry).await?);
        let change = ending.change().await?.with(sessions.iter().map(ended));
        if attempt.commit_ending(change, owner, &sessions).await? {
            return Ok(());
        }
    }
}
