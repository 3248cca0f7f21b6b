//! FreeOTP and FreeOTP+: `{tokenOrder, tokens: […]}`, a list of such tokens, or one alone. A secret is a list of Java's signed
//! bytes; the counter is that of the code shown last.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::claim::{Claim, ClaimedSecret};
use super::json::{RawList, SecretBytes, number, parse, push_all};
use super::read::ImportError;
use super::receipt::{Export, Format, Protection};

const FORMAT: Format = Format::FreeOtp;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    tokens: RawList<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    algo: Option<String>,
    issuer_ext: Option<String>,
    issuer_int: Option<String>,
    /// What the user has renamed the token to, where he has.
    issuer_alt: Option<String>,
    label: Option<String>,
    label_alt: Option<String>,
    secret: Option<SecretBytes>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "number")]
    counter: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    digits: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    period: Option<i64>,
}

pub(super) fn read(text: &str) -> Result<Export, ImportError> {
    let file: File<'_> = parse(FORMAT, text)?;
    read_tokens(file.tokens)
}

pub(super) fn read_token(text: &str) -> Result<Export, ImportError> {
    let token: &RawValue = parse(FORMAT, text)?;
    read_tokens(RawList(vec![token]))
}

pub(super) fn read_tokens(tokens: RawList<'_>) -> Result<Export, ImportError> {
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    push_all(&mut export, tokens, |token: Token| {
        let kind = token.kind.as_deref().unwrap_or("totp");
        let given = |name: &Option<String>| name.clone().filter(|name| !name.trim().is_empty());
        let issuer = given(&token.issuer_alt)
            .or_else(|| given(&token.issuer_ext))
            .or_else(|| given(&token.issuer_int));
        let is_renamed = given(&token.issuer_alt).is_some();
        Ok(Claim {
            other_issuer: token.issuer_int.filter(|_| !is_renamed),
            secret: token.secret.map(|secret| ClaimedSecret::Bytes(secret.0)),
            algorithm: token.algo,
            digits: token.digits,
            period_s: token.period,
            counter: token.counter.map(|shown| i128::from(shown) + 1),
            ..Claim::new(kind, issuer, given(&token.label_alt).or(token.label))
        })
    });
    Ok(export)
}
