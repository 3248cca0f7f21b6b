//! andOTP: a bare list of entries; encrypted, `iterations (u32, big-endian) ‖ salt[12] ‖ nonce[12] ‖ list and tag`
//! (PBKDF2-HMAC-SHA-1, AES-256-GCM), and before 2019 `nonce[12] ‖ list and tag` under SHA-256 of the password.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::claim::Claim;
use super::decrypt::{aes_gcm, pbkdf2_sha1};
use super::error::ImportError;
use super::importer::Importer;
use super::json::{Object, RawList, number, parse, push_all};
use super::receipt::{Export, Format, Protection};
use crate::cursor::Cursor;

const FORMAT: Format = Format::AndOtp;
const SALT_LEN: usize = 12;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
/// The most occurrences of one byte in a short encrypted file.
const MOST_OF_ONE_BYTE: usize = 8;

#[derive(Deserialize)]
struct Entry {
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
    #[serde(default, deserialize_with = "number")]
    used_frequency: Option<i64>,
    tags: Option<Vec<String>>,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| content.any_in_list(is_entry),
    read: |content, _| read(parse(FORMAT, content.text)?),
};

/// The last to be asked: nothing but its password proves such a file.
pub(super) const ENCRYPTED_IMPORTER: Importer = Importer {
    is_one: |content| content.text.is_empty() && may_be_encrypted(content.bytes),
    read: |content, password| read_encrypted(content.bytes, password),
};

/// SQLCipher's pages are a multiple of this, and nothing else of its databases can be told from random bytes.
const DATABASE_PAGE_LEN: usize = 1_024;

/// Keys beside a label that only andOTP's entries have.
const OWN_KEYS: [&str; 4] = ["thumbnail", "last_used", "used_frequency", "tags"];

fn is_entry(entry: &Object<'_>) -> bool {
    let has_text = entry.get("secret").is_some_and(|secret| secret.get().starts_with('"'));
    has_text && entry.has("label") && OWN_KEYS.iter().any(|key| entry.has(key))
}

/// True if it could be an encrypted export. The file has no magic, and before 2019 nothing but a random nonce in front of
/// its ciphertext; so what does not look random is none, be it for a byte that comes up far too often.
fn may_be_encrypted(bytes: &[u8]) -> bool {
    let mut counts = [0_usize; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    // of random bytes each is one in 256
    let most = MOST_OF_ONE_BYTE + bytes.len() / 64;
    bytes.len() > NONCE_LEN + TAG_LEN && counts.into_iter().all(|count| count <= most)
}

fn read_encrypted(bytes: &[u8], password: Option<&[u8]>) -> Result<Export, ImportError> {
    let password = password.ok_or(ImportError::Locked(FORMAT))?;
    let (list, otherwise) = match open(bytes, password) {
        Layout::Opened(list) => (Some(list), ImportError::WrongPassword(FORMAT)),
        Layout::New => (open_old(bytes, password), ImportError::WrongPassword(FORMAT)),
        Layout::Old => (open_old(bytes, password), ImportError::NotEvenAndOtp),
    };
    let list = list.ok_or(match bytes.len() % DATABASE_PAGE_LEN {
        0 => ImportError::EncryptedDatabase,
        _ => otherwise,
    })?;
    let list = str::from_utf8(&list).map_err(|_| ImportError::Malformed(FORMAT, "its entries are not UTF-8"))?;
    let mut export = read(parse(FORMAT, list)?)?;
    export.protection = Protection::Encrypted;
    Ok(export)
}

enum Layout {
    Opened(Zeroizing<Vec<u8>>),
    /// By its iterations; they may be an old nonce by chance.
    New,
    Old,
}

fn open(bytes: &[u8], password: &[u8]) -> Layout {
    let mut from = Cursor::new(bytes);
    let pieces = (|| Some((from.array()?, from.take(SALT_LEN)?, from.take(NONCE_LEN)?)))();
    let Some((iterations, salt, nonce)) = pieces else {
        return Layout::Old;
    };
    match pbkdf2_sha1(password, salt, u32::from_be_bytes(iterations)) {
        Ok(key) => aes_gcm(&key, nonce, from.rest(), &[]).map_or(Layout::New, Layout::Opened),
        Err(_) => Layout::Old,
    }
}

fn open_old(bytes: &[u8], password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
    let key = Zeroizing::new(Sha256::digest(password).into());
    aes_gcm(&key, nonce, sealed, &[])
}

fn read(entries: RawList<'_>) -> Result<Export, ImportError> {
    let mut export = Export::new(FORMAT, Protection::InTheClear);
    push_all(&mut export, entries, |entry: Entry| {
        let kind = entry.kind.as_deref().unwrap_or("totp");
        let (issuer, account) = match entry.issuer {
            Some(issuer) => (Some(issuer), entry.label),
            None => split_label(entry.label),
        };
        Ok(Claim {
            groups: entry.tags.unwrap_or_default(),
            uses: entry
                .used_frequency
                .and_then(|uses| u64::try_from(uses).ok())
                .unwrap_or(0),
            algorithm: entry.algorithm,
            digits: entry.digits,
            period_s: entry.period,
            counter: entry.counter.map(i128::from),
            ..Claim::new(kind, issuer, account).with_base32(entry.secret)
        })
    });
    Ok(export)
}

/// Before it had issuers, andOTP wrote `issuer - account`.
fn split_label(label: Option<String>) -> (Option<String>, Option<String>) {
    match label.as_deref().and_then(|label| label.split_once(" - ")) {
        Some((issuer, account)) => (Some(issuer.to_owned()), Some(account.to_owned())),
        None => (None, label),
    }
}
