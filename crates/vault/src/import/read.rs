//! The one way in: an export is known by what is in it, never by its name.

use encoding_rs::WINDOWS_1252;
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
    if text.is_none() && is_like_text(bytes) {
        return Err(ImportError::Encoding("neither UTF-8 nor UTF-16 nor Windows-1252"));
    }
    let content = Content::of(bytes, text.as_ref().map(|text| text.as_ref()))?;
    let mut importers = IMPORTERS.iter();
    let own = importers.find(|importer| (importer.is_one)(&content));
    let mut export = match own {
        Some(own) => own.read(&content, password)?,
        None if is_unmarked_utf16(bytes) => return Err(ImportError::Encoding("UTF-16 without a byte order mark")),
        None => return Err(ImportError::Unknown),
    };
    if let Some(Text::Windows1252(_)) = text {
        export.doubt_letters();
    }
    Ok(export)
}

/// The text that a file is, if it is one.
pub(super) fn text_of(bytes: &[u8]) -> Option<Text<'_>> {
    if let Some(text) = of_utf16(bytes) {
        return Some(Text::Decoded(text));
    }
    match str::from_utf8(bytes) {
        Ok(text) => (!text.contains('\0')).then_some(Text::AsItIs(text)),
        Err(_) => of_windows_1252(bytes).map(Text::Windows1252),
    }
}

/// A file's text, wiped where it is a copy.
pub(super) enum Text<'a> {
    AsItIs(&'a str),
    Decoded(Zeroizing<String>),
    /// In the code page of most of Europe and America. Nothing in the file says so.
    Windows1252(Zeroizing<String>),
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        match self {
            Self::AsItIs(text) => text,
            Self::Decoded(text) | Self::Windows1252(text) => text,
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

/// True for a text in some code page: nearly all of it ASCII, and no control character in it.
fn is_like_text(bytes: &[u8]) -> bool {
    let is_of_text = |byte: &u8| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\r' | b'\n');
    let others = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    bytes.iter().all(is_of_text) && others <= bytes.len() / 4
}

/// The text of a file in Windows-1252, of which ISO 8859-1 is a part.
fn of_windows_1252(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let is_none_of_its = |byte: &u8| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
    if !is_like_text(bytes) || bytes.iter().any(is_none_of_its) {
        return None;
    }
    // three bytes are the most that one becomes, so that it never grows and leaves a copy behind
    let mut text = Zeroizing::new(String::with_capacity(3 * bytes.len()));
    let mut decoder = WINDOWS_1252.new_decoder_without_bom_handling();
    let (_, read, _) = decoder.decode_to_string(bytes, &mut text, true);
    (read == bytes.len()).then_some(text)
}

/// True if every second byte of the beginning is 0, as of Latin text in UTF-16.
fn is_unmarked_utf16(bytes: &[u8]) -> bool {
    let (pairs, _) = bytes[..bytes.len().min(64)].as_chunks::<2>();
    let all = |is_one: fn(&[u8; 2]) -> bool| pairs.len() > 3 && pairs.iter().all(is_one);
    all(|[low, high]| *low != 0 && *high == 0) || all(|[high, low]| *low != 0 && *high == 0)
}
