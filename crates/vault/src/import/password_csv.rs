//! Tables of password managers (KeePassXC, 1Password, Apple, Proton Pass, LastPass, Dashlane, …): by the column that is called
//! after one-time codes, or else by the field that is an `otpauth:` URI. Bitwarden's is `bitwarden`'s.

use zeroize::Zeroizing;

use super::csv::{Longer, Table, columns};
use super::error::ImportError;
use super::importer::Importer;
use super::login::{Extras, push};
use super::receipt::{Export, Format, Place, Protection};

const FORMAT: Format = Format::PasswordCsv;

/// Columns with a URI or a bare secret.
const CODES: [&str; 9] = [
    "totp",
    "otpauth",
    "otpurl",
    "otpsecret",
    "otp",
    "otp secret",
    "one-time password",
    "2fa secret",
    "authenticator key",
];
const TITLES: [&str; 3] = ["title", "name", "account name"];
const USERNAMES: [&str; 6] = ["username", "login", "login name", "user name", "email", "user"];
const NOTES: [&str; 3] = ["notes", "note", "extra"];
const GROUPS: [&str; 7] = ["group", "grouping", "vault", "folder", "category", "tags", "collection"];
const FAVOURITES: [&str; 3] = ["favorite", "favourite", "fav"];

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| !content.is_json() && is_table(content.text),
    read: |content, _| read(content.text),
};

fn is_table(text: &str) -> bool {
    let columns = columns(text);
    let has_any = |names: &[&str]| columns.iter().any(|column| names.contains(&column.as_str()));
    if columns.iter().any(|column| column == "login_totp") || !has_any(&TITLES) {
        return false;
    }
    let is_of_logins = has_any(&USERNAMES) || has_any(&["url", "website", "password"]);
    is_of_logins && (has_any(&CODES) || text.lines().skip(1).any(has_uri_field))
}

/// True if a field begins with a URI.
fn has_uri_field(line: &str) -> bool {
    let starts = line.match_indices("otpauth://").map(|(at, _)| &line[..at]);
    starts
        .into_iter()
        .any(|before| before.trim_end_matches('"').ends_with([',', ';', '\t']))
}

fn is_uri(field: &str) -> bool {
    let scheme = field.trim_start().get(..10);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("otpauth://"))
}

fn read(text: &str) -> Result<Export, ImportError> {
    let mut table = Table::read(FORMAT, text, Longer::Refused)?;
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    let mut last = 0;
    while let Some(mut row) = table.next_row()? {
        last = row.line;
        let totp: Option<Zeroizing<String>> = row
            .take_any(&CODES)
            .or_else(|| row.take_first(is_uri).map(|(_, field)| field));
        let group = row.text(&GROUPS).and_then(|group| without_root(&group));
        let favourite = row.text(&FAVOURITES).unwrap_or_default().to_lowercase();
        let extras = Extras {
            name: row.text(&TITLES),
            username: row.text(&USERNAMES),
            note: row.text(&NOTES),
            groups: group.into_iter().collect(),
            favourite: ["1", "true", "yes"].contains(&favourite.as_str()),
        };
        push(&mut export, Place::Line(last), totp, extras);
    }
    if !text.ends_with('\n') {
        export.doubt(last);
    }
    Ok(export)
}

/// KeePassXC writes every group below its root.
fn without_root(group: &str) -> Option<String> {
    match group {
        "Root" => None,
        group => Some(group.strip_prefix("Root/").unwrap_or(group).to_owned()),
    }
}
