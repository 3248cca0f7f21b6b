//! SSI0, a PL022, as an SPI master that only sends.

use crate::{
    chip::{CLOCK_HZ, PORT_A},
    register::Register,
};

const CLOCK_PIN: u8 = 1 << 2;
const FRAME_PIN: u8 = 1 << 3;
const TX: u8 = 1 << 5;

const FORMAT: Register = Register::at(0x4000_8000);
const CONTROL: Register = Register::at(0x4000_8004);
const DATA: Register = Register::at(0x4000_8008);
const STATUS: Register = Register::at(0x4000_800c);
const PRESCALER: Register = Register::at(0x4000_8010);

/// What the display takes at most.
const BIT_RATE_HZ: u32 = 3_125_000;

pub(crate) fn start() {
    const ENABLED: u32 = 1 << 1;
    const IDLE_HIGH_SAMPLED_ON_SECOND_EDGE_8_BITS: u32 = 0xc7;
    PORT_A.hand_over(CLOCK_PIN | FRAME_PIN | TX);
    CONTROL.write(0);
    PRESCALER.write(CLOCK_HZ / BIT_RATE_HZ);
    FORMAT.write(IDLE_HIGH_SAMPLED_ON_SECOND_EDGE_8_BITS);
    CONTROL.write(ENABLED);
}

/// Returns when the last bit has left.
pub(crate) fn send(bytes: &[u8]) {
    const BUSY: u32 = 1 << 4;
    const RECEIVED: u32 = 1 << 2;
    for byte in bytes {
        DATA.write(u32::from(*byte));
        while STATUS.read() & BUSY != 0 {}
        while STATUS.read() & RECEIVED != 0 {
            let _ = DATA.read(); // each byte sent is one received, and there is nobody to send one
        }
    }
}
