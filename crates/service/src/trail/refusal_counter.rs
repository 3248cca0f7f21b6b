//! What costs its caller nothing must not cost a record each: refusals while locked, repeats of an accepted request, and
//! refusals that change nothing, beyond ten an hour of a user. They are counted, and written once a minute.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use store::{Allowance, Change, Id, Outcome, Owner, User};
use tokio::{sync::Notify, time::Instant};
use verify::UnixMs;

use crate::{Core, ServiceError, access::caller::Origin, attempt::Attempt, trail::event::NewEvent};

/// The time for which refusals are counted before they are written.
const EVERY: Duration = Duration::from_secs(60);
/// Refusals of one user that change nothing and have a record of their own, within any hour.
const RECORDS: u8 = 10;
/// Users whose records are told apart, half of them at most of one API key; the refusals of all others are counted by
/// their key, or made-up names would fill the trail and the memory.
const USERS: usize = 8_192;
/// Lines written in one change.
const CHUNK: usize = 1_024;
/// Under which name the store keeps how much was counted.
const NAME: &str = "tally";

/// The counts, and who still has a record.
#[derive(Default)]
pub(crate) struct RefusalCounter {
    counts: Mutex<HashMap<Line, Count>>,
    begun: Notify,
    recorded: Mutex<Recorded>,
    /// The same of what the user is to hear of: nothing else that anybody asks for takes its records.
    warned: Mutex<Recorded>,
    kept: Mutex<Option<Allowance>>,
}

/// The key of a count.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Line {
    action: &'static str,
    outcome: &'static str,
    cause: Option<&'static str>,
    of: Whose,
}

/// Whose refusals are counted together.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// One user's.
    User(Owner),
    /// Of all users that this key named beyond those who are told apart.
    Key(Option<Id>),
}

struct Count {
    device: Option<Id>,
    times: u64,
}

/// The records that each had lately.
#[derive(Default)]
struct Recorded {
    users: HashMap<Owner, Records>,
    of_key: HashMap<Option<Id>, usize>,
    swept_at: Option<UnixMs>,
}

struct Records {
    count: u8,
    last: UnixMs,
    api_key: Option<Id>,
}

impl RefusalCounter {
    /// Refusals while locked.
    pub(crate) fn locked(&self, action: &'static str, owner: &Owner, device: Option<Id>, times: u64) {
        self.of_user(action, "locked", owner, device, times);
    }

    /// Exact repeats of an accepted request.
    pub(crate) fn repeated(&self, action: &'static str, owner: &Owner, device: Option<Id>, times: u64) {
        self.of_user(action, "repeated", owner, device, times);
    }

    /// A refusal that [`RefusalCounter::admit`] gave no record.
    pub(crate) fn refused(&self, action: &'static str, cause: &'static str, of: Whose) {
        self.decided(action, "refused", cause, of);
    }

    /// A decision of this outcome that [`RefusalCounter::admit`] gave no record.
    pub(crate) fn decided(&self, action: &'static str, outcome: &'static str, cause: &'static str, of: Whose) {
        let line = Line {
            action,
            outcome,
            cause: Some(cause),
            of,
        };
        self.count(line, None, 1);
    }

    fn of_user(&self, action: &'static str, outcome: &'static str, owner: &Owner, device: Option<Id>, times: u64) {
        if times > 0 {
            let line = Line {
                action,
                outcome,
                cause: None,
                of: Whose::User(owner.clone()),
            };
            self.count(line, device, times);
        }
    }

    fn count(&self, line: Line, device: Option<Id>, times: u64) {
        let mut counts = lock(&self.counts);
        if counts.is_empty() {
            self.begun.notify_one();
        }
        counts.entry(line).or_insert(Count { device, times: 0 }).times += times;
    }

    /// Whether a refusal of this user that changes nothing has a record of its own: `None`, or who it is counted with.
    pub(crate) fn admit(&self, owner: &Owner, api_key: Option<Id>, now: UnixMs) -> Option<Whose> {
        lock(&self.recorded).admit(owner, api_key, now)
    }

    /// The same of a warning.
    fn admit_warning(&self, owner: &Owner, api_key: Option<Id>, now: UnixMs) -> Option<Whose> {
        lock(&self.warned).admit(owner, api_key, now)
    }

