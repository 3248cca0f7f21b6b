//! Base32 (RFC 4648 section 6) as people and apps write it.
//!
//! The `base32` crate does the arithmetic. It reads `"A"` as an empty key and drops what does not
//! fit, and it refuses lower case and blanks, so everything passes a normaliser of ours first.

use otp::{Secret, typed::significant};
use zeroize::Zeroizing;

const ALPHABET: ::base32::Alphabet = ::base32::Alphabet::Rfc4648 { padding: false };

/// Bytes and characters that stand for each other without remainder.
const BLOCK_BYTES: usize = 5;
const BLOCK_CHARACTERS: usize = 8;

/// Why a text is not a base32 secret. The sentences are for whoever typed or pasted the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Base32Error {
    /// Nothing is left without blanks, dashes, padding and what cannot be seen.
    #[error("the secret is empty: copy the whole text key")]
    Empty,
    /// A character outside the alphabet. `position` counts characters of the text, from 1.
    #[error("character {position} of the secret is not base32: only A-Z and 2-7 occur (no 0, 1, 8, 9)")]
    Character {
        /// Where it is, blanks, dashes and what cannot be seen included, from 1.
        position: usize,
    },
    /// No number of whole bytes has this many characters (1, 3 or 6 modulo 8).
    #[error("a base32 secret cannot have {characters} characters: some are missing or too many")]
    Length {
        /// Characters without blanks, dashes, padding and what cannot be seen.
        characters: usize,
    },
    /// More bytes than an [`otp::Secret`] holds.
    #[error("the secret is longer than is supported: ask its issuer for a shorter one")]
    TooLong,
}

/// Writes bytes in upper case, without padding, the only form that every app reads.
pub fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let capacity = bytes.len().div_ceil(BLOCK_BYTES) * BLOCK_CHARACTERS;
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    // Block by block: for anything longer the crate guesses its buffer too small, and growing it
    // would leave most of the secret in freed memory.
    for block in bytes.chunks(BLOCK_BYTES) {
        text.push_str(&Zeroizing::new(::base32::encode(ALPHABET, block)));
    }
    text
}

/// Reads a secret in any case, with blanks, dashes, padding and what cannot be seen, and with the digits of any script
/// ([`otp::typed`]).
///
/// Bits of the last character that belong to no byte are ignored, as apps do.
///
/// # Errors
/// [`Base32Error`] says what is wrong with the text; nothing is guessed or dropped.
pub fn decode(text: &str) -> Result<Secret, Base32Error> {
    let normal = normalise(text)?;
    match normal.len() % BLOCK_CHARACTERS {
        _ if normal.is_empty() => return Err(Base32Error::Empty),
        1 | 3 | 6 => {
            return Err(Base32Error::Length {
                characters: normal.len(),
            });
        }
        _ => {}
    }
    let bytes = ::base32::decode(ALPHABET, &normal)
        .map(Zeroizing::new)
        .expect("the normaliser lets only the alphabet through");
    Secret::from_slice(&bytes).map_err(|_| Base32Error::TooLong)
}

/// A secret as other apps read it.
pub struct AsApps {
    /// The secret.
    pub secret: Secret,
    /// True if the text had 1, 3 or 6 letters modulo 8, whose last one was left out: no number of whole
    /// bytes has so many, so that one may be missing.
    pub has_odd_length: bool,
}

/// [`decode`], of any length, for what others have issued: apps leave out a last letter that belongs to
/// no byte. What is issued here is never so.
///
/// # Errors
/// [`Base32Error`]; of its [`Length`](Base32Error::Length) only one letter alone, which is no byte.
pub fn decode_as_apps(text: &str) -> Result<AsApps, Base32Error> {
    let mut normal = normalise(text)?;
    let has_odd_length = normal.len() > 1 && matches!(normal.len() % BLOCK_CHARACTERS, 1 | 3 | 6);
    if has_odd_length {
        normal.pop();
    }
    let secret = decode(&normal)?;
    Ok(AsApps { secret, has_odd_length })
}

