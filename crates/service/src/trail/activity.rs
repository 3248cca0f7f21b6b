//! What was checked within the last day, by minutes: counted from the trail, each row once, behind the writer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use store::{
    Role, Store,
    audit::{Cursor, Payload, Recorded, Row},
};
use tokio::sync::Mutex;
use verify::UnixMs;

use crate::{
    Caller, Service, ServiceError,
    trail::{TRAIL, read::FEW_ROWS},
};

/// Minutes that are told one by one.
const MINUTES: i64 = 60;
/// Hours that are told, the one that goes on among them.
const HOURS: i64 = 24;
/// Events that are read at once, give or take a few rows: some milliseconds.
const READ: usize = 2_000;
/// How often a round of counting reads so many; what comes in beyond that is left out.
const READS: usize = 25;

/// What was checked within the last day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// All of it after that is counted: the beginning of the first hour, or later where the trail has had more than was read
    /// yet.
    pub since: UnixMs,
    /// And before that: now, or earlier where there is more to read.
    pub until: UnixMs,
    /// Whether that is the first hour's beginning.
    pub is_whole: bool,
    /// The last 60 minutes, the oldest first, the one that goes on last.
    pub minutes: Vec<ActivityPeriod>,
    /// The last 24 hours, in the same way.
    pub hours: Vec<ActivityPeriod>,
    /// Refused checks of those hours by cause, the most frequent first. One that came too early counts as `wrong`, or it
    /// would tell what is right (D5).
    pub refused: Vec<(String, u64)>,
    /// Locks that wrong codes brought about within those hours.
    pub locks: u64,
    /// Suspensions.
    pub suspensions: u64,
    /// Milliseconds by which the wall clock is ahead of the machine's steady one since it was believed; behind: negative. It
    /// is followed slowly, so that this tells what was set or corrected of late; beyond a minute nothing is judged.
    pub clock_offset_ms: i64,
}

/// The checks of a minute or an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityPeriod {
    /// Its beginning.
    pub from: UnixMs,
    /// Checks that were accepted.
    pub accepted: u64,
    /// Checks that were refused.
    pub refused: u64,
    /// Checks that were not made, for a lock was in force.
    pub locked: u64,
}

impl Service {
    /// What was checked within the last day, over all accounts.
    pub async fn activity(&self, caller: &Caller) -> Result<Activity, ServiceError> {
        caller.may_for_all(&[Role::Audit], TRAIL)?;
        let core = &self.core;
        let now = core.clock.now()?;
        // Two who ask at once would count a row twice.
        let mut counted = core.activity.counted.lock().await;
        counted.read(&*core.store, now, READ).await?;
        Ok(Activity {
            clock_offset_ms: core.clock.offset_ms(),
            ..counted.told(now)
        })
    }

    /// Counts what has come into the trail, and what was there before. Where more comes in than a round reads, it begins
    /// anew from the end.
    pub async fn count_activity(&self, caller: &Caller) -> Result<(), ServiceError> {
        caller.is_of_the_house()?;
        let core = &self.core;
        let now = core.clock.newest();
        for _read in 0..READS {
            // Given back each time, so that whoever looks waits for no round.
            let mut counted = core.activity.counted.lock().await;
            if !counted.read(&*core.store, now, READ).await? {
                return Ok(());
            }
        }
        let mut counted = core.activity.counted.lock().await;
        if !counted.has_caught_up {
            *counted = Counted::default();
        }
        Ok(())
    }
}

/// Memory of the rows that were counted.
#[derive(Default)]
pub(crate) struct ActivityCounter {
    counted: Mutex<Counted>,
}

/// A part of the trail without a gap, by minutes of the last day.
#[derive(Default)]
struct Counted {
    minutes: BTreeMap<i64, Minute>,
    /// The newest row that is counted, and the oldest.
    newest: Option<(Cursor, UnixMs)>,
    oldest: Option<(Cursor, UnixMs)>,
    /// Nothing came after the newest.
    has_caught_up: bool,
    /// Nothing comes before the oldest.
    has_begun: bool,
}

#[derive(Clone, Default)]
struct Minute {
    accepted: u64,
    refused: u64,
    locked: u64,
    locks: u64,
    suspensions: u64,
    /// By cause, of those that this version or the operator named.
    causes: BTreeMap<Box<str>, u64>,
}

/// An event, as far as it is counted.
#[derive(Deserialize)]
struct Said<'a> {
    action: &'a str,
    outcome: &'a str,
    cause: Option<&'a str>,
    count: Option<u64>,
    #[serde(default)]
    detail: Value,
}

