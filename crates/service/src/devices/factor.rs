//! The fresh factor of a change of a user's factors: a code of a device, a recovery code, or an identity grant.

use otp::Code;
use store::{Bound, Change, Id, RecoveryCodes, User, Write, audit};
use verify::{Lock, Purpose, UnixMs, Verdict, judge};
use zeroize::Zeroizing;

use crate::{
    ServiceError,
    attempt::Attempt,
    protection::{
        catalogue::rows_of,
        decision::{RECOVERY_CODE, TOTP},
        factors_that_do::FactorsThatDo,
        identity_grant::{factor_grant, used_up},
    },
    recovery::recovery_set::{SetVerdict, WRONG, spend},
    sealing::credential_of,
    trail::event::NewEvent,
    trail::refusal_counter::refuse,
    verification::memo::{Memo, with_memo},
};

/// The kind of a code: a device's, or a recovery code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// By a device.
    #[default]
    Totp,
    /// Printed on paper.
    RecoveryCode,
}

/// A fresh factor: what a change of factors costs.
pub enum Factor {
    /// A code.
    Code {
        /// As it was typed.
        code: Zeroizing<String>,
        /// What it is.
        method: Method,
    },
    /// An identity grant for this change, as its bearer has it (P3b). It counts if a device or a recovery code gave it.
    Grant(Zeroizing<String>),
}

/// The outcome of judging a fresh factor.
enum FactorOutcome {
    /// Right: to be written together with what it allows.
    Right(Box<ConsumedFactor>),
    /// Wrong: to be written by itself, then told.
    Wrong {
        writes: Vec<Write>,
        event: audit::Event,
        error: ServiceError,
    },
}

/// A right factor that is used up by the same commit as its effect.
pub(crate) struct ConsumedFactor {
    /// Its name in the trail.
    name: &'static str,
    /// The user's row in which it is used up, unless it is a recovery code.
    pub(crate) user: User,
    /// The next version of the recovery codes, where one of them was spent, and the one that was read.
    pub(crate) recovery: Option<(u64, RecoveryCodes)>,
}

impl ConsumedFactor {
    /// The writes that burn it and do nothing else.
    pub(crate) fn writes(self) -> Vec<Write> {
        match self.recovery {
            Some((expected, next)) => vec![Write::put(Some(expected), &next)],
            None => vec![self.user.used()],
        }
    }

