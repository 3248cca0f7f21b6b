//! Erasing a person: everything that is kept of a user, and what the trail says of who they are.

use serde_json::json;
use store::{Batch, Change, OpenTo, Outcome, Owner, Write};

use crate::{
    Caller, Core, Role, Service, ServiceError, TokenTransition, access::caller::Origin, attempt::TRIES,
    inventory::transition::pass, trail::record::Entry,
};

/// Batches, and tokens, read at once.
const PAGE: u32 = 256;

impl Service {
    /// Ends everything of a user and erases it: their row, every record of theirs, and the key under which the trail has their
    /// name, addresses and agents. What happened stays in the trail, of somebody without a name; another user of the same name
    /// begins anew.
    ///
    /// Each step is safe alone: whoever is interrupted asks again.
    pub async fn erase_user(&self, caller: &Caller, owner: &Owner) -> Result<(), ServiceError> {
        caller.may_for(&[Role::Admin], owner)?;
        let origin = caller.origin();
        self.close_user(caller, owner).await?;
        self.unassign_tokens(owner, origin).await?;
        self.close_batches(owner, origin).await?;
        let core = &*self.core;
        let _turn = core.turn(owner).await?;
        let _nothing_is_written_behind = core.writing_behind.lock().await;
        for _try in 0..TRIES {
            let Some(user) = core.store.user(owner.clone()).await? else {
                return Ok(());
            };
            if !user.devices.is_empty() {
                // Bound since everything ended.
                break;
            }
            let entry = Entry::new("user.erase", "done", origin).erased(user.id);
            let change = Change::of(core.event(&entry, core.clock.now()?)?).with([user.erased()]);
            if core.commit(vec![change]).await? == [Outcome::Done] {
                core.strangers.forget(owner);
                core.refusals.forget(owner);
                return Ok(());
            }
        }
        Err(ServiceError::Contended)
    }

    async fn unassign_tokens(&self, owner: &Owner, origin: &Origin) -> Result<(), ServiceError> {
        loop {
            let assigned = self.core.store.tokens_assigned_to(owner.clone(), PAGE).await?;
            if assigned.is_empty() {
                return Ok(());
            }
            for token in assigned {
                match pass(&self.core, &token.serial_number, &TokenTransition::Unassign, origin).await {
                    // Somebody else was faster.
                    Ok(_) | Err(ServiceError::TokenState { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Takes the user out of the lists of those who may bind a token of a batch.
    async fn close_batches(&self, owner: &Owner, origin: &Origin) -> Result<(), ServiceError> {
        let mut after = None;
        loop {
            let page = self.core.store.batches(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.name.clone());
            for batch in page {
                close_batch(&self.core, batch, owner, origin).await?;
            }
        }
    }
}

async fn close_batch(core: &Core, batch: Batch, owner: &Owner, origin: &Origin) -> Result<(), ServiceError> {
    let mut next = batch;
    for _try in 0..TRIES {
        let OpenTo::Users(users) = &mut next.open_to else {
            return Ok(());
        };
        if !users.iter().any(|user| user == owner) {
            return Ok(());
        }
        users.retain(|user| user != owner);
        let left = users.len();
        if left == 0 {
            next.open_to = OpenTo::Nobody;
        }
        let expected = next.version;
        next.version += 1;
        let entry =
            Entry::new("batch.change", "done", origin).detail(json!({"batch": next.name, "open_to": {"users": left}}));
        let change = Change::of(core.event(&entry, core.clock.now()?)?).with([Write::put(Some(expected), &next)]);
        if core.commit(vec![change]).await? == [Outcome::Done] {
            return Ok(());
        }
        let Some(again) = core.store.batch(next.name).await? else {
            return Ok(());
        };
        next = again;
    }
    Err(ServiceError::Contended)
}