fn normalise(text: &str) -> Result<Zeroizing<String>, Base32Error> {
    let mut normal = Zeroizing::new(String::with_capacity(text.len()));
    let mut padding = None;
    for (index, character) in significant(text) {
        match (character.to_ascii_uppercase(), padding) {
            ('=', _) => padding = padding.or(Some(index)),
            (c @ ('A'..='Z' | '2'..='7'), None) => normal.push(c),
            _ => {
                return Err(Base32Error::Character {
                    position: padding.unwrap_or(index) + 1,
                });
            }
        }
    }
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Result<Vec<u8>, Base32Error> {
        decode(text).map(|secret| secret.expose_secret().to_vec())
    }

    #[test]
    fn rfc_4648_vectors() {
        for (bytes, text) in [
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(encode(bytes.as_bytes()).as_str(), text);
            assert_eq!(decoded(text), Ok(bytes.as_bytes().to_vec()));
        }
        assert_eq!(encode(b"").as_str(), "");
    }

    #[test]
    fn encoding_never_grows_its_buffer() {
        for len in 0..=64 {
            let text = encode(&vec![0xA5; len]);
            assert_eq!(text.capacity(), len.div_ceil(5) * 8, "{len} bytes");
        }
    }

    #[test]
    fn reads_what_people_type() {
        for text in [
            "mzxw6ytboi",
            "MZXW 6YTB OI",
            "MZXW-6YTB-OI",
            "MZXW6YTBOI======",
            " mzxw\t6ytb\u{a0}oi = = = = = = ",
            "MZXW6YTBOI=",
            "\u{feff}MZXW\u{200b}6YTB\u{ad}OI\u{200e}", // from a web page
            "\u{2068}MZXW\u{2013}\u{6f6}YTB\u{2014}OI\u{2069}==\u{200b}",
            "ＭＺＸＷ\u{3000}６ｙｔｂＯＩ＝", // full width
        ] {
            assert_eq!(decoded(text), Ok(b"foobar".to_vec()), "{text:?}");
        }
    }

    #[test]
    fn as_long_as_a_secret_may_be() {
        assert_eq!(decoded(&encode(&[7; 128])), Ok(vec![7; 128]));
        assert_eq!(decoded(&encode(&[7; 129])), Err(Base32Error::TooLong));
    }

    #[test]
    fn item_11_a_last_letter_that_belongs_to_no_byte_is_left_out_as_apps_do() {
        for (text, bytes, odd) in [
            ("MZXW6YTBO", &b"fooba"[..], true),
            ("mzx", b"f", true),
            ("MZXW 6Y=", b"foo", true),
            ("MZXW6YTBOI", b"foobar", false),
            ("MZXW6YQ", b"foob", false),
        ] {
            let read = decode_as_apps(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(
                (read.secret.expose_secret(), read.has_odd_length),
                (bytes, odd),
                "{text}"
            );
            assert_eq!(decoded(text).is_err(), odd, "{text}");
        }
        assert_eq!(decode_as_apps("A").err(), Some(Base32Error::Length { characters: 1 }));
        assert_eq!(decode_as_apps("- =").err(), Some(Base32Error::Empty));
    }

    #[test]
    fn says_what_is_wrong() {
        use Base32Error::{Character, Empty, Length};
        for (text, error) in [
            ("", Empty),
            (" - = ", Empty),
            ("A", Length { characters: 1 }),
            ("ABC", Length { characters: 3 }),
            ("ABCDEF", Length { characters: 6 }),
            ("MZXW 6YTB O", Length { characters: 9 }),
            ("MZXW 0YTB", Character { position: 6 }),
            ("MZ=XW", Character { position: 3 }),
            ("MZXW\u{200b}\u{6f0}YTB", Character { position: 6 }),
            ("\u{200b}\u{feff}=", Empty),
            ("ﬁMZXW", Character { position: 1 }),
        ] {
            assert_eq!(decoded(text), Err(error), "{text:?}");
        }
    }
}
