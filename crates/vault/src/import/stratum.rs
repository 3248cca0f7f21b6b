//! Stratum, once Authenticator Pro: `{Authenticators, Categories, AuthenticatorCategories}`; encrypted,
//! `"AUTHENTICATORPRO" ‖ salt[16] ‖ nonce[12] ‖ JSON and tag` (Argon2id of 64 MiB, 3 passes, 4 lanes; AES-256-GCM).

use std::collections::BTreeMap;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::Claim;
use super::decrypt::{aes_cbc, aes_gcm, argon2id, pbkdf2_sha1};
use super::error::ImportError;
use super::importer::Importer;
use super::json::{RawList, number, parse, push_all};
use super::receipt::{Export, Format, Protection};
use crate::KdfCost;
use crate::cursor::Cursor;

const FORMAT: Format = Format::Stratum;
/// More categories of one entry are not looked at.
const MAX_CATEGORIES: usize = 64;
const MAGIC: &[u8; 16] = b"AUTHENTICATORPRO";
/// Before 2023: `salt[20] ‖ IV[16]` and AES-256-CBC under PBKDF2-HMAC-SHA-1, without a MAC.
const OLD_MAGIC: &[u8; 16] = b"AuthenticatorPro";
const OLD_ITERATIONS: u32 = 64_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File<'a> {
    #[serde(borrow)]
    authenticators: RawList<'a>,
    #[serde(default)]
    categories: Option<Vec<Category>>,
    #[serde(default)]
    authenticator_categories: Option<Vec<InCategory>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Category {
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InCategory {
    category_id: String,
    authenticator_secret: Zeroizing<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Authenticator {
    #[serde(rename = "Type")]
    kind: i64,
    issuer: Option<String>,
    username: Option<String>,
    secret: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "number")]
    algorithm: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    digits: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    period: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    counter: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    copy_count: Option<i64>,
}

pub(super) const ENCRYPTED_IMPORTER: Importer = Importer {
    is_one: |content| content.bytes.starts_with(MAGIC) || content.bytes.starts_with(OLD_MAGIC),
    read: |content, password| read_encrypted(content.bytes, password),
};

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| content.object().is_some_and(|file| file.has("Authenticators")),
    read: |content, _| read(content.text),
};

fn read_encrypted(bytes: &[u8], password: Option<&[u8]>) -> Result<Export, ImportError> {
    let is_old = bytes.starts_with(OLD_MAGIC);
    let (salt_len, nonce_len) = if is_old { (20, 16) } else { (16, 12) };
    let mut from = Cursor::new(bytes);
    let pieces = (|| {
        from.take(MAGIC.len())?;
        Some((from.take(salt_len)?, from.take(nonce_len)?))
    })();
    let (salt, nonce) = pieces.ok_or(ImportError::CutOff)?;
    let password = password.ok_or(ImportError::Locked(FORMAT))?;
    if is_old {
        let key = pbkdf2_sha1(password, salt, OLD_ITERATIONS)?;
        // a wrong key may give a padding by chance, but no JSON of these names
        let export = aes_cbc(&key, nonce, from.rest()).and_then(|plain| read(str::from_utf8(&plain).ok()?).ok());
        let mut export = export.ok_or(ImportError::WrongPassword(FORMAT))?;
        export.protection = Protection::Encrypted;
        return Ok(export);
    }
    let key = argon2id(KdfCost::DEFAULT, password, salt)?;
    let plain = aes_gcm(&key, nonce, from.rest(), &[]).ok_or(ImportError::WrongPassword(FORMAT))?;
    let plain = str::from_utf8(&plain).map_err(|_| ImportError::Malformed(FORMAT, "its content is not UTF-8"))?;
    let mut export = read(plain)?;
    export.protection = Protection::Encrypted;
    Ok(export)
}

fn read(text: &str) -> Result<Export, ImportError> {
    let file: File<'_> = parse(FORMAT, text)?;
    let (categories, members) = (
        file.categories.unwrap_or_default(),
        file.authenticator_categories.unwrap_or_default(),
    );
    let names = categories
        .iter()
        .map(|category| (category.id.as_str(), category.name.as_str()));
    let names: BTreeMap<&str, &str> = names.collect();
    let mut groups_of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for InCategory {
        category_id,
        authenticator_secret,
    } in &members
    {
        let name = names.get(category_id.as_str()).map(|name| (*name).to_owned());
        let groups = groups_of.entry(authenticator_secret).or_default();
        if groups.len() < MAX_CATEGORIES {
            groups.extend(name);
        }
    }
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    push_all(&mut export, file.authenticators, |entry: Authenticator| {
        let kind = match entry.kind {
            1 => "hotp",
            2 => "totp",
            3 => "Mobile-OTP",
            4 => "steam",
            5 => "Yandex",
            _ => "unknown",
        };
        let algorithm = match entry.algorithm.unwrap_or(0) {
            0 => "SHA1",
            1 => "SHA256",
            2 => "SHA512",
            _ => "unknown",
        };
        let groups = entry.secret.as_ref().and_then(|secret| groups_of.get(secret.as_str()));
        Ok(Claim {
            groups: groups.cloned().unwrap_or_default(),
            uses: entry.copy_count.and_then(|uses| u64::try_from(uses).ok()).unwrap_or(0),
            algorithm: Some(algorithm.to_owned()),
            digits: entry.digits,
            period_s: entry.period,
            counter: entry.counter.map(i128::from),
            ..Claim::new(kind, entry.issuer, entry.username).with_base32(entry.secret)
        })
    });
    Ok(export)
}
