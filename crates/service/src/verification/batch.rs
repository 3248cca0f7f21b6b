//! One batch of a lane: load, judge, commit, again for what somebody else changed meanwhile.

use std::collections::HashMap;

use otp::Code;
use store::{Change, Id, Outcome, Owner, RecoveryCodes, StoreError, User, Write, audit};
use verify::{Cause, Credential, DeviceState, Judgement, Lock, Purpose, UnixMs, Verdict, judge};

use crate::{
    Acceptance, Core, ServiceError,
    devices::factor::suspends,
    recovery::recovery_set::{SetVerdict, WRONG, spend},
    sealing::credential_of,
    trail::names::NamesKey,
    trail::record::Entry,
    trail::refusal_counter::{Whose, keep},
    verification::memo::Memo,
    verification::request::{Answer, Answered, Ask, Typed},
};

/// Tries of a user's questions, whose row a change of their factors overtakes; those take turns, so there are few.
const TRIES: usize = 4;

/// Decides every question; each effect is durable before this returns.
pub(crate) async fn decide(core: &Core, asks: &[Ask]) -> Vec<Answered> {
    let mut answers: Vec<Answered> = Vec::new();
    answers.resize_with(asks.len(), || Ok(Answer::Refused));
    let mut open: Vec<usize> = (0..asks.len()).collect();
    for _try in 0..TRIES {
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
    // Somebody else was faster every time: the user waits for the next code, and there is no next recovery code.
    let (paper, open): (Vec<usize>, Vec<usize>) = open.into_iter().partition(|&place| asks[place].is_recovery_code());
    paper
        .into_iter()
        .for_each(|place| answers[place] = Err(ServiceError::Contended));
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
    load_recovery_codes(core, asks, open, &slot_of, &mut benches).await?;
    load_names_keys(core, asks, open, &slot_of, &mut benches).await?;
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

/// Everybody's row, by one read; by one each where somebody's cannot be read.
async fn load<'a>(core: &Core, owners: &[&'a Owner]) -> Result<Vec<Result<UserBatch<'a>, ServiceError>>, ServiceError> {
    let users = core
        .store
        .users(owners.iter().map(|owner| (*owner).clone()).collect())
        .await;
    let users: Vec<Result<Option<User>, ServiceError>> = match users {
        Ok(users) => users.into_iter().map(Ok).collect(),
        Err(StoreError::Damaged(_)) => {
            let mut each = Vec::with_capacity(owners.len());
            for &owner in owners {
                each.push(core.store.user(owner.clone()).await.map_err(ServiceError::from));
            }
            each
        }
        Err(error) => return Err(error.into()),
    };
    Ok(owners
        .iter()
        .zip(users)
        .map(|(owner, user)| UserBatch::new(core, owner, user?))
        .collect())
}

