//! cotp: `{version, elements: […]}`, as its `export` command writes it.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::Claim;
use super::json::{RawList, number, parse, push_all};
use super::read::ImportError;
use super::receipt::{Export, Format, Protection};

const FORMAT: Format = Format::Cotp;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    elements: RawList<'a>,
}

#[derive(Deserialize)]
struct Element {
    secret: Option<Zeroizing<String>>,
    issuer: Option<String>,
    label: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    algorithm: Option<String>,
    #[serde(default, deserialize_with = "number")]
    digits: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    period: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    counter: Option<i64>,
}

pub(super) fn read(text: &str) -> Result<Export, ImportError> {
    let file: File<'_> = parse(FORMAT, text)?;
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    push_all(&mut export, file.elements, |element: Element| {
        let kind = element.kind.as_deref().unwrap_or("totp");
        Ok(Claim {
            algorithm: element.algorithm,
            digits: element.digits,
            period_s: element.period,
            counter: element.counter.map(i128::from),
            ..Claim::new(kind, element.issuer, element.label).with_base32(element.secret)
        })
    });
    Ok(export)
}
