//! cotp: `{version, elements: […]}`, as its `export` command writes it, or as URIs, `{items: […]}`; its database is the same, encrypted: `{version, nonce,
//! salt, cipher}` (Argon2id of 32 MiB, 4 passes, 4 lanes; XChaCha20-Poly1305; replydev/cotp, `src/crypto`).

use data_encoding::BASE64;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::Claim;
use super::decrypt::argon2id;
use super::error::ImportError;
use super::importer::Importer;
use super::json::{Object, RawList, number, parse, push_all};
use super::receipt::{Export, Format, Protection};
use crate::KdfCost;
use crate::sealed::Sealed;

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

#[derive(Deserialize)]
struct Uris<'a> {
    #[serde(borrow)]
    items: RawList<'a>,
}

#[derive(Deserialize)]
struct Encrypted {
    version: i64,
    nonce: String,
    salt: String,
    cipher: String,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| {
        let is_own = |element: &Object<'_>| {
            element.has_all(&["secret", "issuer", "label"]) || element.has_all(&["secret", "type"])
        };
        content.object().is_some_and(|file| file.any_in("elements", is_own))
    },
    read: |content, _| read(content.text),
};

/// The importer of its export as URIs, `{items: ["otpauth://…"]}`.
pub(super) const URIS_IMPORTER: Importer = Importer {
    is_one: |content| content.object().is_some_and(|file| file.has_uri_in("items")),
    read: |content, _| {
        let file: Uris<'_> = parse(FORMAT, content.text)?;
        let mut export = Export::new(FORMAT, Protection::InTheClear);
        push_all(&mut export, file.items, |uri: Zeroizing<String>| Claim::from_uri(&uri));
        Ok(export)
    },
};

pub(super) const ENCRYPTED_IMPORTER: Importer = Importer {
    is_one: |content| {
        content
            .object()
            .is_some_and(|file| file.has_all(&["nonce", "salt", "cipher"]))
    },
    read: |content, password| read_encrypted(content.text, password),
};

fn read_encrypted(text: &str, password: Option<&[u8]>) -> Result<Export, ImportError> {
    let file: Encrypted = parse(FORMAT, text)?;
    if file.version != 1 {
        return Err(ImportError::Unsupported(FORMAT, "its version is not 1"));
    }
    let password = password.ok_or(ImportError::Locked(FORMAT))?;
    let malformed = ImportError::Malformed(FORMAT, "a part is not base64, or too short");
    let base64 = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| malformed);
    let cost = KdfCost::new(32 << 10, 4, 4).map_err(|_| malformed)?;
    let key = argon2id(cost, password, &base64(&file.salt)?)?;
    let nonce = base64(&file.nonce)?.try_into().map_err(|_| malformed)?;
    let ciphertext = base64(&file.cipher)?;
    let plain = Sealed { nonce, ciphertext }
        .open(&key, &[])
        .ok_or(ImportError::WrongPassword(FORMAT))?;
    let plain = str::from_utf8(&plain).map_err(|_| ImportError::Malformed(FORMAT, "its content is not UTF-8"))?;
    let mut export = read(plain)?;
    export.protection = Protection::Encrypted;
    Ok(export)
}

fn read(text: &str) -> Result<Export, ImportError> {
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
