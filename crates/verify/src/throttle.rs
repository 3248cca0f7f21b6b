use std::{ops::Deref, sync::Arc};

use crate::{ThrottlePolicy, UnixMs};

/// Wrong codes on one road, and what they cost, as a pure machine of two counts (rule A1):
///
/// ```text
///            wrong (< attempts within an hour)
///              ┌──────┐
///              ▼      │
///  right ──► open ────┘── wrong (= attempts within an hour) ──► locked ── time ──► open
///              │                                                  (the next lock lasts twice as long,
///              │                                                   until a right code)
///              └── wrong, no mistake (= suspend_after within 13 weeks) ──► suspended ── lifted ──► open
/// ```
///
/// The **short count** is what a right code ends: the times of the wrong codes of the last hour. The **long count** is
/// what no right code ends, or an attacker who has the password would have his guesses given back with every login of
/// the owner: wrong codes that are no [mistake](crate::Guess), by weeks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Throttle {
    /// Wrong codes that still count for the next lock.
    pub recent: Recent,
    /// Consecutive locks; doubles the next one.
    pub lock_count: u32,
    /// Nothing is judged before this time.
    pub locked_until: Option<UnixMs>,
    /// Wrong codes since the last right one.
    pub since_success: u32,
    /// The last wrong code, so that a client that repeats itself is one guess.
    pub last_wrong: Option<GuessMac>,
    /// Wrong codes of the last 13 weeks that were no mistake.
    pub long: LongCount,
    /// Nothing is judged since this time, until it is lifted.
    pub suspended_at: Option<UnixMs>,
    /// The weeks in which a suspension was lifted, the later one first; each allows ten more.
    pub lifted: [Option<u32>; LIFTS as usize],
}

/// A [`Throttle`] that takes no room while nothing is counted in it, which is so of nearly every device: states are moved
/// and copied many times on their way through a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SparseThrottle(Option<Arc<Throttle>>);

static EMPTY: Throttle = Throttle {
    recent: Recent {
        newest: None,
        ages_ms: [0; ATTEMPTS_MAX - 1],
        older: 0,
    },
    lock_count: 0,
    locked_until: None,
    since_success: 0,
    last_wrong: None,
    long: LongCount {
        week: 0,
        counts: [0; WEEKS],
    },
    suspended_at: None,
    lifted: [None; LIFTS as usize],
};

impl From<Throttle> for SparseThrottle {
    fn from(throttle: Throttle) -> Self {
        Self((throttle != EMPTY).then(|| Arc::new(throttle)))
    }
}

impl Deref for SparseThrottle {
    type Target = Throttle;

    fn deref(&self) -> &Throttle {
        self.0.as_deref().unwrap_or(&EMPTY)
    }
}

/// Suspensions that may be lifted within 13 weeks, over all roads of a device.
pub const LIFTS: u32 = 2;

/// A keyed hash of a wrong code and the step in which it was typed; see [`otp::Key::guess_mac`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GuessMac(pub u32);

/// A wrong code, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// Tells whether it is the last one again. `None`: it cannot be told.
    pub mac: Option<GuessMac>,
    /// It is what a person types by mistake, and a guesser hits once in thousands: it does not count for long.
    pub mistake: bool,
}

/// Why nothing is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Too many wrong codes; judged again from this time on.
    Until(UnixMs),
    /// Too many wrong codes that were no mistakes, or the token is lost; somebody has to act.
    Suspended,
}

impl Lock {
    /// When it ends by itself, if it does.
    pub fn until(self) -> Option<UnixMs> {
        match self {
            Self::Until(until) => Some(until),
            Self::Suspended => None,
        }
    }
}

impl Throttle {
    /// The lock in force at `now`.
    pub fn lock(&self, now: UnixMs) -> Option<Lock> {
        let until = self.locked_until.filter(|until| now < *until);
        self.suspended_at.map(|_| Lock::Suspended).or(until.map(Lock::Until))
    }

    /// True if this is the last wrong code once more, within its step: one guess, however often it is sent.
    pub fn repeats(&self, guess: &Guess) -> bool {
        guess.mac.is_some() && guess.mac == self.last_wrong
    }

    /// After a wrong code at `now`. The caller has seen that no lock is in force and that it is no repeat.
    #[must_use]
    pub fn wrong(self, guess: &Guess, now: UnixMs, policy: &ThrottlePolicy) -> Self {
        let mut next = Self {
            recent: self.recent.and(now, policy),
            since_success: self.since_success.saturating_add(1),
            last_wrong: guess.mac,
            locked_until: None,
            ..self
        };
        let limit = next.limit(now, policy);
        // The last one before the limit counts whatever it is: whether the road is suspended by it would tell whether it
        // was near.
        if !guess.mistake || next.long.sum(now).saturating_add(1) >= limit {
            next.long = next.long.and(now);
        }
        if next.recent.count() >= policy.attempts {
            let doubled = |ms: i64| ms.saturating_mul(1 << self.lock_count.min(20)).min(policy.lock_max_ms);
            let first = next.recent.first().unwrap_or(now);
            let until = first
                .plus(doubled(policy.period_ms))
                .max(now.plus(doubled(policy.lock_min_ms)));
            next.locked_until = Some(until);
            next.lock_count = self.lock_count.saturating_add(1);
        }
        if next.long.sum(now) >= limit {
            next.suspended_at = Some(now);
        }
        next
    }

