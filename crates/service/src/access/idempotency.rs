//! Idempotency keys: a request that created something and is sent again, because its answer was lost, creates nothing.

use std::fmt;

use sha2::{Digest, Sha256};
use store::{Id, IdempotencyRecord, Owner, Write};
use subtle::ConstantTimeEq;
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{Core, ServiceError, access::caller::Origin};

/// The time for which a repeat is known.
const KEPT_MS: i64 = UnixMs::DAY;

/// The caller's own name for one request that creates something.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    key: Zeroizing<String>,
    /// SHA-256 of the whole request, which a repeat must be.
    request: [u8; 32],
}

impl IdempotencyKey {
    /// `request` is everything that makes it this request: which call, and all of what it says.
    pub fn new(key: &str, request: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in request {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self {
            key: Zeroizing::new(key.to_owned()),
            request: hash.finalize().into(),
        }
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey")
    }
}

/// A request that is to create something, once its idempotency key was looked up.
pub(crate) enum Once {
    /// It came without a key: whoever repeats it creates another thing.
    Unnamed,
    /// It is the first of its key: this is to be written with what it creates.
    First {
        expected: Option<u64>,
        record: Box<IdempotencyRecord>,
    },
    /// It created this before.
    Repeated(String),
}

impl Once {
    /// The id or name of the thing that was created before.
    pub(crate) fn repeated(&self) -> Option<&str> {
        match self {
            Self::Repeated(created) => Some(created),
            Self::Unnamed | Self::First { .. } => None,
        }
    }

    /// Written in the change that creates this: a second one of the same key misses there.
    pub(crate) fn created(self, created: impl ToString) -> Option<Write> {
        let Self::First { expected, record } = self else {
            return None;
        };
        let created = created.to_string();
        Some(Write::put(expected, &IdempotencyRecord { created, ..*record }))
    }
}

impl Core {
    /// Looks the caller's key up, for a thing of this user or of nobody.
    pub(crate) async fn once(&self, origin: &Origin, owner: Option<&Owner>, now: UnixMs) -> Result<Once, ServiceError> {
        let Some(idempotency) = &origin.idempotency else {
            return Ok(Once::Unnamed);
        };
        let api_key = origin.api_key.unwrap_or_default().into_bytes();
        let mac = |purpose, data: &[u8]| self.sealer.mac(self.sealer.current_mac_key(), purpose, data);
        let key = mac("idempotency_key", &[&api_key[..], idempotency.key.as_bytes()].concat())?;
        // Keyed, because a request may hold a code, which under a bare hash is no secret.
        let request = mac("idempotent_request", &idempotency.request)?;
        let found = self.store.idempotency_record(owner, &key).await?;
        if let Some(found) = found.as_ref().filter(|found| now < found.expires_at) {
            return if found.request.ct_eq(&request).into() {
                Ok(Once::Repeated(found.created.clone()))
            } else {
                Err(ServiceError::IdempotencyKeyReused)
            };
        }
        let expected = found.map(|found| found.version);
        let record = IdempotencyRecord {
            owner: owner.cloned(),
            key,
            request,
            version: expected.unwrap_or(0) + 1,
            created: String::new(),
            expires_at: now.plus(KEPT_MS),
        };
        Ok(Once::First {
            expected,
            record: Box::new(record),
        })
    }
}

/// The refusal of a repeat whose first request showed a secret, which is shown once.
pub(crate) fn already_created(created: &str) -> ServiceError {
    match Id::try_parse(created) {
        Ok(id) => ServiceError::AlreadyCreated { id },
        Err(error) => ServiceError::Internal(format!("an idempotency record: {error}")),
    }
}
