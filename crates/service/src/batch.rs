//! One batch of a lane: load, judge, commit, once more for what somebody else changed meanwhile.

use std::collections::HashMap;

use otp::Code;
use store::{Bound, Change, Id, Outcome, Owner, Write, audit};
use verify::{Cause, Credential, DeviceState, Judgement, Lock, Purpose, UnixMs, Verdict, judge};

use crate::{
    Core, ServiceError,
    ask::{Answer, Answered, Ask},
    event::Entry,
    sealing::credential_of,
};

/// Decides every question; each effect is durable before this returns.
pub(crate) async fn decide(core: &Core, asks: &[Ask]) -> Vec<Answered> {
    let mut answers: Vec<Answered> = Vec::new();
    answers.resize_with(asks.len(), || Ok(Answer::Refused));
    let mut open: Vec<usize> = (0..asks.len()).collect();
    for _try in 0..2 {
        match round(core, asks, &open, &mut answers).await {
            Ok(missed) => open = missed,
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

/// One load, one judgement each, one commit. Gives back the places of what has to be judged again.
async fn round(
    core: &Core,
    asks: &[Ask],
    open: &[usize],
    answers: &mut [Answered],
) -> Result<Vec<usize>, ServiceError> {
    let now = core.clock.now()?;
    let mut benches = load(core, asks, open).await?;
    let mut salts = core.salts(open.len())?;
    let mut slots: HashMap<&Owner, usize> = HashMap::with_capacity(benches.len());
    for (slot, bench) in benches.iter().enumerate() {
        slots.insert(bench.owner, slot);
    }
    let mut slot_of = Vec::with_capacity(open.len());
    for &place in open {
        let slot = slots[&asks[place].owner];
        slot_of.push(slot);
        answers[place] = benches[slot].ask(core, &asks[place], now, &mut salts);
    }
    let (slots, changes): (Vec<usize>, Vec<Change>) = benches
        .iter_mut()
        .enumerate()
        .filter_map(|(slot, bench)| Some((slot, bench.change()?)))
        .unzip();
    let mut missed = vec![false; benches.len()];
    if !changes.is_empty() {
        let outcomes = core.commit(changes).await?;
        for (slot, outcome) in slots.into_iter().zip(outcomes) {
            missed[slot] = outcome == Outcome::Missed;
        }
    }
    for (slot, bench) in benches.iter().enumerate() {
        if let (false, [device, ..]) = (missed[slot], bench.devices.as_slice()) {
            core.locked.count("verify", bench.owner, Some(device.id), bench.locked);
        }
    }
    Ok(open
        .iter()
        .zip(slot_of)
        .filter(|(_, slot)| missed[*slot])
        .map(|(&place, _)| place)
        .collect())
}

/// The devices of every user that is asked about, each once.
async fn load<'a>(core: &'a Core, asks: &'a [Ask], open: &[usize]) -> Result<Vec<Bench<'a>>, ServiceError> {
    let mut seen = HashMap::with_capacity(open.len());
    let mut owners: Vec<&Owner> = Vec::with_capacity(open.len());
    for &place in open {
        let owner = &asks[place].owner;
        seen.entry(owner).or_insert_with(|| owners.push(owner));
    }
    let bound = core
        .store
        .bound(owners.iter().map(|owner| (*owner).clone()).collect())
        .await?;
    owners
        .into_iter()
        .zip(bound)
        .map(|(owner, bound)| Bench::new(core, owner, bound))
        .collect()
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
}

struct Seat {
    id: Id,
    credential: Credential,
    read: DeviceState,
    state: DeviceState,
}

impl Seat {
    fn new(core: &Core, bound: &Bound) -> Result<Self, ServiceError> {
        let credential = credential_of(&bound.device, &*core.sealer)?;
        Ok(Self {
            id: bound.device.id,
            credential,
            read: bound.state,
            state: bound.state,
        })
    }
}

impl<'a> Bench<'a> {
    fn new(core: &Core, owner: &'a Owner, bound: Vec<Bound>) -> Result<Self, ServiceError> {
        let devices: Vec<_> = bound
            .iter()
            .map(|bound| Seat::new(core, bound))
            .collect::<Result<_, _>>()?;
        let stand_in = if devices.is_empty() {
            Some(Seat::new(core, &core.stand_in)?)
        } else {
            None
        };
        Ok(Self {
            owner,
            devices,
            stand_in,
            events: Vec::new(),
            locked: 0,
        })
    }

    /// Decides one question against the states as they stand.
    fn ask(&mut self, core: &Core, ask: &Ask, now: UnixMs, salts: &mut impl Iterator<Item = [u8; 16]>) -> Answered {
        if let Some(answered) = self.answered_before(core, ask, now) {
            return answered;
        }
        let policy = &core.settings.policy;
        if let Some(seat) = &self.stand_in {
            let _same_work = judged(&seat.state, &seat.credential, ask.code.as_ref(), now, policy);
            return self.refuse(ask, now, salts, |entry| entry.because("no_device"));
        }
        let judgements: Vec<Judgement> = self
            .devices
            .iter()
            .map(|seat| judged(&seat.state, &seat.credential, ask.code.as_ref(), now, policy))
            .collect();
        let accepted = judgements
            .iter()
            .position(|judgement| matches!(judgement.verdict, Verdict::Accepted(_)));
        if let Some(place) = accepted {
            return self.accept(ask, place, judgements[place].next, now, salts);
        }
        if let Some(lock) = locked_out(&judgements) {
            self.locked += 1;
            return Ok(Answer::Locked(lock));
        }
        // A wrong code counts on every device it was tried on.
        let mut told: Option<Cause> = None;
        for (seat, judgement) in self.devices.iter_mut().zip(&judgements) {
            if let Verdict::Refused(cause) = judgement.verdict {
                seat.state = judgement.next;
                seat.state.last_request = ask
                    .request
                    .map(|tag| tag.remembered(now, false))
                    .or(seat.state.last_request);
                told = told.filter(|told| *told != Cause::Wrong).or(Some(cause));
            }
        }
        let device = if let [only] = self.devices.as_slice() {
            Some(only.id)
        } else {
            None
        };
        self.refuse(ask, now, salts, |entry| {
            let entry = if let Some(cause) = told {
                entry.cause(cause)
            } else {
                entry
            };
            if let Some(device) = device {
                entry.device(device)
            } else {
                entry
            }
        })
    }

    fn answered_before(&self, core: &Core, ask: &Ask, now: UnixMs) -> Option<Answered> {
        let tag = ask.request.as_ref()?;
        self.devices.iter().find_map(|seat| {
            let before = tag.answered(seat.state.last_request, now, core.settings.request_id_ms)?;
            Some(before.map(|accepted| {
                if accepted {
                    Answer::Accepted(Some(seat.id))
                } else {
                    Answer::Refused
                }
            }))
        })
    }

    fn accept(
        &mut self,
        ask: &Ask,
        place: usize,
        next: DeviceState,
        now: UnixMs,
        salts: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Answered {
        let seat = &mut self.devices[place];
        seat.state = next;
        seat.state.last_request = ask
            .request
            .map(|tag| tag.remembered(now, true))
            .or(seat.state.last_request);
        let id = seat.id;
        self.tell(
            Entry::new("verify", "accepted", &ask.origin)
                .owner(self.owner)
                .device(id),
            now,
            salts,
        )?;
        Ok(Answer::Accepted(Some(id)))
    }

    fn refuse(
        &mut self,
        ask: &Ask,
        now: UnixMs,
        salts: &mut impl Iterator<Item = [u8; 16]>,
        why: impl FnOnce(Entry<'_>) -> Entry<'_>,
    ) -> Answered {
        self.tell(
            why(Entry::new("verify", "refused", &ask.origin).owner(self.owner)),
            now,
            salts,
        )?;
        Ok(Answer::Refused)
    }

    fn tell(
        &mut self,
        entry: Entry<'_>,
        now: UnixMs,
        salts: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Result<(), ServiceError> {
        let salt = salts
            .next()
            .ok_or_else(|| ServiceError::Internal("a salt for every event".into()))?;
        self.events.push(entry.salted(now, salt)?);
        Ok(())
    }

    /// Everything that this user's questions brought about, as one change: judged one upon the other, it
    /// holds as a whole or not at all.
    fn change(&mut self) -> Option<Change> {
        if self.events.is_empty() {
            return None;
        }
        let writes = self
            .devices
            .iter()
            .filter(|seat| seat.state != seat.read)
            .map(|seat| Write::State {
                owner: self.owner.clone(),
                device: seat.id,
                expected: seat.read.version,
                next: seat.state,
            })
            .collect();
        Some(Change {
            writes,
            events: std::mem::take(&mut self.events),
        })
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
    let now = core.clock.now()?;
    let mut salts = core.salts(open.len())?;
    let mut events = Vec::with_capacity(open.len());
    for &place in open {
        let ask = &asks[place];
        let entry = Entry::new("verify", "refused", &ask.origin)
            .owner(&ask.owner)
            .because("contended");
        let salt = salts
            .next()
            .ok_or_else(|| ServiceError::Internal("a salt for every event".into()))?;
        events.push(entry.salted(now, salt)?);
    }
    core.commit(vec![Change {
        writes: Vec::new(),
        events,
    }])
    .await?;
    Ok(())
}
