//! Proton Authenticator: `{version, entries: [{content: {uri, entry_type, name}, note}]}`; encrypted, `{version, salt, content}`
//! with the same inside (Argon2id of 19 MiB and 2 passes, AES-256-GCM, `content` = nonce[12] ‖ ciphertext).

use data_encoding::BASE64;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::Claim;
use super::decrypt::{aes_gcm, argon2id};
use super::error::ImportError;
use super::importer::Importer;
use super::json::{Object, RawList, parse, push_all};
use super::receipt::{Export, Format, Protection};
use crate::KdfCost;

const FORMAT: Format = Format::Proton;
const ASSOCIATED: &[u8] = b"proton.authenticator.export.v1";
const NONCE_LEN: usize = 12;

#[derive(Deserialize)]
struct Encrypted {
    version: i64,
    salt: String,
    content: String,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    entries: RawList<'a>,
}

#[derive(Deserialize)]
struct Entry {
    content: Content,
    note: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    uri: Zeroizing<String>,
    name: Option<String>,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| {
        content.object().is_some_and(|file| {
            let has_uri = |content: Object<'_>| content.has("uri");
            file.any_in("entries", |entry| {
                entry.get("content").and_then(Object::read).is_some_and(has_uri)
            })
        })
    },
    read: |content, _| read(content.text),
};

pub(super) const ENCRYPTED_IMPORTER: Importer = Importer {
    is_one: |content| {
        content
            .object()
            .is_some_and(|file| file.has_all(&["version", "salt", "content"]))
    },
    read: |content, password| read_encrypted(content.text, password),
};

fn read(text: &str) -> Result<Export, ImportError> {
    let file: File<'_> = parse(FORMAT, text)?;
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    push_all(&mut export, file.entries, |entry: Entry| {
        let mut claim = Claim::from_login(entry.content.uri)?;
        if claim.account.is_empty() {
            claim.account = entry.content.name.unwrap_or_default();
        }
        if claim.kind == "steam" {
            claim = claim.by_steam();
        }
        claim.note = entry.note.unwrap_or_default();
        Ok(claim)
    });
    Ok(export)
}

fn read_encrypted(text: &str, password: Option<&[u8]>) -> Result<Export, ImportError> {
    let file: Encrypted = parse(FORMAT, text)?;
    if file.version != 1 {
        return Err(ImportError::Unsupported(FORMAT, "its version is not 1"));
    }
    let password = password.ok_or(ImportError::Locked(FORMAT))?;
    let base64 = |text: &str| {
        BASE64
            .decode(text.as_bytes())
            .map_err(|_| ImportError::Malformed(FORMAT, "a part is not base64"))
    };
    let (salt, content) = (base64(&file.salt)?, base64(&file.content)?);
    let cost = KdfCost::new(19 << 10, 2, 1).map_err(|_| ImportError::Malformed(FORMAT, "its cost is none"))?;
    let key = argon2id(cost, password, &salt)?;
    let (nonce, sealed) = content
        .split_at_checked(NONCE_LEN)
        .ok_or(ImportError::Malformed(FORMAT, "its content is too short"))?;
    let plain = aes_gcm(&key, nonce, sealed, ASSOCIATED).ok_or(ImportError::WrongPassword(FORMAT))?;
    let plain = str::from_utf8(&plain).map_err(|_| ImportError::Malformed(FORMAT, "its content is not UTF-8"))?;
    let mut export = read(plain)?;
    export.protection = Protection::Encrypted;
    Ok(export)
}
