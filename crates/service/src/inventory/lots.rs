//! Lots of tokens (batches on the wire), and who may bind a token of one.

use serde_json::json;
use store::{Change, Lot, OpenTo, Outcome, Write};
use verify::UnixMs;

use crate::{
    Caller, Core, Input, Service, ServiceError, access::api_keys::account_name, access::caller::Origin,
    attempt::Attempt, inventory::DESK, inventory::INVENTORY, trail::event::NewEvent,
};

/// Accounts or users that a lot may be opened to by name; more are an account of their own, or everybody.
pub const OPEN_TO_MAX: usize = 1_000;

/// A lot that is asked for, or what changes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewLot {
    /// The accounts or users who may bind a token of it; nobody yet, or whoever may, when absent.
    pub open_to: Option<OpenTo>,
    /// For people.
    pub note: Option<String>,
}

impl Service {
    /// Up to `limit` lots after this name, in the order of names.
    pub async fn lots(&self, caller: &Caller, after: Option<String>, limit: u32) -> Result<Vec<Lot>, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        Ok(self.core.store.lots(after, limit).await?)
    }

    /// One lot.
    pub async fn lot(&self, caller: &Caller, name: &str) -> Result<Lot, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        find(&self.core, name).await
    }

    /// Makes a lot, before anything of it is imported. Asked for the same again, it is there already.
    pub async fn create_lot(&self, caller: &Caller, name: &str, wanted: &NewLot) -> Result<Lot, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        let origin = caller.origin();
        let open_to = bounded(wanted.open_to.clone().unwrap_or(OpenTo::Nobody))?;
        let mut attempts = self.core.attempts(origin);
        loop {
            let Attempt { core, now, .. } = attempts.next()?;
            let once = core.once(origin, None, now).await?;
            if let Some(created) = once.repeated() {
                return find(core, created).await;
            }
            let lot = Lot {
                name: name.to_owned(),
                version: 1,
                created_at: now,
                open_to: open_to.clone(),
                note: wanted.note.clone(),
            };
            let found = core.store.lot(name.to_owned()).await?;
            let is_same = |found: &Lot| (&found.open_to, &found.note) == (&lot.open_to, &lot.note);
            if found.as_ref().is_some_and(|found| !is_same(found)) {
                let why = "there is another batch of this name: change that one".into();
                return Err(ServiceError::Invalid {
                    input: Input::LotName,
                    why,
                });
            }
            let done = match found {
                Some(found) => note_repeat(core, origin, now, once.created(name))
                    .await?
                    .then_some(found),
                None => {
                    let written = self.write_lot(None, lot.clone(), "batch.create", origin, once.created(name));
                    (written.await? == Outcome::Done).then_some(lot)
                }
            };
            if let Some(done) = done {
                return Ok(done);
            }
        }
    }

    /// Opens a lot to others, or closes it; bindings under way are judged by what is said last.
    pub async fn change_lot(&self, caller: &Caller, name: &str, wanted: &NewLot) -> Result<Lot, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        let origin = caller.origin();
        let mut attempts = self.core.attempts(origin);
        loop {
            attempts.next()?;
            let old = find(&self.core, name).await?;
            let expected = old.version;
            let next = Lot {
                version: expected + 1,
                open_to: bounded(wanted.open_to.clone().unwrap_or(old.open_to))?,
                note: wanted.note.clone().or(old.note),
                ..old
            };
            let done = self.write_lot(Some(expected), next.clone(), "batch.change", origin, None);
            if let Some(done) = (done.await? == Outcome::Done).then_some(next) {
                return Ok(done);
            }
        }
    }

    async fn write_lot(
        &self,
        expected: Option<u64>,
        next: Lot,
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

/// Keeps what a request with an idempotency key came to that found its lot there already.
async fn note_repeat(core: &Core, origin: &Origin, now: UnixMs, record: Option<Write>) -> Result<bool, ServiceError> {
    let Some(record) = record else { return Ok(true) };
    let event = core.event(&NewEvent::new("batch.create", "repeated", origin), now)?;
    let outcomes = core.commit(vec![Change::of(event).with([record])]).await?;
    Ok(outcomes == [Outcome::Done])
}

async fn find(core: &Core, name: &str) -> Result<Lot, ServiceError> {
    let found = core.store.lot(name.to_owned()).await?;
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
