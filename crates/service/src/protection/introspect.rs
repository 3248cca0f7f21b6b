//! Introspection of a grant: is it alive now, and does it pass here? (The idea is RFC 7662's.)

use store::Role;
use verify::UnixMs;

use crate::{
    Caller, ChallengePurpose, Core, Grant, Service, ServiceError,
    protection::{decision::Sensitivity, memory::is_alive},
};

/// Where a grant is presented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantUse {
    /// The session.
    pub session_id: Option<String>,
    /// The operation that it is to pass.
    pub operation: Option<String>,
    /// The resource of that operation.
    pub resource: Option<String>,
}

impl Service {
    /// The grant of this text, if it is one of ours for an audience of the caller's, alive, not revoked, and passes where it
    /// is presented; `None` for everything else.
    pub async fn introspect_grant(
        &self,
        caller: &Caller,
        text: &str,
        at: &GrantUse,
    ) -> Result<Option<Grant>, ServiceError> {
        caller.may(&[Role::Verify])?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let grant = core.verified_grant(text, now);
        let Some(grant) = grant.filter(|grant| passes(grant, at) && caller.is_of_audience(&grant.audience)) else {
            return Ok(None);
        };
        if caller.may_for(&[Role::Verify], &grant.owner).is_err()
            || !names_what_asks_always(core, &grant, at, now).await?
        {
            return Ok(None);
        }
        let is_alive = match core.store.user(grant.owner.clone()).await? {
            Some(user) => is_alive(&user, &grant),
            // Whoever was checked had a row: they were erased since.
            None => grant.methods.is_empty(),
        };
        Ok(is_alive.then_some(grant))
    }
}

/// An operation that is always checked is passed by no grant but its own (P3b).
async fn names_what_asks_always(core: &Core, grant: &Grant, at: &GrantUse, now: UnixMs) -> Result<bool, ServiceError> {
    let Some(presented) = at.operation.as_deref() else {
        return Ok(true);
    };
    let is_named = grant.operation.as_deref() == Some(presented);
    Ok(is_named || core.known_sensitivity(presented, now).await? != Some(Sensitivity::IdentityAlways))
}

/// A login's grant passes no operation; any passes in its own session, for its own operation and resource; one that names none passes for all.
fn passes(grant: &Grant, at: &GrantUse) -> bool {
    let is_same_session = match (&grant.session_id, &at.session_id) {
        (Some(own), Some(presented)) => own == presented,
        // One that holds in a session is not presented without it.
        (Some(_), None) => false,
        (None, _) => true,
    };
    let within = |own: &Option<String>, presented: &Option<String>| own.is_none() || own == presented;
    let is_login_for_operation = grant.purpose == ChallengePurpose::Login && at.operation.is_some();
    !is_login_for_operation
        && is_same_session
        && within(&grant.operation, &at.operation)
        && within(&grant.resource, &at.resource)
}
