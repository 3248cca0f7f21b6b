//! Logs of Yubico's personalisation tools: the traditional format, one event a line, and the flat "Yubico format".

use otp::Digits;

use super::digits;
use super::draft::{Draft, Kind, Line};
use crate::table::Row;
use crate::{Problem, ReadError, Reason};

const HOTP: &str = "oath-hotp";

/// The traditional format's columns.
mod event {
    pub(super) const PUBLIC_ID: usize = 3;
    pub(super) const SECRET: usize = 5;
    pub(super) const DIGITS: usize = 11;
}

/// The Yubico format's columns.
mod flat {
    pub(super) const SERIAL_NUMBER: usize = 0;
    /// `0` for OATH, empty for a static password.
    pub(super) const PRIVATE_ID: usize = 2;
    pub(super) const SECRET: usize = 3;
    pub(super) const WRITTEN_AT: usize = 5;
}

pub(super) fn is_log(row: &Row<'_>) -> bool {
    is_event(row) || is_flat(row)
}

/// The events of the traditional format.
const EVENTS: [&str; 5] = [
    HOTP,
    "yubico otp",
    "static password",
    "logging start",
    "challenge-response",
];

fn is_event(row: &Row<'_>) -> bool {
    let kind = row.cell(0).to_ascii_lowercase();
    EVENTS.iter().any(|known| kind.starts_with(known))
}

/// The beginning that is known, not what else may stand there.
fn event_name(kind: &str) -> String {
    match EVENTS.iter().find(|known| kind.starts_with(*known)) {
        Some(&"yubico otp") => "Yubico OTP".to_owned(),
        Some(known) => (*known).to_owned(),
        None => String::new(),
    }
}

fn is_flat(row: &Row<'_>) -> bool {
    let serial_number = row.cell(flat::SERIAL_NUMBER);
    let date = row.cell(flat::WRITTEN_AT).as_bytes();
    !serial_number.is_empty()
        && serial_number.bytes().all(|byte| byte.is_ascii_digit())
        && date.get(4) == Some(&b'-')
        && date.get(10) == Some(&b'T')
}

pub(super) fn line<'t>(row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    if is_flat(row) {
        return Ok(flat_line(row));
    }
    let kind = row.cell(0).to_ascii_lowercase();
    if kind.starts_with("logging start") {
        return Ok(Line::Skipped);
    }
    if !is_event(row) {
        return Err(ReadError::malformed(row.place(""), Problem::YubicoLine));
    }
    if kind != HOTP {
        return Ok(Line::Refused(
            row.cell(event::PUBLIC_ID),
            Reason::Algorithm(event_name(&kind)),
        ));
    }
    let mut draft = yubikey(row.cell(event::PUBLIC_ID), row.cell(event::SECRET));
    match row.cell(event::DIGITS) {
        "" | "0" => draft.digits = Some(Digits::SIX),
        text => match digits(row, text)? {
            Ok(digits) => draft.digits = Some(digits),
            Err(reason) => return Ok(Line::Refused(draft.serial_number, reason)),
        },
    }
    Ok(Line::Token(draft))
}

fn flat_line<'t>(row: &Row<'t>) -> Line<'t> {
    match row.cell(flat::PRIVATE_ID) {
        "0" => Line::Token(yubikey(row.cell(flat::SERIAL_NUMBER), row.cell(flat::SECRET))),
        "" => Line::Refused(
            row.cell(flat::SERIAL_NUMBER),
            Reason::Algorithm("a static password".into()),
        ),
        _ => Line::Refused(row.cell(flat::SERIAL_NUMBER), Reason::Algorithm("Yubico OTP".into())),
    }
}

fn yubikey<'t>(serial_number: &'t str, secret: &'t str) -> Draft<'t> {
    let mut draft = Draft::new(serial_number, secret);
    draft.manufacturer = Some("Yubico");
    draft.kind = Some(Kind::Counter);
    draft
}
