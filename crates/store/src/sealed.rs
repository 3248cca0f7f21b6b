//! Sealed secrets, and reading them by the key that they are under.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Pending, shape::Text};

/// A secret as it is at rest, under the key of this id.
///
/// Only what made it can open it, and only together with the record it was sealed for. The bytes say by themselves which
/// record that is, in a form that names nobody, so that whoever seals them anew need not find it.
///
/// It never stands in the body of a [`Document`](crate::Document): there it reads `"sealed"`, and what is read from there
/// is empty until [`Noun::secrets_mut`](crate::Noun::secrets_mut) has put it back.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key in the keyring; 0 is no key.
    pub key_id: u32,
    /// Opaque to every engine.
    pub bytes: Vec<u8>,
}

/// Without its bytes.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

const PLACE: &str = "sealed";

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(PLACE)
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(place) = Text::deserialize(deserializer)?;
        if place != PLACE {
            return Err(de::Error::custom("no place of a secret"));
        }
        Ok(Self {
            key_id: 0,
            bytes: Vec::new(),
        })
    }
}

/// Reading sealed secrets by themselves, whosever they are: what a key that is to be retired still seals.
pub trait Secrets: Send + Sync {
    /// Up to `limit` secrets that are sealed under this key, with the number of each, after this number and in the order
    /// of the numbers. What was erased is not among them.
    ///
    /// A number stays a secret's own for as long as the secret is kept; then another one may get it.
    fn sealed_under(&self, key_id: u32, after: i64, limit: u32) -> Pending<'_, Vec<(i64, Sealed)>>;
}
