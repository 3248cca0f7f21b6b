//! Microsoft Entra ID's upload table: named columns, TOTP with SHA-1 and 6 digits.

use otp::Digits;

use super::{Draft, Line, Unfit, by_time, expect_columns, text_secret};
use crate::table::{Row, TableWriter};
use crate::{Moving, ReadError, Seed};

pub(super) const HEADER: [&str; 6] = [
    "upn",
    "serial number",
    "secret key",
    "time interval",
    "manufacturer",
    "model",
];

/// The columns by the header.
pub(super) struct Columns {
    count: usize,
    user: Option<usize>,
    serial_number: usize,
    secret: usize,
    period: Option<usize>,
    manufacturer: Option<usize>,
    model: Option<usize>,
}

impl Columns {
    pub(super) fn has_users(&self) -> bool {
        self.user.is_some()
    }
}

/// `None` where the first line is no such header. Vendors leave columns out, swap them and write `timeinterval`.
pub(super) fn columns(row: &Row<'_>) -> Option<Result<Columns, ReadError>> {
    let names: Vec<String> = row
        .cells
        .iter()
        .map(|name| {
            name.chars()
                .filter(|c| c.is_alphanumeric())
                .collect::<String>()
                .to_ascii_lowercase()
        })
        .collect();
    let find = |name: &str| names.iter().position(|candidate| candidate == name);
    let (Some(serial_number), Some(secret)) = (find("serialnumber"), find("secretkey")) else {
        return None;
    };
    if (1..names.len()).any(|index| names[index..].contains(&names[index - 1])) {
        return Some(Err(ReadError::malformed(
            row.place(""),
            "the header names a column twice",
        )));
    }
    Some(Ok(Columns {
        count: names.len(),
        user: find("upn"),
        serial_number,
        secret,
        period: find("timeinterval"),
        manufacturer: find("manufacturer"),
        model: find("model"),
    }))
}

pub(super) fn line<'t>(columns: &Columns, row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    expect_columns(row, columns.count..=columns.count)?;
    let mut draft = Draft::new(row.cell(columns.serial_number), row.cell(columns.secret));
    draft.manufacturer = columns.manufacturer.map(|column| row.cell(column));
    draft.model = columns.model.map(|column| row.cell(column));
    match columns
        .period
        .map(|column| row.cell(column))
        .filter(|cell| !cell.is_empty())
    {
        None => {}
        Some(cell) => match by_time(row, "time interval", cell)? {
            Ok(moving) => draft.moving = moving,
            Err(reason) => return Ok(Line::Refused(draft.serial_number, reason)),
        },
    }
    Ok(Line::Token(draft))
}

pub(super) fn write(table: &mut TableWriter, seed: &Seed) -> Result<(), Unfit> {
    let period_s = match seed.moving {
        Moving::Time { period, .. } if seed.digits == Digits::SIX => period.get_s(),
        Moving::Time { .. } => return Err("Entra knows codes of 6 digits only"),
        Moving::Counter { .. } => return Err("Entra knows no HOTP"),
    };
    if period_s != 30 && period_s != 60 {
        return Err("Entra knows periods of 30 s and 60 s only");
    }
    table.row(&[
        "",
        &seed.serial_number,
        &text_secret(seed),
        &period_s.to_string(),
        seed.manufacturer.as_deref().unwrap_or_default(),
        seed.model.as_deref().unwrap_or_default(),
    ]);
    Ok(())
}
