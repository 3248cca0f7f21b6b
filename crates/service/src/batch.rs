//! One batch of a lane: load, judge, commit, once more for what somebody else changed meanwhile.

use std::collections::HashMap;

use otp::Code;
use store::{Bound, Change, Device, Id, Outcome, Owner, StoreError, Write, audit};
use verify::{Cause, Credential, DeviceState, Judgement, Lock, Purpose, UnixMs, Verdict, judge};

use crate::{
    Acceptance, Core, ServiceError,
    ask::{Answer, Answered, Ask},
    event::Entry,
    factor::suspends,
    request_id::remembered,
    sealing::credential_of,
    tally::{Whose, keep},
};

/// Decides every question; each effect is durable before this returns.
pub(crate) async fn decide(core: &Core, asks: &[Ask]) -> Vec<Answered> {
    let mut answers: Vec<Answered> = Vec::new();
    answers.resize_with(asks.len(), || Ok(Answer::Refused));
    let mut open: Vec<usize> = (0..asks.len()).collect();
    for _try in 0..2 {
        match round(core, asks, &open, &mut answers).await {
            Ok(missed) => open = missed,
            // Somebody's record that cannot be written is theirs alone: nothing was, and each is judged by itself.
            Err(ServiceError::Internal(_)) if distinct(asks, &open).0.len() > 1 => {
                open = one_by_one(core, asks, &open, &mut answers).await;
            }
            Err(error) => {
                open.iter().for_each(|&place| answers[place] = Err(error.clone()));
                return answers;
            }
        }
        if open.is_empty() {
            return answers;
        }
    }
    // Twice somebody else was faster with the same device: the user waits for the next code.
    let refused = refuse_contended(core, asks, &open).await;
    for place in open {
        answers[place] = refused.clone().map(|()| Answer::Refused);
    }
    answers
}

/// A round for each user.
async fn one_by_one(core: &Core, asks: &[Ask], open: &[usize], answers: &mut [Answered]) -> Vec<usize> {
    let mut missed = Vec::new();
    let (owners, slot_of) = distinct(asks, open);
    for user in 0..owners.len() {
        let theirs = open.iter().zip(&slot_of).filter(|(_, slot)| **slot == user);
        let theirs: Vec<usize> = theirs.map(|(place, _)| *place).collect();
        match round(core, asks, &theirs, answers).await {
            Ok(again) => missed.extend(again),
            Err(error) => theirs.iter().for_each(|&place| answers[place] = Err(error.clone())),
        }
    }
    missed
}

/// One load, one judgement each, one commit. Gives back the places of what has to be judged again.
async fn round(
    core: &Core,
    asks: &[Ask],
    open: &[usize],
    answers: &mut [Answered],
) -> Result<Vec<usize>, ServiceError> {
    let now = core.clock.now()?;
    let (owners, slot_of) = distinct(asks, open);
    let mut benches = load(core, &owners).await?;
    // One for the event of each question, and one for the id of its decision.
    let mut salts = core.salts(2 * open.len())?;
    for (&place, &slot) in open.iter().zip(&slot_of) {
        answers[place] = match &mut benches[slot] {
            Ok(bench) => bench.ask(core, &asks[place], now, &mut salts),
            // Somebody's unreadable record is theirs alone.
            Err(error) => Err(error.clone()),
        };
    }
    let counted = benches.iter().flatten().map(|bench| bench.counted.len()).sum();
    // Both travel in one group of the store.
    let (outcomes, kept) = tokio::join!(write(core, &mut benches), keep(core, counted, now));
    let outcomes = outcomes?;
    let mut missed = Vec::new();
    for (&place, &slot) in open.iter().zip(&slot_of) {
        if outcomes[slot] != Outcome::Done {
            missed.push(place);
        }
        if let (Err(error), Ok(bench)) = (&kept, &benches[slot])
            && !bench.counted.is_empty()
        {
            answers[place] = Err(error.clone());
        }
    }
    for (bench, outcome) in benches.into_iter().zip(&outcomes) {
        if let (Ok(bench), Outcome::Done) = (bench, outcome) {
            bench.tally(core, kept.is_ok());
        }
    }
    Ok(missed)
}

