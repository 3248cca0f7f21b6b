//! Erasing a person: everything that is kept of a user, and what the trail says of who they are.

use serde_json::json;
use store::{Change, Lot, Noun as _, OpenTo, Owner, Write};

use crate::{
    Actor, ActorKind, Caller, Core, Role, Service, ServiceError, TokenTransition,
    access::caller::Origin,
    inventory::transition::pass,
    protection::{
        departure::{Departure, depart},
        user_limit::counts,
    },
};

/// The origin of an erasure, without a name where that is who is erased.
fn without(owner: &Owner, origin: &Origin) -> Origin {
    let is_themself = |actor: &Actor| actor.kind == ActorKind::User || *actor.id == *owner.user;
    let actor = origin.actor.clone().map(|actor| match is_themself(&actor) {
        true => Actor {
            id: "the user".into(),
            ip: None,
            ..actor
        },
        false => actor,
    });
    Origin {
        actor,
        ..origin.clone()
    }
}

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
        let origin = &without(owner, caller.origin());
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        depart(core, owner, origin, Departure::Closed).await?;
        unassign_tokens(core, owner, origin).await?;
        self.close_lots(owner, origin).await?;
        self.end_row(owner, origin).await?;
        // What somebody wrote of them meanwhile.
        unassign_tokens(core, owner, origin).await?;
        self.close_lots(owner, origin).await
    }

    async fn end_row(&self, owner: &Owner, origin: &Origin) -> Result<(), ServiceError> {
        let core = &*self.core;
        let _nothing_is_written_behind = core.trail.writing.lock().await;
        let mut attempts = core.attempts(origin);
        loop {
            let attempt = attempts.next()?;
            let Some(user) = core.store.user(owner.clone()).await? else {
                return Ok(());
            };
            let settings = core.store.protection(owner.clone()).await?;
            if counts(&user, settings.as_ref()) {
                // Bound or set since everything ended.
                return Err(ServiceError::Contended);
            }
            let rootless = rootless(core, owner).await?;
            let entry = attempt.entry("user.erase", "done").erased(user.id);
            let entry = match &rootless {
                Some(_) => entry.detail(json!({"was": "root"})),
                None => entry,
            };
            let change = Change::of(core.event(&entry, attempt.now)?).with([user.erased()]);
            let change = change.with(rootless);
            if let Some(()) = attempt.commit(change, ()).await? {
                core.trail.strangers.forget(owner);
                core.trail.refusals.forget(owner);
                return Ok(());
            }
        }
    }

    /// Takes the user out of the lists of those who may bind a token of a lot.
    async fn close_lots(&self, owner: &Owner, origin: &Origin) -> Result<(), ServiceError> {
        let mut after = None;
        loop {
            let page = self.core.store.lots(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.name.clone());
            for lot in page {
                close_lot(&self.core, lot, owner, origin).await?;
            }
        }
    }
}

/// Where the root is erased, their account has none, nor administrators, until somebody names them anew.
async fn rootless(core: &Core, owner: &Owner) -> Result<Option<Write>, ServiceError> {
    let administrators = core.store.administrators(&owner.account).await?;
    let its_root = administrators.filter(|administrators| *administrators.root == *owner.user);
    Ok(its_root.map(|administrators| Write::Delete {
        expected: administrators.version,
        key: administrators.key(),
    }))
}

/// The tokens that wait for this user are nobody's any more.
pub(crate) async fn unassign_tokens(core: &Core, owner: &Owner, origin: &Origin) -> Result<(), ServiceError> {
    loop {
        let assigned = core.store.tokens_assigned_to(owner.clone(), PAGE).await?;
        if assigned.is_empty() {
            return Ok(());
        }
        for token in assigned {
            match pass(core, &token.serial_number, &TokenTransition::Unassign, origin).await {
                // Somebody else was faster.
                Ok(_) | Err(ServiceError::TokenState { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

async fn close_lot(core: &Core, lot: Lot, owner: &Owner, origin: &Origin) -> Result<(), ServiceError> {
    let mut attempts = core.attempts(origin);
    let mut next = lot;
    loop {
        let attempt = attempts.next()?;
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
        let entry = attempt.entry("batch.change", "done");
        let entry = entry.detail(json!({"batch": next.name, "open_to": {"users": left}}));
        let change = Change::of(core.event(&entry, attempt.now)?).with([Write::put(Some(expected), &next)]);
        if attempt.commit(change, ()).await?.is_some() {
            return Ok(());
        }
        let Some(again) = core.store.lot(next.name).await? else {
            return Ok(());
        };
        next = again;
    }
}
