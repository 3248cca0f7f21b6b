//! The one way in: an export is known by what is in it, never by its name.

use zeroize::Zeroizing;

use super::error::ImportError;
use super::importer::{Content, IMPORTERS};
use super::receipt::Export;
#[cfg(doc)]
use super::receipt::Format;
use super::{archive, magic};

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
    match archive::is_one(bytes) {
        true => archive::read(bytes, password),
        false => read_itself(bytes, password),
    }
}

/// Reads what is no archive.
pub(super) fn read_itself(bytes: &[u8], password: Option<&[u8]>) -> Result<Export, ImportError> {
    if let Some(refusal) = magic::refusal(bytes) {
        return Err(refusal);
    }
    let text = text_of(bytes);
    let content = Content::of(bytes, text.as_ref().map(|text| text.as_ref()))?;
    let mut importers = IMPORTERS.iter();
    let own = importers.find(|importer| (importer.is_one)(&content));
    own.ok_or(ImportError::Unknown)?.read(&content, password)
}

/// The text that a file is, if it is one.
pub(super) fn text_of(bytes: &[u8]) -> Option<Text<'_>> {
    if let Some(text) = of_utf16(bytes) {
        return Some(Text::Decoded(text));
    }
    let text = str::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(Text::AsItIs(text))
}

/// A file's text, wiped where it is a copy.
pub(super) enum Text<'a> {
    AsItIs(&'a str),
    Decoded(Zeroizing<String>),
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        match self {
            Self::AsItIs(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

/// The text of a UTF-16 file, which Windows' tools call "Unicode": it says so by its first two bytes.
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
