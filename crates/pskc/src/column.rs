//! The encoding of a table's column of secrets: judged by all of them, never one by one.

use std::fmt;

use data_encoding::HEXLOWER_PERMISSIVE;
use enroll::base32::{self, Base32Error};
use otp::{Secret, typed::significant};
use zeroize::Zeroizing;

use crate::zeros::zeros;
use crate::{Place, Problem, ReadError, Reason};

/// The encoding of secrets as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 4648 section 4; PSKC's.
    Base64,
    /// RFC 4648 section 8, in any case, with blanks, dashes and what cannot be seen.
    Hex,
    /// RFC 4648 section 6, in any case, with blanks, dashes, what cannot be seen, and padding.
    Base32,
}

impl Encoding {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hexadecimal",
            Self::Base32 => "base32",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The encoding that a column of secrets was recognised as.
pub(crate) struct Judgement {
    pub(crate) encoding: Encoding,
    /// Whether every secret would be right in the other encoding too.
    pub(crate) ambiguous: bool,
}

/// The encoding that all of `cells` are in; `preferred` where both would do.
pub(crate) fn judge<'a>(
    cells: impl IntoIterator<Item = (&'a Place, &'a str)>,
    preferred: Encoding,
) -> Result<Judgement, ReadError> {
    let mut decided: Option<(Encoding, u32)> = None;
    let mut any = false;
    for (place, text) in cells {
        any = true;
        let decides = match (is_hex(text), is_base32(text)) {
            (true, true) => continue,
            (true, false) => Encoding::Hex,
            (false, true) => Encoding::Base32,
            (false, false) => {
                let problem = Problem::NeitherEncoding;
                return Err(ReadError::malformed(place.clone(), problem));
            }
        };
        match decided {
            None => decided = Some((decides, place.line)),
            Some((encoding, _)) if encoding == decides => {}
            Some((encoding, line)) => {
                let problem = Problem::MixedEncodings {
                    here: decides,
                    line,
                    there: encoding,
                };
                return Err(ReadError::malformed(place.clone(), problem));
            }
        }
    }
    Ok(Judgement {
        encoding: decided.map_or(preferred, |(encoding, _)| encoding),
        ambiguous: any && decided.is_none(),
    })
}

/// One secret of a column that is in `encoding`.
pub(crate) fn decode(place: &Place, text: &str, encoding: Encoding) -> Result<Result<Secret, Reason>, ReadError> {
    let wrong = || ReadError::malformed(place.clone(), Problem::OtherEncoding { wanted: encoding });
    match encoding {
        Encoding::Base32 => match base32::decode(text) {
            Ok(secret) => Ok(Ok(secret)),
            Err(Base32Error::Empty) => Ok(Err(Reason::NoSecret)),
            Err(Base32Error::TooLong) => Ok(Err(Reason::LongSecret)),
            Err(_) => Err(wrong()),
        },
        Encoding::Hex => {
            let bytes = typed_hex(text).ok_or_else(wrong)?;
            Ok(Secret::from_slice(&bytes).map_err(|error| match error {
                otp::SecretError::Empty => Reason::NoSecret,
                otp::SecretError::TooLong => Reason::LongSecret,
            }))
        }
        Encoding::Base64 => Err(ReadError::unsupported(place.clone(), Problem::TableEncoding)),
    }
}

/// The bytes that a text is the hexadecimal of, as people type and paste it ([`otp::typed`]): a secret, or a key that opens a
/// file.
pub fn typed_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut digits = zeros(text.len());
    let mut len = 0;
    for (_, character) in significant(text) {
        *digits.get_mut(len)? = u8::try_from(character).ok()?;
        len += 1;
    }
    let mut bytes = zeros(HEXLOWER_PERMISSIVE.decode_len(len).ok()?);
    HEXLOWER_PERMISSIVE.decode_mut(digits.get(..len)?, &mut bytes).ok()?;
    Some(bytes)
}

fn is_hex(text: &str) -> bool {
    let len = significant(text).count();
    len > 0 && len.is_multiple_of(2) && significant(text).all(|(_, digit)| digit.is_ascii_hexdigit())
}

fn is_base32(text: &str) -> bool {
    let letters = || {
        significant(text)
            .map(|(_, letter)| letter)
            .take_while(|letter| *letter != '=')
    };
    let len = letters().count();
    let has_only_padding_behind = significant(text).skip(len).all(|(_, letter)| letter == '=');
    len > 0
        && has_only_padding_behind
        && !matches!(len % 8, 1 | 3 | 6)
        && letters().all(|letter| matches!(letter.to_ascii_uppercase(), 'A'..='Z' | '2'..='7'))
}
