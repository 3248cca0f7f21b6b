//! Which dialect a table is: judged by all of its lines, never by the first alone.

use super::dialogue::Dialogue;
use super::draft::Kind;
use super::header::Columns;
use super::{algorithm_name, duo, feitian, header, multiotp, privacyidea, serial_seed, yubico};
use crate::options::Context;
use crate::rounded::is_rounded;
use crate::table::{Row, Separator, Table};
use crate::{Format, ReadError, Receipt};

/// Longest serial number that a guess is made by: no secret that is long enough is as short.
const MAX_GUESSED_SERIAL_LEN: usize = 24;

/// True if this looks like a serial number: letters, digits, dashes, and a digit among them.
pub(super) fn looks_like_serial_number(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    text.len() <= MAX_GUESSED_SERIAL_LEN && text.bytes().all(is_part) && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Reads a file that is not XML.
pub(crate) fn read_table(text: &str, context: &Context) -> Result<Receipt, ReadError> {
    let table = Table::read(text)?;
    let mut rows = table.rows().peekable();
    let Some(first) = rows.peek() else {
        return Err(ReadError::Unknown("there is no line in it".into()));
    };
    // Names of more than one word are no columns where blanks are between the columns.
    let are_words =
        table.separator == Separator::Blanks && table.rows().nth(1).is_some_and(|second| second.used() != first.used());
    let columns = if are_words { None } else { Columns::of(first)? };
    if columns.is_some() || header::names_serial_numbers(first) {
        rows.next();
    }
    let Some(first) = rows.peek() else {
        return Err(ReadError::Unknown("there is no line after its header".into()));
    };
    if let Some(columns) = columns {
        let is_blank = table.separator == Separator::Blanks;
        return columns.dialogue(is_blank).read(rows, context, |row| columns.line(row));
    }
    if yubico::is_log(first) {
        return Dialogue::new(Format::Yubico)
            .of_sha1()
            .read(rows, context, yubico::line);
    }
    if !looks_like_serial_number(first.cell(0)) && !is_rounded(first.cell(0)) {
        return Err(ReadError::Unknown(format!(
            "line {} does not begin with a serial number (up to 24 letters, digits and dashes, with a digit among them), and \
             no line before it names the columns, such as serial,secret",
            first.line
        )));
    }
    let header_lines = usize::from(header::names_serial_numbers(&first_row(&table)));
    let format = format(table.rows().skip(header_lines), table.separator)?;
    let mut dialogue = Dialogue::new(format);
    dialogue.guessed_by = Some(0);
    match format {
        Format::MultiOtp => dialogue.of_sha1().read(rows, context, multiotp::line),
        Format::PrivacyIdea => dialogue.read(rows, context, privacyidea::line),
        Format::Duo => dialogue.of_kind(Kind::Counter).read(rows, context, duo::line),
        Format::Feitian => dialogue.read(rows, context, feitian::line),
        _ => dialogue.read(rows, context, serial_seed::line),
    }
}

fn first_row(table: &Table) -> Row<'_> {
    table.rows().next().unwrap_or(Row {
        line: 0,
        cells: Vec::new(),
    })
}

/// The format of lines without names over them: the widest that any of them shows, for the shorter ones leave the rest open.
fn format<'t>(rows: impl Iterator<Item = Row<'t>>, separator: Separator) -> Result<Format, ReadError> {
    let mut named = None;
    let mut counts = false;
    let mut odd = None;
    for row in rows {
        if algorithm_name(row.cell(2)).is_some() {
            let format = if multiotp::is_token(&row) {
                Format::MultiOtp
            } else {
                Format::PrivacyIdea
            };
            named = named.or(Some(format));
        } else if duo::is_token(&row) {
            counts = true;
        } else if row.used() != 2 && (odd.is_none() || row.used() > 2) {
            odd = odd.or(Some((row.line, row.used())));
        }
    }
    match (named, odd) {
        (Some(format), _) => Ok(format),
        (None, Some((line, count))) => Err(ReadError::Unknown(format!(
            "line {line} has {count} column{}",
            if count == 1 { "" } else { "s" }
        ))),
        (None, None) if counts => Ok(Format::Duo),
        (None, None) => Ok(match separator {
            Separator::Delimiter(b',' | b';') => Format::SerialSeed,
            _ => Format::Feitian,
        }),
    }
}
