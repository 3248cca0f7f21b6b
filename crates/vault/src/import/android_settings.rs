//! Settings of Android's apps, `<map><string name="…">…</string></map>`, which only a rooted phone gives out: Authy's, whose
//! value is JSON, and Battle.net's, whose secret is in hexadecimal.

use data_encoding::HEXLOWER_PERMISSIVE;
use roxmltree::Document;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::{Claim, ClaimedSecret, Reason};
use super::error::ImportError;
use super::importer::{Content, Importer};
use super::json::{RawList, number, parse, push_all};
use super::receipt::{Export, Format, Place, Protection};

const AUTHY: Format = Format::Authy;
const BATTLE_NET: Format = Format::BattleNet;
/// Names of settings, and how Authy's begin.
const AUTHY_TOKENS: &str = "com.authy.storage.tokens.";
const BATTLE_NET_SECRET: &str = "com.blizzard.messenger.AUTHENTICATOR_DEVICE_SECRET";
const BATTLE_NET_SERIAL: &str = "com.blizzard.messenger.AUTHENTICATOR_SERIAL";
/// Of Authy's own tokens, which have no period of their own.
const AUTHY_PERIOD_S: i64 = 10;
const AUTHY_DIGITS: i64 = 7;
const BATTLE_NET_DIGITS: i64 = 8;

pub(super) const AUTHY_IMPORTER: Importer = Importer {
    is_one: |content| is_map(content) && content.text.contains(AUTHY_TOKENS),
    read: |content, _| read_authy(content.text),
};

pub(super) const BATTLE_NET_IMPORTER: Importer = Importer {
    is_one: |content| is_map(content) && content.text.contains(BATTLE_NET_SECRET),
    read: |content, _| read_battle_net(content.text),
};

fn is_map(content: &Content<'_>) -> bool {
    content.text.trim_start().starts_with('<') && content.text.contains("<map")
}

/// The settings' names and values.
fn settings(format: Format, text: &str) -> Result<Vec<(String, Zeroizing<String>)>, ImportError> {
    let malformed = ImportError::Malformed(format, "it is no XML that ends where it should");
    let document = Document::parse(text).map_err(|_| malformed)?;
    let strings = document
        .root_element()
        .children()
        .filter(|node| node.has_tag_name("string"));
    let named = strings.filter_map(|node| {
        let value = Zeroizing::new(node.text().unwrap_or_default().to_owned());
        Some((node.attribute("name")?.to_owned(), value))
    });
    Ok(named.collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    name: Option<String>,
    original_name: Option<String>,
    /// Of accounts of other services.
    decrypted_secret: Option<Zeroizing<String>>,
    /// Of Authy's own.
    secret_seed: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "number")]
    digits: Option<i64>,
}

fn read_authy(text: &str) -> Result<Export, ImportError> {
    let mut export = Export::new(AUTHY, Protection::InTheClear);
    for (name, value) in settings(AUTHY, text)? {
        if name.starts_with(AUTHY_TOKENS) {
            let tokens: RawList<'_> = parse(AUTHY, &value)?;
            push_all(&mut export, tokens, claim);
        }
    }
    Ok(export)
}

fn claim(token: Token) -> Result<Claim, Reason> {
    let name = token.name.or(token.original_name).unwrap_or_default();
    let (issuer, account) = match name.split_once(':') {
        Some((issuer, account)) => (Some(issuer.to_owned()), account.to_owned()),
        None => (None, name),
    };
    let claim = Claim::new("totp", issuer, Some(account));
    match (token.decrypted_secret, token.secret_seed) {
        (Some(secret), _) => Ok(Claim {
            digits: token.digits,
            ..claim.with_base32(Some(secret))
        }),
        (None, Some(seed)) => Ok(Claim {
            secret: Some(ClaimedSecret::Bytes(hexadecimal(&seed)?)),
            digits: token.digits.or(Some(AUTHY_DIGITS)),
            period_s: Some(AUTHY_PERIOD_S),
            ..claim
        }),
        (None, None) => Err(Reason::NoSecret),
    }
}

fn read_battle_net(text: &str) -> Result<Export, ImportError> {
    let settings = settings(BATTLE_NET, text)?;
    let find = |wanted: &str| settings.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let secret = find(BATTLE_NET_SECRET).ok_or(Reason::NoSecret);
    let serial = find(BATTLE_NET_SERIAL).map(|serial| serial.as_str().to_owned());
    let claim = secret.and_then(|secret| hexadecimal(secret)).map(|secret| Claim {
        secret: Some(ClaimedSecret::Bytes(secret)),
        digits: Some(BATTLE_NET_DIGITS),
        ..Claim::new("totp", Some("Battle.net".to_owned()), serial)
    });
    let mut export = Export::new(BATTLE_NET, Protection::InTheClear);
    export.push(Place::Entry(1), claim);
    Ok(export)
}

fn hexadecimal(text: &str) -> Result<Zeroizing<Vec<u8>>, Reason> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes());
    bytes.map(Zeroizing::new).map_err(|_| Reason::Shape)
}