/// The users that are asked about, each once, and for each question which of them.
fn distinct<'a>(asks: &'a [Ask], open: &[usize]) -> (Vec<&'a Owner>, Vec<usize>) {
    let mut slots: HashMap<&Owner, usize> = HashMap::with_capacity(open.len());
    let mut owners = Vec::with_capacity(open.len());
    let slot_of = open.iter().map(|&place| {
        let owner = &asks[place].owner;
        *slots.entry(owner).or_insert_with(|| {
            owners.push(owner);
            owners.len() - 1
        })
    });
    let slot_of = slot_of.collect();
    (owners, slot_of)
}

/// Everybody's devices, by one read; by one each where somebody's cannot be read.
async fn load<'a>(core: &Core, owners: &[&'a Owner]) -> Result<Vec<Result<Bench<'a>, ServiceError>>, ServiceError> {
    let bound = core
        .store
        .bound(owners.iter().map(|owner| (*owner).clone()).collect())
        .await;
    let bound: Vec<Result<Vec<Bound>, ServiceError>> = match bound {
        Ok(bound) => bound.into_iter().map(Ok).collect(),
        Err(StoreError::Damaged(_)) => {
            let mut each = Vec::with_capacity(owners.len());
            for &owner in owners {
                let bound = core.store.bound(vec![owner.clone()]).await;
                each.push(
                    bound
                        .map(|mut bound| bound.pop().unwrap_or_default())
                        .map_err(ServiceError::from),
                );
            }
            each
        }
        Err(error) => return Err(error.into()),
    };
    Ok(owners
        .iter()
        .zip(bound)
        .map(|(owner, bound)| Bench::new(core, owner, bound?))
        .collect())
}

