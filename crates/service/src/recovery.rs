use store::{Change, Outcome, Owner, RecoveryCodes, Write};
use zeroize::Zeroizing;

use crate::{
    Answer, Core, Factor, Origin, Service, ServiceError,
    ask::Answered,
    core::TRIES,
    event::Entry,
    factor::{Judged, Spent, judge_factor},
    recovery_set::{SetVerdict, issue, spend},
    request_id::RequestTag,
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
            let devices = core.store.bound(vec![owner.clone()]).await?.pop().unwrap_or_default();
            let old = core.store.recovery_codes(owner.clone()).await?;
            if devices.is_empty() {
                return Err(ServiceError::FactorRequired);
            }
            let judged = judge_factor(core, owner, &devices, factor, "recovery_codes.renew", origin, now).await?;
            let spent = match judged {
                Judged::Right(spent) => spent,
                Judged::Wrong { writes, event, error } => {
                    match core
                        .commit(vec![Change {
                            writes,
                            events: vec![event],
                        }])
                        .await?[..]
                    {
                        [Outcome::Done] => return Err(error),
                        _ => continue,
                    }
                }
            };
            let (codes, next) = issue(core, owner, old.as_ref(), now)?;
            let mut writes = vec![Write::RecoveryCodes {
                expected: old.as_ref().map(|old| old.version),
                next,
            }];
            // A recovery code that pays for the new set dies with the old one anyway.
            if let Spent::Device { .. } = *spent {
                writes.push(spent.write());
            }
            let entry = Entry::new("recovery_codes.renew", "done", origin)
                .owner(owner)
                .because(spent.name());
            let change = Change {
                writes,
                events: vec![core.event(&entry, now)?],
            };
            if core.commit(vec![change]).await? == [Outcome::Done] {
                return Ok(codes);
            }
        }
        Err(ServiceError::Contended)
    }
}

/// A recovery code at `/verify`.
pub(crate) async fn verify(
    core: &Core,
    owner: &Owner,
    code: &str,
    request: Option<&RequestTag>,
    origin: &Origin,
) -> Answered {
    let _turn = core.turn(owner).await?;
    for _try in 0..TRIES {
        let now = core.clock.now()?;
        let set = core.store.recovery_codes(owner.clone()).await?;
        let before =
            request.and_then(|request| request.answered(set.as_ref()?.last_request, now, core.settings.request_id_ms));
        if let Some(before) = before {
            return before.map(|accepted| {
                if accepted {
                    Answer::Accepted(None)
                } else {
                    Answer::Refused
                }
            });
        }
        let trial = spend(core, owner, set, code, now)?;
        let (outcome, cause, answer) = match trial.verdict {
            SetVerdict::Right => ("accepted", "recovery_code", Answer::Accepted(None)),
            SetVerdict::Wrong => ("refused", "wrong_recovery_code", Answer::Refused),
            SetVerdict::Locked(lock) => {
                core.locked.count("verify.recovery_code", owner, None, 1);
                return Ok(Answer::Locked(lock.until()));
            }
        };
        let accepted = matches!(answer, Answer::Accepted(_));
        let writes = trial.next.map(|(expected, next)| {
            let last_request = request
                .map(|request| request.remembered(now, accepted))
                .or(next.last_request);
            Write::RecoveryCodes {
                expected: Some(expected),
                next: RecoveryCodes { last_request, ..next },
            }
        });
        let entry = Entry::new("verify", outcome, origin).owner(owner).because(cause);
        let change = Change {
            writes: writes.into_iter().collect(),
            events: vec![core.event(&entry, now)?],
        };
        if core.commit(vec![change]).await? == [Outcome::Done] {
            return Ok(answer);
        }
    }
    Err(ServiceError::Contended)
}
