use otp::{Period, Step, Window};

use crate::{Kind, Moving, Purpose, UnixMs};

/// The settings of judging; every default is the product's promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Steps accepted on each side of the expected one: 1, at most 2.
    pub window_steps: u32,
    /// Steps searched on each side when two consecutive codes measure an offset.
    pub search_steps: u32,
    /// Codes of a counter token that may be skipped: 5, at most 10 (RFC 4226 section 7.4, s).
    pub counter_look_ahead: u32,
    /// Codes of a counter token that may be skipped where two consecutive ones are given.
    pub counter_search: u32,
    /// Steps looked at on each side to name the cause of a refusal.
    pub cause_steps: u32,
    /// The most that is learned on top of the measured offset of an app.
    pub learned_drift_max_virtual_steps: i32,
    /// The most that is learned on top of the measured offset of a token.
    pub learned_drift_max_hardware_steps: i32,
    /// What wrong codes cost at login and operation checks.
    pub verification: ThrottlePolicy,
    /// What they cost where factors are changed: unbinding, replacing.
    pub unbinding: ThrottlePolicy,
    /// What wrong pairs cost at a resync.
    pub resync: ThrottlePolicy,
    /// What wrong codes cost at checks of identity.
    pub identity: ThrottlePolicy,
    /// What wrong recovery codes cost.
    pub recovery_codes: ThrottlePolicy,
}

impl Policy {
    /// The throttle of this purpose: what wrong codes cost. Each guess at a counter token has twice as many targets (the
    /// look-ahead, where a clock has its window), so half as many suspend the road (rule A1).
    pub fn throttle(&self, purpose: Purpose, moving: Moving) -> ThrottlePolicy {
        let of_clocks = match purpose {
            Purpose::Verification => self.verification,
            Purpose::Unbinding => self.unbinding,
            Purpose::Resync => self.resync,
            Purpose::Identity => self.identity,
        };
        match moving {
            Moving::Time => of_clocks,
            Moving::Counter => ThrottlePolicy {
                suspend_after: of_clocks.suspend_after.div_ceil(2),
                lift: of_clocks.lift.div_ceil(2),
                ..of_clocks
            },
        }
    }

    /// The counters whose codes are accepted while `next` is expected.
    pub(crate) fn look_ahead(&self, next: Step) -> Window {
        Window::spanning(next, 0, self.counter_look_ahead)
    }

    /// The most that is learned on top of the measured offset of a device of this kind.
    ///
    /// Of an app never more than the window: people type codes late, and a phone that keeps the network's time must not
    /// be refused because that was taken for its clock. A year of clumsy users found one in fifty locked out so.
    pub fn learned_drift_max_steps(&self, kind: Kind) -> i32 {
        match kind {
            Kind::Virtual => self
                .learned_drift_max_virtual_steps
                .min(i32::try_from(self.window_steps).unwrap_or(i32::MAX)),
            Kind::Hardware => self.learned_drift_max_hardware_steps,
        }
    }

    /// The seconds after a refused code in which the farthest step that its cause may name can still be accepted. Of a counter
    /// none: no time brings what may be told of it.
    pub fn near_masked_s(&self, moving: Moving, period: Period) -> u64 {
        self.masked_s(moving, self.cause_steps, period)
    }

    /// [`near_masked_s`](Self::near_masked_s) for a code that was refused while the clock is not known: at a binding or a
    /// resync.
    pub fn search_masked_s(&self, moving: Moving, period: Period) -> u64 {
        // The clock may turn out to be as far behind as the step that was named is ahead.
        self.masked_s(moving, self.search_steps.saturating_mul(2), period)
    }

    /// The window around it, the part of a step that is over, and the one or two that drift may take back meanwhile.
    fn masked_s(&self, moving: Moving, ahead_steps: u32, period: Period) -> u64 {
        if moving == Moving::Counter {
            return 0;
        }
        let steps = u64::from(ahead_steps) + u64::from(self.window_steps) + 3;
        steps * u64::from(period.get_s())
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            window_steps: 1,
            search_steps: 120,
            counter_look_ahead: 5,
            counter_search: 1_000,
            cause_steps: 10,
            learned_drift_max_virtual_steps: 2,
            learned_drift_max_hardware_steps: 10,
            verification: ThrottlePolicy {
                suspend_after: 60,
                ..ThrottlePolicy::HOURLY
            },
            unbinding: ThrottlePolicy {
                suspend_after: 20,
                ..ThrottlePolicy::HOURLY
            },
            resync: ThrottlePolicy {
                suspend_after: 20,
                ..ThrottlePolicy::HOURLY
            },
            identity: ThrottlePolicy {
                suspend_after: 10,
                ..ThrottlePolicy::HOURLY
            },
            recovery_codes: ThrottlePolicy {
                attempts: 5,
                suspend_after: u32::MAX,
                ..ThrottlePolicy::HOURLY
            },
        }
    }
}

/// The rules of a throttle: how many wrong codes lock, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottlePolicy {
    /// Wrong codes within [`period_ms`](Self::period_ms) that lock: [`ATTEMPTS_MAX`](crate::ATTEMPTS_MAX) at most.
    pub attempts: u32,
    /// How long a wrong code counts for a lock; also how long a first lock lasts from the first of them.
    pub period_ms: i64,
    /// A lock lasts at least this long from the code that caused it.
    pub lock_min_ms: i64,
    /// Consecutive locks double up to this.
    pub lock_max_ms: i64,
    /// Wrong codes of 13 weeks, mistakes apart, that suspend the road.
    pub suspend_after: u32,
    /// As many more are allowed by each suspension that is lifted.
    pub lift: u32,
}

impl ThrottlePolicy {
    const HOURLY: Self = Self {
        attempts: 10,
        period_ms: UnixMs::HOUR,
        lock_min_ms: 15 * UnixMs::MINUTE,
        lock_max_ms: UnixMs::DAY,
        suspend_after: u32::MAX,
        lift: 10,
    };
}