/// Writes what the benches brought about, by one commit. What brought about nothing is done.
async fn write(core: &Core, benches: &mut [Result<Bench<'_>, ServiceError>]) -> Result<Vec<Outcome>, ServiceError> {
    let mut outcomes = vec![Outcome::Done; benches.len()];
    let changes = benches
        .iter_mut()
        .enumerate()
        .filter_map(|(slot, bench)| Some((slot, bench.as_mut().ok()?.change()?)));
    let (slots, changes): (Vec<usize>, Vec<Change>) = changes.unzip();
    if !changes.is_empty() {
        let all = core.commit(changes).await?;
        slots
            .into_iter()
            .zip(all)
            .for_each(|(slot, outcome)| outcomes[slot] = outcome);
    }
    Ok(outcomes)
}

/// A user's devices while a batch is judged: their states evolve from question to question, and are
/// written once.
struct Bench<'a> {
    owner: &'a Owner,
    devices: Vec<Seat>,
    /// Judged in place of a device where there is none, so that nobody can tell by the time it takes.
    stand_in: Option<Seat>,
    events: Vec<audit::Event>,
    /// Questions that met a lock.
    locked: u64,
    /// Requests that were accepted before.
    repeated: u64,
    /// Refusals that changed nothing and have no event: with whose they are counted, and why.
    counted: Vec<(Whose, &'static str)>,
}

struct Seat {
    id: Id,
    credential: Credential,
    /// Of the state that was read; every change of it raises its version.
    read_version: u64,
    state: DeviceState,
}

impl Seat {
    fn new(core: &Core, device: &Device, state: DeviceState) -> Result<Self, ServiceError> {
        let credential = credential_of(device, &*core.sealer)?;
        Ok(Self {
            id: device.id,
            credential,
            read_version: state.version,
            state,
        })
    }
}

impl<'a> Bench<'a> {
    fn new(core: &Core, owner: &'a Owner, bound: Vec<Bound>) -> Result<Self, ServiceError> {
        let devices: Vec<_> = bound
            .into_iter()
            .map(|bound| Seat::new(core, &bound.device, bound.state))
            .collect::<Result<_, _>>()?;
        let stand_in = if devices.is_empty() {
            Some(Seat::new(core, &core.stand_in.device, core.stand_in.state.clone())?)
        } else {
            None
        };
        Ok(Self {
            owner,
            devices,
            stand_in,
            events: Vec::new(),
            locked: 0,
            repeated: 0,
            counted: Vec::new(),
        })
    }

    /// Decides one question against the states as they stand.
    fn ask(&mut self, core: &Core, ask: &Ask, now: UnixMs, salts: &mut impl Iterator<Item = [u8; 16]>) -> Answered {
        let policy = &core.settings.policy;
        if let Some(seat) = &self.stand_in {
            let _same_work = judged(&seat.state, &seat.credential, ask.code.as_ref(), now, policy);
            const CAUSE: &str = "no_device";
            let entry = self.refusal(ask).because(CAUSE);
            return self.refuse_freely(core, ask, &entry, CAUSE, now, salts);
        }
        let mut judgements: Vec<Judgement> = self
            .devices
            .iter()
            .map(|seat| judged(&seat.state, &seat.credential, ask.code.as_ref(), now, policy))
            .collect();
        // Judged all the same, so that a repeat takes what a judgement takes.
        if let Some(accepted) = self.repeats(core, ask, &judgements, now) {
            self.repeated += 1;
            return Ok(Answer::Accepted(accepted));
        }
        let accepted = judgements
            .iter()
            .position(|judgement| matches!(judgement.verdict, Verdict::Accepted(_)));
        if let Some(place) = accepted {
            return self.accept(core, ask, place, judgements.swap_remove(place).next, now, salts);
        }
        if let Some(lock) = locked_out(&judgements) {
            self.locked += 1;
            return Ok(Answer::Locked(lock));
        }
        // A wrong code counts on every device it was tried on.
        let mut told: Option<Cause> = None;
        let mut masked_s = 0;
        let mut changed = false;
        let mut suspended = false;
        for (seat, judgement) in self.devices.iter_mut().zip(judgements) {
            if let Verdict::Refused(cause) = judgement.verdict {
                let next = remembering(core, ask, judgement.next, None, now);
                changed |= next != seat.state;
                suspended |= next.suspended(Purpose::Verification);
                seat.state = next;
                told = told.filter(|told| *told != Cause::Wrong).or(Some(cause));
                masked_s = masked_s.max(policy.near_masked_s(seat.credential.parameters().period));
            }
        }
        let mut entry = self.refusal(ask);
        if let Some(cause) = told {
            entry = entry.cause(cause, masked_s);
        }
        if let [only] = self.devices.as_slice() {
            entry = entry.device(only.id);
        }
        if suspended {
            entry = entry.detail(suspends(Purpose::Verification));
        }
        if changed {
            self.tell(&entry, now, salts)?;
            Ok(Answer::Refused)
        } else {
            self.refuse_freely(core, ask, &entry, "repeated", now, salts)
        }
    }

    fn refusal<'e>(&self, ask: &'e Ask) -> Entry<'e>
    where
        'a: 'e,
    {
        Entry::new("verify", "refused", &ask.origin).owner(self.owner)
    }

    /// The decision that is told once more. Nothing is remembered of a device that judges nothing.
    fn repeats(&self, core: &Core, ask: &Ask, judgements: &[Judgement], now: UnixMs) -> Option<Acceptance> {
        let tag = ask.request.as_ref()?;
        let judging = self.devices.iter().zip(judgements);
        let mut judging = judging.filter(|(_, judgement)| !matches!(judgement.verdict, Verdict::Locked(_)));
        judging.find_map(|(seat, _)| {
            let accepted = tag.repeats(seat.state.last_request, now, core.settings.request_id_ms)?;
            Some(Acceptance {
                device: Some(seat.id),
                ..accepted
            })
        })
    }

    fn accept(
        &mut self,
        core: &Core,
        ask: &Ask,
        place: usize,
        next: DeviceState,
        now: UnixMs,
        salts: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Answered {
        let seat = &mut self.devices[place];
        let accepted = Acceptance {
            device: Some(seat.id),
            decision_id: core.id_of(now, &salt(salts)?),
            wrong_since_last_success: seat.state.verification.since_success,
            repeated: false,
        };
        seat.state = remembering(core, ask, next, Some(&accepted), now);
        let id = seat.id;
        let entry = Entry::new("verify", "accepted", &ask.origin)
            .owner(self.owner)
            .device(id)
            .decision(accepted.decision_id);
        self.tell(&entry, now, salts)?;
        Ok(Answer::Accepted(accepted))
    }

    /// A refusal that changes no state: nothing bounds how often it is asked for, so it has an event ten times an hour,
    /// and is counted beyond.
    fn refuse_freely(
        &mut self,
        core: &Core,
        ask: &Ask,
        entry: &Entry<'_>,
        cause: &'static str,
        now: UnixMs,
        salts: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Answered {
        match core.tally.admit(self.owner, ask.origin.api_key, now) {
            None => self.tell(entry, now, salts)?,
            Some(whose) => self.counted.push((whose, cause)),
        }
        Ok(Answer::Refused)
    }

    /// Counts what has no event of its own, once the rest is on disk.
    fn tally(self, core: &Core, kept: bool) {
        let device = self.devices.first().map(|device| device.id);
        core.tally.locked("verify", self.owner, device, self.locked);
        core.tally.repeated("verify", self.owner, device, self.repeated);
        if kept {
            for (whose, cause) in self.counted {
                core.tally.refused("verify", cause, whose);
            }
        }
    }

    fn tell(
        &mut self,
        entry: &Entry<'_>,
        now: UnixMs,
        salts: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Result<(), ServiceError> {
        self.events.push(entry.salted(now, salt(salts)?)?);
        Ok(())
    }

    /// Everything that this user's questions brought about, as one change: judged one upon the other, it
    /// holds as a whole or not at all.
    fn change(&mut self) -> Option<Change> {
        let change = Change::of_all(std::mem::take(&mut self.events))?;
        let writes = self
            .devices
            .iter()
            .filter(|seat| seat.state.version != seat.read_version)
            .map(|seat| Write::State {
                owner: self.owner.clone(),
                device: seat.id,
                expected: seat.read_version,
                next: seat.state.clone(),
            });
        Some(change.with(writes))
    }
}

fn judged(
    state: &DeviceState,
    credential: &Credential,
    code: Option<&Code>,
    now: UnixMs,
    policy: &verify::Policy,
) -> Judgement {
    judge(state, credential, code, Purpose::Verification, now, policy)
}

/// The state with what is remembered of this request.
fn remembering(core: &Core, ask: &Ask, next: DeviceState, accepted: Option<&Acceptance>, now: UnixMs) -> DeviceState {
    let kept_ms = core.settings.request_id_ms;
    let last = next.last_request;
    next.remembering(remembered(last, ask.request.as_ref(), accepted, now, kept_ms))
}

fn salt(salts: &mut impl Iterator<Item = [u8; 16]>) -> Result<[u8; 16], ServiceError> {
    let missing = || ServiceError::Internal("a salt for every event and every decision".into());
    salts.next().ok_or_else(missing)
}

/// The lock to tell, when no device judged the code: the first to end.
fn locked_out(judgements: &[Judgement]) -> Option<Option<UnixMs>> {
    let mut until = Vec::with_capacity(judgements.len());
    for judgement in judgements {
        match &judgement.verdict {
            Verdict::Locked(Lock::Until(time)) => until.push(Some(*time)),
            Verdict::Locked(Lock::Suspended) => until.push(None),
            Verdict::Accepted(_) | Verdict::Refused(_) => return None,
        }
    }
    until.into_iter().reduce(|a, b| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    })
}

async fn refuse_contended(core: &Core, asks: &[Ask], open: &[usize]) -> Result<(), ServiceError> {
    const CAUSE: &str = "contended";
    let now = core.clock.now()?;
    let mut salts = core.salts(open.len())?;
    let mut events = Vec::with_capacity(open.len());
    let mut counted = Vec::new();
    for ask in open.iter().map(|&place| &asks[place]) {
        match core.tally.admit(&ask.owner, ask.origin.api_key, now) {
            None => {
                let entry = Entry::new("verify", "refused", &ask.origin).owner(&ask.owner);
                events.push(entry.because(CAUSE).salted(now, salt(&mut salts)?)?);
            }
            Some(whose) => counted.push(whose),
        }
    }
    keep(core, counted.len(), now).await?;
    if let Some(change) = Change::of_all(events) {
        core.commit(vec![change]).await?;
    }
    for whose in counted {
        core.tally.refused("verify", CAUSE, whose);
    }
    Ok(())
}
