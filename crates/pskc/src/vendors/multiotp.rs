//! multiOTP's table: `serial_number;manufacturer;algorithm;seed;digits;interval_or_event`.

use super::draft::{Draft, Kind, Line};
use super::header::kind;
use super::{Unfit, algorithm_name, digits, expect_columns, hex, number, period};
use crate::table::{Row, TableWriter};
use crate::{Moving, ReadError, Seed};

/// True of a line of this format, and of no `serial,seed,type,digits,period,hash`.
pub(super) fn is_token(row: &Row<'_>) -> bool {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let seed = row.cell(3);
    row.cells.len() >= 6
        && row.used() <= 6
        && algorithm_name(row.cell(2)).is_some()
        && is_number(row.cell(5))
        && !(seed.len() <= 2 && is_number(seed))
}

pub(super) fn line<'t>(row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    expect_columns(row, 6..=6)?;
    let mut draft = Draft::new(row.cell(0), row.cell(3));
    draft.manufacturer = Some(row.cell(1));
    let refused = |reason| Ok(Line::Refused(row.cell(0), reason));
    match kind(row.cell(2)) {
        Ok(Kind::Time) => match period(row, "interval_or_event", row.cell(5))? {
            Ok(period) => (draft.kind, draft.period) = (Some(Kind::Time), Some(period)),
            Err(reason) => return refused(reason),
        },
        Ok(Kind::Counter) => {
            draft.kind = Some(Kind::Counter);
            draft.counter = number(row, "interval_or_event", row.cell(5))?;
        }
        Err(reason) => return refused(reason),
    }
    match digits(row, row.cell(4))? {
        Ok(digits) => draft.digits = Some(digits),
        Err(reason) => return refused(reason),
    }
    Ok(Line::Token(draft))
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
