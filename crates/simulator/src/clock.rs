use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The time around the token: what a perfect clock would say.
pub trait World: Send {
    /// Milliseconds since 1970, UTC.
    fn unix_ms(&self) -> u64;

    /// Milliseconds since some moment; never runs backwards.
    fn monotonic_ms(&self) -> u64;
}

/// A world whose time goes on when it is told to. Clones are the same world.
#[derive(Clone, Debug)]
pub struct VirtualTime(Arc<AtomicU64>);

impl VirtualTime {
    /// A clock at this time, in seconds since 1970.
    pub fn at_unix_s(unix_s: u64) -> Self {
        Self(Arc::new(AtomicU64::new(unix_s * 1_000)))
    }

    /// Time goes by.
    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl World for VirtualTime {
    fn unix_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic_ms(&self) -> u64 {
        self.unix_ms()
    }
}

/// The last time that a token's clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSetting {
    /// To this, in seconds since 1970.
    pub unix_s: u64,
    /// When the world was so late, in milliseconds since 1970.
    pub at_unix_ms: u64,
}

impl ClockSetting {
    /// The time of the token's clock, when its quartz is `drift_ppm` too fast.
    pub(crate) fn now_unix_s(self, world_unix_ms: u64, drift_ppm: i32) -> u64 {
        let elapsed_ms = i128::from(world_unix_ms) - i128::from(self.at_unix_ms);
        let felt_ms = elapsed_ms + elapsed_ms * i128::from(drift_ppm) / 1_000_000;
        let unix_s = i128::from(self.unix_s) + felt_ms.div_euclid(1_000);
        u64::try_from(unix_s).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quartz_that_is_20_ppm_too_fast_gains_a_step_in_17_and_a_half_days() {
        let setting = ClockSetting {
            unix_s: 1_700_000_000,
            at_unix_ms: 1_700_000_000_000,
        };
        let after = |s: u64, ppm| setting.now_unix_s(1_700_000_000_000 + s * 1_000, ppm) - 1_700_000_000 - s;
        assert_eq!(after(1_500_000, 20), 30);
        assert_eq!(after(1_500_000, 0), 0);
        let slow = setting.now_unix_s(1_700_000_000_000 + 1_500_000_000, -20);
        assert_eq!(slow, 1_700_000_000 + 1_500_000 - 30);
    }
}
