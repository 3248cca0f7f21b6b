//! Handing an account over: the new holder's device stays, and everything else of the old one ends (P9).

use serde_json::json;
use store::{Enrollment, EnrollmentState, Id, Owner, Role};
use verify::UnixMs;

use crate::{
    Caller, Input, Service, ServiceError,
    devices::ending::{Ending, Extent},
    enrollment::state::find,
};

/// How old the new holder's enrollment may be: one of last year says nothing of who holds its device now.
const ENROLLMENT_MS: i64 = UnixMs::DAY;

impl Service {
    /// Hands a user over to whoever confirmed this enrollment. Its device stays; every other device, recovery codes of
    /// before, grants, and bindings under way end at once, and external methods ask for a code instead, for they were the old
    /// holder's. There is no moment without a device.
    pub async fn hand_over(&self, caller: &Caller, owner: &Owner, enrollment: Id) -> Result<(), ServiceError> {
        caller.may_for(&[Role::Admin], owner)?;
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let enrolled = find(core, owner, enrollment).await?;
            let device = device_of(&enrolled, attempt.now)?;
            replaced_the_old_one(&enrolled)?;
            let factors = core.factors(owner, attempt.now).await?;
            let kept = factors.user.device(device).ok_or(ServiceError::EnrollmentEnded)?;
            let mut ending = Ending::of(&attempt, owner, &factors).await?;
            ending.extends_to(Extent::OldHolder {
                since: kept.device.bound_at,
            });
            let others = factors.user.devices.iter().map(|bound| bound.device.id);
            for other in others.filter(|other| *other != device) {
                ending.tombstone(other, "handed_over").await?;
            }
            let entry = attempt.entry("user.handover", "done").of_user().device(device);
            let entry = entry.detail(json!({"enrollment": enrollment}));
            ending.events.push(ending.event(&entry).await?);
            if ending.ended().await?.commit().await? {
                return Ok(());
            }
        }
    }
}

/// Refuses an enrollment in the place of nothing: the old holder's device would have opened, or still opens, whatever the new
/// one does (B8).
fn replaced_the_old_one(enrollment: &Enrollment) -> Result<(), ServiceError> {
    match enrollment.replaces {
        Some(_) => Ok(()),
        None => Err(ServiceError::Invalid {
            input: Input::Enrollment,
            why: "it replaced no device: bind the new holder's in the place of the old one (`replaces`). Of an old holder \
                  without a device end everything (`leave`), and let the new holder bind anew"
                .into(),
        }),
    }
}

/// The device that an enrollment became, lately.
fn device_of(enrollment: &Enrollment, now: UnixMs) -> Result<Id, ServiceError> {
    match enrollment.state {
        EnrollmentState::Confirmed { .. } if now.since(enrollment.started_at) >= ENROLLMENT_MS => {
            Err(ServiceError::EnrollmentExpired)
        }
        EnrollmentState::Confirmed { device } => Ok(device),
        EnrollmentState::Started { .. } => Err(ServiceError::Invalid {
            input: Input::Enrollment,
            why: "it waits for the codes of the new holder's device: confirm it first".into(),
        }),
        EnrollmentState::Superseded { .. } | EnrollmentState::Abandoned => Err(ServiceError::EnrollmentEnded),
    }
}
