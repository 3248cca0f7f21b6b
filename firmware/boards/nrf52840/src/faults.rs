//! The handlers of faults, where nothing else is left to do: what the token must keep is in its storage.

use core::panic::PanicInfo;

use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};

// SAFETY: cortex-m-rt asks for `unsafe` where an exception may interrupt anything; this one touches nothing.
#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    SCB::sys_reset()
}

/// A panic ends as a fault does.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    SCB::sys_reset()
}
