use crate::Period;

/// The number of a period since the Unix epoch (RFC 6238 section 4.2, T), or the counter of an HOTP
/// device (RFC 4226 section 5.1, C).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(u64);

impl Step {
    /// The step with this number.
    pub const fn new(step: u64) -> Self {
        Self(step)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The step that a clock showing `unix_s` seconds since the epoch is in (T0 = 0).
    ///
    /// ```
    /// use countersign_otp::{Period, Step};
    ///
    /// assert_eq!(Step::at(59, Period::THIRTY), Step::new(1));
    /// assert_eq!(Step::at(60, Period::THIRTY), Step::new(2));
    /// ```
    pub const fn at(unix_s: u64, period: Period) -> Self {
        Self(unix_s / period.get_s() as u64)
    }

    /// `steps` later (earlier: negative), stopping at step 0 and at the last one there is.
    #[must_use]
    pub const fn offset(self, steps: i64) -> Self {
        Self(self.0.saturating_add_signed(steps))
    }

    /// The number of steps by which `self` is after `earlier` (before it: negative), kept within `i64`.
    pub const fn steps_since(self, earlier: Self) -> i64 {
        let apart = self.0.abs_diff(earlier.0);
        if self.0 >= earlier.0 {
            if apart > i64::MAX as u64 {
                i64::MAX
            } else {
                apart as i64
            }
        } else {
            // 2^63 itself has a negative, so this stops one step later than the other side
            0_i64.saturating_sub_unsigned(apart)
        }
    }
}

/// The steps at which a code may stand: from [`first`](Self::first) to [`last`](Self::last), both
/// included, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    first: Step,
    last: Step,
}

impl Window {
    /// `center` and `radius` steps on either side of it. Only where steps end, at 0 and at
    /// `u64::MAX`, is a side shorter.
    ///
    /// A check computes every step of its window, about 100 ns each: the radius is the caller's
    /// choice, never a user's.
    ///
    /// ```
    /// use countersign_otp::{Step, Window};
    ///
    /// let window = Window::around(Step::new(1), 2);
    /// assert_eq!((window.first(), window.last()), (Step::new(0), Step::new(3)));
    /// ```
    pub const fn around(center: Step, radius: u32) -> Self {
        Self {
            first: center.offset(-(radius as i64)),
            last: center.offset(radius as i64),
        }
    }

    /// From `before` steps before `center` to `after` steps after it, within the same bounds.
    pub const fn spanning(center: Step, before: u32, after: u32) -> Self {
        Self {
            first: center.offset(-(before as i64)),
            last: center.offset(after as i64),
        }
    }

    /// The earliest step in it.
    pub const fn first(self) -> Step {
        self.first
    }

    /// The latest step in it.
    pub const fn last(self) -> Step {
        self.last
    }

    /// True if `step` is in it.
    pub const fn contains(self, step: Step) -> bool {
        self.first.0 <= step.0 && step.0 <= self.last.0
    }
}
