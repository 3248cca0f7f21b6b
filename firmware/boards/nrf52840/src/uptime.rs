//! The time since the power came: RTC0 at 1,024 Hz, from the 32 kHz crystal.

use cortex_m::peripheral::NVIC;
use nrf52840_hal::{
    Rtc,
    pac::{Interrupt, RTC0},
    rtc::{RtcCompareReg, RtcInterrupt},
};

const PRESCALER: u32 = 31;
const TICKS_PER_S: u64 = 1_024;
/// The counter has 24 bits, which last for 4.5 hours; [`Uptime::arm`] wakes before.
const COUNTER_MASK: u32 = 0x00ff_ffff;
const LONGEST_NAP_MS: u64 = 3_600_000;

pub(crate) struct Uptime {
    rtc: Rtc<RTC0>,
    ticks: u64,
}

impl Uptime {
    pub(crate) fn start(rtc: RTC0) -> Option<Self> {
        let mut rtc = Rtc::new(rtc, PRESCALER).ok()?;
        rtc.enable_interrupt(RtcInterrupt::Compare0, None); // not in the NVIC: its being pending wakes, nobody is called
        rtc.enable_counter();
        Some(Self { rtc, ticks: 0 })
    }

    pub(crate) fn ms(&mut self) -> u64 {
        let went_by = self.rtc.get_counter().wrapping_sub(self.ticks as u32) & COUNTER_MASK;
        self.ticks += u64::from(went_by);
        self.ticks * 1_000 / TICKS_PER_S
    }

    /// Wakes the processor after so long, or a little later.
    pub(crate) fn arm(&mut self, nap_ms: u64) {
        let ticks = nap_ms.min(LONGEST_NAP_MS) * TICKS_PER_S / 1_000 + 2; // nearer ones may be missed
        let at = self.rtc.get_counter().wrapping_add(ticks as u32) & COUNTER_MASK;
        self.rtc.reset_event(RtcInterrupt::Compare0);
        NVIC::unpend(Interrupt::RTC0);
        let _ = self.rtc.set_compare(RtcCompareReg::Compare0, at); // fails only beyond 24 bits
    }
}
