//! The token's firmware.
#![no_std]
#![no_main]

use nrf52840::Nrf52840;

#[cortex_m_rt::entry]
fn main() -> ! {
    match Nrf52840::start() {
        Some(board) => board::run(board),
        None => cortex_m::peripheral::SCB::sys_reset(),
    }
}
