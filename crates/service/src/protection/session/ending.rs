//! Ending sessions: on disk, then in memory, then told. What was asked for and is not known to be on disk is in doubt.

use std::mem;

use store::{Change, Id, Noun, Outcome, Owner, Session, Write};

use crate::{
    Core, ServiceError,
    attempt::Attempt,
    protection::session::{OF_USER_MAX, registry::SessionRegistry},
};

/// The write that ends a session.
pub(crate) fn ended(session: &Session) -> Write {
    Write::Delete {
        expected: session.version,
        key: session.key(),
    }
}

/// Sessions that end, or begin, by the commit that is under way. Dropped before its outcome is known, it leaves them in doubt.
struct Ending<'a> {
    registry: &'a SessionRegistry,
    owner: &'a Owner,
    ids: Vec<Id>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.registry.doubt(self.owner, &self.ids);
    }
}

impl Core {
    /// All sessions that are kept of a user.
    pub(crate) async fn sessions_of(&self, owner: &Owner) -> Result<Vec<Session>, ServiceError> {
        // A few more than there may be: of a limit that was higher.
        Ok(self.store.sessions_of(owner, None, 4 * OF_USER_MAX).await?)
    }
}

impl Attempt<'_> {
    /// Commits a change with which these sessions of one user end, whose [writes](ended) are in it; `false` where somebody
    /// else was faster.
    pub(crate) async fn commit_ending(
        &self,
        change: Change,
        owner: &Owner,
        sessions: &[Session],
    ) -> Result<bool, ServiceError> {
        let registry = &self.core.sessions;
        let mut ending = Ending {
            registry,
            owner,
            ids: sessions.iter().map(|session| session.id).collect(),
        };
        let is_done = self.core.commit(vec![change]).await? == [Outcome::Done];
        let ids = mem::take(&mut ending.ids);
        if is_done {
            registry.remove(&ids);
        }
        Ok(is_done)
    }

    /// The same of a change with which this session begins, which is pending until then.
    pub(crate) async fn commit_beginning(
        &self,
        change: Change,
        session: &Session,
        sessions: &[Session],
    ) -> Result<bool, ServiceError> {
        let registry = &self.core.sessions;
        registry.reserve(session)?;
        let mut beginning = Ending {
            registry,
            owner: &session.owner,
            ids: vec![session.id],
        };
        let is_done = self.commit_ending(change, &session.owner, sessions).await?;
        let ids = mem::take(&mut beginning.ids);
        if is_done {
            registry.begin(session.id, session.created_at);
        } else {
            registry.remove(&ids);
        }
        Ok(is_done)
    }
}
