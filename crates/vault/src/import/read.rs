//! The one way in: an export is known by what is in it, never by its name.

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::error::ImportError;
use super::json::{RawList, parse};
use super::receipt::{Export, Format};
use super::{
    aegis, and_otp, bitwarden, cotp, ente, free_otp, free_otp_backup, magic, own, proton, stratum, two_fas, uri_list,
};

/// Largest export that is read, in bytes.
pub const MAX_EXPORT_LEN_BYTES: usize = 16 << 20;

/// Reads an export of any format that [`Format`] lists; a password where it is encrypted.
///
/// # Errors
/// [`ImportError`], one sentence; then there is nothing to import.
pub fn read(bytes: &[u8], password: Option<&[u8]>) -> Result<Export, ImportError> {
    if bytes.len() > MAX_EXPORT_LEN_BYTES {
        return Err(ImportError::TooLarge);
    }
    if let Some(refusal) = magic::refusal(bytes) {
        return Err(refusal);
    }
    if own::is_one(bytes) {
        return own::read(bytes, password);
    }
    if stratum::is_encrypted(bytes) {
        return stratum::read_encrypted(bytes, password);
    }
    if free_otp_backup::is_one(bytes) {
        return free_otp_backup::read(bytes, password);
    }
    if let Some(text) = of_utf16(bytes) {
        return read_text(&text, password);
    }
    match str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => read_text(text, password),
        _ if and_otp::may_be_encrypted(bytes) => and_otp::read_encrypted(bytes, password),
        _ => Err(ImportError::Unknown),
    }
}

/// What Windows' tools write as "Unicode": it says so by its first two bytes.
fn of_utf16(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let (order, units) = bytes.split_first_chunk::<2>()?;
    let unit: fn([u8; 2]) -> u16 = match order {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, []) = units.as_chunks::<2>() else {
        return None;
    };
    // three bytes are the most that a unit becomes, so that it never grows and leaves a copy behind
    let mut text = Zeroizing::new(String::with_capacity(3 * pairs.len()));
    for character in char::decode_utf16(pairs.iter().copied().map(unit)) {
        text.push(character.ok()?);
    }
    Some(text)
}

fn read_text(text: &str, password: Option<&[u8]>) -> Result<Export, ImportError> {
    // blank lines at the start count as lines
    let text = text.trim_start_matches('\u{feff}');
    match text.trim_start().as_bytes().first() {
        Some(b'{') => read_object(text, password),
        Some(b'[') => read_array(text),
        Some(_) if bitwarden::is_csv(text) => bitwarden::read_csv(text),
        Some(_) if uri_list::is_one(text) => uri_list::read(text),
        _ => Err(ImportError::Unknown),
    }
}

/// The keys by which the formats are told apart.
#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow)]
    db: Option<&'a RawValue>,
    services: Option<&'a RawValue>,
    #[serde(rename = "servicesEncrypted")]
    services_encrypted: Option<&'a RawValue>,
    #[serde(rename = "Authenticators")]
    authenticators: Option<&'a RawValue>,
    #[serde(rename = "kdfParams")]
    kdf_params: Option<&'a RawValue>,
    entries: Option<&'a RawValue>,
    salt: Option<&'a RawValue>,
    content: Option<&'a RawValue>,
    cipher: Option<&'a RawValue>,
    elements: Option<&'a RawValue>,
    tokens: Option<&'a RawValue>,
    items: Option<&'a RawValue>,
    encrypted: Option<&'a RawValue>,
    algo: Option<&'a RawValue>,
    secret: Option<&'a RawValue>,
}

fn read_object(text: &str, password: Option<&[u8]>) -> Result<Export, ImportError> {
    let keys: Keys<'_> = serde_json::from_str(text).map_err(|error| ImportError::of_json(&error, text))?;
    if keys.db.is_some() {
        aegis::read(text, password)
    } else if keys.services.is_some() || keys.services_encrypted.is_some() {
        two_fas::read(text, password)
    } else if keys.authenticators.is_some() {
        stratum::read(text)
    } else if keys.kdf_params.is_some() {
        ente::read_encrypted(text, password)
    } else if keys.entries.is_some() {
        proton::read(text)
    } else if keys.salt.is_some() && keys.content.is_some() {
        proton::read_encrypted(text, password)
    } else if keys.salt.is_some() && keys.cipher.is_some() {
        cotp::read_encrypted(text, password)
    } else if keys.elements.is_some() {
        cotp::read(text)
    } else if keys.tokens.is_some() {
        free_otp::read(text)
    } else if keys.items.is_some() || keys.encrypted.is_some() {
        bitwarden::read_json(text, password)
    } else if keys.algo.is_some() && keys.secret.is_some() {
        free_otp::read_token(text)
    } else {
        Err(ImportError::Unknown)
    }
}

/// andOTP writes a bare list, and so may whoever takes FreeOTP's tokens out of its settings.
fn read_array(text: &str) -> Result<Export, ImportError> {
    let entries: RawList<'_> = parse(Format::AndOtp, text)?;
    let is_token = |entry: &&RawValue| {
        let keys: Result<Keys<'_>, _> = serde_json::from_str(entry.get());
        keys.is_ok_and(|keys| keys.secret.is_some_and(|secret| secret.get().starts_with('[')))
    };
    if entries.0.first().is_some_and(is_token) {
        free_otp::read_tokens(entries)
    } else {
        and_otp::read(entries)
    }
}
