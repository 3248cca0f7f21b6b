//! Housekeeping of sessions: those whose whole time is over are forgotten, and ends that are in doubt are brought about.

use serde_json::json;
use store::{Change, Id, Outcome, Owner, Session};
use verify::UnixMs;

use crate::{Core, ServiceError, access::caller::Origin, protection::session::ending::ended, trail::event::NewEvent};

/// Sessions forgotten by one change.
const BATCH: u32 = 256;

/// Forgets sessions whose whole time is over; what somebody changed meanwhile waits for the next pass.
pub(crate) async fn forget_sessions(core: &Core) -> Result<usize, ServiceError> {
    end_doubted(core).await?;
    let origin = Origin::default();
    let mut count = 0;
    loop {
        let now = core.clock.now()?;
        let sessions = core.store.expired_sessions(now, BATCH).await?;
        if sessions.is_empty() {
            return Ok(count);
        }
        let event = NewEvent::new("session.expire", "done", &origin).count(sessions.len() as u64);
        let change = Change::of(core.event(&event, now)?).with(sessions.iter().map(ended));
        if core.commit(vec![change]).await? != [Outcome::Done] {
            return Ok(count);
        }
        core.sessions.remove(&ids(&sessions));
        count += sessions.len();
    }
}

fn ids(sessions: &[Session]) -> Vec<Id> {
    sessions.iter().map(|session| session.id).collect()
}

/// Ends what was to be ended by a commit of whose outcome nobody heard: this one is later, so what it finds is what is.
async fn end_doubted(core: &Core) -> Result<(), ServiceError> {
    let mut doubted = core.sessions.take_doubted().into_iter();
    while let Some((owner, id)) = doubted.next() {
        if let Err(error) = end(core, &owner, id).await {
            core.sessions.doubt(&owner, &[id]);
            doubted.for_each(|(owner, id)| core.sessions.doubt(&owner, &[id]));
            return Err(error);
        }
        core.sessions.remove(&[id]);
    }
    Ok(())
}

async fn end(core: &Core, owner: &Owner, id: Id) -> Result<(), ServiceError> {
    let Some(session) = core.store.session(owner, id).await? else {
        return Ok(());
    };
    let origin = Origin::default();
    let now: UnixMs = core.clock.now()?;
    let entry = NewEvent::new("session.end", "done", &origin).because("in_doubt");
    let entry = entry.detail(json!({"session": id}));
    let event = core.event_about(owner, entry, now).await?;
    // Missed: it has ended.
    core.commit(vec![Change::of(event).with([ended(&session)])]).await?;
    Ok(())
}
