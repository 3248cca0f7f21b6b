//! A user's usual cities as they are shown and forgotten. Their names are not kept (P5): there is their number, and when a
//! login last came from one of them.

use store::{Change, Noun as _, Owner, Role, UsualCities, Write};
use verify::UnixMs;

use crate::{Caller, Service, ServiceError};

const ACTION: &str = "usual_cities.forget";

/// What is known of a user's usual cities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnCities {
    /// How many there are.
    pub count: usize,
    /// The last login from one of them, to the day.
    pub last_seen_at: Option<UnixMs>,
}

impl OwnCities {
    fn of(usual: &UsualCities, now: UnixMs) -> Self {
        let kept = usual.cities.iter().map(|city| city.last_seen_at);
        let kept = kept.filter(|at| now.since(*at) < UsualCities::KEPT_MS);
        Self {
            count: kept.clone().count(),
            last_seen_at: kept.max(),
        }
    }
}

impl Service {
    /// The usual cities of a user.
    pub async fn own_cities(&self, caller: &Caller, owner: &Owner) -> Result<OwnCities, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let usual = core.store.usual_cities(owner).await?;
        Ok(usual.map_or_else(OwnCities::default, |usual| OwnCities::of(&usual, now)))
    }

    /// Forgets the usual cities of a user: each of them is unusual until the next login from there with a fresh factor. The
    /// result is their number.
    pub async fn forget_cities(&self, caller: &Caller, owner: &Owner) -> Result<usize, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let usual = core.store.usual_cities(owner).await?;
            let user = core.store.user(owner.clone()).await?;
            let (Some(usual), Some(user)) = (usual, user) else {
                return Ok(0);
            };
            let entry = attempt.entry(ACTION, "done").of_user();
            let entry = entry.count(usual.cities.len() as u64);
            let event = attempt.event_of(&user, &entry).await?;
            let forget = Write::Delete {
                expected: usual.version,
                key: usual.key(),
            };
            let count = OwnCities::of(&usual, attempt.now).count;
            if let Some(count) = attempt.commit(Change::of(event).with([forget]), count).await? {
                return Ok(count);
            }
        }
    }
}