    /// What was counted of this user is not written any more.
    pub(crate) fn forget(&self, owner: &Owner) {
        lock(&self.counts).retain(|line, _| !matches!(&line.of, Whose::User(of) if of == owner));
    }

    /// Writes what was counted, a minute after the first of it, again and again; never ends.
    pub(crate) async fn write_always(&self, core: &Core) {
        loop {
            self.begun.notified().await;
            let due = Instant::now() + EVERY;
            tokio::time::sleep_until(due).await;
            self.write(core).await;
        }
    }

    /// Writes what was counted. What cannot be written now stays counted.
    pub(crate) async fn write(&self, core: &Core) {
        let _nobody_is_erased = core.trail.writing.lock().await;
        let mut counted = mem::take(&mut *lock(&self.counts)).into_iter();
        loop {
            let chunk: Vec<_> = counted.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return;
            }
            if let Err(error) = try_write(core, &chunk).await {
                tracing::warn!(%error, "what was counted is not in the trail yet");
                for (line, Count { device, times }) in chunk.into_iter().chain(counted) {
                    self.count(line, device, times);
                }
                return;
            }
        }
    }
}

impl Recorded {
    fn admit(&mut self, owner: &Owner, api_key: Option<Id>, now: UnixMs) -> Option<Whose> {
        if let Some(records) = self.users.get_mut(owner) {
            if now.since(records.last) >= UnixMs::HOUR {
                records.count = 0;
            }
            if records.count >= RECORDS {
                return Some(Whose::User(owner.clone()));
            }
            records.count += 1;
            records.last = now;
            return None;
        }
        if !self.has_room(api_key, now) {
            return Some(Whose::Key(api_key));
        }
        let records = Records {
            count: 1,
            last: now,
            api_key,
        };
        self.users.insert(owner.clone(), records);
        *self.of_key.entry(api_key).or_default() += 1;
        None
    }

    /// Forgets whose last record is an hour old when places are short, once a minute at most.
    fn has_room(&mut self, api_key: Option<Id>, now: UnixMs) -> bool {
        if self.full(api_key) && self.swept_at.is_none_or(|at| now.since(at) >= UnixMs::MINUTE) {
            self.swept_at = Some(now);
            self.users.retain(|_, records| now.since(records.last) < UnixMs::HOUR);
            self.of_key.clear();
            for records in self.users.values() {
                *self.of_key.entry(records.api_key).or_default() += 1;
            }
        }
        !self.full(api_key)
    }

