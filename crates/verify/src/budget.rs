use crate::{BudgetPolicy, UnixMs};

/// Wrong codes and what they cost, as a pure machine:
///
/// ```text
///            wrong (< attempts)
///              ┌──────┐
///              ▼      │
///  right ──► open ────┘──── wrong (= attempts within the period) ────► locked ── time ──► open
///              ▲                                                         (the next lock lasts twice as long,
///              └── the period passed: the count starts anew               until a right code)
/// ```
///
/// `since_success` counts beside it and never ages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Wrong codes since [`first_failure_at`](Self::first_failure_at).
    pub failures: u32,
    /// The first wrong code that still counts.
    pub first_failure_at: Option<UnixMs>,
    /// Consecutive locks; doubles the next one.
    pub lock_count: u32,
    /// Nothing is judged before this time.
    pub locked_until: Option<UnixMs>,
    /// Wrong codes since the last right one; does not age.
    pub since_success: u32,
}

/// Why nothing is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Too many wrong codes; judged again from this time on.
    Until(UnixMs),
    /// Too many wrong codes without a success; ended by support or by a resync with proof.
    Suspended,
}

impl Budget {
    /// The lock in force at `now`.
    pub fn lock(&self, now: UnixMs) -> Option<UnixMs> {
        self.locked_until.filter(|until| now < *until)
    }

    /// After a wrong code at `now`. The caller has seen that no lock is in force.
    #[must_use]
    pub fn wrong(self, now: UnixMs, policy: &BudgetPolicy) -> Self {
        let open = self.aged(now, policy);
        let first = open.first_failure_at.unwrap_or(now);
        let counted = Self {
            failures: open.failures + 1,
            first_failure_at: Some(first),
            since_success: open.since_success.saturating_add(1),
            ..open
        };
        if counted.failures < policy.attempts {
            return counted;
        }
        let doubled = |ms: i64| ms.saturating_mul(1 << open.lock_count.min(20)).min(policy.lock_max_ms);
        let until = first
            .plus(doubled(policy.period_ms))
            .max(now.plus(doubled(policy.lock_min_ms)));
        Self {
            failures: 0,
            first_failure_at: None,
            lock_count: open.lock_count.saturating_add(1),
            locked_until: Some(until),
            ..counted
        }
    }

    /// After a right code: nothing is held against anybody.
    #[must_use]
    pub fn right(self) -> Self {
        Self::default()
    }

    /// Whether the device is to be suspended.
    pub fn spent(&self, policy: &BudgetPolicy) -> bool {
        self.since_success >= policy.suspend_after
    }

    /// What still counts at `now`. A first failure in the future means that the clock was set back:
    /// it keeps counting, for forgetting it would be a way to get more guesses.
    fn aged(self, now: UnixMs, policy: &BudgetPolicy) -> Self {
        let expired = self
            .first_failure_at
            .is_some_and(|first| now.since(first) >= policy.period_ms);
        Self {
            failures: if expired { 0 } else { self.failures },
            first_failure_at: self.first_failure_at.filter(|_| !expired),
            locked_until: None,
            ..self
        }
    }
}
