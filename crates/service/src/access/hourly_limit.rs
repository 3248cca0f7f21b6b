//! An hourly rate limit in memory.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use verify::UnixMs;

use crate::{ServiceError, devices::factor::wait_s};

/// An hourly rate limit for each of many. In memory, for what is cheap once and not 600 times a second:
/// a restart forgives, and costs more.
pub(crate) struct HourlyLimit<K> {
    counts: Mutex<HashMap<K, Count>>,
}

struct Count {
    since: UnixMs,
    used: u32,
}

/// Those that are counted at once.
const KEPT: usize = 65_536;

impl<K> Default for HourlyLimit<K> {
    fn default() -> Self {
        Self {
            counts: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash> HourlyLimit<K> {
    /// Asks whether [`take`](Self::take) would count, and counts nothing.
    pub(crate) fn ask(&self, who: &K, most: u32, now: UnixMs) -> Result<(), ServiceError> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get(who).filter(|count| count.lasts(now) && count.used >= most) {
            Some(count) => Err(count.refusal(now)),
            None => Ok(()),
        }
    }

    /// Counts once more, if that is not more than `most` within the hour.
    pub(crate) fn take(&self, who: K, most: u32, now: UnixMs) -> Result<(), ServiceError> {
        // Nothing in here can panic halfway.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= KEPT && !counts.contains_key(&who) {
            counts.retain(|_, count| count.lasts(now));
            if counts.len() >= KEPT {
                forget_half(&mut counts);
            }
        }
        let count = counts.entry(who).or_insert(Count { since: now, used: 0 });
        if !count.lasts(now) {
            *count = Count { since: now, used: 0 };
        }
        if count.used >= most {
            return Err(count.refusal(now));
        }
        count.used += 1;
        Ok(())
    }
}

/// Makes room: whoever does it oftener than most stays counted. Nobody is refused because many others came today.
fn forget_half<K>(counts: &mut HashMap<K, Count>) {
    let mut used: Vec<u32> = counts.values().map(|count| count.used).collect();
    let middle = used.len() / 2;
    let (_, median, _) = used.select_nth_unstable(middle);
    let median = *median;
    counts.retain(|_, count| count.used > median);
}

impl Count {
    fn refusal(&self, now: UnixMs) -> ServiceError {
        let retry_after_s = wait_s(self.since.plus(UnixMs::HOUR), now);
        ServiceError::AskedTooOften { retry_after_s }
    }

    /// Whether its hour is now; the clock may have been set back since.
    fn lasts(&self, now: UnixMs) -> bool {
        now.since(self.since).abs() < UnixMs::HOUR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_an_hour_and_each_for_themselves() {
        let limit = HourlyLimit::default();
        let at = |ms| UnixMs::new(1_700_000_000_000 + ms);
        for _ in 0..3 {
            assert_eq!(limit.take("alice", 3, at(0)), Ok(()));
        }
        let refused = Err(ServiceError::AskedTooOften { retry_after_s: 3_599 });
        assert_eq!(limit.take("alice", 3, at(1_000)), refused);
        assert_eq!(limit.take("bob", 3, at(1_000)), Ok(()));
        assert_eq!(limit.take("alice", 3, at(UnixMs::HOUR)), Ok(()));
        assert_eq!(
            limit.take("alice", 3, at(-365 * UnixMs::DAY)),
            Ok(()),
            "the clock was set back"
        );
    }

    #[test]
    fn any_number_of_users_takes_so_much_memory_and_no_more() {
        let limit = HourlyLimit::default();
        let now = UnixMs::new(1_700_000_000_000);
        assert_eq!(limit.take(0, 2, now), Ok(()));
        assert_eq!(limit.take(0, 2, now), Ok(()));
        for user in 1..3 * KEPT {
            assert_eq!(limit.take(user, 2, now), Ok(()));
            debug_assert!(limit.counts.lock().is_ok_and(|counts| counts.len() <= KEPT));
        }
        assert!(limit.take(0, 2, now).is_err(), "whoever came often is remembered");
    }

    #[test]
    fn however_many_come_twice_nobody_is_refused_for_it() {
        let limit = HourlyLimit::default();
        let now = UnixMs::new(1_700_000_000_000);
        for user in 0..2 * KEPT {
            for _ in 0..2 {
                assert_eq!(limit.take(user, 3, now), Ok(()), "{user}");
            }
            debug_assert!(limit.counts.lock().is_ok_and(|counts| counts.len() <= KEPT));
        }
    }
}
