//! Housekeeping: enrollments that expired end, users whose closing is over, sessions, and what is known of requests that
//! created something, of browsers that were trusted, and of cities that nobody logs in from any more.

use store::{
    Change, Delivery, EnrollmentState, IdempotencyRecord, List, Noun, Outcome, PageLink, PageSession, Passcode,
    TrustedDevices, UsualCities, Write,
};

use crate::{
    Caller, Core, Service, ServiceError,
    access::caller::Origin,
    enrollment::state::becomes,
    protection::{closing::end_due, session::housekeeping::forget_sessions},
    support::housekeeping::requests_move_on,
    trail::event::NewEvent,
};

/// Enrollments ended by one pass.
const BATCH: u32 = 100;

impl Service {
    /// Ends what expired, in small batches: the secrets of enrollments nobody completed are erased, and users whose closing is
    /// over end. Gives
    /// the number of records ended. And where nothing happens it says so now and then, so that a service which ran
    /// all along is believed when it starts again.
    pub async fn run_housekeeping(&self, caller: &Caller) -> Result<usize, ServiceError> {
        caller.is_of_the_house()?;
        let core = &*self.core;
        mark_time(core).await?;
        let mut ended = 0;
        loop {
            let _nobody_is_erased = core.trail.writing.lock().await;
            let expired = expired(core).await?;
            if expired.is_empty() {
                break;
            }
            let outcomes = core.commit(expired).await?;
            ended += outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count();
        }
        ended += end_due(core).await?;
        ended += requests_move_on(core).await?;
        ended += forget::<Passcode>(core, "passcode.expire").await?;
        ended += forget::<IdempotencyRecord>(core, "idempotency.expire").await?;
        ended += forget::<TrustedDevices>(core, "trusted_device.expire").await?;
        ended += forget::<UsualCities>(core, "usual_cities.expire").await?;
        ended += forget::<PageLink>(core, "page_link.expire").await?;
        ended += forget::<PageSession>(core, "page_session.expire").await?;
        ended += forget::<Delivery>(core, "delivery.expire").await?;
        Ok(ended + forget_sessions(core).await?)
    }
}

/// The trail's newest record is never older than half of what a start is believed.
async fn mark_time(core: &Core) -> Result<(), ServiceError> {
    let now = core.clock.now()?;
    let Some(newest) = core.store.newest().await? else {
        return Ok(());
    };
    if now.since(newest.at) < core.settings.clock_gap_ms / 2 {
        return Ok(());
    }
    let origin = Origin::default();
    let entry = NewEvent::new("clock.mark", "done", &origin);
    let event = core.event(&entry, now)?;
    core.commit(vec![Change::of(event)]).await?;
    Ok(())
}

async fn expired(core: &Core) -> Result<Vec<Change>, ServiceError> {
    let now = core.clock.now()?;
    let origin = Origin::default();
    let expired = core.store.expired_enrollments(now, BATCH).await?;
    let mut changes = Vec::with_capacity(expired.len());
    for enrollment in expired {
        let entry = NewEvent::new("enrollment.expire", "done", &origin)
            .detail(serde_json::json!({"enrollment": enrollment.id}));
        let event = core.event_about(&enrollment.owner, entry, now).await?;
        changes.push(Change::of(event).with([becomes(&enrollment, EnrollmentState::abandoned)?]));
    }
    Ok(changes)
}

/// Ends the records of a noun that stand for nothing any more; what somebody changed meanwhile waits for the next pass.
async fn forget<N: Noun>(core: &Core, action: &'static str) -> Result<usize, ServiceError> {
    let origin = Origin::default();
    let mut ended = 0;
    loop {
        let now = core.clock.now()?;
        let records: Vec<N> = core.store.list(List::Expired(now), BATCH).await?;
        if records.is_empty() {
            return Ok(ended);
        }
        let count = records.len();
        let event = NewEvent::new(action, "done", &origin).count(count as u64);
        let deletes = records.iter().map(|record| Write::Delete {
            expected: record.version(),
            key: record.key(),
        });
        let change = Change::of(core.event(&event, now)?).with(deletes);
        if core.commit(vec![change]).await? != [Outcome::Done] {
            return Ok(ended);
        }
        ended += count;
    }
}
