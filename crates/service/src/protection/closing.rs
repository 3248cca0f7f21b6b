//! Closing a user with time to come back (P9): nobody logs in for 15 days, then everything of theirs ends.

use serde_json::json;
use store::{Change, Closing, ClosingState, Owner, Role, Write};

use crate::{
    Caller, Core, Service, ServiceError,
    access::caller::Origin,
    devices::factors::touched,
    protection::{
        departure::{Departure, depart},
        session::ending::ended,
    },
    verification::memo::with_memo,
};

/// Closings that are ended by one pass of the housekeeping.
const BATCH: u32 = 100;

impl Service {
    /// Begins to close a user; one who is closing already goes on as before. Sessions, trust in browsers
    /// and grants end now, the rest when the time is over.
    pub async fn start_closing(&self, caller: &Caller, owner: &Owner) -> Result<Closing, ServiceError> {
        caller.may_for(&[Role::Admin], owner)?;
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            let read = core.store.closing(owner).await?;
            let expected = read.as_ref().map(|closing| closing.version);
            if let Some(closing) = read.filter(|closing| closing.state == ClosingState::Closing) {
                return Ok(closing);
            }
            let next = Closing {
                owner: owner.clone(),
                version: expected.unwrap_or(0) + 1,
                started_at: now,
                ends_at: now.plus(core.settings.closing_ms),
                state: ClosingState::Closing,
            };
            let user = core.row(owner, now).await?;
            let entry = attempt.entry("user.closing", "done").of_user();
            let entry = entry.detail(json!({"ends_at_ms": next.ends_at.get()}));
            let event = attempt.event_of(&user, &entry).await?;
            let no_trust = core.end_trusted_devices(&user).await?;
            let closed = with_memo(user, |memo| {
                memo.is_closing = true;
                memo.sign_out(now);
            });
            let sessions = core.sessions_of(owner).await?;
            let change = Change::of(event).with([touched(closed), no_trust, Write::put(expected, &next)]);
            let change = change.with(sessions.iter().map(ended));
            let change = change.with(core.end_page_visits(owner, None).await?);
            if attempt.commit_ending(change, owner, &sessions).await? {
                return Ok(next);
            }
        }
    }

    /// Takes a closing back, while there is time; taken back once more it stays so.
    pub async fn withdraw_closing(&self, caller: &Caller, owner: &Owner) -> Result<Closing, ServiceError> {
        caller.may_for(&[Role::Admin], owner)?;
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let read = core.store.closing(owner).await?;
            let closing = read.ok_or(ServiceError::NotFound("closing"))?;
            match closing.state {
                ClosingState::Withdrawn => return Ok(closing),
                ClosingState::Closing if attempt.now < closing.ends_at => {}
                ClosingState::Closing | ClosingState::Ended => return Err(ServiceError::ClosingEnded),
            }
            let user = core.row(owner, attempt.now).await?;
            let entry = attempt.entry("user.closing.withdraw", "done").of_user();
            let event = attempt.event_of(&user, &entry).await?;
            let open = with_memo(user, |memo| memo.is_closing = false);
            let expected = Some(closing.version);
            let next = closing.become_state(ClosingState::Withdrawn);
            let change = Change::of(event).with([touched(open), Write::put(expected, &next)]);
            if let Some(done) = attempt.commit(change, next).await? {
                return Ok(done);
            }
        }
    }
}

/// Ends the users whose closing is over, the longest overdue first; gives how many. One that cannot be ended is in nobody
/// else's way, and is tried again by the next pass.
pub(crate) async fn end_due(core: &Core) -> Result<usize, ServiceError> {
    let origin = Origin::default();
    let mut ended = 0;
    loop {
        let due = core.store.due_closings(core.clock.now()?, BATCH).await?;
        let before = ended;
        for closing in &due {
            match end(core, &closing.owner, &origin).await {
                Ok(done) => ended += usize::from(done),
                Err(error) => tracing::error!(%error, "a user whose closing is over could not be ended"),
            }
        }
        if ended == before {
            return Ok(ended);
        }
    }
}

async fn end(core: &Core, owner: &Owner, origin: &Origin) -> Result<bool, ServiceError> {
    let _lock = core.lock_user(owner).await?;
    depart(core, owner, origin, Departure::Due).await
}
