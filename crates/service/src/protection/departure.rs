//! The end of a person's place in the account: everything of theirs, in one change.

use serde_json::json;
use store::{Administrators, Closing, ClosingState, Owner, Write};

use crate::{
    Caller, Core, Role, Service, ServiceError,
    access::caller::Origin,
    attempt::Attempt,
    devices::{
        ending::{Ending, Extent},
        erase::unassign_tokens,
    },
};

/// The way in which somebody goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// Their account was closed elsewhere, or is to be erased.
    Closed,
    /// The time is over in which their closing could be taken back.
    Due,
    /// They leave, and nobody waits.
    Left,
}

impl Departure {
    /// The trail's name of it, and the cause by which devices end with it.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Closed => ("user.close", "user_closed"),
            Self::Due => ("user.close", "closing_over"),
            Self::Left => ("user.leave", "user_left"),
        }
    }
}

impl Service {
    /// Ends everything of a user whose account was closed.
    pub async fn close_user(&self, caller: &Caller, owner: &Owner) -> Result<(), ServiceError> {
        self.end_user(caller, owner, Departure::Closed).await
    }

    /// Ends everything of a user who leaves: what closing ends, without the wait (P9).
    pub async fn leave(&self, caller: &Caller, owner: &Owner) -> Result<(), ServiceError> {
        self.end_user(caller, owner, Departure::Left).await
    }

    async fn end_user(&self, caller: &Caller, owner: &Owner, departure: Departure) -> Result<(), ServiceError> {
        caller.may_for(&[Role::Admin], owner)?;
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        depart(core, owner, caller.origin(), departure).await.map(drop)
    }
}

/// Ends everything of somebody who goes: devices, whose tokens go back, recovery codes, settings, proven methods, trust in
/// browsers, sessions, grants, their place among the administrators. Its caller has checked the right, and holds the user's lock. `false` where it was to end with a
/// closing that was taken back meanwhile.
///
/// Interrupted, it is asked for again: tokens that wait for the user go one by one, and the rest at once.
pub(crate) async fn depart(
    core: &Core,
    owner: &Owner,
    origin: &Origin,
    departure: Departure,
) -> Result<bool, ServiceError> {
    let (action, cause) = departure.names();
    let mut attempts = core.attempts(origin);
    loop {
        let attempt = attempts.next()?;
        let closing = core.store.closing(owner).await?;
        let is_due = |closing: &Closing| closing.state == ClosingState::Closing && closing.ends_at <= attempt.now;
        if departure == Departure::Due && !closing.as_ref().is_some_and(is_due) {
            return Ok(false);
        }
        unassign_tokens(core, owner, origin).await?;
        let factors = core.factors(owner, attempt.now).await?;
        let mut ending = Ending::of(&attempt, owner, &factors).await?;
        ending.extends_to(Extent::Everything);
        for bound in &factors.user.devices {
            ending.tombstone(bound.device.id, cause).await?;
        }
        let entry = attempt.entry(action, "done").of_user().because(cause);
        let entry = entry.count(factors.user.devices.len() as u64);
        ending.events.push(attempt.event_of(&factors.user, &entry).await?);
        ending.also(ended(owner, closing));
        resign(&attempt, &mut ending, owner).await?;
        if ending.ended().await?.commit().await? {
            return Ok(true);
        }
    }
}

/// A closing under way has ended; any other is left as it is, on the condition that none begins meanwhile.
fn ended(owner: &Owner, closing: Option<Closing>) -> Write {
    match closing {
        Some(closing) if closing.state == ClosingState::Closing => {
            Write::put(Some(closing.version), &closing.become_state(ClosingState::Ended))
        }
        other => Write::Require {
            expected: other.map(|closing| closing.version),
            key: Closing::key_of(owner),
        },
    }
}

/// Whoever goes is no administrator any more. The root stays the root, by name: only their own factor names another.
async fn resign(attempt: &Attempt<'_>, ending: &mut Ending<'_>, owner: &Owner) -> Result<(), ServiceError> {
    let read = attempt.core.store.administrators(&owner.account).await?;
    let left = read.as_ref().and_then(|read| read.without(&owner.user));
    let expected = read.map(|read| read.version);
    let Some(left) = left else {
        let key = Administrators::key_of(&owner.account);
        ending.also(Write::Require { expected, key });
        return Ok(());
    };
    ending.also(Write::put(expected, &left));
    let entry = attempt.entry("administrators.change", "done").of_user();
    let entry = entry.because("user_gone").detail(json!({"is": "none"}));
    ending.events.push(ending.event(&entry).await?);
    Ok(())
}
