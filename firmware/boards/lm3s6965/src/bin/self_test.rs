//! Every port of the board, tried over its serial line: see [`board::self_test`].
#![no_std]
#![no_main]

use lm3s6965::Lm3s6965;

#[cortex_m_rt::entry]
fn main() -> ! {
    board::self_test(Lm3s6965::start())
}
