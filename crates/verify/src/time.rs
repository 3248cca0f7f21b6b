use otp::{Period, Step};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, as somebody else's clock told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMs(i64);

impl UnixMs {
    /// One second, in the unit of [`UnixMs::plus`].
    pub const SECOND: i64 = 1_000;
    /// One minute.
    pub const MINUTE: i64 = 60 * Self::SECOND;
    /// One hour.
    pub const HOUR: i64 = 60 * Self::MINUTE;
    /// One day.
    pub const DAY: i64 = 24 * Self::HOUR;

    /// From milliseconds since the epoch.
    pub const fn new(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// This many milliseconds later (earlier when negative); stops at the ends of the type.
    #[must_use]
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here; negative when `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The RFC 6238 step that this time falls into; times before 1970 fall into step 0.
    pub fn step(self, period: Period) -> Step {
        Step::at(u64::try_from(self.0.div_euclid(1_000)).unwrap_or(0), period)
    }
}
