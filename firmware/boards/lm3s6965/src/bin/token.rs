//! The token's firmware.
#![no_std]
#![no_main]

use lm3s6965::Lm3s6965;

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(Lm3s6965::start())
}
