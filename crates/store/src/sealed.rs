use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A secret as it is at rest: nonce, ciphertext and tag under the key of this id.
///
/// Only what made it can open it, and only together with the record it was sealed for.
///
/// It never stands in the body of a [`Document`](crate::Document): there it reads `"sealed"`, and what is read from there
/// is empty until [`Noun::secrets_mut`](crate::Noun::secrets_mut) has put it back.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key in the keyring.
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
        let place = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        if place != PLACE {
            return Err(de::Error::custom("no place of a secret"));
        }
        Ok(Self {
            key_id: 0,
            bytes: Vec::new(),
        })
    }
}
