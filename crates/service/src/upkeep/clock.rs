//! The wall clock, as far as it can be trusted.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use store::audit::Place;
use verify::UnixMs;

use crate::{ServiceError, ports::Clock};

/// Behind this much less than the newest time that was ever recorded, a clock is only jittering.
const JITTER_MS: i64 = 2_000;
/// The sum of what a wall clock may gain on the clock that is never set, or lose to it, before it counts as set.
const ALLOWANCE_MS: i64 = 60_000;
/// Of that sum a second is forgiven for each of so many: ten seconds an hour, more than honest corrections come to.
const FORGIVEN_ONE_IN: i64 = 360;
/// The time for which a clock that was set must keep its word before it is believed.
const SETTLE_MS: i64 = 60_000;

/// The wall clock, believed only while it moves like a clock.
///
/// Its measure is [`Clock::monotonic_ms`], which is never set. The trusted time stays within a minute of one that goes
/// at that pace, give or take ten seconds an hour; so between two moments it gains **at most two minutes, and ten
/// seconds for each hour**, in however many steps. Beyond that the clock is on probation: nothing is judged until it
/// has kept the new time for a minute, so that a clock which is wrong for a moment cannot write times that refuse
/// everybody afterwards. And **behind** the newest time that was believed or recorded, nothing is judged at all: codes
/// that were used would be in the window again, and locks would last longer or shorter than they should.
///
/// Three troubles do not end by waiting a minute: a start that is further past the newest record than `gap_ms`, a jump
/// forward by more than that, and a clock behind the newest record by more than a minute. They end when the clock is
/// right again, or when somebody [vouches](Self::vouch) for it.
pub(crate) struct TrustedClock {
    clock: Arc<dyn Clock>,
    gap_ms: i64,
    seen: Mutex<Seen>,
    /// The newest row of the trail when the clock was last known to be right, or when the service started.
    right_at: Mutex<Option<Place>>,
}

struct Seen {
    /// The newest time that was believed or recorded.
    newest: UnixMs,
    /// `None` until the clock was believed for the first time since the start.
    believed: Option<Believed>,
    /// A new offset on probation, and since when on the monotonic clock.
    probation: Option<(i64, i64)>,
}

/// The measure of the wall clock: its offset from the monotonic one.
struct Believed {
    /// Wall minus monotonic; it follows what is observed no faster than is forgiven.
    offset_ms: i64,
    /// Up to when, on the monotonic clock, it has followed.
    at_ms: i64,
}

/// Both clocks at one moment.
struct Reading {
    now: UnixMs,
    monotonic_ms: i64,
}

/// Why the wall clock is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is behind the newest record.
    Behind { ms: i64 },
    /// It was too far past the newest record when the service started.
    Ahead { ms: i64, gap_ms: i64 },
    /// It was set forward too far under the running service.
    Jumped { ms: i64, gap_ms: i64 },
    /// It was set, and has yet to keep its word.
    Settling { ms: i64, left_ms: i64 },
}

impl TrustedClock {
    /// `newest` is the newest time on record: a start up to `gap_ms` past it is believed.
    pub(crate) fn new(clock: Arc<dyn Clock>, newest: Option<UnixMs>, gap_ms: i64) -> Self {
        let newest = newest.unwrap_or_else(|| clock.now());
        let trusted = Self {
            clock,
            gap_ms,
            seen: Mutex::new(Seen {
                newest,
                believed: None,
                probation: None,
            }),
            right_at: Mutex::new(None),
        };
        // Believed from here on, or doubted from here on.
        let _asked_again = trusted.judge();
        trusted
    }

    /// The same, right when this row was written.
    pub(crate) fn right_since(self, place: Option<Place>) -> Self {
        *self.right_at() = place;
        self
    }