    /// Its name in the trail.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

/// The factor that pays for a change, to be used up with it. A wrong one is counted and told; `None` where somebody else was
/// faster, and all is to be read anew.
pub(crate) async fn paid_by(
    attempt: &Attempt<'_>,
    user: &User,
    of: Option<Id>,
    factor: &Factor,
    action: &'static str,
) -> Result<Option<ConsumedFactor>, ServiceError> {
    if !rows_of(action).is_empty() {
        not_frozen(user, attempt.now)?;
    }
    match judge_factor(attempt, user, of, factor, action).await? {
        FactorOutcome::Right(spent) => Ok(Some(*spent)),
        FactorOutcome::Wrong { writes, event, error } => {
            match attempt.commit(Change::of(event).with(writes), error).await? {
                Some(error) => Err(error),
                None => Ok(None),
            }
        }
    }
}

/// What is always checked waits for a while after support switched the user's method (U2b).
pub(crate) fn not_frozen(user: &User, now: UnixMs) -> Result<(), ServiceError> {
    match Memo::read(&user.memo).support.frozen_until(now) {
        Some(until) => Err(ServiceError::RecentlyRecovered {
            until,
            retry_after_s: wait_s(until, now),
        }),
        None => Ok(()),
    }
}

/// Judges a factor for a change of factors: a code against this device or any of the user's, or against their recovery codes.
async fn judge_factor(
    attempt: &Attempt<'_>,
    user: &User,
    of: Option<Id>,
    factor: &Factor,
    action: &'static str,
) -> Result<FactorOutcome, ServiceError> {
    match factor {
        Factor::Code { code, method } => match method {
            Method::Totp => judge_code(attempt, user, of, code, action).await,
            Method::RecoveryCode => judge_recovery_code(attempt, user, code, action).await,
        },
        Factor::Grant(text) => {
            let grant = factor_grant(attempt, user, text, action).await?;
            Ok(FactorOutcome::Right(Box::new(ConsumedFactor {
                name: "identity_grant",
                user: used_up(user.clone(), &grant, action, attempt.now)?,
                recovery: None,
            })))
        }
    }
}

async fn judge_code(
    attempt: &Attempt<'_>,
    user: &User,
    of: Option<Id>,
    code: &str,
    action: &'static str,
) -> Result<FactorOutcome, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let code = Code::parse(code).ok();
    let owner = &user.owner;
    let mut next = user.clone();
    let mut changed = false;
    let mut cause = None;
    let mut masked_s = 0;
    let mut locked = None;
    let mut begun = None;
    let is_asked = |bound: &&Bound| of.is_none_or(|of| bound.device.id == of);
    let asked: Vec<&Bound> = user.devices.iter().filter(is_asked).collect();
    for bound in &asked {
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
        let id = bound.device.id;
        match judgement.verdict {
            Verdict::Accepted(_) => {
                // Whoever has the device asks for nothing to be ended (U2b).
                let user = with_memo(user.clone(), |memo| {
                    memo.support.end_unbinding();
                });
                return Ok(FactorOutcome::Right(Box::new(ConsumedFactor {
                    name: TOTP,
                    user: user.with_state(id, judgement.next),
                    recovery: None,
                })));
            }
            Verdict::Refused(why) => {
                // The same wrong code again is no other guess, and changes nothing.
                begun = longest(begun, judgement.next.lock(Purpose::Unbinding, now));
                changed |= judgement.next != bound.state;
                next = next.with_state(id, judgement.next);
                cause = Some(why);
                let moving = bound.state.parts().moving;
                masked_s = masked_s.max(policy.near_masked_s(moving, credential.parameters().period));
            }
            Verdict::Locked(lock) => locked = Some(lock),
        }
    }
    match (cause, locked) {
        (Some(cause), _) => {
            let entry = NewEvent::new(action, "refused", origin)
                .of_user()
                .cause(cause, masked_s);
            let entry = if let [only] = asked[..] {
                entry.device(only.device.id)
            } else {
                entry
            };
            let entry = match begun {
                Some(lock) => entry.detail(stops(lock, Purpose::Unbinding)),
                None => entry,
            };
            let error = ServiceError::CodeRefused {
                hint: None,
                attempts_left: None,
            };
            if !changed {
                refuse(attempt, &entry, (action, "repeated"), user).await?;
                return Err(error);
            }
            Ok(FactorOutcome::Wrong {
                writes: vec![next.used()],
                event: core.event_of(user, &entry, now).await?,
                error,
            })
        }
        (None, Some(lock)) => {
            let device = asked.first().map(|bound| bound.device.id);
            core.trail.refusals.locked(action, owner, device, 1);
            Err(locked_error(lock, now))
        }
        (None, None) => {
            let has_device = !user.devices.is_empty();
            Err(ServiceError::FactorRequired(FactorsThatDo::of(action, has_device)))
        }
    }
}

/// Of two locks the one that needs somebody to act, or the first.
pub(crate) fn longest(one: Option<Lock>, other: Option<Lock>) -> Option<Lock> {
    match (one, other) {
        (Some(Lock::Suspended), _) | (_, Some(Lock::Suspended)) => Some(Lock::Suspended),
        (one, other) => one.or(other),
    }
}

/// The trail's detail of a wrong code that locked its road, or suspended it.
pub(crate) fn stops(lock: Lock, road: Purpose) -> serde_json::Value {
    match lock {
        Lock::Until(until) => serde_json::json!({"locked_until_ms": until.get(), "road": road.name()}),
        Lock::Suspended => serde_json::json!({"suspended": road.name()}),
    }
}

/// The error of a locked user.
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
    attempt: &Attempt<'_>,
    user: &User,
    code: &str,
    action: &'static str,
) -> Result<FactorOutcome, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let owner = &user.owner;
    let set = core.store.recovery_codes(owner.clone()).await?;
    let trial = spend(core, owner, set, code, now)?;
    match (trial.verdict, trial.next) {
        (SetVerdict::Right, Some(next)) => Ok(FactorOutcome::Right(Box::new(ConsumedFactor {
            name: RECOVERY_CODE,
            user: with_memo(user.clone(), |memo| {
                memo.support.end_unbinding();
            }),
            recovery: Some(next),
        }))),
        (SetVerdict::Locked(lock), _) => {
            core.trail.refusals.locked(action, owner, None, 1);
            Err(locked_error(lock, now))
        }
        (_, next) => {
            let entry = NewEvent::new(action, "refused", origin).of_user().because(WRONG);
            let error = ServiceError::CodeRefused {
                hint: None,
                attempts_left: None,
            };
            let Some((expected, next)) = next else {
                refuse(attempt, &entry, (action, WRONG), user).await?;
                return Err(error);
            };
            Ok(FactorOutcome::Wrong {
                writes: vec![Write::put(Some(expected), &next)],
                event: core.event_of(user, &entry, now).await?,
                error,
            })
        }
    }
}
