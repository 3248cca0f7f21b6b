//! Ente Auth: a list of otpauth URIs whose parameter `codeDisplay` is JSON; encrypted, an object with `kdfParams` (Argon2id) and
//! `encryptedData`, one message of libsodium's secretstream (ente-io/ente, docs/auth/migration/export.md).

use data_encoding::BASE64;
use serde::Deserialize;

use super::claim::{Claim, Oddity, Reason};
use super::decrypt::{argon2id, secretstream};
use super::error::ImportError;
use super::importer::Importer;
use super::json::{number, parse};
use super::receipt::{Export, Format, Protection};
use super::uri_list;
use crate::{CostError, KdfCost};

const FORMAT: Format = Format::Ente;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    version: i64,
    kdf_params: KdfParams,
    encrypted_data: String,
    encryption_nonce: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KdfParams {
    /// In bytes.
    mem_limit: u64,
    ops_limit: u32,
    salt: String,
}

/// The importer of an encrypted export; in the clear it is a list of URIs, which `uri_list` reads.
pub(super) const ENCRYPTED_IMPORTER: Importer = Importer {
    is_one: |content| {
        let file = content.object();
        file.is_some_and(|file| file.has_all(&["kdfParams", "encryptedData"]))
    },
    read: |content, password| read_encrypted(content.text, password),
};

fn read_encrypted(text: &str, password: Option<&[u8]>) -> Result<Export, ImportError> {
    let file: File = parse(FORMAT, text)?;
    if file.version != 1 {
        return Err(ImportError::Unsupported(FORMAT, "its version is not 1"));
    }
    let memory_kib = u32::try_from(file.kdf_params.mem_limit / 1024).unwrap_or(u32::MAX);
    let cost = KdfCost::new(memory_kib, file.kdf_params.ops_limit, 1).map_err(|error| match error {
        CostError::TooLow => ImportError::Malformed(FORMAT, "its kdfParams are less than Argon2 can do"),
        _ => ImportError::Cost("checking the password would take more than 1 GiB, or memory times passes of 4 GiB"),
    })?;
    let password = password.ok_or(ImportError::Locked(FORMAT))?;
    let base64 = |text: &str| {
        BASE64
            .decode(text.as_bytes())
            .map_err(|_| ImportError::Malformed(FORMAT, "a part is not base64"))
    };
    let key = argon2id(cost, password, &base64(&file.kdf_params.salt)?)?;
    let (header, sealed) = (base64(&file.encryption_nonce)?, base64(&file.encrypted_data)?);
    let list = secretstream(&key, &header, &sealed).ok_or(ImportError::WrongPassword(FORMAT))?;
    let list = str::from_utf8(&list).map_err(|_| ImportError::Malformed(FORMAT, "its entries are not UTF-8"))?;
    let mut export = uri_list::read(list)?;
    (export.format, export.protection) = (FORMAT, Protection::Encrypted);
    Ok(export)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CodeDisplay {
    pinned: Option<bool>,
    trashed: Option<bool>,
    #[serde(default, deserialize_with = "number")]
    tap_count: Option<i64>,
    tags: Option<Vec<Option<String>>>,
    note: Option<String>,
}

/// Adds what `codeDisplay` says; one that cannot be read costs its entry nothing but these, and is told.
pub(super) fn add_display(mut claim: Claim, json: &str) -> Result<Claim, Reason> {
    let Ok(display) = serde_json::from_str::<CodeDisplay>(json) else {
        claim.odd.push(Oddity::ExtrasLost);
        return Ok(claim);
    };
    claim.favourite = display.pinned.unwrap_or(false);
    claim.uses = display.tap_count.and_then(|uses| u64::try_from(uses).ok()).unwrap_or(0);
    claim.groups = display.tags.into_iter().flatten().flatten().collect();
    claim.note = display.note.unwrap_or_default();
    match display.trashed {
        Some(true) => Err(Reason::Trashed),
        _ => Ok(claim),
    }
}