    /// The newest row of the trail when it was last known to be right.
    pub(crate) fn right_at(&self) -> MutexGuard<'_, Option<Place>> {
        self.right_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time, or why it is not to be believed.
    pub(crate) fn now(&self) -> Result<UnixMs, ServiceError> {
        self.judge()
            .map_err(|trouble| ServiceError::ClockUnreliable(trouble.to_string()))
    }

    /// The time, or what is wrong with it.
    pub(crate) fn judge(&self) -> Result<UnixMs, Trouble> {
        let reading = self.read();
        self.seen().judge(&reading, self.gap_ms)
    }

    /// The newest time that was believed or recorded: the date of what must be done even while the clock is doubted.
    pub(crate) fn newest(&self) -> UnixMs {
        self.seen().newest
    }

    /// The wall clock's time, believed or not.
    pub(crate) fn wall(&self) -> UnixMs {
        self.clock.now()
    }

    /// How far the wall clock is from where the steady one says that it should be; positive: ahead.
    pub(crate) fn offset_ms(&self) -> i64 {
        let reading = self.read();
        let believed = self.seen().believed.as_ref().map(|believed| believed.offset_ms);
        believed.map_or(0, |offset_ms| reading.offset_ms() - offset_ms)
    }

    /// The kernel's word; may take a moment.
    pub(crate) fn synchronised(&self) -> bool {
        self.clock.synchronised()
    }

    /// Believes the clock as it is: the kernel, or an operator, says that it is right.
    pub(crate) fn vouch(&self) -> UnixMs {
        let reading = self.read();
        let mut seen = self.seen();
        seen.newest = reading.now;
        seen.believe(&reading);
        reading.now
    }

