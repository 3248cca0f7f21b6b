//! API keys: made, revoked, listed, and who presents one.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::{Value, json};
use store::{ApiKey, Change, Id, Outcome, Owner, Role, Write};
use zeroize::Zeroizing;

use crate::{
    Approver, Caller, Core, Input, Service, ServiceError,
    access::{
        caller::{PresentedKey, compose_key},
        four_eyes::approved_by,
    },
    protection::approval::burned,
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
    /// The person that it is bound to, who has a device (U2b).
    pub person: Option<Owner>,
    /// The addresses that users may be sent back to from the hosted pages, each to the character.
    pub return_urls: Vec<String>,
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
        let key = self
            .core
            .api_key(presented.id)
            .await?
            .ok_or(ServiceError::Unauthorized)?;
        Caller::proven(&key, &presented).ok_or(ServiceError::Unauthorized)
    }

    /// Makes a key; its text is shown once. One that is bound to a person, and so approves, is made under four eyes as soon as
    /// there is another person's: the approver is somebody whom a key is bound to.
    pub async fn create_key(
        &self,
        caller: &Caller,
        wanted: &NewKey,
        approver: Option<&Approver>,
    ) -> Result<(Id, Zeroizing<String>), ServiceError> {
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
            person: wanted.person.clone(),
            return_urls: wanted.return_urls.clone(),
            created_at: now,
            revoked_at: None,
        };
        let roles: Vec<_> = wanted.roles.iter().map(|role| role.name()).collect();
        let detail = json!({"key": id, "owner": wanted.owner, "roles": roles, "accounts": accounts, "audiences": wanted.audiences, "return_urls": wanted.return_urls});
        match &wanted.person {
            None => {
                let entry = NewEvent::new(CREATE, "done", origin).detail(detail);
                write(core, Write::put(None, &key), &entry, now).await?;
            }
            Some(person) => self.create_bound(caller, (&key, person), detail, approver).await?,
        }
        Ok((id, text))
    }

    /// Makes a key that is bound to a person: with an approver's code where others' keys are bound already.
    async fn create_bound(
        &self,
        caller: &Caller,
        (key, person): (&ApiKey, &Owner),
        detail: Value,
        approver: Option<&Approver>,
    ) -> Result<(), ServiceError> {
        let core = &*self.core;
        may_approve(core, person, approver).await?;
        let _lock = match approver {
            Some(approver) => Some(core.lock_user(&approver.owner).await?),
            None => None,
        };
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let user = core.row(person, attempt.now).await?;
            if user.devices.is_empty() {
                return Err(ServiceError::NoDevice);
            }
            let because = if approver.is_some() { "four_eyes" } else { "first" };
            let entry = attempt
                .entry(CREATE, "done")
                .of_user()
                .because(because)
                .detail(detail.clone());
            let mut events = vec![attempt.event_of(&user, &entry).await?];
            let mut writes = vec![Write::put(None, key)];
            if let Some(approver) = approver {
                let Some(spent) = approved_by(&attempt, approver, CREATE).await? else {
                    continue;
                };
                let entry = attempt.entry("key.approve", "done").of_user().because(spent.name());
                let entry = entry.detail(json!({"key": key.id}));
                events.push(attempt.event_of(&spent.user, &entry).await?);
                writes.extend(burned(spent));
            }
            let change = Change::of_all(events).map(|change| change.with(writes));
            let change = change.ok_or_else(|| ServiceError::Internal("a key without its event".into()))?;
            if attempt.commit(change, ()).await?.is_some() {
                return Ok(());
            }
        }
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

impl Core {
    /// The key of this id, dead or alive.
    async fn api_key(&self, id: Id) -> Result<Option<Arc<ApiKey>>, ServiceError> {
        let generation = self.store.api_key_generation()?;
        if let Some(key) = self.api_keys.get(generation, id) {
            return Ok(Some(key));
        }
        let key = self.store.api_key(id).await?.map(Arc::new);
        if let Some(key) = &key {
            self.api_keys.put(generation, key.clone());
        }
        Ok(key)
    }

    /// The key of this id, if it lives.
    pub(crate) async fn living_api_key(&self, id: Id) -> Result<Option<Arc<ApiKey>>, ServiceError> {
        let key = self.api_key(id).await?;
        Ok(key.filter(|key| key.revoked_at.is_none()))
    }
}

const CREATE: &str = "key.create";

/// Whether the approver is one: somebody else whom a living key is bound to. The first such key of a directory is made without.
async fn may_approve(core: &Core, person: &Owner, approver: Option<&Approver>) -> Result<(), ServiceError> {
    let keys = core.store.api_keys().await?;
    let living = keys.iter().filter(|key| key.revoked_at.is_none());
    let others: Vec<&Owner> = living
        .filter_map(|key| key.person.as_ref())
        .filter(|other| *other != person)
        .collect();
    match approver {
        Some(approver) if approver.owner == *person => Err(ServiceError::Forbidden(
            "whoever the key is for does not approve of it: another person does, whom a key is bound to".into(),
        )),
        Some(approver) if !others.contains(&&approver.owner) => Err(ServiceError::Forbidden(
            "the approver is a person whom another living key is bound to: `countersign key list` shows them".into(),
        )),
        None if !others.is_empty() => Err(ServiceError::Forbidden(
            "there are persons whom keys are bound to: one of them approves, with a code of theirs (`--approver ACCOUNT/USER`)".into(),
        )),
        Some(_) | None => Ok(()),
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
