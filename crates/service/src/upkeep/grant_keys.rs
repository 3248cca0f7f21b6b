//! A further grant key, of which the trail knows before it is in the keyring.

use serde_json::json;

use crate::{Caller, Service, ServiceError, trail::event::NewEvent};

impl Service {
    /// Records that a grant key is added to the keyring. Its file can share no commit with the trail, so the record comes
    /// first: no key ever signs of which the trail does not know.
    pub async fn record_grant_key(&self, caller: &Caller, key_id: &str) -> Result<(), ServiceError> {
        caller.is_of_the_house()?;
        let core = &*self.core;
        let entry = NewEvent::new("grant_key.add", "begun", caller.origin()).detail(json!({"kid": key_id}));
        let event = core.event(&entry, core.clock.now()?)?;
        core.commit(vec![store::Change::of(event)]).await.map(drop)
    }
}
