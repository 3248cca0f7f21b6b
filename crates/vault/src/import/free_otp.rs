//! FreeOTP and FreeOTP+: `{tokenOrder, tokens: […]}`, a list of such tokens, or one alone. A secret is a list of Java's signed
//! bytes; the counter is that of the code shown last. FreeOTP 2's backup has [tokens](Token) of the same kind.

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::claim::{Claim, ClaimedSecret, STEAM};
use super::error::ImportError;
use super::importer::Importer;
use super::json::{Object, RawList, SecretBytes, number, parse, push_all};
use super::receipt::{Export, Format, Protection};

const FORMAT: Format = Format::FreeOtp;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    tokens: RawList<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token {
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
    pub(super) counter: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    digits: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    period: Option<i64>,
}

impl Token {
    /// The claim with `secret` and `counter`, which FreeOTP's formats keep each in its own way.
    pub(super) fn claim(self, secret: Option<Zeroizing<Vec<u8>>>, counter: Option<i128>) -> Claim {
        // Steam's letters are made for whatever time-based tokens have this issuer; they have no type of their own.
        let kind = match (self.kind.as_deref().unwrap_or("totp"), self.issuer_ext.as_deref()) {
            (kind, Some(STEAM)) if kind.eq_ignore_ascii_case("totp") => "steam",
            (kind, _) => kind,
        };
        let given = |name: &Option<String>| name.clone().filter(|name| !name.trim().is_empty());
        let issuer = given(&self.issuer_alt)
            .or_else(|| given(&self.issuer_ext))
            .or_else(|| given(&self.issuer_int));
        let is_renamed = given(&self.issuer_alt).is_some();
        let account = given(&self.label_alt).or(self.label);
        Claim {
            other_issuer: self.issuer_int.filter(|_| !is_renamed),
            secret: secret.map(ClaimedSecret::Bytes),
            algorithm: self.algo,
            digits: self.digits,
            period_s: self.period,
            counter,
            ..Claim::new(kind, issuer, account)
        }
    }
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| content.object().is_some_and(|file| file.any_in("tokens", has_bytes)),
    read: |content, _| {
        let file: File<'_> = parse(FORMAT, content.text)?;
        read_tokens(file.tokens)
    },
};

/// The importer of the tokens that somebody took out of FreeOTP's settings, as a list.
pub(super) const LIST_IMPORTER: Importer = Importer {
    is_one: |content| content.any_in_list(is_token),
    read: |content, _| read_tokens(parse(FORMAT, content.text)?),
};

/// The importer of one such token alone.
pub(super) const TOKEN_IMPORTER: Importer = Importer {
    is_one: |content| content.object().is_some_and(is_token),
    read: |content, _| {
        let token: &RawValue = parse(FORMAT, content.text)?;
        read_tokens(RawList(vec![token]))
    },
};

/// No other app writes its secrets so.
fn has_bytes(token: &Object<'_>) -> bool {
    token.get("secret").is_some_and(|secret| secret.get().starts_with('['))
}

fn is_token(token: &Object<'_>) -> bool {
    has_bytes(token) && token.has("algo")
}

fn read_tokens(tokens: RawList<'_>) -> Result<Export, ImportError> {
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    push_all(&mut export, tokens, |mut token: Token| {
        let secret = token.secret.take().map(|secret| secret.0);
        let counter = token.counter.map(|shown| i128::from(shown) + 1);
        Ok(token.claim(secret, counter))
    });
    Ok(export)
}
