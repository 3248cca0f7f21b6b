//! The real-time clock: a DS1338 with its own battery, which counts in BCD.

use board::Calendar;
use token::PortError;

use crate::i2c::I2c;

const TARGET: u8 = 0x68;
const SECONDS: u8 = 0;
const MINUTES: u8 = 1;
const DAY: u8 = 4;
const CONTROL: u8 = 7;

/// In the register of the seconds: the clock is halted.
const HALTED: u8 = 1 << 7;
/// In the control register: the clock stopped at some time since this was cleared.
const STOPPED: u8 = 1 << 5;

/// Seconds since 1970, unless it stopped. A date that no calendar has counts as stopped.
pub(crate) fn unix_s(i2c: &mut I2c) -> Result<Option<u64>, PortError> {
    i2c.write(TARGET, &[SECONDS], &[])?;
    let mut registers = [0; 8];
    i2c.read(TARGET, &mut registers)?;
    let [second, minute, hour, weekday, day, month, year, control] = registers;
    if second & HALTED != 0 || control & STOPPED != 0 {
        return Ok(None);
    }
    let calendar = Calendar {
        year: from_bcd(year),
        month: from_bcd(month),
        day: from_bcd(day),
        weekday,
        hour: from_bcd(hour),
        minute: from_bcd(minute),
        second: from_bcd(second),
    };
    Ok(calendar.unix_s().ok())
}

/// Writing the seconds starts them anew. They are halted first, which the control register remembers, and written last:
/// a power cut in between leaves a clock that says that it stopped, never one of another day.
pub(crate) fn set_unix_s(i2c: &mut I2c, unix_s: u64) -> Result<(), PortError> {
    let calendar = Calendar::from_unix_s(unix_s).map_err(|_| PortError)?;
    i2c.write(TARGET, &[SECONDS], &[HALTED])?;
    // The month and the year first, on a day that every month has: QEMU's chip takes each register as it comes, and
    // would make 3 March of 31 February.
    i2c.write(TARGET, &[DAY], &[1, calendar.month, calendar.year].map(to_bcd))?;
    let [second, minute, hour] = [calendar.second, calendar.minute, calendar.hour].map(to_bcd);
    let day = to_bcd(calendar.day);
    i2c.write(TARGET, &[MINUTES], &[minute, hour, calendar.weekday, day])?;
    i2c.write(TARGET, &[SECONDS], &[second])?;
    i2c.write(TARGET, &[CONTROL], &[0]) // no square wave; it has not stopped
}

fn from_bcd(bcd: u8) -> u8 {
    (bcd >> 4) * 10 + (bcd & 0x0f)
}

fn to_bcd(number: u8) -> u8 {
    (number / 10) << 4 | (number % 10)
}
