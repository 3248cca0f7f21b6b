//! The storage: a 24C64 EEPROM, 8 KiB in pages of 32 bytes.

use token::{PAGE_LEN_BYTES, PortError};

use crate::i2c::I2c;

const TARGET: u8 = 0x50;
const LEN_BYTES: usize = 8_192;
/// A write takes 5 ms at the most, an attempt to address the chip at least 0.1 ms.
const ATTEMPTS: usize = 200;

pub(crate) fn read(i2c: &mut I2c, address: u16, into: &mut [u8]) -> Result<(), PortError> {
    check_end(address, into.len())?;
    if into.is_empty() {
        return Ok(());
    }
    i2c.write(TARGET, &address.to_be_bytes(), &[])?;
    i2c.read(TARGET, into)
}

pub(crate) fn write(i2c: &mut I2c, mut address: u16, mut bytes: &[u8]) -> Result<(), PortError> {
    check_end(address, bytes.len())?;
    while !bytes.is_empty() {
        let left_in_page = usize::from(PAGE_LEN_BYTES - address % PAGE_LEN_BYTES);
        let (now, later) = bytes.split_at_checked(left_in_page).unwrap_or((bytes, &[]));
        i2c.write(TARGET, &address.to_be_bytes(), now)?;
        wait_until_kept(i2c, address)?;
        address = address.wrapping_add(now.len() as u16);
        bytes = later;
    }
    Ok(())
}

/// The chip answers to its name again once it has written the page.
fn wait_until_kept(i2c: &mut I2c, address: u16) -> Result<(), PortError> {
    let mut answers = (0..ATTEMPTS).map(|_| i2c.write(TARGET, &address.to_be_bytes(), &[]));
    answers.find(Result::is_ok).unwrap_or(Err(PortError))
}

fn check_end(address: u16, len: usize) -> Result<(), PortError> {
    if usize::from(address) + len <= LEN_BYTES {
        Ok(())
    } else {
        Err(PortError)
    }
}
