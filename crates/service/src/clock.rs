use std::sync::{Arc, Mutex, PoisonError};

use verify::UnixMs;

use crate::{ServiceError, ports::Clock};

/// Behind this much less than the newest time that was ever recorded, a clock is only jittering.
const BEHIND_MS: i64 = 2_000;
/// A wall clock that runs ahead of the monotonic one by more than this was set.
const AHEAD_MS: i64 = 60_000;
/// How long a clock that was set forward must keep its word before it is believed.
const SETTLE_MS: i64 = 60_000;

/// The wall clock, believed only while it moves like a clock.
///
/// Set **back**, nothing is judged until it has caught up with the newest recorded time: codes that were
/// used would be in the window again, and locks would last longer or shorter than they should. Set
/// **forward** by more than a minute, nothing is judged until it has kept the new time for a minute, so
/// that a clock which is wrong for a moment cannot write times that refuse everybody afterwards.
pub(crate) struct TrustedClock {
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

struct Seen {
    /// The newest time that was believed.
    newest: UnixMs,
    /// Wall minus monotonic, as believed.
    offset_ms: i64,
    /// A new offset on probation, and since when on the monotonic clock.
    probation: Option<(i64, i64)>,
}

impl TrustedClock {
    /// `newest` is the newest time on record.
    pub(crate) fn new(clock: Arc<dyn Clock>, newest: Option<UnixMs>) -> Self {
        let now = clock.now();
        let offset_ms = now.get().saturating_sub(clock.monotonic_ms());
        let newest = newest.unwrap_or(now);
        Self {
            clock,
            seen: Mutex::new(Seen {
                newest,
                offset_ms,
                probation: None,
            }),
        }
    }

    /// The time, or why it is not to be believed.
    pub(crate) fn now(&self) -> Result<UnixMs, ServiceError> {
        let now = self.clock.now();
        let monotonic_ms = self.clock.monotonic_ms();
        let offset_ms = now.get().saturating_sub(monotonic_ms);
        // A panic elsewhere cannot leave these three numbers half-written.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let behind_ms = seen.newest.since(now);
        if behind_ms > BEHIND_MS {
            return Err(ServiceError::ClockUnreliable(format!(
                "it is {} s behind the newest record; set it right, or wait until it has caught up",
                behind_ms / 1_000
            )));
        }
        if offset_ms - seen.offset_ms > AHEAD_MS {
            let (probed_ms, since_ms) = match seen.probation {
                Some((probed_ms, since_ms)) if (offset_ms - probed_ms).abs() <= BEHIND_MS => (probed_ms, since_ms),
                _ => (offset_ms, monotonic_ms),
            };
            seen.probation = Some((probed_ms, since_ms));
            let left_ms = SETTLE_MS - (monotonic_ms - since_ms);
            if left_ms > 0 {
                return Err(ServiceError::ClockUnreliable(format!(
                    "it was set forward by {} s; it is believed again in {} s if it keeps the new time",
                    (offset_ms - seen.offset_ms) / 1_000,
                    left_ms.div_euclid(1_000) + 1
                )));
            }
        }
        seen.probation = None;
        seen.offset_ms = offset_ms;
        // Never backwards, not even by a jitter: what happened later is never dated earlier.
        seen.newest = seen.newest.max(now);
        Ok(seen.newest)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    use super::*;

    #[derive(Default)]
    struct Hands {
        wall: AtomicI64,
        monotonic: AtomicI64,
    }

    impl Hands {
        fn pass(&self, ms: i64) {
            self.wall.fetch_add(ms, Relaxed);
            self.monotonic.fetch_add(ms, Relaxed);
        }

        fn set(&self, ms: i64) {
            self.wall.fetch_add(ms, Relaxed);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> UnixMs {
            UnixMs::new(self.wall.load(Relaxed))
        }

        fn monotonic_ms(&self) -> i64 {
            self.monotonic.load(Relaxed)
        }
    }

    fn clock() -> (Arc<Hands>, TrustedClock) {
        let hands = Arc::new(Hands::default());
        hands.set(1_700_000_000_000);
        (hands.clone(), TrustedClock::new(hands, None))
    }

    #[test]
    fn a_clock_set_back_is_believed_again_once_it_has_caught_up() {
        let (hands, clock) = clock();
        assert!(clock.now().is_ok());
        hands.set(-UnixMs::HOUR);
        assert!(matches!(clock.now(), Err(ServiceError::ClockUnreliable(_))));
        hands.pass(UnixMs::HOUR - 1_000);
        assert!(clock.now().is_ok(), "a second behind is jitter");
    }

    #[test]
    fn a_clock_set_forward_is_believed_after_a_minute_and_a_short_mistake_leaves_no_trace() {
        let (hands, clock) = clock();
        hands.set(UnixMs::HOUR);
        assert!(clock.now().is_err());
        hands.set(-UnixMs::HOUR);
        assert!(clock.now().is_ok(), "the mistake was not recorded");
        hands.set(UnixMs::HOUR);
        assert!(clock.now().is_err());
        hands.pass(59_000);
        assert!(clock.now().is_err());
        hands.pass(2_000);
        assert!(clock.now().is_ok());
    }

    #[test]
    fn time_that_passes_is_no_jump() {
        let (hands, clock) = clock();
        for _ in 0..100 {
            hands.pass(UnixMs::DAY);
            assert!(clock.now().is_ok());
        }
    }

    #[test]
    fn a_record_newer_than_the_clock_is_waited_for() {
        let hands = Arc::new(Hands::default());
        let clock = TrustedClock::new(hands.clone(), Some(UnixMs::new(10_000)));
        assert!(clock.now().is_err());
        hands.pass(9_000);
        assert!(clock.now().is_ok());
    }
}
