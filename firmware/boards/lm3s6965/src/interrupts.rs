//! The interrupt vectors, and what happens when nothing else is left to do.

use core::panic::PanicInfo;

use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};

use crate::{button, line, register::Register, uptime};

/// The chip's numbers of the interrupts in use.
const UART0: usize = 5;
const TIMER_0: usize = 19;
const PORT_F: usize = 30;

/// The part of the vector table that is this chip's, up to the last interrupt in use. The others stay off.
// SAFETY: cortex-m-rt's linker script puts this section right behind the processor's own vectors, and its contract for
// the `device` feature is a table of this name with one address an entry.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [extern "C" fn(); PORT_F + 1] = {
    let mut table: [extern "C" fn(); PORT_F + 1] = [reset; PORT_F + 1];
    table[UART0] = on_line;
    table[TIMER_0] = on_wake;
    table[PORT_F] = on_button;
    table
};

/// Lets the line, the timer and the button interrupt.
pub(crate) fn enable() {
    const SET_ENABLE_0: Register = Register::at(0xe000_e100);
    SET_ENABLE_0.write(1 << UART0 | 1 << TIMER_0 | 1 << PORT_F);
}

extern "C" fn on_line() {
    line::on_interrupt();
}

extern "C" fn on_button() {
    button::on_interrupt();
}

extern "C" fn on_wake() {
    uptime::on_wake();
}

#[exception]
fn SysTick() {
    uptime::on_new_turn();
}

extern "C" fn reset() {
    SCB::sys_reset();
}

/// What the token must keep is in its storage, where the application finds it again.
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
