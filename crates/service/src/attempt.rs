//! The one loop of everything that writes by itself: load, judge, commit, and again while somebody else was faster.

use store::{Change, Outcome, User, audit};
use verify::UnixMs;

use crate::{Core, ServiceError, access::caller::Origin, trail::event::NewEvent};

/// Tries of a write that verifications of the same user keep overtaking: more than their budget of wrong codes
/// and the steps of a window can change one device's state in a row, so that a verdict is never left unwritten.
const TRIES: usize = 16;

/// The tries that are left of a write.
pub(crate) struct Tries(usize);

impl Default for Tries {
    fn default() -> Self {
        Self(TRIES)
    }
}

impl Tries {
    /// One more; an error once there were enough of them.
    pub(crate) fn next(&mut self) -> Result<(), ServiceError> {
        self.0 = self.0.checked_sub(1).ok_or(ServiceError::Contended)?;
        Ok(())
    }
}

/// One try of a use case: what it stands on, who asked, and when it is decided.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) core: &'a Core,
    pub(crate) origin: &'a Origin,
    pub(crate) now: UnixMs,
}

/// The tries of a use case, each with the time at which it begins.
pub(crate) struct Attempts<'a> {
    core: &'a Core,
    origin: &'a Origin,
    left: Tries,
}

impl<'a> Attempts<'a> {
    /// One more; an error once there were enough of them.
    pub(crate) fn next(&mut self) -> Result<Attempt<'a>, ServiceError> {
        self.left.next()?;
        let Self { core, origin, .. } = *self;
        let now = core.clock.now()?;
        Ok(Attempt { core, origin, now })
    }
}

impl Core {
    /// The retry loop of a use case, which ends when one try decides.
    pub(crate) fn attempts<'a>(&'a self, origin: &'a Origin) -> Attempts<'a> {
        Attempts {
            core: self,
            origin,
            left: Tries::default(),
        }
    }
}

impl<'a> Attempt<'a> {
    /// A new event of this attempt's caller.
    pub(crate) fn entry(&self, action: &'static str, outcome: &'static str) -> NewEvent<'a> {
        NewEvent::new(action, outcome, self.origin)
    }

    /// One event of this user.
    pub(crate) async fn event_of(&self, user: &User, entry: &NewEvent<'_>) -> Result<audit::Event, ServiceError> {
        self.core.event_of(user, entry, self.now).await
    }

    /// Commits this change and gives `done` once it is on disk; `None` where somebody else was faster.
    pub(crate) async fn commit<T>(&self, change: Change, done: T) -> Result<Option<T>, ServiceError> {
        let outcomes = self.core.commit(vec![change]).await?;
        Ok((outcomes == [Outcome::Done]).then_some(done))
    }
}