    fn full(&self, api_key: Option<Id>) -> bool {
        self.users.len() >= USERS || self.of_key.get(&api_key).is_some_and(|count| *count >= USERS / 2)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in the critical sections can panic halfway.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A refusal of this user that changes nothing: a record, or a count with this for its cause.
pub(crate) async fn refuse(
    attempt: &Attempt<'_>,
    entry: &NewEvent<'_>,
    (action, cause): (&'static str, &'static str),
    user: &User,
) -> Result<(), ServiceError> {
    decide_freely(attempt, entry, (action, "refused", cause), user).await
}

/// A decision about this user that changes nothing: a record, or a count with this for its outcome and cause.
pub(crate) async fn decide_freely(
    attempt: &Attempt<'_>,
    entry: &NewEvent<'_>,
    (action, outcome, cause): (&'static str, &'static str, &'static str),
    user: &User,
) -> Result<(), ServiceError> {
    let admitted = attempt
        .core
        .trail
        .refusals
        .admit(&user.owner, attempt.origin.api_key, attempt.now);
    record_or_count(attempt, entry, (action, outcome, cause), (user, admitted)).await
}

/// The same of what the user is to hear of (P8). It has records of its own, or whoever is refused often enough before,
/// which takes no password, would leave a warning without one.
pub(crate) async fn warn_freely(
    attempt: &Attempt<'_>,
    entry: &NewEvent<'_>,
    told: (&'static str, &'static str, &'static str),
    user: &User,
) -> Result<(), ServiceError> {
    let refusals = &attempt.core.trail.refusals;
    let admitted = refusals.admit_warning(&user.owner, attempt.origin.api_key, attempt.now);
    record_or_count(attempt, entry, told, (user, admitted)).await
}

async fn record_or_count(
    attempt: &Attempt<'_>,
    entry: &NewEvent<'_>,
    (action, outcome, cause): (&'static str, &'static str, &'static str),
    (user, counted): (&User, Option<Whose>),
) -> Result<(), ServiceError> {
    let Attempt { core, now, .. } = *attempt;
    if let Some(whose) = counted {
        keep(core, 1, now).await?;
        core.trail.refusals.decided(action, outcome, cause, whose);
        return Ok(());
    }
    core.commit(vec![Change::of(core.event_of(user, entry, now).await?)])
        .await?;
    Ok(())
}

/// Makes durable that so many more refusals were counted, all in one place that does not grow; their records follow.
/// It takes what a record of each would take, so that the time does not tell who has a device.
pub(crate) async fn keep(core: &Core, times: usize, now: UnixMs) -> Result<(), ServiceError> {
    if times == 0 {
        return Ok(());
    }
    let known = lock(&core.trail.refusals.kept).clone();
    let old = match known {
        Some(known) => Some(known),
        None => core.store.allowance(NAME.to_owned()).await?,
    };
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    let next = Allowance {
        name: NAME.to_owned(),
        version: old.as_ref().map_or(1, |old| old.version + 1),
        since: old.as_ref().map_or(now, |old| old.since),
        used: old.as_ref().map_or(0, |old| old.used).saturating_add(times),
    };
    let change = Change::of_count(old.map(|old| old.version), &next);
    let outcome = core.commit(vec![change]).await?;
    // Somebody else's count was faster: his is on disk, and only this number is too low.
    *lock(&core.trail.refusals.kept) = (outcome == [Outcome::Done]).then_some(next);
    Ok(())
}

async fn try_write(core: &Core, counted: &[(Line, Count)]) -> Result<(), ServiceError> {
    let now = core.clock.now()?;
    let mut events = Vec::with_capacity(counted.len());
    for (line, Count { device, times }) in counted {
        let origin = Origin {
            api_key: match &line.of {
                Whose::User(_) => None,
                Whose::Key(api_key) => *api_key,
            },
            ..Origin::default()
        };
        let mut entry = NewEvent::new(line.action, line.outcome, &origin).count(*times);
        if let Some(device) = device {
            entry = entry.device(*device);
        }
        if let Some(cause) = line.cause {
            entry = entry.because(cause);
        }
        events.push(match &line.of {
            Whose::Key(_) => core.event(&entry, now)?,
            Whose::User(owner) => core.event_about(owner, entry, now).await?,
        });
    }
    if let Some(change) = Change::of_all(events) {
        core.commit(vec![change]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(number: usize) -> Owner {
        Owner::new("acme", format!("user-{number}"))
    }

    fn key(number: u128) -> Option<Id> {
        Some(Id::from_u128(number))
    }

    #[test]
    fn a_key_that_names_everybody_leaves_places_for_others_and_gets_its_own_back_after_an_hour() {
        let tally = RefusalCounter::default();
        let now = UnixMs::new(1_760_000_000_000);
        let recorded = |from: usize, of: Option<Id>, now: UnixMs| {
            let users = from..from + USERS;
            users
                .filter(|&number| tally.admit(&owner(number), of, now).is_none())
                .count()
        };
        assert_eq!(recorded(0, key(1), now), USERS / 2);
        assert_eq!(recorded(USERS, key(2), now), USERS / 2, "of each key half");
        assert_eq!(recorded(2 * USERS, key(3), now), 0, "and no more than all");
        assert!(
            tally.admit(&owner(0), key(1), now).is_none(),
            "who has a place keeps it"
        );
        assert!(tally.admit(&owner(3 * USERS), key(1), now) == Some(Whose::Key(key(1))));
        let later = now.plus(UnixMs::HOUR);
        assert_eq!(
            recorded(3 * USERS, key(1), later),
            USERS / 2,
            "those of an hour ago made room"
        );
        assert!(lock(&tally.recorded).users.len() <= USERS, "bounded");
    }

    #[test]
    fn no_hour_has_more_than_ten_records_of_a_user() {
        let tally = RefusalCounter::default();
        let mut records: Vec<UnixMs> = Vec::new();
        for second in 0..20_000 {
            let now = UnixMs::new(second * 7_000);
            if tally.admit(&owner(1), None, now).is_none() {
                records.push(now);
            }
        }
        assert!(records.len() > 100, "{}", records.len());
        for eleven in records.windows(usize::from(RECORDS) + 1) {
            assert!(eleven[10].since(eleven[0]) >= UnixMs::HOUR, "{eleven:?}");
        }
    }
}