/// The beginning of the first of the hours that are told.
fn first_hour(now: UnixMs) -> UnixMs {
    floor(now, UnixMs::HOUR).plus(-(HOURS - 1) * UnixMs::HOUR)
}

fn floor(at: UnixMs, period_ms: i64) -> UnixMs {
    UnixMs::new(at.get().div_euclid(period_ms) * period_ms)
}

fn minute_of(at: UnixMs) -> i64 {
    at.get().div_euclid(UnixMs::MINUTE)
}

/// Where a row stands, and when it ends.
fn place(row: &Row) -> Option<(Cursor, UnixMs)> {
    row.events.last().map(|event| (row.cursor, event.at))
}

impl Counted {
    /// Reads what is new, then what is older, about so many events in all; whether there is more to read.
    async fn read(&mut self, store: &dyn Store, now: UnixMs, events: usize) -> Result<bool, ServiceError> {
        let first = first_hour(now);
        self.minutes = self.minutes.split_off(&minute_of(first));
        let mut left = events;
        self.has_caught_up = self.newest.is_none();
        while let Some((newest, _)) = self.newest
            && left > 0
        {
            let rows = store.rows(Some(newest), FEW_ROWS).await?;
            if rows.is_empty() {
                self.has_caught_up = true;
                break;
            }
            left = left.saturating_sub(self.take(&rows, first));
            self.newest = rows.last().and_then(place).or(self.newest);
        }
        while self.has_caught_up && left > 0 && !self.is_whole(first) {
            let before = self.oldest.map(|(cursor, _)| cursor);
            let rows = store.rows_before(before, FEW_ROWS).await?;
            let Some(oldest) = rows.last() else {
                // An empty trail is asked anew the next time.
                self.has_begun = before.is_some();
                break;
            };
            left = left.saturating_sub(self.take(&rows, first));
            self.newest = self.newest.or_else(|| rows.first().and_then(place));
            self.oldest = oldest.events.first().map(|event| (oldest.cursor, event.at));
        }
        Ok(left == 0)
    }

    fn is_whole(&self, first: UnixMs) -> bool {
        self.has_begun || self.oldest.is_some_and(|(_, at)| at < first)
    }

    /// Counts these rows; how many events they are.
    fn take(&mut self, rows: &[Row], first: UnixMs) -> usize {
        let events = rows.iter().flat_map(|row| &row.events);
        events.inspect(|event| self.count(event, first)).count()
    }

    fn count(&mut self, event: &Recorded, first: UnixMs) {
        let Payload::Kept { payload, .. } = &event.payload else {
            return;
        };
        let said = serde_json::from_str::<Said<'_>>(payload)
            .ok()
            .filter(|_| event.at >= first);
        if let Some(said) =
            said.filter(|said| ["verify", "verify.recovery_code", "challenge.answer"].contains(&said.action))
        {
            self.minutes.entry(minute_of(event.at)).or_default().add(&said);
        }
    }

    fn told(&self, now: UnixMs) -> Activity {
        let first = first_hour(now);
        let is_whole = self.newest.is_none() || self.is_whole(first);
        let last_minute = floor(now, UnixMs::MINUTE);
        let minutes = (0..MINUTES).rev().map(|ago| last_minute.plus(-ago * UnixMs::MINUTE));
        let hours = (0..HOURS).map(|hour| first.plus(hour * UnixMs::HOUR));
        let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
        for (cause, count) in self.minutes.values().flat_map(|minute| &minute.causes) {
            *causes.entry(cause).or_default() += count;
        }
        let mut refused: Vec<_> = causes
            .into_iter()
            .map(|(cause, count)| (cause.to_owned(), count))
            .collect();
        refused.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Activity {
            since: match (is_whole, self.oldest) {
                (false, Some((_, at))) => at,
                _ => first,
            },
            until: match self.newest {
                Some((_, at)) if !self.has_caught_up => at,
                _ => now,
            },
            is_whole,
            minutes: minutes.map(|from| self.period(from, UnixMs::MINUTE)).collect(),
            hours: hours.map(|from| self.period(from, UnixMs::HOUR)).collect(),
            refused,
            locks: self.minutes.values().map(|minute| minute.locks).sum(),
            suspensions: self.minutes.values().map(|minute| minute.suspensions).sum(),
            clock_offset_ms: 0,
        }
    }

    fn period(&self, from: UnixMs, length_ms: i64) -> ActivityPeriod {
        let within = minute_of(from)..minute_of(from.plus(length_ms));
        let minutes = || self.minutes.range(within.clone()).map(|(_, minute)| minute);
        ActivityPeriod {
            from,
            accepted: minutes().map(|minute| minute.accepted).sum(),
            refused: minutes().map(|minute| minute.refused).sum(),
            locked: minutes().map(|minute| minute.locked).sum(),
        }
    }
}