    fn read(&self) -> Reading {
        Reading {
            now: self.clock.now(),
            monotonic_ms: self.clock.monotonic_ms(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A panic elsewhere cannot leave these numbers half-written.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn judge(&mut self, reading: &Reading, gap_ms: i64) -> Result<UnixMs, Trouble> {
        let past_ms = reading.now.since(self.newest);
        // Probation goes on while the clock is behind, and both are over when it has caught up.
        let moved = match &mut self.believed {
            None if past_ms > gap_ms => Err(Trouble::Ahead { ms: past_ms, gap_ms }),
            None => Ok(()),
            Some(believed) => match reading.offset_ms() - believed.offset_ms {
                ms if ms.abs() <= ALLOWANCE_MS => {
                    self.probation = None;
                    believed.follow(reading);
                    Ok(())
                }
                ms if ms > gap_ms => Err(Trouble::Jumped { ms, gap_ms }),
                ms => self.settle(reading, ms),
            },
        };
        if past_ms < -JITTER_MS {
            return Err(Trouble::Behind { ms: -past_ms });
        }
        moved?;
        if self.believed.is_none() {
            self.believe(reading);
        }
        // Never backwards, not even by a jitter: what happened later is never dated earlier.
        self.newest = self.newest.max(reading.now);
        Ok(self.newest)
    }

    /// A clock that was set by `ms` is believed after it has kept the new time long enough.
    fn settle(&mut self, reading: &Reading, ms: i64) -> Result<(), Trouble> {
        let offset_ms = reading.offset_ms();
        let (probed_ms, since_ms) = match self.probation {
            Some((probed_ms, since_ms)) if (offset_ms - probed_ms).abs() <= JITTER_MS => (probed_ms, since_ms),
            _ => (offset_ms, reading.monotonic_ms),
        };
        self.probation = Some((probed_ms, since_ms));
        let left_ms = SETTLE_MS - (reading.monotonic_ms - since_ms);
        if left_ms > 0 {
            return Err(Trouble::Settling { ms, left_ms });
        }
        self.believe(reading);
        Ok(())
    }

    fn believe(&mut self, reading: &Reading) {
        self.probation = None;
        self.believed = Some(Believed {
            offset_ms: reading.offset_ms(),
            at_ms: reading.monotonic_ms,
        });
    }
}

impl Believed {
    fn follow(&mut self, reading: &Reading) {
        let moved_ms = reading.offset_ms() - self.offset_ms;
        let forgiven_ms = (reading.monotonic_ms - self.at_ms).max(0) / FORGIVEN_ONE_IN;
        if moved_ms.abs() <= forgiven_ms {
            self.offset_ms += moved_ms;
            // What was not needed is not saved up.
            self.at_ms = reading.monotonic_ms;
        } else {
            self.offset_ms += moved_ms.clamp(-forgiven_ms, forgiven_ms);
            self.at_ms += forgiven_ms * FORGIVEN_ONE_IN;
        }
    }
}

impl Reading {
    fn offset_ms(&self) -> i64 {
        self.now.get().saturating_sub(self.monotonic_ms)
    }
}

impl Trouble {
    /// A stable name for the trail.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Behind { .. } => "behind",
            Self::Ahead { .. } => "ahead",
            Self::Jumped { .. } => "jumped",
            Self::Settling { .. } => "settling",
        }
    }

    /// Whether it can end by somebody's word; the others end by waiting a minute.
    pub(crate) fn needs_word(self) -> bool {
        match self {
            Self::Behind { ms } => ms > ALLOWANCE_MS,
            Self::Ahead { .. } | Self::Jumped { .. } => true,
            Self::Settling { .. } => false,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Behind { ms } => write!(f, "it is {} behind the newest record", Span(ms))?,
            Self::Ahead { ms, gap_ms } => write!(
                f,
                "it is {} past the newest record, and a start is believed up to {}",
                Span(ms),
                Span(gap_ms)
            )?,
            Self::Jumped { ms, gap_ms } => write!(
                f,
                "it was set forward by {}, and a jump is believed up to {}",
                Span(ms),
                Span(gap_ms)
            )?,
            Self::Settling { ms, left_ms } => write!(
                f,
                "it was set {} by {}, in one step or several; it is believed again in {} s if it keeps the new time",
                if ms < 0 { "back" } else { "forward" },
                Span(ms.abs()),
                left_ms.div_euclid(1_000) + 1
            )?,
        }
        if self.needs_word() {
            f.write_str(
                "; set it right. If it is right, it is believed as soon as the kernel calls it synchronised, or an \
                 operator says `countersign clock accept` on the data directory",
            )?;
        }
        Ok(())
    }
}

/// A span of time as people say it: its two largest units.
pub(crate) struct Span(pub(crate) i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000;
        let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
        let large = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
        let (unit, name) = units[large];
        write!(f, "{} {name}", seconds / unit)?;
        match units.get(large + 1) {
            Some((smaller, name)) if seconds % unit >= *smaller => write!(f, " {} {name}", seconds % unit / smaller),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    use proptest::prelude::*;

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

        fn synchronised(&self) -> bool {
            false
        }
    }

    fn clock() -> (Arc<Hands>, TrustedClock) {
        let hands = Arc::new(Hands::default());
        hands.set(1_700_000_000_000);
        (hands.clone(), TrustedClock::new(hands, None, UnixMs::DAY))
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
        let clock = TrustedClock::new(hands.clone(), Some(UnixMs::new(10_000)), UnixMs::DAY);
        assert!(clock.now().is_err());
        hands.pass(9_000);
        assert!(clock.now().is_ok());
    }

    #[test]
    fn a_start_far_past_the_newest_record_waits_for_a_word_or_for_the_right_time() {
        for (past, believed) in [
            (0, true),
            (UnixMs::DAY, true),
            (UnixMs::DAY + 1, false),
            (365 * UnixMs::DAY, false),
        ] {
            let hands = Arc::new(Hands::default());
            hands.set(past);
            let clock = TrustedClock::new(hands.clone(), Some(UnixMs::new(0)), UnixMs::DAY);
            assert_eq!(clock.now().is_ok(), believed, "{past} ms past the newest record");
            hands.pass(10 * UnixMs::MINUTE);
            assert_eq!(
                clock.now().is_ok(),
                believed,
                "it does not become right by keeping its word"
            );
            hands.set(-past);
            assert_eq!(clock.now().is_ok(), !believed || past == 0, "set right");
            hands.set(past);
            assert_eq!(clock.vouch(), UnixMs::new(past + 10 * UnixMs::MINUTE));
            assert!(clock.now().is_ok());
        }
    }

    #[test]
    fn a_jump_of_days_is_believed_on_somebodys_word_only() {
        let (hands, clock) = clock();
        hands.set(2 * UnixMs::DAY);
        for _ in 0..10 {
            assert!(clock.judge().is_err_and(Trouble::needs_word));
            hands.pass(UnixMs::MINUTE);
        }
        clock.vouch();
        assert!(clock.now().is_ok());
        hands.set(-2 * UnixMs::DAY);
        assert!(clock.judge().is_err_and(Trouble::needs_word));
        clock.vouch();
        assert!(clock.now().is_ok(), "behind its own records, by somebody's word");
    }

    #[test]
    fn small_steps_count_together() {
        for step in [59_000, 5_000, -1_900] {
            let (hands, clock) = clock();
            let steps = (0..1_000).take_while(|_| {
                hands.pass(2_000);
                hands.set(step);
                clock.now().is_ok()
            });
            assert!(steps.count() < 70, "steps of {step} ms");
            // Each further step starts the probation anew.
            hands.pass(SETTLE_MS - 1);
            hands.set(step.signum() * 3_000);
            assert!(clock.now().is_err());
            hands.pass(SETTLE_MS);
            assert!(clock.now().is_ok(), "it kept its word");
        }
    }

    #[test]
    fn honest_corrections_pass() {
        let (hands, clock) = clock();
        for day in 0..365 {
            for hour in 0..24 {
                hands.pass(UnixMs::HOUR);
                hands.set(if (day + hour) % 3 == 0 { -1_500 } else { 1_500 });
                hands.pass(5_000);
                assert!(clock.now().is_ok(), "day {day}, hour {hour}");
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Act {
        Pass(i64),
        Set(i64),
        Vouch,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (0..120_000_i64).prop_map(Act::Pass),
            1 => (0..5 * UnixMs::HOUR).prop_map(Act::Pass),
            4 => (-70_000..70_000_i64).prop_map(Act::Set),
            1 => (-40 * UnixMs::HOUR..40 * UnixMs::HOUR).prop_map(Act::Set),
            1 => Just(Act::Vouch),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Between any two moments the trusted time gains on the clock that is never set no more than the allowance
        /// and what is forgiven, unless the clock was refused for a minute, or vouched for, in between.
        #[test]
        fn no_history_makes_time_run(acts in prop::collection::vec(act(), 1..200)) {
            let (hands, clock) = clock();
            // What was believed since the last probation or word: (trusted, monotonic).
            let mut since: Vec<(i64, i64)> = Vec::new();
            let mut newest = 0;
            let mut refused_since: Option<i64> = None;
            for act in acts {
                match act {
                    Act::Pass(ms) => hands.pass(ms),
                    Act::Set(ms) => hands.set(ms),
                    Act::Vouch => {
                        newest = clock.vouch().get();
                        since.clear();
                    }
                }
                let monotonic = hands.monotonic_ms();
                let Ok(now) = clock.now() else {
                    refused_since = refused_since.or(Some(monotonic));
                    continue;
                };
                let trusted = now.get();
                prop_assert!(trusted >= newest, "time went back");
                newest = trusted;
                if refused_since.take().is_some_and(|refused| monotonic - refused >= SETTLE_MS) {
                    since.clear();
                }
                for (before, then) in &since {
                    let passed = monotonic - then;
                    let gained = trusted - before - passed;
                    prop_assert!(
                        gained <= 2 * ALLOWANCE_MS + passed / FORGIVEN_ONE_IN,
                        "gained {gained} ms in {passed} ms"
                    );
                }
                since.push((trusted, monotonic));
            }
        }
    }
}
