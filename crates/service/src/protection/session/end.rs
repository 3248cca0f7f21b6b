//! Ending one session.

use serde_json::json;
use store::{Change, Id, Owner, Role, User};

use crate::{
    Caller, Service, ServiceError, devices::factors::touched, protection::session::ending::ended,
    verification::memo::Memo,
};

impl Service {
    /// Ends one session of this user, the grants that hold in it, and the visits to the hosted pages that came from it. The next check says so.
    pub async fn end_session(&self, caller: &Caller, owner: &Owner, id: Id) -> Result<(), ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let session = core.store.session(owner, id).await?;
            let session = session.ok_or(ServiceError::NotFound("session"))?;
            let user = core.row(owner, attempt.now).await?;
            let mut memo = Memo::read(&user.memo);
            memo.grants.revoke_session(&id.to_string(), attempt.now);
            let entry = attempt.entry("session.end", "done").of_user().because("asked");
            let event = attempt.event_of(&user, &entry.detail(json!({"session": id}))).await?;
            let next = User {
                memo: memo.write(),
                ..user
            };
            let change = Change::of(event).with([touched(next), ended(&session)]);
            let change = change.with(core.end_page_visits_from(owner, id).await?);
            if attempt.commit_ending(change, owner, &[session]).await? {
                return Ok(());
            }
        }
    }
}
