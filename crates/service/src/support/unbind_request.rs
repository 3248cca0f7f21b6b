//! Unbind requests (U2): one person of support opens one with evidence, another approves, the user is told and may object
//! while it cools down, and finishes it themself by the token that they were given.

use serde_json::json;
use store::{Change, Id, Owner, UnbindOutcome, UnbindRequest, UnbindState, User, Write};
use verify::UnixMs;

use crate::{
    Caller, Core, Input, Role, Service, ServiceError,
    access::four_eyes::{asks, is_another},
    devices::factors::touched,
    protection::register::check_identity,
    support::{
        evidence::{NewEvidence, are_new, checked},
        handed_back::handed_back,
        unbind_standing::{ended, find, is_the_only_one, not_now, standing, told},
    },
    verification::memo::with_memo,
};

/// How long a request waits for another's approval.
pub(super) const REQUEST_MS: i64 = 3 * UnixMs::DAY;

pub(super) const OPEN: &str = "unbind_request.open";

/// An unbind request that is to be opened.
pub struct NewUnbindRequest {
    /// The user.
    pub owner: Owner,
    /// The device that is to end; all of them when absent.
    pub device: Option<Id>,
    /// What it is to end in.
    pub outcome: NewOutcome,
    /// What was shown for it.
    pub evidence: Vec<NewEvidence>,
    /// Why, in support's words.
    pub reason: String,
}

/// What an unbind request is to end in.
pub enum NewOutcome {
    /// The devices end.
    Unbind,
    /// What they protected is protected by an external method, with an identity that was newly proven.
    SwitchTo {
        /// The operator's name of it.
        method: String,
        /// What it reaches the user by.
        identity: String,
    },
}

impl Service {
    /// Opens a request. A user has one that is open.
    pub async fn open_unbind_request(
        &self,
        caller: &Caller,
        wanted: &NewUnbindRequest,
    ) -> Result<UnbindRequest, ServiceError> {
        let owner = &wanted.owner;
        caller.may_for(&[Role::Support], owner)?;
        let requested_by = asks(caller, owner)?;
        let core = &*self.core;
        has_reason(&wanted.reason)?;
        let outcome = outcome(core, owner, &wanted.outcome)?;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            let once = core.once(attempt.origin, Some(owner), now).await?;
            if let Some(created) = once.repeated() {
                let id = Id::try_parse(created).map_err(|_| ServiceError::NotFound("unbind request"))?;
                return self.unbind_request(caller, id).await;
            }
            let evidence = checked(core, owner, &wanted.evidence, now)?;
            are_new(core, &evidence).await?;
            let user = core.row(owner, now).await?;
            is_the_only_one(core, &user, now).await?;
            has_devices(&user, wanted)?;
            let Some(user) = handed_back(&attempt, user, wanted.device, &wanted.evidence).await? else {
                continue;
            };
            let request = UnbindRequest {
                id: core.new_id(now)?,
                owner: owner.clone(),
                version: 1,
                device: wanted.device,
                outcome: outcome.clone(),
                application: None,
                evidence,
                reason: wanted.reason.clone(),
                requested_by: Some(requested_by.clone()),
                requested_at: now,
                state: UnbindState::Requested,
                due_at: now.plus(REQUEST_MS),
            };
            let event = told(&attempt, &user, (OPEN, "done"), &request, json!({})).await?;
            let change = Change::of(event).with([touched(user), Write::put(None, &request)]);
            let change = change.with(once.created(request.id));
            if let Some(done) = attempt.commit(change, request).await? {
                return Ok(done);
            }
        }
    }

    /// One request, as it stands now.
    pub async fn unbind_request(&self, caller: &Caller, id: Id) -> Result<UnbindRequest, ServiceError> {
        caller.may(&[Role::Support])?;
        let core = &*self.core;
        let found = find(core, caller, Role::Support, id).await?;
        let user = core.store.user(found.owner.clone()).await?;
        Ok(standing(found, user.as_ref(), core.clock.now()?))
    }

    /// Up to `limit` requests in this state after this id, oldest first, of the users whom the caller reaches; the id to go on
    /// after, where there may be more. A page may hold fewer, as one whose state is another since is left out.
    pub async fn unbind_requests(
        &self,
        caller: &Caller,
        state: &str,
        after: Option<Id>,
        limit: u32,
    ) -> Result<(Vec<UnbindRequest>, Option<Id>), ServiceError> {
        caller.may(&[Role::Support])?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let reached = |request: &UnbindRequest| caller.may_for(&[Role::Support], &request.owner).is_ok();
        let mut after = after;
        // A page of nobody's whom the caller reaches tells nothing, be it that there are others.
        let (page, is_last) = loop {
            let page = core.store.unbind_requests(state, after, limit).await?;
            let is_last = page.len() < limit as usize;
            after = page.last().map(|last| last.id);
            let page: Vec<UnbindRequest> = page.into_iter().filter(reached).collect();
            if is_last || !page.is_empty() {
                break (page, is_last);
            }
        };
        let next = page.last().filter(|_| !is_last).map(|last| last.id);
        let users = core
            .store
            .users(page.iter().map(|request| request.owner.clone()).collect())
            .await?;
        let all = page.into_iter().zip(users);
        let all = all.map(|(request, user)| standing(request, user.as_ref(), now));
        Ok((all.filter(|request| request.state.name() == state).collect(), next))
    }

    /// Another person finds that it should not be done.
    pub async fn reject_unbind_request(
        &self,
        caller: &Caller,
        id: Id,
        reason: &str,
    ) -> Result<UnbindRequest, ServiceError> {
        caller.may(&[Role::Support])?;
        let by = caller.person()?;
        let is_anothers = |request: &UnbindRequest| match &request.requested_by {
            Some(first) => is_another(first, &by),
            // Nobody of support has had a hand in it.
            None => Ok(()),
        };
        self.end_unbind_request(
            caller,
            id,
            ("unbind_request.reject", UnbindState::Rejected),
            reason,
            is_anothers,
        )
        .await
    }

    /// Somebody of support thinks better of it, before it is completed.
    pub async fn withdraw_unbind_request(
        &self,
        caller: &Caller,
        id: Id,
        reason: &str,
    ) -> Result<UnbindRequest, ServiceError> {
        caller.may(&[Role::Support])?;
        self.end_unbind_request(
            caller,
            id,
            ("unbind_request.withdraw", UnbindState::Withdrawn),
            reason,
            |_| Ok(()),
        )
        .await
    }

    async fn end_unbind_request(
        &self,
        caller: &Caller,
        id: Id,
        (action, state): (&'static str, UnbindState),
        reason: &str,
        may: impl Fn(&UnbindRequest) -> Result<(), ServiceError>,
    ) -> Result<UnbindRequest, ServiceError> {
        let core = &*self.core;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let old = find(core, caller, Role::Support, id).await?;
            let user = core.row(&old.owner, attempt.now).await?;
            let old = standing(old, Some(&user), attempt.now);
            if !old.state.is_open() {
                return Err(not_now(&old));
            }
            may(&old)?;
            let request = ended(old, state.clone(), attempt.now);
            let event = told(&attempt, &user, (action, "done"), &request, json!({"reason": reason})).await?;
            let row = with_memo(user, |memo| {
                memo.support.end_unbinding();
            });
            let writes = [touched(row), Write::put(Some(request.version - 1), &request)];
            if let Some(done) = attempt.commit(Change::of(event).with(writes), request).await? {
                return Ok(done);
            }
        }
    }
}

