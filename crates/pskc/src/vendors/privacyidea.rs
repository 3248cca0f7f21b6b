//! privacyIDEA's OATH table, NetIQ's too: `serial,seed,type,digits,period,hash`, of which the last four may be missing.

use super::draft::{Draft, Kind, Line};
use super::header::kind;
use super::{Unfit, digits, expect_columns, hex, period, unlike_its_length};
use crate::hash_name::hash;
use crate::table::{Row, TableWriter};
use crate::{Moving, Problem, ReadError, Reason, Seed};

pub(super) fn line<'t>(row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    expect_columns(row, 2..=6)?;
    let mut draft = Draft::new(row.cell(0), row.cell(1));
    let refused = |reason| Ok(Line::Refused(row.cell(0), reason));
    let cell = row.cell(2);
    match kind(cell) {
        _ if cell.is_empty() => {}
        Ok(kind) => draft.kind = Some(kind),
        Err(_) if cell.bytes().all(|byte| byte.is_ascii_digit()) => {
            let problem = Problem::NumberForKind;
            return Err(ReadError::malformed(row.place("type"), problem));
        }
        Err(reason) => return refused(reason),
    }
    // A token that counts events has no period, whatever stands there.
    if !row.cell(4).is_empty() && draft.kind != Some(Kind::Counter) {
        match period(row, "period", row.cell(4))? {
            Ok(period) => draft.period = Some(period),
            Err(reason) => return refused(reason),
        }
    }
    if !row.cell(3).is_empty() {
        match digits(row, row.cell(3))? {
            Ok(digits) => draft.digits = Some(digits),
            Err(reason) => return refused(reason),
        }
    }
    if !row.cell(5).is_empty() {
        match hash(row.cell(5)) {
            Some(algorithm) => draft.algorithm = Some(algorithm),
            None => return refused(Reason::Hash),
        }
    }
    Ok(Line::Token(draft))
}

pub(super) fn write(table: &mut TableWriter, seed: &Seed) -> Result<(), Unfit> {
    let (serial_number, secret) = (&seed.serial_number, hex(seed));
    let digits = seed.digits.get().to_string();
    // The hash is said where the secret's length would mislead.
    let says_hash = unlike_its_length(seed).is_err();
    let (kind, period) = match seed.moving {
        Moving::Time { period, .. } => ("totp", period.get_s().to_string()),
        Moving::Counter { counter: 0 } => ("hotp", String::new()),
        Moving::Counter { .. } => return Err("privacyIDEA's table has no column for the counter, which is not 0"),
    };
    let cells: [&str; 6] = [serial_number, secret.as_str(), kind, &digits, &period, "sha1"];
    let count = match (says_hash, period.is_empty()) {
        (true, _) => 6,
        (false, true) => 4,
        (false, false) => 5,
    };
    table.row(&cells[..count]);
    Ok(())
}
