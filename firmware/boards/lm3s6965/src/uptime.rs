//! The time since the power came: SysTick counts the processor's cycles, and timer 0 wakes it from sleep.
//!
//! Two of them, because QEMU jumps too far when it hurries through the processor's sleep: it would merge ticks of a
//! slow clock, whereas a counter shows how far it went.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::{chip::CLOCK_HZ, register::Register};

const COUNTER_CONTROL: Register = Register::at(0xe000_e010);
const COUNTER_RELOAD: Register = Register::at(0xe000_e014);
const COUNTER: Register = Register::at(0xe000_e018);
/// It has 24 bits, counts downwards and starts anew every 1.3 s.
const COUNTER_TOP: u32 = 0x00ff_ffff;

const TIMER_CONFIGURATION: Register = Register::at(0x4003_0000);
const TIMER_MODE: Register = Register::at(0x4003_0004);
const TIMER_CONTROL: Register = Register::at(0x4003_000c);
const TIMER_INTERRUPT_MASK: Register = Register::at(0x4003_0018);
const TIMER_INTERRUPT_CLEAR: Register = Register::at(0x4003_0024);
const TIMER_RELOAD: Register = Register::at(0x4003_0028);

/// The time that the processor sleeps at once.
const SLEEP_MS: u32 = 10;
const CYCLES_PER_MS: u32 = CLOCK_HZ / 1_000;

/// How often the counter started anew.
static TURNS: AtomicU32 = AtomicU32::new(0);

/// Milliseconds since [`start`](Uptime::start).
pub(crate) struct Uptime {
    last_ms: u64,
}

impl Uptime {
    pub(crate) fn start() -> Self {
        const ENABLED_WITH_INTERRUPT_FROM_PROCESSOR_CLOCK: u32 = 0b111;
        COUNTER_RELOAD.write(COUNTER_TOP);
        COUNTER.write(0);
        COUNTER_CONTROL.write(ENABLED_WITH_INTERRUPT_FROM_PROCESSOR_CLOCK);

        const WHOLE_32_BITS: u32 = 0;
        const PERIODIC: u32 = 2;
        TIMER_CONFIGURATION.write(WHOLE_32_BITS);
        TIMER_MODE.write(PERIODIC);
        TIMER_RELOAD.write(SLEEP_MS * CYCLES_PER_MS - 1);
        TIMER_INTERRUPT_MASK.write(1);
        TIMER_CONTROL.write(1);
        Self { last_ms: 0 }
    }

    pub(crate) fn ms(&mut self) -> u64 {
        let (turns, left) = loop {
            let before = TURNS.load(Relaxed);
            let left = COUNTER.read();
            if TURNS.load(Relaxed) == before {
                break (before, left); // no new turn came between
            }
        };
        let cycles = u64::from(turns) * u64::from(COUNTER_TOP + 1) + u64::from(COUNTER_TOP - left);
        // A new turn whose interrupt still waits must not take the time back.
        self.last_ms = self.last_ms.max(cycles / u64::from(CYCLES_PER_MS));
        self.last_ms
    }
}

pub(crate) fn on_new_turn() {
    TURNS.fetch_add(1, Relaxed);
}

/// All there is to do is to be awake.
pub(crate) fn on_wake() {
    TIMER_INTERRUPT_CLEAR.write(1);
}
