//! I2C0 as the only master of its bus, 100 kHz.

use token::PortError;

use crate::{
    chip::{CLOCK_HZ, PORT_B},
    register::Register,
};

const CLOCK_PIN: u8 = 1 << 2;
const DATA_PIN: u8 = 1 << 3;

const TARGET: Register = Register::at(0x4002_0000);
const CONTROL: Register = Register::at(0x4002_0004);
const DATA: Register = Register::at(0x4002_0008);
const TIMER_PERIOD: Register = Register::at(0x4002_000c);
const CONFIGURATION: Register = Register::at(0x4002_0020);

const RUN: u32 = 1 << 0;
const START: u32 = 1 << 1;
const STOP: u32 = 1 << 2;
const ACKNOWLEDGE: u32 = 1 << 3;

/// What `CONTROL` reads as.
const BUSY: u32 = 1 << 0;
const FAILED: u32 = 1 << 1;
const ARBITRATION_LOST: u32 = 1 << 4;

/// The bus. Every operation ends with a STOP, since QEMU's has no repeated start.
pub(crate) struct I2c(());

impl I2c {
    pub(crate) fn start() -> Self {
        const MASTER: u32 = 1 << 4;
        PORT_B.hand_over(CLOCK_PIN | DATA_PIN);
        PORT_B.make_open_drain(CLOCK_PIN | DATA_PIN);
        CONFIGURATION.write(MASTER);
        TIMER_PERIOD.write(CLOCK_HZ / (20 * 100_000) - 1);
        Self(())
    }

    /// Writes the first bytes and the rest in one operation, and at least one byte.
    pub(crate) fn write(&mut self, target: u8, first: &[u8], rest: &[u8]) -> Result<(), PortError> {
        TARGET.write(u32::from(target) << 1);
        let mut bytes = first.iter().chain(rest).peekable();
        let mut condition = START;
        while let Some(byte) = bytes.next() {
            DATA.write(u32::from(*byte));
            let stop = if bytes.peek().is_none() { STOP } else { 0 };
            operate(RUN | condition | stop)?;
            condition = 0;
        }
        Ok(())
    }

    /// Reads at least one byte, in one operation.
    pub(crate) fn read(&mut self, target: u8, into: &mut [u8]) -> Result<(), PortError> {
        TARGET.write(u32::from(target) << 1 | 1);
        let mut condition = START;
        let mut left = into.len();
        for byte in into {
            left -= 1;
            let end = if left == 0 { STOP } else { ACKNOWLEDGE };
            operate(RUN | condition | end)?;
            *byte = DATA.read() as u8;
            condition = 0;
        }
        Ok(())
    }
}

fn operate(what: u32) -> Result<(), PortError> {
    CONTROL.write(what);
    let mut state = CONTROL.read();
    while state & BUSY != 0 {
        state = CONTROL.read();
    }
    if state & (FAILED | ARBITRATION_LOST) == 0 {
        return Ok(());
    }
    if state & ARBITRATION_LOST == 0 && what & STOP == 0 {
        CONTROL.write(STOP); // nobody answers
        while CONTROL.read() & BUSY != 0 {}
    }
    Err(PortError)
}
