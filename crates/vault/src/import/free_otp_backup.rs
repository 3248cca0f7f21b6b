//! FreeOTP 2's backup, `externalBackup.xml`, which is no XML: a `HashMap` of texts as Java serialises it. `masterKey` is a key
//! under PBKDF2 of the password; each id has a secret under that key, and each `id-token` what else is known of it. Keys are
//! sealed with AES-256-GCM (freeotp/freeotp-android, `TokenPersistence.java`, `encryptor/`).

use std::collections::BTreeMap;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::Reason;
use super::decrypt::{AesKey, aes_gcm, pbkdf2_sha1, pbkdf2_sha512};
use super::error::ImportError;
use super::free_otp::Token;
use super::importer::Importer;
use super::json::{SecretBytes, parse};
use super::receipt::{Export, Format, Place, Protection};
use crate::MAX_ENTRIES;
use crate::cursor::Cursor;

const FORMAT: Format = Format::FreeOtp;
/// Magic and version of Java's object streams.
const STREAM: [u8; 4] = [0xac, 0xed, 0, 5];
const KEY_LEN: usize = 32;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MasterKey {
    m_algorithm: String,
    m_encrypted_key: SealedKey,
    m_iterations: u32,
    m_salt: SecretBytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SealedKey {
    m_cipher_text: SecretBytes,
    /// DER: `SEQUENCE { nonce OCTET STRING, length of the tag INTEGER }`; of Android 6 the nonce alone.
    m_parameters: SecretBytes,
    m_token: String,
}

#[derive(Deserialize)]
struct Entry {
    /// JSON in JSON: a [`SealedKey`].
    key: String,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| content.bytes.starts_with(&STREAM),
    read: |content, password| read(content.bytes, password),
};

fn read(bytes: &[u8], password: Option<&[u8]>) -> Result<Export, ImportError> {
    let map = java_map(bytes)?;
    let find = |wanted: &str| map.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let master = find("masterKey").ok_or(ImportError::Malformed(FORMAT, "it has no master key"))?;
    let master: MasterKey = parse(FORMAT, master)?;
    let password = password.ok_or(ImportError::Locked(FORMAT))?;
    let salt = &master.m_salt.0;
    let key = match master.m_algorithm.as_str() {
        // the key is as long as its salt
        _ if salt.len() != KEY_LEN => return Err(ImportError::Malformed(FORMAT, "its salt does not have 32 bytes")),
        "PBKDF2withHmacSHA512" => pbkdf2_sha512(password, salt, master.m_iterations)?,
        "PBKDF2withHmacSHA1" => pbkdf2_sha1(password, salt, master.m_iterations)?,
        _ => return Err(ImportError::Unsupported(FORMAT, "its master key is not under PBKDF2")),
    };
    let master = master.m_encrypted_key.open(&key);
    let master = master.and_then(|key| key.first_chunk().copied().map(Zeroizing::new));
    let master = master.ok_or(ImportError::WrongPassword(FORMAT))?;

    let tokens: BTreeMap<&str, &str> = map
        .iter()
        .filter_map(|(name, value)| Some((name.strip_suffix("-token")?, value.as_str())))
        .collect();
    let mut export = Export::new(FORMAT, Protection::Encrypted);
    let entries = map
        .iter()
        .filter(|(name, _)| name != "masterKey" && !name.ends_with("-token"));
    for ((id, value), number) in entries.zip(1..) {
        let claim = (|| {
            let token: Token = serde_json::from_str(tokens.get(id.as_str())?).ok()?;
            let entry: Entry = serde_json::from_str(value).ok()?;
            let sealed: SealedKey = serde_json::from_str(&entry.key).ok()?;
            let counter = token.counter.map(i128::from);
            Some(token.claim(Some(sealed.open(&master)?), counter))
        })();
        export.push(Place::Entry(number), claim.ok_or(Reason::Shape));
    }
    Ok(export)
}

impl SealedKey {
    fn open(&self, key: &AesKey) -> Option<Zeroizing<Vec<u8>>> {
        let mut der = Cursor::new(&self.m_parameters.0);
        let nonce_len = match der.array()? {
            [0x04, len] => len,
            [0x30, _] => match der.array()? {
                [0x04, len] => len,
                _ => return None,
            },
            _ => return None,
        };
        let nonce = der.take(nonce_len.into())?;
        aes_gcm(key, nonce, &self.m_cipher_text.0, self.m_token.as_bytes())
    }
}

/// Tags of the Java Object Serialization Specification, section 6.4.2.
mod tag {
    pub(super) const NULL: u8 = 0x70;
    pub(super) const CLASS: u8 = 0x72;
    pub(super) const OBJECT: u8 = 0x73;
    pub(super) const STRING: u8 = 0x74;
    pub(super) const BLOCK: u8 = 0x77;
    pub(super) const END: u8 = 0x78;
    pub(super) const LONG_STRING: u8 = 0x7c;
}

/// The names and values of a `HashMap` of texts, in the file's order; nothing else that Java could write is read.
fn java_map(bytes: &[u8]) -> Result<Vec<(String, Zeroizing<String>)>, ImportError> {
    let mut from = Cursor::new(bytes);
    let other = ImportError::Malformed(FORMAT, "what Java wrote into it is no map of texts");
    let begins: Option<[u8; 6]> = from.array();
    let is_object =
        begins.is_some_and(|begins| begins.starts_with(&STREAM) && begins.ends_with(&[tag::OBJECT, tag::CLASS]));
    if !is_object || java_text(&mut from, false).is_none_or(|name| *name != "java.util.HashMap") {
        return Err(ImportError::Unknown);
    }
    let primitives_len = class(&mut from).ok_or(other)?;
    let size = (|| {
        from.take(primitives_len)?;
        let [tag::BLOCK, 8, _, _, _, _, size @ ..] = from.array::<10>()? else {
            return None;
        };
        Some(u32::from_be_bytes(size))
    })();
    let size = size.ok_or(ImportError::CutOff)?;
    // two of them make an entry
    if size as usize > 2 * MAX_ENTRIES + 1 {
        return Err(ImportError::Malformed(FORMAT, "it has more than 10000 entries"));
    }
    let mut map = Vec::new();
    for _ in 0..size {
        let mut text = || match from.u8().ok_or(ImportError::CutOff)? {
            tag::STRING => java_text(&mut from, false).ok_or(ImportError::CutOff),
            tag::LONG_STRING => java_text(&mut from, true).ok_or(ImportError::CutOff),
            _ => Err(other),
        };
        map.push((text()?.as_str().to_owned(), text()?));
    }
    match from.u8() {
        Some(tag::END) => Ok(map),
        _ => Err(ImportError::CutOff),
    }
}

/// The rest of a class behind its name; gives how many bytes its fields take in an object.
fn class(from: &mut Cursor<'_>) -> Option<usize> {
    let _id_and_flags: [u8; 9] = from.array()?;
    let mut len = 0;
    for _ in 0..u16::from_be_bytes(from.array()?) {
        len += match from.u8()? {
            b'B' | b'Z' => 1,
            b'C' | b'S' => 2,
            b'F' | b'I' => 4,
            b'D' | b'J' => 8,
            _ => return None,
        };
        java_text(from, false)?;
    }
    (from.array()? == [tag::END, tag::NULL]).then_some(len)
}

/// A text in Java's own UTF-8, which writes each half of a pair of surrogates by itself, and 0 in two bytes.
fn java_text(from: &mut Cursor<'_>, is_long: bool) -> Option<Zeroizing<String>> {
    let len = match is_long {
        true => usize::try_from(u64::from_be_bytes(from.array()?)).ok()?,
        false => u16::from_be_bytes(from.array()?).into(),
    };
    let bytes = from.take(len)?;
    let mut rest = Cursor::new(bytes);
    let mut units = Zeroizing::new(Vec::with_capacity(len));
    while let Some(first) = rest.u8() {
        let mut next = || Some(u16::from(rest.u8()? & 0x3f));
        units.push(match first {
            0..=0x7f => first.into(),
            0xc0..=0xdf => u16::from(first & 0x1f) << 6 | next()?,
            0xe0..=0xef => u16::from(first & 0x0f) << 12 | next()? << 6 | next()?,
            _ => return None,
        });
    }
    // no unit was shorter than what it becomes
    let mut text = Zeroizing::new(String::with_capacity(len));
    for character in char::decode_utf16(units.iter().copied()) {
        text.push(character.ok()?);
    }
    Some(text)
}