/// What it is to end in, with the identity sealed for its place in the user's register.
fn outcome(core: &Core, owner: &Owner, wanted: &NewOutcome) -> Result<UnbindOutcome, ServiceError> {
    let NewOutcome::SwitchTo { method, identity } = wanted else {
        return Ok(UnbindOutcome::Unbind);
    };
    let main = |name: &str| core.settings.external_method(name).is_some_and(|method| method.is_main);
    if !main(method) {
        let all = core.settings.external_methods.iter().filter(|method| method.is_main);
        let names: Vec<&str> = all.map(|method| &*method.name).collect();
        let why = format!("{method} is none of the operator's main methods: {}", names.join(", "));
        return Err(invalid(Input::Outcome, why));
    }
    check_identity(identity)?;
    Ok(UnbindOutcome::SwitchTo {
        method: method.clone(),
        identity: core.sealed_identity(owner, method, identity)?,
    })
}

/// What is said of a request to whoever is to judge it.
pub(super) fn has_reason(reason: &str) -> Result<(), ServiceError> {
    if reason.trim().is_empty() {
        let why = "it says why the device is to end, for whoever approves".into();
        return Err(invalid(Input::Reason, why));
    }
    Ok(())
}

/// Whether there is what the request is to end.
fn has_devices(user: &User, wanted: &NewUnbindRequest) -> Result<(), ServiceError> {
    match (wanted.device, &wanted.outcome) {
        (Some(device), _) if user.device(device).is_none() => Err(ServiceError::NotFound("bound device")),
        (None, NewOutcome::Unbind) if user.devices.is_empty() => Err(ServiceError::NoDevice),
        _ => Ok(()),
    }
}

pub(super) fn invalid(input: Input, why: String) -> ServiceError {
    ServiceError::Invalid { input, why }
}
