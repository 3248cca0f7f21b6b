//! The OLED display: an SSD0323 with 128 x 64 pixels in 16 greys, two of them a byte.

use token::Picture;

use crate::{
    chip::{PORT_C, PORT_D},
    register::Register,
    ssi,
};

const POWER: u8 = 1 << 6;
const DATA_NOT_COMMAND: u8 = 1 << 7;
const CARD_SELECT: u8 = 1 << 0;

const POWER_LEVEL: Register = PORT_C.levels(POWER);
const DATA_NOT_COMMAND_LEVEL: Register = PORT_C.levels(DATA_NOT_COMMAND);
const CARD_SELECT_LEVEL: Register = PORT_D.levels(CARD_SELECT);

const COLUMNS: u8 = 0x15;
const ROWS: u8 = 0x75;
const REMAP: u8 = 0xa0;
const OFF: u8 = 0xae;
const ON: u8 = 0xaf;

pub(crate) fn start() {
    PORT_C.make_outputs(POWER | DATA_NOT_COMMAND);
    PORT_D.make_outputs(CARD_SELECT);
    CARD_SELECT_LEVEL.write(CARD_SELECT.into()); // the memory card on the same wires is not meant
    ssi::start();
    command(&[REMAP, 0x50]); // the wiring of this board's panel; the left pixel is in a byte's high half
    show(&Picture::new());
}

pub(crate) fn show(picture: &Picture) {
    const LAST_COLUMN: u8 = Picture::WIDTH as u8 / 2 - 1;
    const LAST_ROW: u8 = Picture::HEIGHT as u8 - 1;
    command(&[COLUMNS, 0, LAST_COLUMN, ROWS, 0, LAST_ROW]);
    DATA_NOT_COMMAND_LEVEL.write(DATA_NOT_COMMAND.into());
    for byte in picture.rows().as_flattened() {
        ssi::send(&greys(*byte));
    }
    command(&[ON]);
    POWER_LEVEL.write(POWER.into());
}

/// Dark, and without the panel's high voltage. QEMU goes on showing what was shown last, hence the dark picture.
pub(crate) fn sleep() {
    show(&Picture::new());
    command(&[OFF]);
    POWER_LEVEL.write(0);
}

fn command(bytes: &[u8]) {
    DATA_NOT_COMMAND_LEVEL.write(0);
    ssi::send(bytes);
}

/// Eight pixels, lit or dark, as greys: all or nothing.
fn greys(pixels: u8) -> [u8; 4] {
    [6, 4, 2, 0].map(|shift| match pixels >> shift & 0b11 {
        0b00 => 0x00,
        0b01 => 0x0f,
        0b10 => 0xf0,
        _ => 0xff,
    })
}
