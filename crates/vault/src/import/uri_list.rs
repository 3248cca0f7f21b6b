//! `otpauth:` URIs, a line each, among them Google's migration URIs; blank lines and those that begin with `#` mean nothing.

use percent_encoding::percent_decode_str;

use super::claim::Claim;
use super::error::ImportError;
use super::receipt::{Export, Format, Place, Protection};
use super::{ente, google};
use crate::MAX_ENTRIES;

/// Whether a line of it is an otpauth URI.
pub(super) fn is_one(text: &str) -> bool {
    lines(text).any(|(_, line)| is_otpauth(line) || google::is_part(line))
}

pub(super) fn read(text: &str) -> Result<Export, ImportError> {
    let mut export = Export::new(Format::UriList, Protection::InTheClear);
    let unended = unended_line(text);
    for (line_number, line) in lines(text) {
        if export.came.len() + export.refused.len() > MAX_ENTRIES {
            return Err(ImportError::Malformed(export.format, "it has more than 10000 entries"));
        }
        if google::is_part(line) {
            export.format = Format::GoogleMigration;
            google::push(&mut export, line_number, line);
            continue;
        }
        let claim = Claim::from_uri(line).and_then(|claim| match code_display(line) {
            None => Ok(claim),
            Some(display) => {
                export.format = Format::Ente;
                ente::add_display(claim, &display)
            }
        });
        export.push(Place::Line(line_number), claim);
    }
    if let Some(line) = unended {
        export.doubt(line);
    }
    Ok(export)
}

/// The number of the last line, where it has no end although those before it have one.
pub(super) fn unended_line(text: &str) -> Option<usize> {
    let lines = text.lines().count();
    (lines > 1 && !text.ends_with('\n')).then_some(lines)
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn is_otpauth(line: &str) -> bool {
    let scheme = line.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("otpauth"))
}

fn code_display(uri: &str) -> Option<String> {
    let (_, query) = uri.split_once('?')?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix("codeDisplay="))?;
    Some(
        percent_decode_str(&value.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned(),
    )
}
