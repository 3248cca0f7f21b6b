//! The text of a file: UTF-8, or what Windows writes instead.

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use zeroize::Zeroizing;

use crate::ReadError;
use crate::xml::shown;
use crate::zeros::zeros;

/// Bytes that Windows-1252 gives no letter.
const NO_LETTER: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// How much of a file is searched for the end of its XML declaration.
const MAX_DECLARATION_LEN: usize = 256;

/// A file's text.
pub(crate) struct Decoded<'a> {
    bytes: Bytes<'a>,
    /// The encoding, where it is not UTF-8.
    pub(crate) encoding: Option<&'static str>,
    /// Whether nothing but the bytes themselves tells the encoding.
    pub(crate) is_guessed: bool,
}

enum Bytes<'a> {
    AsTheyAre(&'a [u8]),
    Decoded(Zeroizing<Vec<u8>>),
}

impl<'a> Decoded<'a> {
    /// By the byte order mark, else by the XML declaration, else UTF-8, else Windows-1252.
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, ReadError> {
        if let Some((encoding, mark_len)) = Encoding::for_bom(bytes) {
            return Self::by(encoding, &bytes[mark_len..]);
        }
        match declared(bytes) {
            Some(label) => match Encoding::for_label(label.trim().as_bytes()) {
                // Whoever reads the declaration byte by byte sees that this is not so: a file was converted, and still says it.
                Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Self::by(UTF_8, bytes),
                Some(encoding) => Self::by(encoding, bytes),
                None => Err(ReadError::Encoding(shown(label))),
            },
            None if str::from_utf8(bytes).is_ok() => Self::by(UTF_8, bytes),
            None if bytes.iter().all(|byte| is_windows_1252(*byte)) => {
                let is_guessed = true;
                Self::by(WINDOWS_1252, bytes).map(|decoded| Self { is_guessed, ..decoded })
            }
            None => Err(ReadError::NotText),
        }
    }

    fn by(encoding: &'static Encoding, bytes: &'a [u8]) -> Result<Self, ReadError> {
        let unreadable = || ReadError::Encoding(encoding.name().to_owned());
        let is_utf8 = str::from_utf8(bytes).is_ok();
        if encoding == UTF_8 && !is_utf8 {
            return Err(unreadable());
        }
        // What is ASCII alone is the same in most of them.
        if encoding == UTF_8 || (encoding.is_ascii_compatible() && bytes.is_ascii()) {
            return Ok(Self {
                bytes: Bytes::AsTheyAre(bytes),
                encoding: None,
                is_guessed: false,
            });
        }
        Ok(Self {
            bytes: Bytes::Decoded(decoded(encoding, bytes).ok_or_else(unreadable)?),
            encoding: Some(encoding.name()),
            is_guessed: false,
        })
    }

    pub(crate) fn text(&self) -> Result<&str, ReadError> {
        let bytes = match &self.bytes {
            Bytes::AsTheyAre(bytes) => bytes,
            Bytes::Decoded(bytes) => bytes.as_slice(),
        };
        let text = str::from_utf8(bytes).map_err(|_| ReadError::NotText)?;
        if text.contains('\0') {
            return Err(ReadError::NotText);
        }
        Ok(text)
    }
}

/// `None` where something in it is no text of this encoding: nothing is replaced.
fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = zeros(decoder.max_utf8_buffer_length_without_replacement(bytes.len())?);
    let (result, _, written) = decoder.decode_to_utf8_without_replacement(bytes, &mut text, true);
    text.truncate(written);
    matches!(result, DecoderResult::InputEmpty).then_some(text)
}

/// A byte of a text in Windows-1252, or in ISO-8859-1 without its controls.
fn is_windows_1252(byte: u8) -> bool {
    let is_control = byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n');
    !is_control && !NO_LETTER.contains(&byte)
}

/// The encoding that an XML declaration names.
fn declared(bytes: &[u8]) -> Option<&str> {
    let declaration = bytes.trim_ascii_start().strip_prefix(b"<?xml")?;
    let declaration = &declaration[..declaration.len().min(MAX_DECLARATION_LEN)];
    let end = declaration.iter().position(|byte| *byte == b'>')?;
    let (_, rest) = str::from_utf8(&declaration[..end]).ok()?.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split_once(quote).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(String, Option<&'static str>), ReadError> {
        let decoded = Decoded::of(bytes)?;
        Ok((decoded.text()?.to_owned(), decoded.encoding))
    }

    #[test]
    fn a_declaration_is_believed_unless_its_own_bytes_say_otherwise() {
        let latin = b"<?xml version='1.0' encoding = 'ISO-8859-1'?><a>B\xfccher</a>";
        assert_eq!(read(latin).unwrap().1, Some("windows-1252"));
        assert!(read(latin).unwrap().0.ends_with("<a>B\u{fc}cher</a>"));
        let gbk = b"<?xml version=\"1.0\" encoding=\"GB2312\"?><a>\xc1\xee\xc5\xc6</a>";
        assert!(read(gbk).unwrap().0.ends_with("<a>\u{4ee4}\u{724c}</a>"));
        let converted = "<?xml version='1.0' encoding='utf-16'?><a>Bücher</a>";
        assert_eq!(read(converted.as_bytes()).unwrap(), (converted.to_owned(), None));
        let wrong = b"<?xml version='1.0' encoding='UTF-8'?><a>B\xfccher</a>";
        assert_eq!(read(wrong), Err(ReadError::Encoding("UTF-8".into())));
        let unknown = b"<?xml version='1.0' encoding='EBCDIC-7'?><a/>";
        assert_eq!(read(unknown), Err(ReadError::Encoding("EBCDIC-7".into())));
    }

    #[test]
    fn what_is_no_text_is_none() {
        assert_eq!(read(b"PK\x03\x04\xff"), Err(ReadError::NotText));
        assert_eq!(read(b"\x8f\x90"), Err(ReadError::NotText));
        assert_eq!(
            read(b"\xff\xfea"),
            Err(ReadError::Encoding("UTF-16LE".into())),
            "half a letter"
        );
        assert_eq!(read(b"\xff\xfe\x00\x00"), Err(ReadError::NotText));
    }
}
