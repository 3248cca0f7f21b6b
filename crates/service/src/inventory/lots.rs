//! Lots of tokens (batches on the wire), and who may bind a token of one.

use serde_json::json;
use store::{Batch, Change, OpenTo, Outcome, Write};

use crate::{
    Caller, Core, Input, Service, ServiceError, access::api_keys::account_name, access::caller::Origin,
    inventory::DESK, inventory::INVENTORY, trail::event::NewEvent,
};

/// Accounts or users that a batch may be opened to by name; more are an account of their own, or everybody.
pub const OPEN_TO_MAX: usize = 1_000;

/// A batch that is asked for, or what changes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewBatch {
    /// The accounts or users who may bind a token of it; nobody yet, or whoever may, when absent.
    pub open_to: Option<OpenTo>,
    /// For people.
    pub note: Option<String>,
}

impl Service {
    /// Up to `limit` batches after this name, in the order of names.
    pub async fn batches(
        &self,
        caller: &Caller,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Batch>, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        Ok(self.core.store.batches(after, limit).await?)
    }

    /// One batch.
    pub async fn batch(&self, caller: &Caller, name: &str) -> Result<Batch, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        find(&self.core, name).await
    }

    /// Makes a batch, before anything of it is imported. Asked for the same again, it is there already.
    pub async fn create_batch(&self, caller: &Caller, name: &str, wanted: &NewBatch) -> Result<Batch, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        let origin = caller.origin();
        let core = &*self.core;
        let now = core.clock.now()?;
        let once = core.once(origin, None, now).await?;
        if let Some(created) = once.repeated() {
            return find(core, created).await;
        }
        let batch = Batch {
            name: name.to_owned(),
            version: 1,
            created_at: now,
            open_to: bounded(wanted.open_to.clone().unwrap_or(OpenTo::Nobody))?,
            note: wanted.note.clone(),
        };
        if self
            .write_batch(None, batch.clone(), "batch.create", origin, once.created(name))
            .await?
            != Outcome::Done
        {
            let found = find(&self.core, name).await?;
            if (&found.open_to, &found.note) == (&batch.open_to, &batch.note) {
                return Ok(found);
            }
            let why = "there is another batch of this name: change that one".into();
            return Err(ServiceError::Invalid {
                input: Input::LotName,
                why,
            });
        }
        Ok(batch)
    }

    /// Opens a batch to others, or closes it; bindings under way are judged by what is said last.
    pub async fn change_batch(&self, caller: &Caller, name: &str, wanted: &NewBatch) -> Result<Batch, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        let origin = caller.origin();
        let mut attempts = self.core.attempts(origin);
        loop {
            attempts.next()?;
            let old = find(&self.core, name).await?;
            let expected = old.version;
            let next = Batch {
                version: expected + 1,
                open_to: bounded(wanted.open_to.clone().unwrap_or(old.open_to))?,
                note: wanted.note.clone().or(old.note),
                ..old
            };
            let done = self.write_batch(Some(expected), next.clone(), "batch.change", origin, None);
            if let Some(done) = (done.await? == Outcome::Done).then_some(next) {
                return Ok(done);
            }
        }
    }

    async fn write_batch(
        &self,
        expected: Option<u64>,
        next: Batch,
        action: &'static str,
        origin: &Origin,
        beside: Option<Write>,
    ) -> Result<Outcome, ServiceError> {
        let core = &*self.core;
        let now = core.clock.now()?;
        let detail = json!({"batch": next.name, "open_to": described(&next.open_to)});
        let entry = NewEvent::new(action, "done", origin).detail(detail);
        let mut change = Change::of(core.event(&entry, now)?)
            .with([Write::put(expected, &next)])
            .with(beside);
        // Each in an event of their own, so that erasing one of them erases no other.
        if let OpenTo::Users(users) = &next.open_to {
            let entry = NewEvent::new("batch.open_to", "done", origin).detail(json!({"batch": next.name}));
            for owner in users {
                let row = core.row(owner, now).await?;
                change = change.and(core.event_of(&row, &entry.clone().of_user(), now).await?);
            }
        }
        let outcomes = core.commit(vec![change]).await?;
        Ok(outcomes.first().copied().unwrap_or(Outcome::Missed))
    }
}

async fn find(core: &Core, name: &str) -> Result<Batch, ServiceError> {
    let found = core.store.batch(name.to_owned()).await?;
    found.ok_or(ServiceError::NotFound("batch"))
}

fn bounded(open_to: OpenTo) -> Result<OpenTo, ServiceError> {
    let names = match &open_to {
        OpenTo::Accounts(accounts) => accounts.len(),
        OpenTo::Users(users) => users.len(),
        OpenTo::Nobody | OpenTo::Everybody => 0,
    };
    if names > OPEN_TO_MAX {
        let why = format!("at most {OPEN_TO_MAX} are named: open it to accounts, or to everybody");
        return Err(ServiceError::Invalid {
            input: Input::OpenTo,
            why,
        });
    }
    Ok(match open_to {
        OpenTo::Accounts(accounts) => OpenTo::Accounts(accounts.iter().map(account_name).collect()),
        other => other,
    })
}

fn described(open_to: &OpenTo) -> serde_json::Value {
    match open_to {
        OpenTo::Nobody => json!("nobody"),
        OpenTo::Everybody => json!("everybody"),
        OpenTo::Accounts(accounts) => json!({"accounts": accounts}),
        OpenTo::Users(users) => json!({"users": users.len()}),
    }
}
