//! Imports of seed files on the wire, and the receipt of one.

use std::{borrow::Cow, fmt};

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};
use zeroize::Zeroizing;

use crate::{Actor, HintAlgorithm, Name, TextError};

/// The query of an import: a dry run, or in earnest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Only judges: the receipt says what would be, and nothing comes in.
    #[serde(default)]
    #[param(value_type = Option<bool>, default = false)]
    pub dry_run: bool,
}

/// Takes the tokens of a seed file into the inventory.
// No `Debug`: it carries secrets, perhaps in the clear.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// The batch they come in; made, and open to nobody, where there is none.
    #[schema(example = "2026-11")]
    pub batch: Name,
    /// The file, byte for byte: PSKC (RFC 6030), or a vendor's table. At most 10,000 tokens.
    pub file_base64: Base64,
    /// The password of an encrypted file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
    /// The key of an encrypted file, instead of a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<Base64>,
    /// How a table's secrets are written, where that is not plain from them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<SeedEncoding>,
    /// The tokens' hash, where the file leaves it open. A token of which the file says otherwise is refused; so it is for
    /// the next two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<HintAlgorithm>,
    /// How many digits the tokens show, where the file leaves it open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 6, maximum = 8)]
    pub digits: Option<u8>,
    /// How many seconds they show a code, where the file leaves it open. A token that counts events (HOTP) has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3600)]
    pub period_s: Option<u32>,
    /// Whether secrets of 80 to 127 bits come in, too, where no better token can be had. Shorter ones never do.
    #[serde(default)]
    #[schema(default = false)]
    pub allow_short_secrets: bool,
    /// Whether the tokens that can be used come in without those that cannot, and those that are there already. Without
    /// it all of them come in, or none.
    #[serde(default)]
    #[schema(default = false)]
    pub skip_unusable: bool,
    /// On whose behalf.
    pub actor: Actor,
}

/// How a table's secrets are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeedEncoding {
    /// RFC 4648, section 8.
    Hex,
    /// RFC 4648, section 6.
    Base32,
}

/// Beyond this glibc maps memory for one allocation alone and gives it back when that ends. What is shorter goes on living
/// in its heap, once one of that length has ended.
const MAPPED_BYTES: usize = (32 << 20) + 1;
/// Buffers from this length on get a mapping of their own.
const LONG_BYTES: usize = 4 << 20;

/// The capacity of a buffer of so many bytes that are given back to the system when it is dropped: memory that is never
/// written to is not taken, so that what is beyond `bytes` costs nothing.
pub fn returned_capacity(bytes: usize) -> usize {
    if bytes < LONG_BYTES {
        bytes
    } else {
        bytes.max(MAPPED_BYTES)
    }
}

/// Bytes of a secret, wiped when dropped. Neither `Debug` nor `Clone`.
pub struct Base64(Zeroizing<Vec<u8>>);

impl Base64 {
    /// The bytes, still wiped when dropped.
    pub fn into_inner(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl From<Zeroizing<Vec<u8>>> for Base64 {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let len = BASE64.encode_len(self.0.len());
        let mut text = Zeroizing::new(String::with_capacity(returned_capacity(len)));
        BASE64.encode_append(&self.0, &mut text);
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string of base64")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Base64, E> {
                let not_base64 = || E::custom("is not base64 as in RFC 4648, section 4, with its padding");
                let len = BASE64.decode_len(text.len()).map_err(|_| not_base64())?;
                let mut bytes = Zeroizing::new(Vec::with_capacity(returned_capacity(len)));
                bytes.resize(len, 0);
                let decoded = BASE64
                    .decode_mut(text.as_bytes(), &mut bytes)
                    .map_err(|_| not_base64())?;
                bytes.truncate(decoded);
                Ok(Base64(bytes))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl PartialSchema for Base64 {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .content_encoding("base64")
            .write_only(true)
            .description(Some("Bytes in base64 as in RFC 4648, section 4, with its padding."))
            .into()
    }
}

impl ToSchema for Base64 {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Base64")
    }
}

/// A password, wiped when dropped. Neither `Debug` nor `Clone`.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    const MAX_BYTES: usize = 1_024;

    /// A password, to be sent.
    ///
    /// # Errors
    /// [`TextError`], where it is empty or longer than 1,024 bytes.
    pub fn new(text: Zeroizing<String>) -> Result<Self, TextError> {
        match text.len() {
            0 => Err(TextError::Empty),
            1..=Self::MAX_BYTES => Ok(Self(text)),
            _ => Err(TextError::TooLong {
                max_bytes: Self::MAX_BYTES,
            }),
        }
    }

    /// The text, still wiped when dropped.
    pub fn into_inner(self) -> Zeroizing<String> {
        self.0
    }
}

/// In the clear: whoever writes it opens something with it.
impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = SecretText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string of 1 to 1024 bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretText, E> {
                if (1..=SecretText::MAX_BYTES).contains(&text.len()) {
                    Ok(SecretText(Zeroizing::new(text.to_owned())))
                } else {
                    Err(E::custom("is not 1 to 1024 bytes long"))
                }
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl PartialSchema for SecretText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(Self::MAX_BYTES))
            .write_only(true)
            .description(Some("A password."))
            .into()
    }
}

impl ToSchema for SecretText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("SecretText")
    }
}

/// What became of an import: what came in, what did not, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReceipt {
    /// Whether it was only judged.
    pub dry_run: bool,
    /// What the file was recognised as.
    #[schema(example = "PSKC (RFC 6030)")]
    pub format: String,
    /// Tokens in the file; one that stands there again with the same data counts once.
    #[schema(example = 2)]
    pub count: u32,
    /// How many of them can come in. Where that is not all, they do only if `skip_unusable` says so.
    #[schema(example = 2)]
    pub usable: u32,
    /// How many came in: all that can, or none.
    #[schema(example = 2)]
    pub imported: u32,
    /// Serial numbers of those that are in the inventory already.
    pub duplicates: Vec<String>,
    /// Those that cannot come in.
    pub refusals: Vec<ImportRefusal>,
    /// What was assumed because the file does not say it, which secrets are short, what stands in the file twice, and why
    /// nothing came in or some were left out, in English: to be read before the tokens are handed out.
    pub remarks: Vec<String>,
}

/// A token that cannot come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportRefusal {
    /// Its serial number, where the file says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "CS-000042")]
    pub serial_number: Option<String>,
    /// Why, in English, and what to do.
    pub why: String,
}
