//! The time since the power came, from SysTick: a slow tick, and the counter itself for what lies between.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::{chip::CLOCK_HZ, register::Register};

/// A hundred a second: the rarer, the less power.
pub(crate) const TICK_MS: u64 = 10;
const CYCLES_PER_MS: u32 = CLOCK_HZ / 1_000;
const CYCLES_PER_TICK: u32 = CYCLES_PER_MS * TICK_MS as u32;

const CONTROL: Register = Register::at(0xe000_e010);
const RELOAD: Register = Register::at(0xe000_e014);
const CURRENT: Register = Register::at(0xe000_e018);

static TICKS: AtomicU32 = AtomicU32::new(0);

/// Milliseconds since [`start`](Uptime::start).
pub(crate) struct Uptime {
    /// Ticks when asked last, in full: the interrupt counts in 32 bits, which last for 497 days.
    ticks: u64,
}

impl Uptime {
    pub(crate) fn start() -> Self {
        const ENABLED_WITH_INTERRUPT_FROM_PROCESSOR_CLOCK: u32 = 0b111;
        RELOAD.write(CYCLES_PER_TICK - 1);
        CURRENT.write(0);
        CONTROL.write(ENABLED_WITH_INTERRUPT_FROM_PROCESSOR_CLOCK);
        Self { ticks: 0 }
    }

    pub(crate) fn ms(&mut self) -> u64 {
        let (ticks, cycles_left) = loop {
            let before = TICKS.load(Relaxed);
            let cycles_left = CURRENT.read();
            if TICKS.load(Relaxed) == before {
                break (before, cycles_left); // no tick came between
            }
        };
        self.ticks += u64::from(ticks.wrapping_sub(self.ticks as u32));
        self.ticks * TICK_MS + u64::from((CYCLES_PER_TICK - 1).saturating_sub(cycles_left) / CYCLES_PER_MS)
    }
}

pub(crate) fn on_interrupt() {
    TICKS.fetch_add(1, Relaxed);
}
