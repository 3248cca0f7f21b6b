//! Duo's import table: `serial,secret,counter` for HOTP; for TOTP it is `serial,secret`. Kind and digits are chosen on
//! Duo's page, not in the file.

use otp::Period;

use super::{Draft, Line, Unfit, expect_columns, hex, number};
use crate::table::{Row, TableWriter};
use crate::{Moving, ReadError, Seed};

pub(super) fn is_token(row: &Row<'_>) -> bool {
    row.cells.len() == 3 && row.cell(2).bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn line<'t>(row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    expect_columns(row, 3..=3)?;
    let mut draft = Draft::new(row.cell(0), row.cell(1));
    let counter = match row.cell(2) {
        "" => 0,
        text => number(row, "counter", text)?,
    };
    draft.moving = Moving::Counter { counter };
    Ok(Line::Token(draft))
}

pub(super) fn write(table: &mut TableWriter, seed: &Seed, first: &Seed) -> Result<(), Unfit> {
    let by_time = |seed: &Seed| matches!(seed.moving, Moving::Time { .. });
    if seed.digits != first.digits || by_time(seed) != by_time(first) {
        return Err("Duo takes tokens of one kind and length at a time, and this one differs from the first");
    }
    if !matches!(seed.digits.get(), 6 | 8) {
        return Err("Duo knows codes of 6 and 8 digits only");
    }
    match seed.moving {
        Moving::Counter { counter } => table.row(&[&seed.serial_number, &hex(seed), &counter.to_string()]),
        Moving::Time { period, .. } if period == Period::THIRTY => table.row(&[&seed.serial_number, &hex(seed)]),
        Moving::Time { .. } => return Err("Duo knows a period of 30 s only"),
    }
    Ok(())
}
