//! `serial,seed` and nothing else: what most vendors send who are asked for "the CSV".

use otp::Digits;

use super::draft::{Draft, Line};
use super::{TOTP, Unfit, expect_columns, hex, unlike_its_length};
use crate::table::{Row, TableWriter};
use crate::{Moving, ReadError, Seed};

pub(super) fn line<'t>(row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    expect_columns(row, 2..=2)?;
    Ok(Line::Token(Draft::new(row.cell(0), row.cell(1))))
}

pub(super) fn write(table: &mut TableWriter, seed: &Seed) -> Result<(), Unfit> {
    let undrifted = match seed.moving {
        Moving::Time { period, .. } => Moving::Time { period, drift_steps: 0 },
        counter @ Moving::Counter { .. } => counter,
    };
    if undrifted != TOTP || seed.digits != Digits::SIX {
        return Err("a table without settings is for TOTP with 6 digits and 30 s");
    }
    unlike_its_length(seed)?;
    table.row(&[&seed.serial_number, &hex(seed)]);
    Ok(())
}
