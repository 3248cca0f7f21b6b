//! Names in the trail: a user's name, addresses and agents are sealed under a key of their own, which is erased with them.

use std::collections::HashMap;

use data_encoding::BASE64;
use otp::Secret;
use serde::{Deserialize, Serialize};
use store::{Id, Sealed, Store, User, audit};

use crate::{
    Actor, Client, ServiceError,
    ports::{Entropy, PortError, Sealer},
    trail::strangers::Strangers,
};

/// The key of one user's names, opened.
pub(crate) struct NamesKey {
    user: Id,
    key: Secret,
}

const KEY_LEN: usize = 32;

impl NamesKey {
    /// A new one for the row of this id, sealed.
    pub(crate) fn sealed(entropy: &dyn Entropy, sealer: &dyn Sealer, user: Id) -> Result<Sealed, ServiceError> {
        let key = Secret::try_fill_with(KEY_LEN, |bytes| entropy.fill(bytes));
        let key = key.map_err(|error| ServiceError::Internal(error.to_string()))??;
        Ok(sealer.seal(&bound_to(user), &key)?)
    }

    /// The one of this row.
    pub(crate) fn of(sealer: &dyn Sealer, user: &User) -> Result<Self, PortError> {
        Self::open(sealer, user.id, &user.names_key)
    }

    fn open(sealer: &dyn Sealer, user: Id, sealed: &Sealed) -> Result<Self, PortError> {
        let key = sealer.open(&bound_to(user), sealed)?;
        Ok(Self { user, key })
    }

    /// The id of the row, by which the trail means its user.
    pub(crate) fn person(&self) -> Id {
        self.user
    }

    /// What an event says of its user, for the event of this salt.
    pub(crate) fn seal(&self, sealer: &dyn Sealer, salt: &[u8; 16], names: &Names<'_>) -> Result<String, ServiceError> {
        let text = serde_json::to_vec(names).map_err(|error| ServiceError::Internal(error.to_string()))?;
        Ok(BASE64.encode(&sealer.seal_under(&self.key, nonce(salt), text)?))
    }

    fn unseal(&self, sealer: &dyn Sealer, salt: &[u8; 16], sealed: &str) -> Option<String> {
        let sealed = BASE64.decode(sealed.as_bytes()).ok()?;
        let text = sealer.open_under(&self.key, nonce(salt), sealed).ok()?;
        String::from_utf8(text).ok()
    }
}

/// Random, and another one in each event.
fn nonce(salt: &[u8; 16]) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce.copy_from_slice(&salt[..12]);
    nonce
}

fn bound_to(user: Id) -> Vec<u8> {
    [b"names\0", &user.as_bytes()[..]].concat()
}

/// What is sealed.
#[derive(Serialize)]
pub(crate) struct Names<'a> {
    pub(crate) account: &'a str,
    pub(crate) user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<&'a Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<&'a Client>,
}

/// An event of a user, as far as its names need it.
#[derive(Deserialize)]
struct OfPerson<'a> {
    person: Id,
    #[serde(borrow)]
    names: &'a str,
}

/// The keys to the names in some events.
pub(crate) struct NamesReader<'a> {
    sealer: &'a dyn Sealer,
    keys: HashMap<Id, NamesKey>,
}

impl<'a> NamesReader<'a> {
    /// For all users of whom these events say something; of one who was erased there is none.
    pub(crate) async fn of(
        store: &dyn Store,
        strangers: &Strangers,
        sealer: &'a dyn Sealer,
        events: impl Iterator<Item = &audit::Recorded>,
    ) -> Result<Self, ServiceError> {
        let persons = events.filter_map(|event| match &event.payload {
            audit::Payload::Kept { payload, .. } => Some(serde_json::from_str::<OfPerson<'_>>(payload).ok()?.person),
            audit::Payload::Erased(_) => None,
        });
        let mut persons: Vec<Id> = persons.collect();
        persons.sort_unstable();
        persons.dedup();
        let found = store.names_keys(persons.clone()).await?;
        let mut keys = HashMap::new();
        for (person, sealed) in persons.into_iter().zip(found) {
            let Some(sealed) = sealed.or_else(|| strangers.names_key(person)) else {
                continue;
            };
            match NamesKey::open(sealer, person, &sealed) {
                Ok(key) => drop(keys.insert(person, key)),
                // One spoiled record must not hide all others.
                Err(error) => tracing::error!(%error, %person, "the key of a user's names does not open"),
            }
        }
        Ok(Self { sealer, keys })
    }

    /// The event with the names in it; without them where they were erased. `None` for one that has none.
    pub(crate) fn named(&self, payload: &str, salt: &[u8; 16]) -> Option<String> {
        let OfPerson { person, names } = serde_json::from_str(payload).ok()?;
        let key = self.keys.get(&person);
        let opened = key.and_then(|key| key.unseal(self.sealer, salt, names));
        let fields = opened
            .as_deref()
            .and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
        // Within a string no quotation mark stands by itself, so this is the field.
        let sealed = format!(",\"names\":\"{names}\"");
        let open = fields.map_or(String::new(), |fields| format!(",{fields}"));
        Some(payload.replacen(&sealed, &open, 1))
    }
}
