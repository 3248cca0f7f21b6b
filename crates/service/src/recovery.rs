use std::{collections::HashMap, sync::Arc};

use store::{Change, Outcome, Owner, RecoveryCodes, Write, audit};
use tokio::task::JoinSet;
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{
    Acceptance, Answer, Core, Factor, Origin, Question, Service, ServiceError,
    ask::Answered,
    core::TRIES,
    event::Entry,
    factor::{Judged, Spent, judge_factor},
    recovery_set::{SetVerdict, WRONG, issue, spend},
    request_id::{RequestTag, remembered},
    tally::{Whose, keep},
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
                    match core.commit(vec![Change::of(event).with(writes)]).await?[..] {
                        [Outcome::Done] => return Err(error),
                        _ => continue,
                    }
                }
            };
            let (codes, next) = issue(core, owner, old.as_ref(), now)?;
            let mut writes = vec![Write::put(old.as_ref().map(|old| old.version), &next)];
            // A recovery code that pays for the new set dies with the old one anyway.
            if let Spent::Device { .. } = *spent {
                writes.push(spent.write());
            }
            let entry = Entry::new("recovery_codes.renew", "done", origin)
                .owner(owner)
                .because(spent.name());
            let change = Change::of(core.event(&entry, now)?).with(writes);
            if core.commit(vec![change]).await? == [Outcome::Done] {
                return Ok(codes);
            }
        }
        Err(ServiceError::Contended)
    }
}

/// A recovery code at `/verify`, and where its answer stands.
pub(crate) struct PaperQuestion {
    pub(crate) place: usize,
    pub(crate) question: Question,
    pub(crate) request: Option<RequestTag>,
}

/// Users whose questions are decided at once; the engine makes one group of their commits.
const USERS_AT_ONCE: usize = 64;

/// Decides all of these: each user's in their order and by one commit, several users' side by side.
pub(crate) async fn verify(core: &Arc<Core>, asked: Vec<PaperQuestion>) -> Vec<(usize, Answered)> {
    let mut by_user: HashMap<Owner, Vec<PaperQuestion>> = HashMap::new();
    for asked in asked {
        by_user.entry(asked.question.owner.clone()).or_default().push(asked);
    }
    let mut answers = Vec::new();
    let mut running = JoinSet::new();
    for (owner, asked) in by_user {
        if running.len() >= USERS_AT_ONCE {
            answers.extend(running.join_next().await.and_then(Result::ok).unwrap_or_default());
        }
        let core = core.clone();
        running.spawn(async move {
            let decided = of_user(&core, &owner, &asked).await;
            let places = asked.iter().map(|asked| asked.place);
            match decided {
                Ok(decided) => places.zip(decided).collect(),
                Err(error) => places.map(|place| (place, Err(error.clone()))).collect::<Vec<_>>(),
            }
        });
    }
    while let Some(decided) = running.join_next().await {
        answers.extend(decided.unwrap_or_default());
    }
    answers
}

/// One user's questions, judged one upon the other against the set as it evolves.
async fn of_user(core: &Core, owner: &Owner, asked: &[PaperQuestion]) -> Result<Vec<Answered>, ServiceError> {
    let _turn = core.turn(owner).await?;
    for _try in 0..TRIES {
        let now = core.clock.now()?;
        let set = core.store.recovery_codes(owner.clone()).await?;
        let expected = set.as_ref().map(|set| set.version);
        let mut trials = Trials {
            core,
            owner,
            now,
            set,
            events: Vec::new(),
            locked: 0,
            repeated: 0,
            counted: Vec::new(),
        };
        let answers = asked
            .iter()
            .map(|asked| trials.ask(&asked.question, asked.request.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        let changed = trials.set.filter(|set| Some(set.version) != expected);
        let writes = changed.map(|next| Write::put(expected, &next));
        keep(core, trials.counted.len(), now).await?;
        let done = match Change::of_all(trials.events) {
            Some(change) => core.commit(vec![change.with(writes)]).await? == [Outcome::Done],
            None => true,
        };
        if done {
            core.tally.locked("verify.recovery_code", owner, None, trials.locked);
            core.tally.repeated("verify", owner, None, trials.repeated);
            for whose in trials.counted {
                core.tally.refused("verify", WRONG, whose);
            }
            return Ok(answers);
        }
    }
    Err(ServiceError::Contended)
}

/// A user's set of recovery codes while questions are asked of it.
struct Trials<'a> {
    core: &'a Core,
    owner: &'a Owner,
    now: UnixMs,
    set: Option<RecoveryCodes>,
    events: Vec<audit::Event>,
    /// Questions that met a lock.
    locked: u64,
    /// Requests that were accepted before.
    repeated: u64,
    /// Refusals that changed nothing and have no event: with whose they are counted.
    counted: Vec<Whose>,
}

impl Trials<'_> {
    fn ask(&mut self, question: &Question, request: Option<&RequestTag>) -> Result<Answered, ServiceError> {
        let (core, owner, now) = (self.core, self.owner, self.now);
        let kept_ms = core.settings.request_id_ms;
        let last = self.set.as_ref().and_then(|set| set.last_request);
        let wrong_since_last_success = self.set.as_ref().map_or(0, |set| set.budget.since_success);
        // Judged in any case, so that a repeat takes what a judgement takes.
        let trial = spend(core, owner, self.set.clone(), &question.code, now)?;
        let accepted = match trial.verdict {
            SetVerdict::Locked(lock) => {
                self.locked += 1;
                return Ok(Ok(Answer::Locked(lock.until())));
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
            self.repeated += 1;
            return Ok(Ok(Answer::Accepted(before)));
        }
        let entry = |outcome| Entry::new("verify", outcome, &question.origin).owner(owner);
        let entry = match accepted {
            Some(accepted) => entry("accepted")
                .because("recovery_code")
                .decision(accepted.decision_id),
            None => entry("refused").because(WRONG),
        };
        match trial.next {
            Some((_, next)) => {
                let last_request = remembered(next.last_request, request, accepted.as_ref(), now, kept_ms);
                self.set = Some(RecoveryCodes { last_request, ..next });
            }
            // It changes nothing, so nothing bounds how often it is asked for.
            None => {
                if let Some(whose) = core.tally.admit(owner, question.origin.api_key, now) {
                    self.counted.push(whose);
                    return Ok(Ok(Answer::Refused));
                }
            }
        }
        self.events.push(core.event(&entry, now)?);
        Ok(Ok(accepted.map_or(Answer::Refused, Answer::Accepted)))
    }
}
