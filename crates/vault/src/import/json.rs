//! JSON as other apps write it: numbers as text, `null` for nothing, and one bad entry among good ones.

use std::{cell::Cell, fmt};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::claim::{Claim, Reason};
use super::error::ImportError;
use super::receipt::{Export, Format, Place};
use crate::MAX_ENTRIES;

/// Longest secret that is looked at, in bytes; a longer one is refused anyway.
const MAX_SECRET_LEN_BYTES: usize = 256;

/// A whole export. serde's own words are not repeated, for they quote the file.
pub(crate) fn parse<'a, T: Deserialize<'a>>(format: Format, text: &'a str) -> Result<T, ImportError> {
    serde_json::from_str(text).map_err(|error| match ImportError::of_json(&error, text) {
        ImportError::Damaged { .. } if error.is_data() => {
            ImportError::Malformed(format, "a part is of another type, or it has more than 10000 entries")
        }
        other => other,
    })
}

/// Entries that are parsed one by one, so that a bad one is refused alone. They borrow the file: no copy is made.
/// At most [`MAX_ENTRIES`]: a list of millions is refused before it takes memory.
#[derive(Default)]
pub(crate) struct RawList<'a>(pub(crate) Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for RawList<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = RawList<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = from.next_element()? {
                    if list.len() == MAX_ENTRIES {
                        return Err(A::Error::custom("too many"));
                    }
                    list.push(entry);
                }
                Ok(RawList(list))
            }
        }
        from.deserialize_seq(List)
    }
}

/// The keys of an object that tell its format, with what stands under them.
pub(crate) struct Object<'a>(Vec<(&'static str, &'a RawValue)>);

/// Every key by which some format is known; no other is looked at.
const KEYS: [&str; 44] = [
    "Authenticators",
    "account_name",
    "accounts",
    "algo",
    "attrs",
    "authenticator_tokens",
    "cipher",
    "content",
    "data",
    "db",
    "decrypted_authenticator_tokens",
    "decrypted_seed",
    "elements",
    "encKeyValidation_DO_NOT_EDIT",
    "encrypted",
    "encryptedData",
    "encrypted_seed",
    "entries",
    "header",
    "issuer",
    "issuerName",
    "items",
    "kdfParams",
    "kind",
    "label",
    "last_used",
    "name",
    "nonce",
    "otp",
    "salt",
    "secret",
    "services",
    "servicesEncrypted",
    "shared_secret",
    "tags",
    "thumbnail",
    "timer",
    "tokens",
    "type",
    "uri",
    "used_frequency",
    "userId",
    "vaults",
    "version",
];

impl<'a> Object<'a> {
    /// `None` where it is none.
    pub(crate) fn read(value: &'a RawValue) -> Option<Self> {
        let is_object = value.get().starts_with('{');
        is_object.then(|| serde_json::from_str(value.get()).ok()).flatten()
    }

    /// The value of a key, be it `null`.
    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        debug_assert!(KEYS.contains(&key), "{key} is not among the keys that are looked at");
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn has_all(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.has(key))
    }

    /// True if the list under this key has an otpauth URI among its first.
    pub(crate) fn has_uri_in(&self, key: &str) -> bool {
        let is_uri = |text: &str| text.to_ascii_lowercase().starts_with("\"otpauth://");
        self.get(key)
            .is_some_and(|list| any_value_in(list, |value| value.get().get(..11).is_some_and(is_uri)))
    }

    /// True if the list under this key has such an object among its first.
    pub(crate) fn any_in(&self, key: &str, is_own: impl Fn(&Object<'_>) -> bool) -> bool {
        self.get(key).is_some_and(|list| any_in(list, is_own))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
                let mut found: Vec<(&'static str, &'de RawValue)> = Vec::new();
                while let Some(key) = from.next_key::<String>()? {
                    let Some(name) = KEYS.iter().find(|name| **name == key) else {
                        let _other: IgnoredAny = from.next_value()?;
                        continue;
                    };
                    if found.iter().any(|(before, _)| before == name) {
                        return Err(A::Error::custom("a key twice"));
                    }
                    found.push((name, from.next_value()?));
                }
                Ok(Object(found))
            }
        }
        from.deserialize_map(Keys)
    }
}

/// So many entries of a list are looked at for one that tells its format: among them one is whole.
const LOOKED_AT: usize = 16;

/// True if this is a list that has such an object among its first.
pub(crate) fn any_in(list: &RawValue, is_own: impl Fn(&Object<'_>) -> bool) -> bool {
    any_value_in(list, |value| Object::read(value).is_some_and(|entry| is_own(&entry)))
}

fn any_value_in(list: &RawValue, is_own: impl Fn(&RawValue) -> bool) -> bool {
    struct First<'f, F>(F, &'f Cell<bool>);
    impl<'de, F: Fn(&RawValue) -> bool> Visitor<'de> for First<'_, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
            for _ in 0..LOOKED_AT {
                match from.next_element::<&RawValue>()? {
                    Some(entry) if self.0(entry) => {
                        self.1.set(true);
                        break;
                    }
                    Some(_) => {}
                    None => break,
                }
            }
            Ok(())
        }
    }
    let found = Cell::new(false);
    let mut from = serde_json::Deserializer::from_str(list.get());
    // What is behind those is left unread, which is an error.
    let _unread = from.deserialize_seq(First(is_own, &found));
    found.get()
}

/// A secret as a list of numbers, Java's signed bytes or unsigned ones.
pub(crate) struct SecretBytes(pub(crate) Zeroizing<Vec<u8>>);

impl<'a> Deserialize<'a> for SecretBytes {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'a> Visitor<'a> for Bytes {
            type Value = SecretBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of bytes")
            }

            fn visit_seq<A: SeqAccess<'a>>(self, mut from: A) -> Result<Self::Value, A::Error> {
                let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET_LEN_BYTES));
                while let Some(number) = from.next_element::<i16>()? {
                    if !(-128..=255).contains(&number) || bytes.len() == MAX_SECRET_LEN_BYTES {
                        return Err(A::Error::custom("no byte, or too many"));
                    }
                    bytes.push(number as u8);
                }
                Ok(SecretBytes(bytes))
            }
        }
        from.deserialize_seq(Bytes)
    }
}

/// Reads each entry of a list as a `T`.
pub(crate) fn push_all<'a, T: Deserialize<'a>>(
    export: &mut Export,
    entries: RawList<'a>,
    claim: impl Fn(T) -> Result<Claim, Reason>,
) {
    for (index, entry) in entries.0.into_iter().enumerate() {
        let claimed = serde_json::from_str(entry.get())
            .map_err(|_| Reason::Shape)
            .and_then(&claim);
        export.push(Place::Entry(index + 1), claimed);
    }
}

/// A whole number, also as text or as `30.0`; `None` for `null`.
pub(crate) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    from.deserialize_any(Number)
}

struct Number;

impl<'de> Visitor<'de> for Number {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let number = i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        Ok(Some(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        // up to here every whole number has its own float
        let is_whole = number.fract() == 0.0 && number.abs() < 9e15;
        if !is_whole {
            return Err(E::invalid_value(Unexpected::Float(number), &self));
        }
        Ok(Some(number as i64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match text.trim() {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| E::invalid_value(Unexpected::Other("a text that is no number"), &self)),
        }
    }
}
