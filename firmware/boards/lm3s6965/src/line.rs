//! The serial line: UART0, a PL011, 115,200 baud, 8N1.

use board::Ring;

use crate::{
    chip::{CLOCK_HZ, PORT_A},
    register::Register,
};

const BAUD: u32 = 115_200;
const RX: u8 = 1 << 0;
const TX: u8 = 1 << 1;

const DATA: Register = Register::at(0x4000_c000);
const FLAGS: Register = Register::at(0x4000_c018);
const DIVISOR: Register = Register::at(0x4000_c024);
const DIVISOR_64THS: Register = Register::at(0x4000_c028);
const FORMAT: Register = Register::at(0x4000_c02c);
const CONTROL: Register = Register::at(0x4000_c030);
const INTERRUPT_MASK: Register = Register::at(0x4000_c038);

const NOTHING_RECEIVED: u32 = 1 << 4;
const NO_ROOM_TO_SEND: u32 = 1 << 5;
const RECEIVED_OR_TIMED_OUT: u32 = 1 << 4 | 1 << 6;

/// The bytes that the host sends while the application works.
static RECEIVED: Ring<512> = Ring::new();

pub(crate) fn start() {
    const EIGHT_BITS_WITH_FIFO: u32 = 0x70;
    const ENABLED_BOTH_WAYS: u32 = 1 | 1 << 8 | 1 << 9;
    const DIVISOR_IN_64THS: u32 = (CLOCK_HZ * 8 / BAUD).div_ceil(2);
    PORT_A.hand_over(RX | TX);
    CONTROL.write(0);
    DIVISOR.write(DIVISOR_IN_64THS / 64);
    DIVISOR_64THS.write(DIVISOR_IN_64THS % 64);
    FORMAT.write(EIGHT_BITS_WITH_FIFO);
    CONTROL.write(ENABLED_BOTH_WAYS);
    INTERRUPT_MASK.write(RECEIVED_OR_TIMED_OUT);
}

/// Takes what was received; returns how many bytes.
pub(crate) fn receive(into: &mut [u8]) -> usize {
    let taken = RECEIVED.pop_into(into);
    if taken > 0 {
        INTERRUPT_MASK.write(RECEIVED_OR_TIMED_OUT); // there is room again
    }
    taken
}

pub(crate) fn nothing_received() -> bool {
    RECEIVED.is_empty()
}

pub(crate) fn send(bytes: &[u8]) {
    for byte in bytes {
        while FLAGS.read() & NO_ROOM_TO_SEND != 0 {}
        DATA.write(u32::from(*byte));
    }
}

/// Bytes came, or a first one waits for its followers.
pub(crate) fn on_interrupt() {
    while FLAGS.read() & NOTHING_RECEIVED == 0 {
        if RECEIVED.is_full() {
            INTERRUPT_MASK.write(0); // the FIFO keeps the rest until `receive` made room
            return;
        }
        RECEIVED.push(DATA.read() as u8);
    }
}
