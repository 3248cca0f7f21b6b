//! Raivo: a bare list of entries all of whose values are texts, numbers too. It comes in a ZIP under Raivo's password, which
//! `archive` opens (raivo-otp/ios-application, `DataExportFeature.swift`).

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::claim::Claim;
use super::importer::Importer;
use super::json::{Object, RawList, number, parse, push_all};
use super::receipt::{Export, Format, Protection};

const FORMAT: Format = Format::Raivo;

#[derive(Deserialize)]
struct Entry {
    issuer: Option<String>,
    account: Option<String>,
    secret: Option<Zeroizing<String>>,
    kind: Option<String>,
    algorithm: Option<String>,
    #[serde(default, deserialize_with = "number")]
    digits: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    timer: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    counter: Option<i64>,
    #[serde(default, deserialize_with = "flag")]
    pinned: bool,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| content.any_in_list(is_entry),
    read: |content, _| {
        let entries: RawList<'_> = parse(FORMAT, content.text)?;
        let mut export = Export::new(FORMAT, Protection::InTheClear);
        push_all(&mut export, entries, |entry: Entry| {
            let kind = entry.kind.as_deref().unwrap_or("totp");
            Ok(Claim {
                favourite: entry.pinned,
                algorithm: entry.algorithm,
                digits: entry.digits,
                period_s: entry.timer,
                counter: entry.counter.map(i128::from),
                ..Claim::new(kind, entry.issuer, entry.account).with_base32(entry.secret)
            })
        });
        Ok(export)
    },
};

/// No other app calls a period a timer.
fn is_entry(entry: &Object<'_>) -> bool {
    entry.has_all(&["secret", "kind", "timer"])
}

/// A yes or no, also as text.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value == true || value == "true")
}
