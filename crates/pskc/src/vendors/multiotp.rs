//! multiOTP's table: `serial_number;manufacturer;algorithm;seed;digits;interval_or_event`.

use super::{Draft, Line, Unfit, algorithm_name, by_time, digits, expect_columns, hex, number, unusable};
use crate::table::{Row, TableWriter};
use crate::{Moving, ReadError, Seed};

pub(super) fn is_token(row: &Row<'_>) -> bool {
    row.cells.len() == 6 && algorithm_name(row.cell(2)).is_some()
}

pub(super) fn line<'t>(row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    expect_columns(row, 6..=6)?;
    let mut draft = Draft::new(row.cell(0), row.cell(3));
    draft.manufacturer = Some(row.cell(1));
    let moving = match row.cell(2).to_ascii_lowercase().as_str() {
        "totp" => by_time(row, "interval_or_event", row.cell(5))?,
        "hotp" => Ok(Moving::Counter {
            counter: number(row, "interval_or_event", row.cell(5))?,
        }),
        other => Err(unusable(other)),
    };
    match (moving, digits(row, row.cell(4))?) {
        (Ok(moving), Ok(digits)) => {
            draft.moving = moving;
            draft.digits = digits;
            Ok(Line::Token(draft))
        }
        (Err(reason), _) | (_, Err(reason)) => Ok(Line::Refused(row.cell(0), reason)),
    }
}

pub(super) fn write(table: &mut TableWriter, seed: &Seed) -> Result<(), Unfit> {
    let (algorithm, interval_or_event) = match seed.moving {
        Moving::Time { period, .. } => ("TOTP", u64::from(period.get_s())),
        Moving::Counter { counter } => ("HOTP", counter),
    };
    table.row(&[
        &seed.serial_number,
        seed.manufacturer.as_deref().unwrap_or_default(),
        algorithm,
        &hex(seed),
        &seed.digits.get().to_string(),
        &interval_or_event.to_string(),
    ]);
    Ok(())
}
