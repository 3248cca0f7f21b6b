use otp::Code;
use store::{Bound, Owner, RecoveryCodes, Write, audit};
use verify::{DeviceState, Lock, Purpose, UnixMs, Verdict, judge};
use zeroize::Zeroizing;

use crate::{
    Core, Origin, ServiceError,
    event::Entry,
    recovery_set::{SetVerdict, WRONG, spend},
    sealing::credential_of,
    tally::refuse,
};

/// How a code was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// By a device.
    #[default]
    Totp,
    /// Printed on paper.
    RecoveryCode,
}

/// A fresh factor: what a change of factors costs.
pub struct Factor {
    /// As it was typed.
    pub code: Zeroizing<String>,
    /// What it is.
    pub method: Method,
}

/// What judging a fresh factor came to.
pub(crate) enum Judged {
    /// Right: to be written together with what it allows.
    Right(Box<Spent>),
    /// Wrong: to be written by itself, then told.
    Wrong {
        writes: Vec<Write>,
        event: audit::Event,
        error: ServiceError,
    },
}

/// A right code that is burned by the same commit as its effect.
#[allow(clippy::large_enum_variant, reason = "one at a time, on its way to a commit")]
pub(crate) enum Spent {
    /// Of this device, whose next state is given.
    Device { bound: Bound, next: DeviceState },
    /// One of the set, whose next version is given.
    Recovery { expected: u64, next: RecoveryCodes },
}

impl Spent {
    /// The write that burns it; a device that ends in the same change is written by whoever ends it.
    pub(crate) fn write(&self) -> Write {
        match self {
            Self::Device { bound, next } => state_write(bound, next.clone()),
            Self::Recovery { expected, next } => Write::put(Some(*expected), next),
        }
    }

    /// How the trail names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Device { .. } => "totp",
            Self::Recovery { .. } => "recovery_code",
        }
    }
}

pub(crate) fn state_write(bound: &Bound, next: DeviceState) -> Write {
    Write::State {
        owner: bound.device.owner.clone(),
        device: bound.device.id,
        expected: bound.state.version,
        next,
    }
}

/// Judges a factor for a change of factors: against these devices, or against the user's recovery codes.
pub(crate) async fn judge_factor(
    core: &Core,
    owner: &Owner,
    devices: &[Bound],
    factor: &Factor,
    action: &'static str,
    origin: &Origin,
    now: UnixMs,
) -> Result<Judged, ServiceError> {
    match factor.method {
        Method::Totp => judge_code(core, owner, devices, factor, action, origin, now).await,
        Method::RecoveryCode => judge_recovery_code(core, owner, &factor.code, action, origin, now).await,
    }
}

async fn judge_code(
    core: &Core,
    owner: &Owner,
    devices: &[Bound],
    factor: &Factor,
    action: &'static str,
    origin: &Origin,
    now: UnixMs,
) -> Result<Judged, ServiceError> {
    let code = Code::parse(&factor.code).ok();
    let mut writes = Vec::new();
    let mut cause = None;
    let mut masked_s = 0;
    let mut locked = None;
    let mut suspended = false;
    for bound in devices {
        let credential = credential_of(&bound.device, &*core.sealer)?;
        let policy = &core.settings.policy;
        let judgement = judge(
            &bound.state,
            &credential,
            code.as_ref(),
            Purpose::Unbinding,
            now,
            policy,
        );
        match judgement.verdict {
            Verdict::Accepted(_) => {
                return Ok(Judged::Right(Box::new(Spent::Device {
                    bound: bound.clone(),
                    next: judgement.next,
                })));
            }
            Verdict::Refused(why) => {
                // The same wrong code again is no other guess, and changes nothing.
                suspended |= judgement.next.suspended(Purpose::Unbinding);
                if judgement.next != bound.state {
                    writes.push(state_write(bound, judgement.next));
                }
                cause = Some(why);
                masked_s = masked_s.max(policy.near_masked_s(credential.parameters().period));
            }
            Verdict::Locked(lock) => locked = Some(lock),
        }
    }
    match (cause, locked) {
        (Some(cause), _) => {
            let entry = Entry::new(action, "refused", origin)
                .owner(owner)
                .cause(cause, masked_s);
            let entry = if let [only] = devices {
                entry.device(only.device.id)
            } else {
                entry
            };
            let entry = if suspended {
                entry.detail(suspends(Purpose::Unbinding))
            } else {
                entry
            };
            let error = ServiceError::CodeRefused {
                hint: None,
                attempts_left: None,
            };
            if writes.is_empty() {
                refuse(core, &entry, (action, "repeated"), owner, origin, now).await?;
                return Err(error);
            }
            Ok(Judged::Wrong {
                writes,
                event: core.event(&entry, now)?,
                error,
            })
        }
        (None, Some(lock)) => {
            core.tally
                .locked(action, owner, devices.first().map(|bound| bound.device.id), 1);
            Err(locked_error(lock, now))
        }
        (None, None) => Err(ServiceError::FactorRequired),
    }
}

/// What the trail says of a wrong code that suspended its road.
pub(crate) fn suspends(purpose: Purpose) -> serde_json::Value {
    serde_json::json!({"suspended": purpose.name()})
}

/// What a locked user is told.
pub(crate) fn locked_error(lock: Lock, now: UnixMs) -> ServiceError {
    let until = lock.until();
    ServiceError::Locked {
        until,
        retry_after_s: until.map(|until| wait_s(until, now)),
    }
}

/// Whole seconds from now until then, rounded up.
pub(crate) fn wait_s(until: UnixMs, now: UnixMs) -> u64 {
    u64::try_from(until.since(now).max(0)).unwrap_or(0).div_ceil(1_000)
}

/// A recovery code as the fresh factor of a change.
async fn judge_recovery_code(
    core: &Core,
    owner: &Owner,
    code: &str,
    action: &'static str,
    origin: &Origin,
    now: UnixMs,
) -> Result<Judged, ServiceError> {
    let set = core.store.recovery_codes(owner.clone()).await?;
    let trial = spend(core, owner, set, code, now)?;
    match (trial.verdict, trial.next) {
        (SetVerdict::Right, Some((expected, next))) => Ok(Judged::Right(Box::new(Spent::Recovery { expected, next }))),
        (SetVerdict::Locked(lock), _) => {
            core.tally.locked(action, owner, None, 1);
            Err(locked_error(lock, now))
        }
        (_, next) => {
            let entry = Entry::new(action, "refused", origin).owner(owner).because(WRONG);
            let error = ServiceError::CodeRefused {
                hint: None,
                attempts_left: None,
            };
            let Some((expected, next)) = next else {
                refuse(core, &entry, (action, WRONG), owner, origin, now).await?;
                return Err(error);
            };
            Ok(Judged::Wrong {
                writes: vec![Write::put(Some(expected), &next)],
                event: core.event(&entry, now)?,
                error,
            })
        }
    }
}
