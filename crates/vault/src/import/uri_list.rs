//! `otpauth:` URIs, a line each, among them Google's migration URIs and `steam://SECRET`; blank lines and those that begin with
//! `#` mean nothing. Several on one line are taken apart.

use enroll::{UriError, uri_starts};
use otp::typed::trimmed;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::claim::Claim;
use super::error::ImportError;
use super::importer::Importer;
use super::receipt::{Export, Format, Place, Protection};
use super::{ente, google};
use crate::MAX_ENTRIES;

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| {
        !content.is_json() && lines(content.text).any(|(_, line)| is_otpauth(line) || google::is_part(line))
    },
    read: |content, _| read(content.text),
};

pub(super) fn read(text: &str) -> Result<Export, ImportError> {
    let mut export = Export::new(Format::UriList, Protection::InTheClear);
    let unended = unended_line(text);
    for (line_number, line) in lines(text) {
        for uri in uris(line) {
            if export.came.len() + export.refused.len() > MAX_ENTRIES {
                return Err(ImportError::Malformed(export.format, "it has more than 10000 entries"));
            }
            push(&mut export, line_number, &uri);
        }
    }
    if let Some(line) = unended {
        export.doubt(line);
    }
    Ok(export)
}

fn push(export: &mut Export, line_number: usize, Uri { text, is_followed }: &Uri<'_>) {
    let place = Place::Line(line_number);
    // Words between two URIs would become part of a secret, which may have blanks.
    if *is_followed && after_path(text).contains(char::is_whitespace) {
        return export.push(place, Err(UriError::AnotherUri.into()));
    }
    if google::is_part(text) {
        export.format = Format::GoogleMigration;
        return google::push(export, line_number, text);
    }
    let claim = match is_otpauth(text) {
        true => Claim::from_uri(text),
        false if is_steam(text) => Claim::from_login(Zeroizing::new((*text).to_owned())).map(Claim::by_steam),
        false => Err(UriError::NotOtpauth.into()),
    };
    let claim = claim.and_then(|claim| match code_display(text) {
        None => Ok(claim),
        Some(display) => {
            export.format = Format::Ente;
            ente::add_display(claim, &display)
        }
    });
    export.push(
        place,
        match is_followed {
            true => claim.map(Claim::shares_line),
            false => claim,
        },
    );
}

/// One of a line's URIs.
struct Uri<'a> {
    text: &'a str,
    /// By another one.
    is_followed: bool,
}

/// Separators between two URIs, part of neither.
const SEPARATORS: [char; 7] = [',', ';', '|', '"', '\'', '<', '>'];

/// The URIs of a line, which begins with one; or the whole line, which is none. Each ends where the next begins, so that no
/// name takes another one's secret in.
fn uris(line: &str) -> impl Iterator<Item = Uri<'_>> {
    let mut starts: Vec<usize> = uri_starts(line).collect();
    if starts.first() != Some(&0) {
        starts = vec![0];
    }
    let ends: Vec<usize> = starts.iter().copied().skip(1).chain([line.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| {
        let is_followed = end < line.len();
        let text = &line[start..end];
        let text = match is_followed {
            true => text.trim_end_matches(|c: char| c.is_whitespace() || SEPARATORS.contains(&c)),
            false => text,
        };
        Uri { text, is_followed }
    })
}

/// A URI without its names, which may have blanks.
fn after_path(uri: &str) -> &str {
    match uri.split_once('?') {
        Some((_, query)) => query,
        None => uri,
    }
}

/// The number of the last line, where it has no end although those before it have one.
pub(super) fn unended_line(text: &str) -> Option<usize> {
    let lines = text.lines().count();
    (lines > 1 && !text.ends_with('\n')).then_some(lines)
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, trimmed(line)));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn is_otpauth(line: &str) -> bool {
    has_scheme(line, "otpauth")
}

fn is_steam(line: &str) -> bool {
    has_scheme(line, "steam")
}

fn has_scheme(line: &str, scheme: &str) -> bool {
    let before = line.split_once("://").map(|(before, _)| before);
    before.is_some_and(|before| before.eq_ignore_ascii_case(scheme))
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
