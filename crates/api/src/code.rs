//! Codes on the wire, as they were typed: wiped, and never shown in an error.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};
use zeroize::Zeroizing;

use crate::TextError;

/// Longest code, in bytes of UTF-8: room for a recovery code typed with blanks, and for digits of four bytes each.
pub const CODE_LEN_MAX_BYTES: usize = 128;

/// A code as a person typed it: of a device, of the list of recovery codes, of support.
///
/// It opens a door while it lives, so it is wiped when dropped, and has neither `Debug` nor `Display` nor `Clone`.
/// Nothing of it is left out here: whoever judges it knows what counts. A number is refused, because it has lost
/// its leading zeros.
pub struct CodeText(Zeroizing<String>);

impl CodeText {
    /// What a person typed, to be asked about.
    ///
    /// # Errors
    /// [`TextError::TooLong`]: no code is.
    pub fn new(text: Zeroizing<String>) -> Result<Self, TextError> {
        if text.len() > CODE_LEN_MAX_BYTES {
            return Err(TextError::TooLong {
                max_bytes: CODE_LEN_MAX_BYTES,
            });
        }
        Ok(Self(text))
    }

    /// Its characters. Loud, for it must reach neither a log nor an error.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text, still wiped when dropped.
    pub fn into_inner(self) -> Zeroizing<String> {
        self.0
    }
}

/// In the clear: whoever writes it asks about it.
impl Serialize for CodeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CodeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = CodeText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a code as a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<CodeText, E> {
                if text.len() > CODE_LEN_MAX_BYTES {
                    return Err(E::custom(format_args!(
                        "is longer than {CODE_LEN_MAX_BYTES} bytes: no code is"
                    )));
                }
                Ok(CodeText(Zeroizing::new(text.to_owned())))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<CodeText, E> {
                self.visit_str(&Zeroizing::new(text))
            }

            // The default messages of these repeat the number.
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<CodeText, E> {
                let _unrepeated = number;
                Err(E::custom(NUMBER))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<CodeText, E> {
                let _unrepeated = number;
                Err(E::custom(NUMBER))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<CodeText, E> {
                let _unrepeated = number;
                Err(E::custom(NUMBER))
            }
        }

        // Any, because the messages about a text that is none repeat it.
        deserializer.deserialize_any(Visitor)
    }
}

const NUMBER: &str = "is a number, which has lost its leading zeros: send the code as a string";

impl PartialSchema for CodeText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(CODE_LEN_MAX_BYTES))
            .write_only(true)
            .description(Some(
                "A code as the user typed it, always a string. Blanks, dashes and characters that cannot be seen do not \
                 matter, and the decimal digits of every script are digits (`\u{6f4}\u{6f9}\u{6f2} \u{6f0}\u{6f3}\u{6f9}` is \
                 `492 039`); leading zeros do matter.",
            ))
            .examples(["492 039"])
            .into()
    }
}

impl ToSchema for CodeText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CodeText")
    }
}

/// What a code at a check is. `passcode` has its place and is refused: a passcode answers the challenge of a login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyMethod {
    /// Shown by a bound device.
    #[default]
    Totp,
    /// One of the user's recovery codes.
    RecoveryCode,
    /// Refused here: what support gives answers a challenge.
    Passcode,
}

/// What a code is that pays for a change of factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactorMethod {
    /// Shown by a bound device.
    #[default]
    Totp,
    /// One of the user's recovery codes.
    RecoveryCode,
}
