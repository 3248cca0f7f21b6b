//! Who says that a clock is right which the service doubts: the kernel, or an operator.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use store::{
    Bound, Change, Id, Owner, Store,
    audit::{Payload, Recorded},
};
use tokio::task::spawn_blocking;
use verify::{Moving, Policy, UnixMs};

use crate::{
    Caller, Core, Service, ServiceError, Settings,
    access::caller::Origin,
    ports::Clock,
    trail::event::NewEvent,
    upkeep::clock::{Span, Trouble, TrustedClock},
};

/// The operator's word. It is a row of the trail, so that whoever may give it is whoever may write there, and a service
/// that is started later finds a newest record of now.
const ACCEPT: &str = "clock.accept";
/// The pause between two looks at a doubted clock.
const EVERY: Duration = Duration::from_secs(2);
/// Rows that are searched for the operator's word: while the clock is doubted, hardly any are written.
const LOOK_BACK: u32 = 100;
/// An operator's word is of the time that was shown to them.
const WORD_LIVES_MS: i64 = UnixMs::HOUR;
/// Users read at once.
const PAGE: u32 = 4_096;

/// The clock as an operator sees it before accepting it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockStatus {
    /// The wall clock's time.
    pub now: UnixMs,
    /// The newest record.
    pub newest_record: Option<UnixMs>,
    /// Why it is not believed.
    pub trouble: Option<String>,
    /// Whether the kernel calls it synchronised.
    pub synchronised: bool,
}

impl ClockStatus {
    /// Its distance past the newest record (behind: negative).
    pub fn gap_ms(&self) -> i64 {
        self.newest_record.map_or(0, |newest| self.now.since(newest))
    }

    /// The same in words.
    pub fn gap(&self) -> String {
        let gap_ms = self.gap_ms();
        let way = if gap_ms < 0 { "behind" } else { "past" };
        format!("{} {way} the newest record", Span(gap_ms.abs()))
    }
}

/// A device whose last accepted code is of a time that is still to come: somebody used it while the clock was ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAhead {
    /// Whose.
    pub owner: Owner,
    /// Which.
    pub id: Id,
    /// Each of its codes is refused before.
    pub refused_until: UnixMs,
}

impl Service {
    /// An operator's word that the clock is right; a service that runs on the same data takes it within seconds.
    pub async fn accept_clock(&self, caller: &Caller) -> Result<(), ServiceError> {
        caller.is_of_the_house()?;
        let origin = caller.origin();
        believe(&self.core, NewEvent::new(ACCEPT, "done", origin)).await
    }
}

/// The clock as a service that starts now would see it, and every bound device that is refused because its last step
/// lies ahead of it. Changes nothing.
pub async fn look_at_clock(
    store: &dyn Store,
    clock: Arc<dyn Clock>,
    settings: &Settings,
) -> Result<(ClockStatus, Vec<DeviceAhead>), ServiceError> {
    let newest_record = store.newest().await?.map(|newest| newest.at);
    let now = clock.now();
    let judged = TrustedClock::new(clock.clone(), newest_record, settings.clock_gap_ms).judge();
    let synchronised = spawn_blocking(move || clock.synchronised()).await;
    let synchronised = synchronised.map_err(|error| ServiceError::Internal(error.to_string()))?;
    // The kernel's word is all that some troubles take.
    let trouble = judged.err().filter(|trouble| !(synchronised && trouble.needs_word()));
    let status = ClockStatus {
        now,
        newest_record,
        trouble: trouble.map(|trouble| trouble.to_string()),
        synchronised,
    };
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.users_after(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok((status, found));
        };
        after = Some(last.owner.clone());
        found.extend(page.into_iter().flat_map(|user| user.devices).filter_map(|bound| {
            Some(DeviceAhead {
                refused_until: refused_until(&bound, now, &settings.policy)?,
                owner: bound.device.owner,
                id: bound.device.id,
            })
        }));
    }
}

