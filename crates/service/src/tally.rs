use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use store::{Change, Id, Owner};
use tokio::{sync::Notify, time::Instant};

use crate::{Core, Origin, ServiceError, event::Entry};

/// How long refusals are counted before they are written.
const EVERY: Duration = Duration::from_secs(60);

/// Refusals while locked: one counted record a minute for each user and what was asked, for they cost an
/// attacker nothing and must not cost us a row each.
#[derive(Default)]
pub(crate) struct LockedTally {
    counts: Mutex<HashMap<(&'static str, Owner), Count>>,
    begun: Notify,
}

#[derive(Clone, Copy)]
struct Count {
    device: Option<Id>,
    refusals: u64,
}

impl LockedTally {
    fn counts(&self) -> MutexGuard<'_, HashMap<(&'static str, Owner), Count>> {
        // Nothing in the critical sections can panic halfway.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, action: &'static str, owner: &Owner, device: Option<Id>, refusals: u64) {
        if refusals == 0 {
            return;
        }
        let mut counts = self.counts();
        if counts.is_empty() {
            self.begun.notify_one();
        }
        counts
            .entry((action, owner.clone()))
            .or_insert(Count { device, refusals: 0 })
            .refusals += refusals;
    }

    /// Writes what was counted, a minute after the first of it, again and again; never ends.
    pub(crate) async fn write_always(&self, core: &Core) {
        loop {
            self.begun.notified().await;
            let due = Instant::now() + EVERY;
            tokio::time::sleep_until(due).await;
            self.write(core).await;
        }
    }

    /// Writes what was counted. What cannot be written now stays counted.
    pub(crate) async fn write(&self, core: &Core) {
        let counted = std::mem::take(&mut *self.counts());
        if let Err(error) = try_write(core, &counted).await {
            tracing::warn!(%error, "refusals while locked are not in the trail yet");
            for ((action, owner), Count { device, refusals }) in counted {
                self.count(action, &owner, device, refusals);
            }
        }
    }
}

async fn try_write(core: &Core, counted: &HashMap<(&'static str, Owner), Count>) -> Result<(), ServiceError> {
    if counted.is_empty() {
        return Ok(());
    }
    let now = core.clock.now()?;
    let origin = Origin::default();
    let mut events = Vec::with_capacity(counted.len());
    for ((action, owner), Count { device, refusals }) in counted {
        let entry = Entry::new(action, "locked", &origin).owner(owner).count(*refusals);
        let entry = if let Some(device) = device {
            entry.device(*device)
        } else {
            entry
        };
        events.push(core.event(&entry, now)?);
    }
    core.commit(vec![Change {
        writes: Vec::new(),
        events,
    }])
    .await?;
    Ok(())
}
