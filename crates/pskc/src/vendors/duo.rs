//! Duo's import table: `serial,secret,counter` for HOTP; for TOTP it is `serial,secret`. Kind and digits are chosen on
//! Duo's page, not in the file.

use otp::Period;

use super::draft::{Draft, Line};
use super::{Unfit, expect_columns, hex, number, unlike_its_length};
use crate::table::{Row, TableWriter};
use crate::{Moving, ReadError, Seed};

pub(super) fn is_token(row: &Row<'_>) -> bool {
    row.used() == 3 && row.cell(2).bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn line<'t>(row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    expect_columns(row, 2..=3)?;
    let mut draft = Draft::new(row.cell(0), row.cell(1));
    if !row.cell(2).is_empty() {
        draft.counter = number(row, "counter", row.cell(2))?;
    }
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
    unlike_its_length(seed)?;
    match seed.moving {
        Moving::Counter { counter } => table.row(&[&seed.serial_number, &hex(seed), &counter.to_string()]),
        Moving::Time { period, .. } if period == Period::THIRTY => table.row(&[&seed.serial_number, &hex(seed)]),
        Moving::Time { .. } => return Err("Duo knows a period of 30 s only"),
    }
    Ok(())
}