impl Minute {
    fn add(&mut self, said: &Said<'_>) {
        let times = said.count.unwrap_or(1);
        match said.outcome {
            "accepted" => self.accepted += times,
            "locked" => self.locked += times,
            "refused" => self.refuse(said, times),
            _ => {}
        }
    }

    fn refuse(&mut self, said: &Said<'_>, times: u64) {
        self.refused += times;
        self.locks += u64::from(said.detail.get("locked_until_ms").is_some());
        self.suspensions += u64::from(said.detail.get("suspended").is_some());
        let cause = match said.cause {
            Some("too_early") => "wrong",
            Some(cause) => cause,
            None => return,
        };
        *self.causes.entry(cause.into()).or_default() += times;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use proptest::prelude::*;
    use serde_json::json;
    use store::{
        Change, Commit as _, Outcome,
        audit::Event,
        memory::{Disk, Memory},
    };

    use super::*;

    /// The engine in memory never waits.
    fn ready<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("it waits"),
        }
    }

    const ALL: [(&str, &str, Option<&str>); 5] = [
        ("verify", "accepted", None),
        ("challenge.answer", "refused", Some("used")),
        ("verify", "refused", Some("too_early")),
        ("verify", "locked", None),
        ("session.create", "done", None),
    ];

    fn say(store: &Memory, at: UnixMs, which: &[usize]) {
        let event = |kind: &usize| {
            let (action, outcome, cause) = ALL[*kind];
            let payload = json!({"action": action, "outcome": outcome, "cause": cause, "count": 2}).to_string();
            Event {
                at,
                salt: [7; 16],
                payload,
            }
        };
        let change = Change::of_all(which.iter().map(event).collect()).expect("one at least");
        assert_eq!(ready(store.commit(vec![change])), Ok(vec![Outcome::Done]));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// However little one call reads, and whatever is written between two: in the end each row of the day counts once.
        #[test]
        fn each_row_of_the_day_is_counted_once(
            rows in prop::collection::vec((0_i64..90, prop::collection::vec(0_usize..5, 1..4)), 0..60),
            budgets in prop::collection::vec((0_usize..60, 1_usize..80), 1..12),
        ) {
            let store = Memory::open(&Disk::default(), "test", UnixMs::new(0), &|_| vec![1]);
            let (mut counted, mut now) = (Counted::default(), UnixMs::new(1_760_000_000_000));
            let mut left = rows.iter();
            let mut said: Vec<(UnixMs, usize)> = Vec::new();
            for (count, events) in budgets.iter().chain([&(usize::MAX, 1_000)]) {
                for (minutes, kinds) in left.by_ref().take(*count) {
                    now = now.plus(minutes * UnixMs::MINUTE);
                    say(&store, now, kinds);
                    said.extend(kinds.iter().map(|kind| (now, *kind)));
                }
                ready(counted.read(&store, now, *events)).expect("a read");
                let told = counted.told(now);
                let is_since = |at: UnixMs| at > told.since || (told.is_whole && at == told.since);
                let is_until = |at: UnixMs| at < told.until || (counted.has_caught_up && at == told.until);
                let within = |at: UnixMs| is_since(at) && is_until(at);
                let of = |wanted: usize| said.iter().filter(|(at, kind)| within(*at) && *kind == wanted).count() as u64 * 2;
                let sum = |number: fn(&ActivityPeriod) -> u64| told.hours.iter().map(number).sum::<u64>();
                // What is older than all that is counted may be counted in part.
                prop_assert!(sum(|hour| hour.accepted) >= of(0));
                if told.is_whole && counted.has_caught_up {
                    prop_assert_eq!(sum(|hour| hour.accepted), of(0));
                    prop_assert_eq!(sum(|hour| hour.refused), of(1) + of(2));
                    prop_assert_eq!(sum(|hour| hour.locked), of(3));
                    let causes = told.refused.iter().map(|(cause, count)| (&**cause, *count));
                    let causes: BTreeMap<&str, u64> = causes.collect();
                    prop_assert_eq!(causes.get("used").copied().unwrap_or(0), of(1));
                    prop_assert_eq!(causes.get("wrong").copied().unwrap_or(0), of(2));
                    prop_assert!(!causes.contains_key("too_early"), "D5");
                }
            }
            prop_assert!(counted.has_caught_up && counted.told(now).is_whole);
        }
    }
}
