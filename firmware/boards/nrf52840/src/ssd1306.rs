//! The OLED display: an SSD1306 with 128 x 64 pixels on I2C, eight rows of a column in a byte.

use embedded_hal::i2c::I2c;
use token::{Picture, PortError};

const TARGET: u8 = 0x3c;
const COMMANDS: u8 = 0x00;
const DATA: u8 = 0x40;
const OFF: u8 = 0xae;
const ON: u8 = 0xaf;

/// As the datasheet's application note has it: 64 rows, the charge pump on, horizontal addressing.
#[rustfmt::skip]
const SETTINGS: [u8; 25] = [
    COMMANDS, OFF, 0xd5, 0x80, 0xa8, 0x3f, 0xd3, 0x00, 0x40, 0x8d, 0x14, 0x20, 0x00, 0xa1, 0xc8, 0xda, 0x12,
    0x81, 0x7f, 0xd9, 0xf1, 0xdb, 0x40, 0xa4, 0xa6,
];
const WHOLE_SCREEN: [u8; 7] = [COMMANDS, 0x21, 0, Picture::WIDTH as u8 - 1, 0x22, 0, 7];

/// Sets the display up each time, so that one that lost its power comes back.
pub(crate) fn show(i2c: &mut impl I2c, picture: &Picture) -> Result<(), PortError> {
    send(i2c, &SETTINGS)?;
    send(i2c, &WHOLE_SCREEN)?;
    for band in 0..Picture::HEIGHT / 8 {
        let mut columns = [DATA; Picture::WIDTH + 1];
        for (x, column) in columns.iter_mut().skip(1).enumerate() {
            *column = (0..8).fold(0, |bits, y| bits | u8::from(picture.is_lit(x, band * 8 + y)) << y);
        }
        send(i2c, &columns)?;
    }
    send(i2c, &[COMMANDS, ON])
}

pub(crate) fn sleep(i2c: &mut impl I2c) -> Result<(), PortError> {
    send(i2c, &[COMMANDS, OFF])
}

fn send(i2c: &mut impl I2c, bytes: &[u8]) -> Result<(), PortError> {
    i2c.write(TARGET, bytes).map_err(|_| PortError)
}