/// The recovery codes of those who typed one, by one read; by one each where somebody's cannot be read.
async fn load_recovery_codes(
    core: &Core,
    asks: &[Ask],
    open: &[usize],
    slot_of: &[usize],
    benches: &mut [Result<UserBatch<'_>, ServiceError>],
) -> Result<(), ServiceError> {
    let asked = open.iter().zip(slot_of);
    let asked = asked.filter(|(place, slot)| asks[**place].is_recovery_code() && benches[**slot].is_ok());
    let mut slots: Vec<usize> = asked.map(|(_, slot)| *slot).collect();
    slots.sort_unstable();
    slots.dedup();
    if slots.is_empty() {
        return Ok(());
    }
    let owners: Vec<Owner> = slots
        .iter()
        .filter_map(|slot| benches[*slot].as_ref().ok().map(|bench| bench.owner.clone()))
        .collect();
    match core.store.recovery_codes_of(owners.clone()).await {
        Ok(sets) => {
            for (slot, set) in slots.into_iter().zip(sets) {
                if let Ok(bench) = &mut benches[slot] {
                    bench.paper = Some(Paper::of(set));
                }
            }
        }
        Err(StoreError::Damaged(_)) => {
            for (slot, owner) in slots.into_iter().zip(owners) {
                match (core.store.recovery_codes(owner).await, &mut benches[slot]) {
                    (Ok(set), Ok(bench)) => bench.paper = Some(Paper::of(set)),
                    (Ok(_), Err(_)) => {}
                    (Err(error), bench) => *bench = Err(error.into()),
                }
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The keys of the names of those about whom somebody says more, by one read.
async fn load_names_keys(
    core: &Core,
    asks: &[Ask],
    open: &[usize],
    slot_of: &[usize],
    benches: &mut [Result<UserBatch<'_>, ServiceError>],
) -> Result<(), ServiceError> {
    let asked = open.iter().zip(slot_of);
    let named = asked.filter(|(place, _)| asks[**place].origin.client.is_some());
    let mut slots: Vec<usize> = named.map(|(_, slot)| *slot).collect();
    slots.sort_unstable();
    slots.dedup();
    let row = |slot: &usize| {
        let user = benches[*slot].as_ref().ok()?.user.as_ref()?;
        Some((*slot, user.id))
    };
    let (slots, ids): (Vec<usize>, Vec<Id>) = slots.iter().filter_map(row).unzip();
    if ids.is_empty() {
        return Ok(());
    }
    let found = core.store.named(ids.clone()).await?;
    for ((slot, id), named) in slots.into_iter().zip(ids).zip(found) {
        if let (Some(named), Ok(bench)) = (named, &mut benches[slot]) {
            bench.names_key = NamesKey::opened(&*core.sealer, id, &named.names_key);
        }
    }
    Ok(())
}

/// Writes what the benches brought about, by one commit. What brought about nothing is done.
async fn write(core: &Core, benches: &mut [Result<UserBatch<'_>, ServiceError>]) -> Result<Vec<Outcome>, ServiceError> {
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

/// A user's factors while a batch is judged: they evolve from question to question, and are written once.
struct UserBatch<'a> {
    owner: &'a Owner,
    /// `None` for somebody who has no row; taken when it is written.
    user: Option<User>,
    /// Where a question comes with more of who somebody is.
    names_key: Option<NamesKey>,
    first_device: Option<Id>,
    /// Keyed, in the order of the user's devices. One that does not open fails all codes of devices; recovery codes
    /// are another way in.
    credentials: Result<Vec<Credential>, ServiceError>,
    /// Judged in place of a device where there is none, so that nobody can tell by the time it takes.
    dummy_device: Option<Credential>,
    memo: Memo,
    /// The row is not as it was read any more.
    changed: bool,
    /// Where somebody typed one of them.
    paper: Option<Paper>,
    events: Vec<audit::Event>,
    /// Questions that met a lock, by a code and by a recovery code.
    locked: [u64; 2],
    /// Requests that were accepted before.
    repeated: u64,
    /// Refusals that changed nothing and have no event: with whose they are counted, and why.
    counted: Vec<(Whose, &'static str)>,
}

/// A user's recovery codes.
struct Paper {
    read_version: Option<u64>,
    set: Option<RecoveryCodes>,
}

impl Paper {
    fn of(set: Option<RecoveryCodes>) -> Self {
        Self {
            read_version: set.as_ref().map(|set| set.version),
            set,
        }
    }
}

impl<'a> UserBatch<'a> {
    fn new(core: &Core, owner: &'a Owner, user: Option<User>) -> Result<Self, ServiceError> {
        let devices = user.as_ref().map_or(&[][..], |user| &user.devices);
        let credentials = devices
            .iter()
            .map(|bound| Ok(credential_of(&bound.device, &*core.sealer)?))
            .collect();
        let dummy_device = devices
            .is_empty()
            .then(|| credential_of(&core.dummy_device.device, &*core.sealer))
            .transpose()?;
        Ok(Self {
            owner,
            memo: user.as_ref().map_or(Memo::default(), |user| Memo::read(&user.memo)),
            first_device: user
                .as_ref()
                .and_then(|user| user.devices.first().map(|bound| bound.device.id)),
            user,
            names_key: None,
            credentials,
            dummy_device,
            changed: false,
            paper: None,
            events: Vec::new(),
            locked: [0; 2],
            repeated: 0,
            counted: Vec::new(),
        })
    }

    /// Decides one question against the states as they stand.
    fn ask(&mut self, core: &Core, ask: &Ask, now: UnixMs, salts: &mut impl Iterator<Item = [u8; 16]>) -> Answered {
        match &ask.typed {
            Typed::Code(code) => self.ask_code(core, ask, code.as_ref(), now, salts),
            Typed::RecoveryCode(typed) => self.ask_recovery_code(core, ask, typed, now, salts),
        }
    }

    fn ask_code(
        &mut self,
        core: &Core,
        ask: &Ask,
        code: Option<&Code>,
        now: UnixMs,
        salts: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Answered {
        let policy = &core.settings.policy;
        if let Some(credential) = &self.dummy_device {
            let _same_work = judged(&core.dummy_device.state, credential, code, now, policy);
            const CAUSE: &str = "no_device";
            let entry = self.refusal(ask).because(CAUSE);
            return self.refuse_freely(core, ask, &entry, CAUSE, now, salts);
        }
        let credentials = self.credentials.as_ref().map_err(Clone::clone)?;
        let devices = self.user.as_mut().map_or(&mut [][..], |user| &mut user.devices);
        let mut judgements: Vec<Judgement> = devices
            .iter()
            .zip(credentials)
            .map(|(bound, credential)| judged(&bound.state, credential, code, now, policy))
            .collect();
        // Judged all the same, so that a repeat takes what a judgement takes. Nothing is remembered of a device that
        // judges nothing.
        let judging = devices
            .iter()
            .zip(&judgements)
            .filter(|(_, judgement)| !matches!(judgement.verdict, Verdict::Locked(_)));
        let kept_ms = core.settings.request_id_ms;
        let mut repeats = judging.filter_map(|(bound, _)| {
            let tag = ask.request.as_ref()?;
            self.memo.repeated(Some(bound.device.id), tag, now, kept_ms)
        });
        if let Some(accepted) = repeats.next() {
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
            self.locked[0] += 1;
            return Ok(Answer::locked(lock, now));
        }
        // A wrong code counts on every device it was tried on.
        let mut told: Option<Cause> = None;
        let mut masked_s = 0;
        let mut changed = false;
        let mut suspended = false;
        let only = match devices {
            [only] => Some(only.device.id),
            _ => None,
        };
        let before = self.memo.clone();
        for (bound, judgement) in devices.iter_mut().zip(judgements) {
            if let Verdict::Refused(cause) = judgement.verdict {
                let id = Some(bound.device.id);
                self.memo.judged(id, ask.request.as_ref(), None, now, kept_ms);
                changed |= judgement.next != bound.state;
                suspended |= judgement.next.suspended(Purpose::Verification);
                bound.state = judgement.next;
                told = told.filter(|told| *told != Cause::Wrong).or(Some(cause));
                masked_s = masked_s.max(policy.near_masked_s(bound.device.parameters.period));
            }
        }
        changed |= self.memo != before;
        self.changed |= changed;
        let mut entry = self.refusal(ask);
        if let Some(cause) = told {
            entry = entry.cause(cause, masked_s);
        }
        if let Some(only) = only {
            entry = entry.device(only);
        }
        if suspended {
            entry = entry.detail(suspends(Purpose::Verification));
        }
        if changed {
            self.tell(core, &entry, now, salts)?;
            Ok(Answer::Refused)
        } else {
            self.refuse_freely(core, ask, &entry, "repeated", now, salts)
        }
    }

    fn ask_recovery_code(
        &mut self,
        core: &Core,
        ask: &Ask,
        typed: &str,
        now: UnixMs,
        salts: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Answered {
        let set = self.paper.as_ref().and_then(|paper| paper.set.clone());
        let wrong_since_last_success = set.as_ref().map_or(0, |set| set.budget.since_success);
        let kept_ms = core.settings.request_id_ms;
        // Judged in any case, so that a repeat takes what a judgement takes.
        let trial = spend(core, self.owner, set, typed, now)?;
        if let SetVerdict::Locked(lock) = trial.verdict {
            self.locked[1] += 1;
            return Ok(Answer::locked(lock.until(), now));
        }
        let tag = ask.request.as_ref();
        if let Some(before) = tag.and_then(|tag| self.memo.repeated(None, tag, now, kept_ms)) {
            self.repeated += 1;
            return Ok(Answer::Accepted(before));
        }
        let accepted = match trial.verdict {
            SetVerdict::Right => Some(Acceptance {
                device: None,
                decision_id: core.id_of(now, &salt(salts)?),
                wrong_since_last_success,
                repeated: false,
            }),
            SetVerdict::Wrong | SetVerdict::Locked(_) => None,
        };
        let Some((_, next)) = trial.next else {
            // It changes nothing, so nothing bounds how often it is asked for.
            let entry = self.refusal(ask).because(WRONG);
            return self.refuse_freely(core, ask, &entry, WRONG, now, salts);
        };
        if let Some(paper) = &mut self.paper {
            paper.set = Some(next);
        }
        let before = self.memo.clone();
        self.memo.judged(None, tag, accepted.as_ref(), now, kept_ms);
        self.changed |= self.memo != before;
        let entry = match accepted {
            Some(accepted) => Entry::new("verify", "accepted", &ask.origin)
                .of_user()
                .because("recovery_code")
                .decision(accepted.decision_id),
            None => self.refusal(ask).because(WRONG),
        };
        self.tell(core, &entry, now, salts)?;
        Ok(accepted.map_or(Answer::Refused, Answer::Accepted))
    }

    fn refusal<'e>(&self, ask: &'e Ask) -> Entry<'e>
    where
        'a: 'e,
    {
        Entry::new("verify", "refused", &ask.origin).of_user()
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
        let devices = self.user.as_mut().map_or(&mut [][..], |user| &mut user.devices);
        let missing = || ServiceError::Internal("a device that was judged is not there".into());
        let bound = devices.get_mut(place).ok_or_else(missing)?;
        let id = bound.device.id;
        let accepted = Acceptance {
            device: Some(id),
            decision_id: core.id_of(now, &salt(salts)?),
            wrong_since_last_success: bound.state.parts().verification.since_success,
            repeated: false,
        };
        bound.state = next;
        let kept_ms = core.settings.request_id_ms;
        self.memo
            .judged(Some(id), ask.request.as_ref(), Some(&accepted), now, kept_ms);
        self.changed = true;
        let entry = Entry::new("verify", "accepted", &ask.origin)
            .of_user()
            .device(id)
            .decision(accepted.decision_id);
        self.tell(core, &entry, now, salts)?;
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
        match core.refusals.admit(self.owner, ask.origin.api_key, now) {
            None => self.tell(core, entry, now, salts)?,
            Some(whose) => self.counted.push((whose, cause)),
        }
        Ok(Answer::Refused)
    }

    /// Counts what has no event of its own, once the rest is on disk.
    fn tally(self, core: &Core, kept: bool) {
        let device = self.first_device;
        let [by_code, by_recovery_code] = self.locked;
        core.refusals.locked("verify", self.owner, device, by_code);
        core.refusals
            .locked("verify.recovery_code", self.owner, None, by_recovery_code);
        core.refusals.repeated("verify", self.owner, device, self.repeated);
        if kept {
            for (whose, cause) in self.counted {
                core.refusals.refused("verify", cause, whose);
            }
        }
    }

    fn tell(
        &mut self,
        core: &Core,
        entry: &Entry<'_>,
        now: UnixMs,
        salts: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Result<(), ServiceError> {
        let stranger = match &self.user {
            Some(_) => None,
            None => {
                let row = core.strangers.row(core, self.owner, now)?;
                core.strangers.say(&row);
                Some(row)
            }
        };
        let row = self.user.as_ref().or(stranger.as_ref());
        let row = row.ok_or_else(|| ServiceError::Internal("nobody's event".into()))?;
        // A new row has its key with it.
        if let (true, Some(sealed)) = (entry.has_names(), &row.names_key) {
            self.names_key = NamesKey::opened(&*core.sealer, row.id, sealed);
        }
        let event = entry.sealed(now, salt(salts)?, row.id, self.names_key.as_ref(), &*core.sealer)?;
        self.events.push(event);
        Ok(())
    }

    /// Everything that this user's questions brought about, as one change: judged one upon the other, it
    /// holds as a whole or not at all.
    fn change(&mut self) -> Option<Change> {
        let change = Change::of_all(std::mem::take(&mut self.events))?;
        let memo = self.memo.write();
        let user = self.user.take().filter(|_| self.changed);
        let row = user.map(|user| User { memo, ..user }.used());
        let paper = self.paper.as_ref().and_then(|paper| {
            let next = paper.set.as_ref()?;
            (Some(next.version) != paper.read_version).then(|| Write::put(paper.read_version, next))
        });
        Some(change.with(row.into_iter().chain(paper)))
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
    let mut events = Vec::with_capacity(open.len());
    let mut counted = Vec::new();
    for ask in open.iter().map(|&place| &asks[place]) {
        match core.refusals.admit(&ask.owner, ask.origin.api_key, now) {
            None => {
                let entry = Entry::new("verify", "refused", &ask.origin).of_user();
                let row = core.row(&ask.owner, now).await?;
                events.push(core.event_of(&row, &entry.because(CAUSE), now).await?);
            }
            Some(whose) => counted.push(whose),
        }
    }
    keep(core, counted.len(), now).await?;
    if let Some(change) = Change::of_all(events) {
        core.commit(vec![change]).await?;
    }
    for whose in counted {
        core.refusals.refused("verify", CAUSE, whose);
    }
    Ok(())
}
