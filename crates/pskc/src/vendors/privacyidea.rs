//! privacyIDEA's OATH table, NetIQ's too: `serial,seed,type,digits,period`, of which the last two may be missing.

use super::{Draft, Line, TOTP, Unfit, algorithm_name, by_time, digits, expect_columns, hex, unusable};
use crate::table::{Row, TableWriter};
use crate::{Moving, ReadError, Reason, Seed};

pub(super) fn is_token(row: &Row<'_>) -> bool {
    (3..=5).contains(&row.cells.len()) && algorithm_name(row.cell(2)).is_some()
}

pub(super) fn line<'t>(row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    expect_columns(row, 3..=5)?;
    let mut draft = Draft::new(row.cell(0), row.cell(1));
    draft.moving = match row.cell(2).to_ascii_lowercase().as_str() {
        "hotp" => Moving::Counter { counter: 0 },
        "totp" => match row.cell(4) {
            "" => TOTP,
            period => match by_time(row, "period", period)? {
                Ok(moving) => moving,
                Err(reason) => return Ok(Line::Refused(row.cell(0), reason)),
            },
        },
        "ocra" => return Ok(Line::Refused(row.cell(0), Reason::Challenge)),
        other => return Ok(Line::Refused(row.cell(0), unusable(other))),
    };
    match row.cell(3) {
        "" => {}
        text => match digits(row, text)? {
            Ok(digits) => draft.digits = digits,
            Err(reason) => return Ok(Line::Refused(row.cell(0), reason)),
        },
    }
    Ok(Line::Token(draft))
}

pub(super) fn write(table: &mut TableWriter, seed: &Seed) -> Result<(), Unfit> {
    let (serial_number, secret) = (&seed.serial_number, hex(seed));
    let digits = seed.digits.get().to_string();
    match seed.moving {
        Moving::Time { period, .. } => {
            table.row(&[serial_number, &secret, "totp", &digits, &period.get_s().to_string()]);
        }
        Moving::Counter { counter: 0 } => table.row(&[serial_number, &secret, "hotp", &digits]),
        Moving::Counter { .. } => return Err("privacyIDEA's table has no column for the counter, which is not 0"),
    }
    Ok(())
}
