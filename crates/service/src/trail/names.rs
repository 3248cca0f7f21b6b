//! Who a person is, in the trail: an event means its user by the id of their row, and what it says of addresses and agents is
//! sealed under a key of that row. Both go with the row.

use std::collections::HashMap;

use data_encoding::BASE64;
use otp::Secret;
use serde::{Deserialize, Serialize};
use store::{Id, Named, Owner, Sealed, Store, audit};

use crate::{
    Actor, Client, ServiceError,
    ports::{Entropy, PortError, Sealer},
    trail::strangers::Strangers,
};

/// The key of one user's names, opened.
pub(crate) struct NamesKey(Secret);

const KEY_LEN: usize = 32;

impl NamesKey {
    /// A new one for the row of this id, sealed.
    pub(crate) fn sealed(entropy: &dyn Entropy, sealer: &dyn Sealer, user: Id) -> Result<Sealed, ServiceError> {
        let key = Secret::try_fill_with(KEY_LEN, |bytes| entropy.fill(bytes));
        let key = key.map_err(|error| ServiceError::Internal(error.to_string()))??;
        Ok(sealer.seal(&bound_to(user), &key)?)
    }

    /// The one of the row of this id.
    fn open(sealer: &dyn Sealer, user: Id, sealed: &Sealed) -> Result<Self, PortError> {
        Ok(Self(sealer.open(&bound_to(user), sealed)?))
    }

    /// The same; `None` where it does not open, which is said and costs names, and nothing else.
    pub(crate) fn opened(sealer: &dyn Sealer, user: Id, sealed: &Sealed) -> Option<Self> {
        let key = Self::open(sealer, user, sealed);
        let key = key.inspect_err(|error| tracing::error!(%error, %user, "the key of a user's names does not open"));
        key.ok()
    }

    /// Seals an event's names, for the event of this salt.
    pub(crate) fn seal(&self, sealer: &dyn Sealer, salt: &[u8; 16], names: &Names<'_>) -> Result<String, ServiceError> {
        self.seal_text(sealer, salt, names)
    }

    /// Seals what else is known of a person, under a salt of its own.
    pub(crate) fn seal_text(
        &self,
        sealer: &dyn Sealer,
        salt: &[u8; 16],
        names: &impl Serialize,
    ) -> Result<String, ServiceError> {
        let text = serde_json::to_vec(names).map_err(|error| ServiceError::Internal(error.to_string()))?;
        Ok(BASE64.encode(&sealer.seal_under(&self.0, nonce(salt), text)?))
    }

    /// The names that [`seal`](Self::seal) sealed with this salt, as JSON; `None` where they do not open.
    pub(crate) fn unseal(&self, sealer: &dyn Sealer, salt: &[u8; 16], sealed: &str) -> Option<String> {
        let sealed = BASE64.decode(sealed.as_bytes()).ok()?;
        let text = sealer.open_under(&self.0, nonce(salt), sealed).ok()?;
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

/// The names that are sealed.
#[derive(Serialize)]
pub(crate) struct Names<'a> {
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
    names: Option<&'a str>,
}

/// A reader of the persons of some events.
pub(crate) struct NamesReader<'a> {
    sealer: &'a dyn Sealer,
    persons: HashMap<Id, (Owner, Option<NamesKey>)>,
}

impl<'a> NamesReader<'a> {
    /// For all users of whom these events say something; of one who was erased there is nothing.
    pub(crate) async fn of<'e>(
        store: &dyn Store,
        strangers: &Strangers,
        sealer: &'a dyn Sealer,
        events: impl Iterator<Item = &'e audit::Recorded>,
    ) -> Result<Self, ServiceError> {
        let persons = events.filter_map(|event| match &event.payload {
            audit::Payload::Kept { payload, .. } => Some(serde_json::from_str::<OfPerson<'_>>(payload).ok()?.person),
            audit::Payload::Erased(_) => None,
        });
        let mut ids: Vec<Id> = persons.collect();
        ids.sort_unstable();
        ids.dedup();
        let found = store.named(ids.clone()).await?;
        let mut persons = HashMap::new();
        for (id, named) in ids.into_iter().zip(found) {
            let Some(Named { owner, names_key }) = named.or_else(|| strangers.named(id)) else {
                continue;
            };
            persons.insert(id, (owner, NamesKey::opened(sealer, id, &names_key)));
        }
        Ok(Self { sealer, persons })
    }

    /// The event with the names in it; without them where they were erased. `None` for one of no user.
    pub(crate) fn named(&self, payload: &str, salt: &[u8; 16]) -> Option<String> {
        let OfPerson { person, names } = serde_json::from_str(payload).ok()?;
        let known = self.persons.get(&person);
        let (who, key) = known.map_or((None, None), |(owner, key)| (Some(owner), key.as_ref()));
        let mut fields = String::new();
        if let Some(owner) = who {
            let who = serde_json::json!({"account": &*owner.account, "user": &*owner.user}).to_string();
            fields = format!(",{}", inner(&who)?);
        }
        let mut payload = payload.to_owned();
        if let Some(names) = names {
            let opened = key.and_then(|key| key.unseal(self.sealer, salt, names));
            let opened = opened.as_deref().and_then(inner);
            // Within a string no quotation mark stands by itself, so this is the field.
            let sealed = format!(",\"names\":\"{names}\"");
            payload = payload.replacen(&sealed, &opened.map_or(String::new(), |fields| format!(",{fields}")), 1);
        }
        let person = format!(",\"person\":\"{person}\"");
        Some(payload.replacen(&person, &format!("{person}{fields}"), 1))
    }
}

/// The fields of a JSON object.
fn inner(object: &str) -> Option<&str> {
    object.strip_prefix('{')?.strip_suffix('}')
}