/// Until when each code of this device is refused because its last step lies ahead: beyond the window, so that no code
/// of now can have been accepted. It is never lowered; a code that was used would be good again. A counter lies ahead of nothing.
pub(crate) fn refused_until(bound: &Bound, now: UnixMs, policy: &Policy) -> Option<UnixMs> {
    if bound.state.parts().moving == Moving::Counter {
        return None;
    }
    let parameters = bound.device.parameters;
    let window = i64::from(policy.window_steps);
    let expected = bound.state.expected(parameters, now);
    let ahead = bound.state.parts().last_step?.steps_since(expected);
    if ahead <= window {
        return None;
    }
    // The first step after the last one comes into the window.
    let period_ms = i64::from(parameters.period.get_s()) * UnixMs::SECOND;
    let present = now.get().div_euclid(period_ms);
    let opens = present.saturating_add(ahead + 1 - window);
    Some(UnixMs::new(opens.saturating_mul(period_ms)))
}

/// Asks about a doubted clock, again and again; never ends.
pub(crate) async fn watch(core: &Arc<Core>) {
    let mut doubted = false;
    loop {
        match ask(core).await {
            Ok(Some(trouble)) if !doubted => {
                doubted = true;
                tracing::warn!(%trouble, "the clock is doubted: nothing is judged");
            }
            Ok(still) => doubted = still.is_some(),
            Err(error) => tracing::warn!(%error, "nobody can be asked about the clock"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Believes a doubted clock if the kernel or an operator vouches for it; what is wrong with it, if nobody does.
pub(crate) async fn ask(core: &Arc<Core>) -> Result<Option<Trouble>, ServiceError> {
    let trouble = core.clock.judge().err().filter(|trouble| trouble.needs_word());
    let Some(trouble) = trouble else {
        if let Some(newest) = core.store.newest().await? {
            *core.clock.right_at() = Some(newest.place);
        }
        return Ok(None);
    };
    let cause = if accepted(core).await? {
        "accepted"
    } else if synchronised(core).await? {
        "synchronised"
    } else {
        return Ok(Some(trouble));
    };
    tracing::warn!(%trouble, cause, "the clock was doubted and is believed now");
    let origin = Origin::default();
    believe(core, NewEvent::new("clock.believe", "done", &origin).because(cause)).await?;
    Ok(None)
}

/// The trail is told first: what it could not be told is not believed.
async fn believe(core: &Core, entry: NewEvent<'_>) -> Result<(), ServiceError> {
    let now = core.clock.wall();
    let doubted = core.clock.judge().err().map(|trouble| trouble.kind());
    let newest = core.clock.newest();
    let detail = json!({"doubted": doubted, "newest_record": newest.get(), "gap_ms": now.since(newest)});
    let event = core.event(&entry.detail(detail), now)?;
    core.commit(vec![Change::of(event)]).await?;
    core.clock.vouch();
    Ok(())
}

async fn synchronised(core: &Arc<Core>) -> Result<bool, ServiceError> {
    let core = core.clone();
    let asked = spawn_blocking(move || core.clock.synchronised()).await;
    asked.map_err(|error| ServiceError::Internal(error.to_string()))
}

/// Whether an operator said so since the clock was last right, and since this service's own last row: a word about a clock
/// that was right is none about one that is wrong an hour later.
async fn accepted(core: &Core) -> Result<bool, ServiceError> {
    let known = *core.clock.right_at();
    let own = core.store.head().chain;
    let now = core.clock.wall();
    let mut before = None;
    for _row in 0..LOOK_BACK {
        // One at a time: those of before the doubt may be large.
        let Some(row) = core.store.rows_before(before, 1).await?.pop() else {
            return Ok(false);
        };
        if row.place.chain == own || Some(row.place) == known {
            return Ok(false);
        }
        if row.events.iter().any(|said| is_word(said, now)) {
            return Ok(true);
        }
        before = Some(row.cursor);
    }
    Ok(false)
}

fn is_word(said: &Recorded, now: UnixMs) -> bool {
    let Payload::Kept { payload, .. } = &said.payload else {
        return false;
    };
    said.at.since(now).abs() < WORD_LIVES_MS
        && serde_json::from_str::<serde_json::Value>(payload).is_ok_and(|said| said["action"] == ACCEPT)
}
