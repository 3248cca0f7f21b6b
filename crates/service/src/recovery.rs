use store::{Change, Outcome, Owner, RecoveryCodes, Write};
use zeroize::Zeroizing;

use crate::{
    Acceptance, Answer, Core, Factor, Origin, Service, ServiceError,
    ask::Answered,
    core::TRIES,
    event::Entry,
    factor::{Judged, Spent, judge_factor},
    recovery_set::{SetVerdict, WRONG, issue, spend},
    request_id::{RequestTag, remembered},
    tally::refuse,
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
    let kept_ms = core.settings.request_id_ms;
    for _try in 0..TRIES {
        let now = core.clock.now()?;
        let set = core.store.recovery_codes(owner.clone()).await?;
        let last = set.as_ref().and_then(|set| set.last_request);
        let wrong_since_last_success = set.as_ref().map_or(0, |set| set.budget.since_success);
        // Judged in any case, so that a repeat takes what a judgement takes.
        let trial = spend(core, owner, set, code, now)?;
        let entry = |outcome| Entry::new("verify", outcome, origin).owner(owner);
        let accepted = match trial.verdict {
            SetVerdict::Locked(lock) => {
                core.tally.locked("verify.recovery_code", owner, None, 1);
                return Ok(Answer::Locked(lock.until()));
            }
            SetVerdict::Right => Some(Acceptance {
                device: None,
                decision_id: core.new_id(now)?,
                wrong_since_last_success,
                repeated: false,
            }),
            SetVerdict::Wrong => None,
        };
        if let Some(before) = request.and_then(|request| request.repeats(last, now, kept_ms)) {
            core.tally.repeated("verify", owner, None, 1);
            return Ok(Answer::Accepted(before));
        }
        let entry = match accepted {
            Some(accepted) => entry("accepted")
                .because("recovery_code")
                .decision(accepted.decision_id),
            None => entry("refused").because(WRONG),
        };
        let Some((expected, next)) = trial.next else {
            refuse(core, &entry, ("verify", WRONG), owner, origin, now).await?;
            return Ok(Answer::Refused);
        };
        let next = RecoveryCodes {
            last_request: remembered(next.last_request, request, accepted.as_ref(), now, kept_ms),
            ..next
        };
        let change = Change {
            writes: vec![Write::RecoveryCodes {
                expected: Some(expected),
                next,
            }],
            events: vec![core.event(&entry, now)?],
        };
        if core.commit(vec![change]).await? == [Outcome::Done] {
            return Ok(accepted.map_or(Answer::Refused, Answer::Accepted));
        }
    }
    Err(ServiceError::Contended)
}
