//! One batch of a lane: load, judge, commit, again for what somebody else changed meanwhile.

use std::collections::HashMap;

use store::{Change, Id, Outcome, Owner, StoreError, User};
use verify::UnixMs;

use crate::{
    Core, ServiceError,
    trail::names::NamesKey,
    trail::refusal_counter::keep,
    verification::{
        answered_login::load_login_records,
        by_passcode::JudgedPasscode,
        request::{Answer, Answered, Request, Typed},
        user_batch::{RecoverySet, UserBatch},
    },
};

/// Tries of a user's questions, whose row a change of their factors overtakes; those take turns, so there are few.
const TRIES: usize = 4;

/// Decides every question; each effect is durable before this returns.
pub(crate) async fn decide(core: &Core, requests: &[Request]) -> Vec<Answered> {
    let mut answers: Vec<Answered> = Vec::new();
    answers.resize_with(requests.len(), || Ok(Answer::Refused));
    let mut open: Vec<usize> = (0..requests.len()).collect();
    for _try in 0..TRIES {
        match round(core, requests, &open, &mut answers).await {
            Ok(missed) => open = missed,
            // Somebody's record that cannot be written is theirs alone: nothing was, and each is judged by itself.
            Err(ServiceError::Internal(_)) if distinct(requests, &open).0.len() > 1 => {
                open = one_by_one(core, requests, &open, &mut answers).await;
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
    // Somebody else was faster every time: the user waits for the next code, and there is no next recovery code, nor passcode.
    let (open, paper): (Vec<usize>, Vec<usize>) = open.into_iter().partition(|&place| requests[place].has_next_code());
    paper
        .into_iter()
        .for_each(|place| answers[place] = Err(ServiceError::Contended));
    let refused = refuse_contended(core, requests, &open).await;
    for place in open {
        answers[place] = refused.clone().map(|()| Answer::Refused);
    }
    answers
}

/// The context of a round's judgements: ports, time and salts.
pub(super) struct Round<'a> {
    pub(super) core: &'a Core,
    pub(super) now: UnixMs,
    salts: std::vec::IntoIter<[u8; 16]>,
}

impl Round<'_> {
    /// The salt of one event.
    pub(super) fn salt(&mut self) -> Result<[u8; 16], ServiceError> {
        let missing = || ServiceError::Internal("a salt for every event and every decision".into());
        self.salts.next().ok_or_else(missing)
    }

    /// The id of one decision.
    pub(super) fn new_id(&mut self) -> Result<Id, ServiceError> {
        let salt = self.salt()?;
        Ok(self.core.id_of(self.now, &salt))
    }
}

/// A round for each user.
async fn one_by_one(core: &Core, requests: &[Request], open: &[usize], answers: &mut [Answered]) -> Vec<usize> {
    let mut missed = Vec::new();
    let (owners, slot_of) = distinct(requests, open);
    for user in 0..owners.len() {
        let theirs = open.iter().zip(&slot_of).filter(|(_, slot)| **slot == user);
        let theirs: Vec<usize> = theirs.map(|(place, _)| *place).collect();
        match round(core, requests, &theirs, answers).await {
            Ok(again) => missed.extend(again),
            Err(error) => theirs.iter().for_each(|&place| answers[place] = Err(error.clone())),
        }
    }
    missed
}

/// One load, one judgement each, one commit. Gives back the places of what has to be judged again.
async fn round(
    core: &Core,
    requests: &[Request],
    open: &[usize],
    answers: &mut [Answered],
) -> Result<Vec<usize>, ServiceError> {
    let now = core.clock.now()?;
    let (owners, slot_of) = distinct(requests, open);
    let mut users = load(core, &owners).await?;
    load_recovery_codes(core, requests, open, &slot_of, &mut users).await?;
    load_passcodes(core, requests, open, &slot_of, &mut users).await;
    load_names_keys(core, requests, open, &slot_of, &mut users).await?;
    let logins = load_login_records(core, requests, open, &slot_of, &mut users).await?;
    let mut round = Round {
        core,
        now,
        // One for the event of each question, and one for the id of its decision; of a login, two for its browser.
        // Of a user whose devices support is to end, one for the end of that.
        salts: core
            .salts(2 * (open.len() + logins) + users.iter().flatten().filter(|batch| batch.is_unbinding()).count())?,
    };
    for (&place, &slot) in open.iter().zip(&slot_of) {
        answers[place] = match &mut users[slot] {
            Ok(batch) => batch.judge(&mut round, &requests[place]),
            // Somebody's unreadable record is theirs alone.
            Err(error) => Err(error.clone()),
        };
    }
    let counted = users.iter().flatten().map(|batch| batch.counted.len()).sum();
    // Both travel in one group of the store.
    let (outcomes, kept) = tokio::join!(write(core, &mut users), keep(core, counted, now));
    let outcomes = outcomes?;
    let mut missed = Vec::new();
    for (&place, &slot) in open.iter().zip(&slot_of) {
        if outcomes[slot] != Outcome::Done {
            missed.push(place);
        }
        if let (Err(error), Ok(batch)) = (&kept, &users[slot])
            && !batch.counted.is_empty()
        {
            answers[place] = Err(error.clone());
        }
    }
    for (batch, outcome) in users.into_iter().zip(&outcomes) {
        if let (Ok(batch), Outcome::Done) = (batch, outcome) {
            batch.count_refusals(core, kept.is_ok());
        }
    }
    Ok(missed)
}

/// The users that are asked about, each once, and for each question which of them.
fn distinct<'a>(requests: &'a [Request], open: &[usize]) -> (Vec<&'a Owner>, Vec<usize>) {
    let mut slots: HashMap<&Owner, usize> = HashMap::with_capacity(open.len());
    let mut owners = Vec::with_capacity(open.len());
    let slot_of = open.iter().map(|&place| {
        let owner = &requests[place].owner;
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
    requests: &[Request],
    open: &[usize],
    slot_of: &[usize],
    users: &mut [Result<UserBatch<'_>, ServiceError>],
) -> Result<(), ServiceError> {
    let asked = open.iter().zip(slot_of);
    let asked = asked.filter(|(place, slot)| requests[**place].is_recovery_code() && users[**slot].is_ok());
    let mut slots: Vec<usize> = asked.map(|(_, slot)| *slot).collect();
    slots.sort_unstable();
    slots.dedup();
    if slots.is_empty() {
        return Ok(());
    }
    let owners: Vec<Owner> = slots
        .iter()
        .filter_map(|slot| users[*slot].as_ref().ok().map(|batch| batch.owner.clone()))
        .collect();
    match core.store.recovery_codes_of(owners.clone()).await {
        Ok(sets) => {
            for (slot, set) in slots.into_iter().zip(sets) {
                if let Ok(batch) = &mut users[slot] {
                    batch.recovery_set = Some(Box::new(RecoverySet::of(set)));
                }
            }
        }
        Err(StoreError::Damaged(_)) => {
            for (slot, owner) in slots.into_iter().zip(owners) {
                match (core.store.recovery_codes(owner).await, &mut users[slot]) {
                    (Ok(set), Ok(batch)) => batch.recovery_set = Some(Box::new(RecoverySet::of(set))),
                    (Ok(_), Err(_)) => {}
                    (Err(error), batch) => *batch = Err(error.into()),
                }
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The passcodes of those who typed one: few do, so each is read by itself.
async fn load_passcodes(
    core: &Core,
    requests: &[Request],
    open: &[usize],
    slot_of: &[usize],
    users: &mut [Result<UserBatch<'_>, ServiceError>],
) {
    for (&place, &slot) in open.iter().zip(slot_of) {
        let Ok(batch) = &mut users[slot] else { continue };
        if !matches!(requests[place].typed, Typed::Passcode(_)) || batch.passcode.is_some() {
            continue;
        }
        match core.store.open_passcodes(batch.owner).await {
            Ok(found) => batch.passcode = found.into_iter().next_back().map(JudgedPasscode::of).map(Box::new),
            Err(error) => users[slot] = Err(error.into()),
        }
    }
}

/// The keys of the names of those about whom somebody says more, by one read.
async fn load_names_keys(
    core: &Core,
    requests: &[Request],
    open: &[usize],
    slot_of: &[usize],
    users: &mut [Result<UserBatch<'_>, ServiceError>],
) -> Result<(), ServiceError> {
    let asked = open.iter().zip(slot_of);
    let named = asked.filter(|(place, _)| requests[**place].origin.client.is_some());
    let mut slots: Vec<usize> = named.map(|(_, slot)| *slot).collect();
    slots.sort_unstable();
    slots.dedup();
    let row = |slot: &usize| {
        let user = users[*slot].as_ref().ok()?.user.as_ref()?;
        Some((*slot, user.id))
    };
    let (slots, ids): (Vec<usize>, Vec<Id>) = slots.iter().filter_map(row).unzip();
    if ids.is_empty() {
        return Ok(());
    }
    let found = core.store.named(ids.clone()).await?;
    for ((slot, id), named) in slots.into_iter().zip(ids).zip(found) {
        if let (Some(named), Ok(batch)) = (named, &mut users[slot]) {
            batch.names_key = NamesKey::opened(&*core.sealer, id, &named.names_key).map(Box::new);
        }
    }
    Ok(())
}

/// Writes what the users brought about, by one commit. What brought about nothing is done.
async fn write(core: &Core, users: &mut [Result<UserBatch<'_>, ServiceError>]) -> Result<Vec<Outcome>, ServiceError> {
    let mut outcomes = vec![Outcome::Done; users.len()];
    let changes = users
        .iter_mut()
        .enumerate()
        .filter_map(|(slot, batch)| Some((slot, batch.as_mut().ok()?.change()?)));
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

async fn refuse_contended(core: &Core, requests: &[Request], open: &[usize]) -> Result<(), ServiceError> {
    const CAUSE: &str = "contended";
    let now = core.clock.now()?;
    let mut events = Vec::with_capacity(open.len());
    let mut counted = Vec::new();
    for request in open.iter().map(|&place| &requests[place]) {
        match core.trail.refusals.admit(&request.owner, request.origin.api_key, now) {
            None => {
                let entry = request.event("refused");
                let row = core.row(&request.owner, now).await?;
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
        core.trail.refusals.refused("verify", CAUSE, whose);
    }
    Ok(())
}
