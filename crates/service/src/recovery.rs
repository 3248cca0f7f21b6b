use otp::Secret;
use store::{Change, Outcome, Owner, RecoveryCode, RecoveryCodes, Write};
use subtle::ConstantTimeEq;
use verify::{Budget, Lock, UnixMs};
use zeroize::Zeroizing;

use crate::{
    Answer, Core, Factor, Origin, Service, ServiceError,
    event::Entry,
    factor::{Judged, Spent, judge_factor as judge_fresh_factor, locked_error},
    lane::Answered,
    request_id::RequestTag,
};

/// Random bytes in a code: 80 bits, 16 letters and digits of RFC 4648 base32.
const BYTES: usize = 10;
/// Tries of a write that somebody else keeps overtaking.
pub(crate) const TRIES: usize = 4;

impl Service {
    /// A new set for a right code of a device; the old set dies. Shown once.
    pub async fn renew_recovery_codes(
        &self,
        owner: &Owner,
        factor: &Factor,
        origin: &Origin,
    ) -> Result<Vec<Zeroizing<String>>, ServiceError> {
        let core = &*self.core;
        for _try in 0..TRIES {
            let now = core.clock.now()?;
            let devices = core.store.bound(vec![owner.clone()]).await?.pop().unwrap_or_default();
            let old = core.store.recovery_codes(owner.clone()).await?;
            if devices.is_empty() {
                return Err(ServiceError::FactorRequired);
            }
            let judged = judge_fresh_factor(core, owner, &devices, factor, "recovery_codes.renew", origin, now).await?;
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

/// A new set, as its user sees it once and as it is kept.
pub(crate) fn issue(
    core: &Core,
    owner: &Owner,
    old: Option<&RecoveryCodes>,
    now: UnixMs,
) -> Result<(Vec<Zeroizing<String>>, RecoveryCodes), ServiceError> {
    let key_id = core.sealer.current_key();
    let mut shown = Vec::with_capacity(core.settings.recovery_codes);
    let mut kept = Vec::with_capacity(core.settings.recovery_codes);
    for _code in 0..core.settings.recovery_codes {
        let random = Secret::try_fill_with(BYTES, |bytes| core.entropy.fill(bytes))
            .map_err(|error| ServiceError::Internal(error.to_string()))??;
        let text = enroll::base32::encode(random.expose_secret());
        kept.push(RecoveryCode {
            mac: mac(core, key_id, owner, &text)?,
            key_id,
            used_at: None,
        });
        shown.push(enroll::text_key(&random));
    }
    let next = RecoveryCodes {
        owner: owner.clone(),
        version: old.map_or(1, |old| old.version + 1),
        issued_at: now,
        codes: kept,
        budget: Budget::default(),
        last_request: None,
    };
    Ok((shown, next))
}

/// The same user without any: what is left when the last device is gone.
pub(crate) fn none_left(old: RecoveryCodes) -> RecoveryCodes {
    RecoveryCodes {
        version: old.version + 1,
        codes: Vec::new(),
        last_request: None,
        ..old
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
            SetVerdict::Locked(until) => {
                core.locked.count("verify.recovery_code", owner, None, 1);
                return Ok(Answer::Locked(Some(until)));
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

/// A recovery code as the fresh factor of a change.
pub(crate) async fn judge_factor(
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
        (SetVerdict::Locked(until), _) => {
            core.locked.count(action, owner, None, 1);
            Err(locked_error(Lock::Until(until), now))
        }
        (_, next) => {
            let entry = Entry::new(action, "refused", origin)
                .owner(owner)
                .because("wrong_recovery_code");
            let writes = next.map(|(expected, next)| Write::RecoveryCodes {
                expected: Some(expected),
                next,
            });
            Ok(Judged::Wrong {
                writes: writes.into_iter().collect(),
                event: core.event(&entry, now)?,
                error: ServiceError::CodeRefused {
                    hint: None,
                    attempts_left: None,
                },
            })
        }
    }
}

enum SetVerdict {
    Right,
    Wrong,
    Locked(UnixMs),
}

/// What became of a set by one try: nothing, when there is none or it is locked.
struct Trial {
    verdict: SetVerdict,
    next: Option<(u64, RecoveryCodes)>,
}

fn spend(
    core: &Core,
    owner: &Owner,
    set: Option<RecoveryCodes>,
    typed: &str,
    now: UnixMs,
) -> Result<Trial, ServiceError> {
    let typed = normalised(typed);
    let Some(set) = set.filter(|set| !set.codes.is_empty()) else {
        let _same_work = mac(core, core.sealer.current_key(), owner, &typed)?;
        return Ok(Trial {
            verdict: SetVerdict::Wrong,
            next: None,
        });
    };
    if let Some(until) = set.budget.lock(now) {
        return Ok(Trial {
            verdict: SetVerdict::Locked(until),
            next: None,
        });
    }
    let mut found = None;
    let mut hashed: Option<(u32, [u8; 32])> = None;
    for (place, code) in set.codes.iter().enumerate() {
        let of_key = match hashed {
            Some((key_id, mac)) if key_id == code.key_id => mac,
            _ => mac(core, code.key_id, owner, &typed)?,
        };
        hashed = Some((code.key_id, of_key));
        if bool::from(of_key.ct_eq(&code.mac)) && code.used_at.is_none() {
            found = Some(place);
        }
    }
    let expected = set.version;
    let mut next = RecoveryCodes {
        version: expected + 1,
        ..set
    };
    let verdict = match found {
        Some(place) => {
            next.codes[place].used_at = Some(now);
            next.budget = next.budget.right();
            SetVerdict::Right
        }
        None => {
            next.budget = next.budget.wrong(now, &core.settings.policy.recovery_codes);
            SetVerdict::Wrong
        }
    };
    Ok(Trial {
        verdict,
        next: Some((expected, next)),
    })
}

fn mac(core: &Core, key_id: u32, owner: &Owner, text: &str) -> Result<[u8; 32], ServiceError> {
    let mut data = Zeroizing::new(Vec::with_capacity(320));
    for part in [owner.account.as_bytes(), owner.user.as_bytes(), text.as_bytes()] {
        data.extend((part.len() as u32).to_be_bytes());
        data.extend(part);
    }
    Ok(core.sealer.mac(key_id, "recovery_code", &data)?)
}

/// What people type: any case, blanks and dashes anywhere, and digits that base32 does not have.
fn normalised(typed: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(BYTES * 8 / 5));
    for letter in typed.chars().take(128).filter(char::is_ascii_alphanumeric) {
        if text.len() == BYTES * 8 / 5 {
            // Too long to be one; the rest must not make the buffer grow and leave a copy behind.
            return Zeroizing::new(String::new());
        }
        text.push(match letter.to_ascii_uppercase() {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            other => other,
        });
    }
    text
}