    /// After a right code: the short count is over, the long one is not.
    #[must_use]
    pub fn right(self) -> Self {
        Self {
            long: self.long,
            suspended_at: self.suspended_at,
            lifted: self.lifted,
            ..Self::default()
        }
    }

    /// Judged again: what was counted stays, and ten more are allowed.
    #[must_use]
    pub(crate) fn lifted(self, now: UnixMs) -> Self {
        let [last, _] = self.lifted;
        Self {
            suspended_at: None,
            lifted: [Some(week_of(now)), last],
            ..self.right()
        }
    }

    /// The first factor was changed at this time: whoever guessed before has to begin anew, and what is known to be from
    /// before it is forgotten. `None`: the road was suspended since.
    pub(crate) fn forgiven(self, changed_at: UnixMs) -> Option<Self> {
        match self.suspended_at {
            // Nothing was judged since.
            Some(at) if at < changed_at => Some(Self::default()),
            Some(_) => None,
            None => {
                let week = week_of(changed_at);
                let is_since = |of: &u32| *of >= week;
                Some(Self {
                    long: self.long.since(week),
                    lifted: self.lifted.map(|lifted| lifted.filter(is_since)),
                    ..self.right()
                })
            }
        }
    }

    /// Suspensions lifted within the last 13 weeks.
    pub(crate) fn lifts(&self, now: UnixMs) -> u32 {
        let within = |week: &&Option<u32>| week.is_some_and(|week| week_of(now).saturating_sub(week) < WEEKS as u32);
        self.lifted.iter().filter(within).count() as u32
    }

    /// The long count at which the road is suspended.
    fn limit(&self, now: UnixMs, policy: &ThrottlePolicy) -> u32 {
        policy
            .suspend_after
            .saturating_add(policy.lift.saturating_mul(self.lifts(now)))
    }
}

/// The most wrong codes within an hour that a policy may allow.
pub const ATTEMPTS_MAX: usize = 10;

/// The times of the wrong codes of the last hour, at most ten: the newest, and how much older the others are.
///
/// A time in the future means that the clock was set back: it keeps counting, for forgetting it would be a way to get
/// more guesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recent {
    newest: Option<UnixMs>,
    /// Milliseconds before the newest, ascending; the rest is 0.
    ages_ms: [u32; ATTEMPTS_MAX - 1],
    older: u8,
}

impl Recent {
    /// From the times, the newest first; more than ten, and what is too old for the type, are left out.
    pub fn of(times: impl IntoIterator<Item = UnixMs>) -> Self {
        let mut times = times.into_iter();
        let Some(newest) = times.next() else {
            return Self::default();
        };
        let mut recent = Self {
            newest: Some(newest),
            ..Self::default()
        };
        for (time, age_ms) in times.zip(&mut recent.ages_ms) {
            let Ok(age) = u32::try_from(newest.since(time)) else {
                break;
            };
            *age_ms = age;
            recent.older += 1;
        }
        recent
    }

    /// The times, the newest first.
    pub fn times(&self) -> impl Iterator<Item = UnixMs> + '_ {
        let older = &self.ages_ms[..usize::from(self.older)];
        let of = |newest: UnixMs| {
            let older = older.iter().map(move |age_ms| newest.plus(-i64::from(*age_ms)));
            std::iter::once(newest).chain(older)
        };
        self.newest.into_iter().flat_map(of)
    }

    /// The number of wrong codes.
    pub fn count(&self) -> u32 {
        u32::from(self.newest.is_some()) + u32::from(self.older)
    }

    fn first(&self) -> Option<UnixMs> {
        self.times().last()
    }

    /// These without those whose hour is over, and one more.
    fn and(&self, now: UnixMs, policy: &ThrottlePolicy) -> Self {
        let now = self.newest.map_or(now, |newest| newest.max(now));
        let counts = |time: &UnixMs| now.since(*time) < policy.period_ms;
        Self::of(std::iter::once(now).chain(self.times().filter(counts)))
    }
}

/// The weeks that a wrong code counts for: the present one and the twelve before it.
pub const WEEKS: usize = 13;

/// The long count: wrong codes in each of the last 13 weeks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LongCount {
    /// The number of the newest week since 1970.
    pub week: u32,
    /// The newest first.
    pub counts: [u16; WEEKS],
}

impl LongCount {
    /// The sum of those that still count at `now`.
    pub fn sum(&self, now: UnixMs) -> u32 {
        self.at(week_of(now)).counts.iter().map(|count| u32::from(*count)).sum()
    }

    fn and(&self, now: UnixMs) -> Self {
        let mut next = self.at(week_of(now));
        next.counts[0] = next.counts[0].saturating_add(1);
        next
    }

    /// The counts of this week and later.
    fn since(&self, week: u32) -> Self {
        let mut counts = self.counts;
        let later = self.week.saturating_add(1).saturating_sub(week) as usize;
        counts.iter_mut().skip(later).for_each(|count| *count = 0);
        Self { counts, ..*self }
    }

    /// The count as it stands in this week. Weeks do not run backwards, whatever a clock does.
    fn at(&self, week: u32) -> Self {
        let passed = week.saturating_sub(self.week) as usize;
        let mut counts = [0; WEEKS];
        if passed < WEEKS {
            counts[passed..].copy_from_slice(&self.counts[..WEEKS - passed]);
        }
        Self {
            week: self.week.max(week),
            counts,
        }
    }
}

/// Weeks since 1970, whole.
fn week_of(now: UnixMs) -> u32 {
    u32::try_from(now.get() / (7 * UnixMs::DAY)).unwrap_or(0)
}
