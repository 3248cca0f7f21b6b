//! Idempotency records: what a request with an `Idempotency-Key` created.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Key, Noun, Owner, Pending, Store, shape};

/// The record of a request with an `Idempotency-Key` that created something: a repeat of it creates nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// Whose thing was created; `None` of something that is no user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// HMAC-SHA-256 of the API key's id and the key that came with the request.
    #[serde(with = "shape::hex")]
    pub key: [u8; 32],
    /// HMAC-SHA-256 of the request, to know a repeat from another one with the same key.
    #[serde(with = "shape::hex")]
    pub request: [u8; 32],
    /// Raised by every change.
    pub version: u64,
    /// The id or name of what was created.
    pub created: String,
    /// Forgotten after this.
    #[serde(rename = "expires_at_ms", with = "shape::ms")]
    pub expires_at: UnixMs,
}

impl IdempotencyRecord {
    fn key_of(owner: Option<&Owner>, key: &[u8; 32]) -> Key {
        let id = data_encoding::HEXLOWER.encode(key);
        match owner {
            Some(owner) => Key::of_user(owner, Self::NAME, id),
            None => Key::global(Self::NAME, id),
        }
    }
}

impl Noun for IdempotencyRecord {
    const NAME: &'static str = "idempotency_record";

    fn key(&self) -> Key {
        Self::key_of(self.owner.as_ref(), &self.key)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_at(&self) -> Option<UnixMs> {
        Some(self.expires_at)
    }
}

/// Reading idempotency records.
impl dyn Store + '_ {
    /// The record of this key; `None` for one that created nothing.
    pub fn idempotency_record(&self, owner: Option<&Owner>, key: &[u8; 32]) -> Pending<'_, Option<IdempotencyRecord>> {
        self.one(IdempotencyRecord::key_of(owner, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, owner};

    #[test]
    fn golden_files() {
        let record = IdempotencyRecord {
            owner: Some(owner()),
            key: [7; 32],
            request: [9; 32],
            version: 1,
            created: "0199aaaa-0000-7000-8000-000000000001".into(),
            expires_at: NOW.plus(UnixMs::DAY),
        };
        golden("of_user", &record);
        golden(
            "global",
            &IdempotencyRecord {
                owner: None,
                created: "pilot".into(),
                ..record
            },
        );
    }
}
