//! API keys: made, revoked, listed, and who presents one.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::json;
use store::{ApiKey, Change, Id, Outcome, Role, Write};
use zeroize::Zeroizing;

use crate::{
    Caller, Core, Input, Service, ServiceError,
    access::caller::{PresentedKey, compose_key},
    trail::event::NewEvent,
};

/// An API key that is asked for.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its roles; at least one.
    pub roles: Vec<Role>,
    /// Who answers for it.
    pub owner: String,
    /// The accounts it is limited to.
    pub accounts: Option<Vec<String>>,
    /// The audiences of the grants that it may ask for; the default one where there is none.
    pub audiences: Vec<String>,
}

/// Keys that were found, for as long as no key changed.
#[derive(Default)]
pub(crate) struct KeyCache {
    found: RwLock<(u64, HashMap<Id, Arc<ApiKey>>)>,
}

impl KeyCache {
    fn get(&self, generation: u64, id: Id) -> Option<Arc<ApiKey>> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        (found.0 == generation).then(|| found.1.get(&id).cloned()).flatten()
    }

    /// `generation` was read before the key was, so that a key that changed in between is read again.
    fn put(&self, generation: u64, key: Arc<ApiKey>) {
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        if found.0 != generation {
            *found = (generation, HashMap::new());
        }
        found.1.insert(key.id, key);
    }
}

impl Service {
    /// The caller that this key proves.
    pub async fn authenticate(&self, presented: &str) -> Result<Caller, ServiceError> {
        let presented = PresentedKey::parse(presented).ok_or(ServiceError::Unauthorized)?;
        let core = &*self.core;
        let generation = core.store.api_key_generation()?;
        let key = match core.api_keys.get(generation, presented.id) {
            Some(key) => key,
            None => {
                let key = core
                    .store
                    .api_key(presented.id)
                    .await?
                    .ok_or(ServiceError::Unauthorized)?;
                let key = Arc::new(key);
                core.api_keys.put(generation, key.clone());
                key
            }
        };
        Caller::proven(&key, &presented).ok_or(ServiceError::Unauthorized)
    }

    /// Makes a key; its text is shown once.
    pub async fn create_key(&self, caller: &Caller, wanted: &NewKey) -> Result<(Id, Zeroizing<String>), ServiceError> {
        caller.is_of_the_house()?;
        let origin = caller.origin();
        if wanted.roles.is_empty() {
            return Err(ServiceError::Invalid {
                input: Input::Roles,
                why: "at least one role".into(),
            });
        }
        let core = &*self.core;
        let now = core.clock.now()?;
        let id = core.new_id(now)?;
        let mut secret = Zeroizing::new([0; 32]);
        core.entropy.fill(&mut *secret)?;
        let (text, hash) = compose_key(id, &secret);
        let accounts = wanted.accounts.as_ref();
        let accounts: Option<Vec<String>> = accounts.map(|names| names.iter().map(account_name).collect());
        let key = ApiKey {
            id,
            version: 1,
            hash,
            roles: wanted.roles.clone(),
            owner: wanted.owner.clone(),
            accounts: accounts.clone(),
            audiences: wanted.audiences.clone(),
            created_at: now,
            revoked_at: None,
        };
        let roles: Vec<_> = wanted.roles.iter().map(|role| role.name()).collect();
        let detail = json!({"key": id, "owner": wanted.owner, "roles": roles, "accounts": accounts, "audiences": wanted.audiences});
        let entry = NewEvent::new("key.create", "done", origin).detail(detail);
        write(core, Write::put(None, &key), &entry, now).await?;
        Ok((id, text))
    }

    /// Ends a key, at once and for all processes.
    pub async fn revoke_key(&self, caller: &Caller, id: Id) -> Result<(), ServiceError> {
        caller.is_of_the_house()?;
        let origin = caller.origin();
        let core = &*self.core;
        // A stolen key does not wait for the clock to be right.
        let now = core.clock.now().unwrap_or_else(|_doubted| core.clock.newest());
        let key = core.store.api_key(id).await?.ok_or(ServiceError::NotFound("API key"))?;
        if key.revoked_at.is_some() {
            return Ok(());
        }
        let entry = NewEvent::new("key.revoke", "done", origin).detail(json!({"key": id}));
        write(core, Write::put(Some(key.version), &key.revoked(now)), &entry, now).await
    }

    /// All keys, oldest first.
    pub async fn list_keys(&self, caller: &Caller) -> Result<Vec<ApiKey>, ServiceError> {
        caller.is_of_the_house()?;
        Ok(self.core.store.api_keys().await?)
    }
}

async fn write(core: &Core, write: Write, entry: &NewEvent<'_>, now: verify::UnixMs) -> Result<(), ServiceError> {
    let change = Change::of(core.event(entry, now)?).with([write]);
    match core.commit(vec![change]).await?[..] {
        [Outcome::Done] => Ok(()),
        _ => Err(ServiceError::Contended),
    }
}

/// As owners have it: what a key is limited to is compared with them.
pub(crate) fn account_name(name: impl AsRef<str>) -> String {
    store::normalised(name.as_ref()).to_string()
}
