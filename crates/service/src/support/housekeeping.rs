//! What time does to unbind requests: it brings them into force, and ends what nobody approved or finished.

use serde_json::json;
use store::{Change, Noun as _, UnbindRequest, UnbindState, Write};

use crate::{
    Core, ServiceError,
    access::caller::Origin,
    attempt::Attempt,
    support::unbind_standing::{TOKEN_MS, ended, standing, told},
    verification::memo::with_memo,
};

/// Requests looked at in one pass.
const BATCH: u32 = 100;

/// Brings those whose cool-down is over into force, and ends those whose time is; gives how many. One that cannot be written is
/// in nobody else's way, and is tried again by the next pass.
pub(crate) async fn requests_move_on(core: &Core) -> Result<usize, ServiceError> {
    let mut moved = 0;
    loop {
        let due = core.store.due_unbind_requests(core.clock.now()?, BATCH).await?;
        let before = moved;
        for request in due {
            match moves_on(core, request).await {
                Ok(done) => moved += usize::from(done),
                Err(error) => tracing::error!(%error, "an unbind request that is due could not be written"),
            }
        }
        if moved == before {
            return Ok(moved);
        }
    }
}

/// Writes the state that a request has come to by time, or by a right code; `false` where there is nothing to write.
pub(crate) async fn moves_on(core: &Core, request: UnbindRequest) -> Result<bool, ServiceError> {
    let origin = Origin::default();
    let attempt = core.attempts(&origin).next()?;
    let user = core.row(&request.owner, attempt.now).await?;
    let (was, expected) = (request.state.name(), request.version);
    let now = standing(request.clone(), Some(&user), attempt.now);
    let due_at = match &now.state {
        UnbindState::InForce(approval) => approval.in_force_at.plus(TOKEN_MS),
        _ => now.due_at,
    };
    if request.was_never_vouched_for() && request.due_at <= attempt.now {
        return forgotten(&attempt, &request).await;
    }
    if now.state.name() == was {
        return Ok(false);
    }
    let (action, more) = match now.state {
        UnbindState::InForce(_) => ("unbind_request.in_force", json!({})),
        UnbindState::Withdrawn => ("unbind_request.withdraw", json!({"reason": "right_code"})),
        _ => ("unbind_request.expire", json!({})),
    };
    let next = ended(UnbindRequest { due_at, ..request }, now.state, attempt.now);
    let event = told(&attempt, &user, (action, "done"), &next, more).await?;
    let mut writes = vec![Write::put(Some(expected), &next)];
    if next.state == UnbindState::Expired {
        writes.push(
            with_memo(user, |memo| {
                memo.support.end_unbinding();
            })
            .used(),
        );
    }
    Ok(attempt.commit(Change::of(event).with(writes), ()).await?.is_some())
}

/// Deletes an application that came to nothing long ago.
async fn forgotten(attempt: &Attempt<'_>, request: &UnbindRequest) -> Result<bool, ServiceError> {
    let entry = attempt
        .entry("unbind_request.forget", "done")
        .detail(json!({"unbind_request": request.id}));
    let event = attempt.core.event(&entry, attempt.now)?;
    let delete = Write::Delete {
        expected: request.version(),
        key: request.key(),
    };
    Ok(attempt.commit(Change::of(event).with([delete]), ()).await?.is_some())
}
