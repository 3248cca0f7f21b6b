//! Applications: a user who lost their device asks for its end on a page of theirs, and support vouches for it, or does not (U2).
//! Nothing comes of one by itself: it lets nobody in, cools down for nobody, and a right code of the device withdraws it.

use serde_json::json;
use store::{Application, Change, Id, Owner, UnbindOutcome, UnbindRequest, UnbindState, Write};
use verify::UnixMs;

use crate::{
    Caller, Core, Input, Role, Service, ServiceError,
    access::{allowance::once_more, four_eyes::asks},
    devices::factors::touched,
    support::{
        evidence::{NewEvidence, are_new, checked},
        handed_back::handed_back,
        unbind_request::{OPEN, REQUEST_MS, has_reason, invalid},
        unbind_standing::{find, is_the_only_one, not_now, standing, told},
    },
    verification::memo::with_memo,
};

const APPLY: &str = "unbind_request.apply";
/// How long an application waits for support.
const APPLICATION_MS: i64 = 7 * UnixMs::DAY;
/// Applications of a user within a day.
const PER_DAY: u32 = 3;
/// What a page takes of a person's words.
const REASON_MAX_BYTES: usize = 512;
const REFERENCE_MAX_BYTES: usize = 128;

/// What a user says of a device that they lost.
pub struct NewApplication {
    /// The user.
    pub owner: Owner,
    /// What they refer to, if anything: no statements, which are brought to support.
    pub evidence: Vec<NewEvidence>,
    /// Why, in their words.
    pub reason: String,
}

/// What support says of an application that it vouches for.
pub struct NewVouching {
    /// What support looked at itself.
    pub evidence: Vec<NewEvidence>,
    /// Why the device is to end, for whoever approves.
    pub reason: String,
}

impl Service {
    /// The account whose users are the operator's staff, if one is set: of an approver who names no account.
    pub fn staff_account(&self, caller: &Caller) -> Result<Option<&str>, ServiceError> {
        caller.may(&[Role::Support, Role::Inventory, Role::Admin, Role::Audit])?;
        Ok(self.core.settings.support.staff_account.as_deref())
    }

    /// Whether users may apply for the end of a device that they lost.
    pub fn takes_applications(&self, caller: &Caller) -> Result<bool, ServiceError> {
        caller.may(&[Role::Enroll, Role::Support])?;
        Ok(self.core.settings.support.applications)
    }

    /// The user's open unbind request, as it stands now: what their own page tells them of it.
    pub async fn open_unbind_request_of(
        &self,
        caller: &Caller,
        owner: &Owner,
    ) -> Result<Option<UnbindRequest>, ServiceError> {
        caller.may_for(&[Role::Enroll, Role::Support], owner)?;
        let core = &*self.core;
        let Some(open) = core.store.open_unbind_request(owner).await? else {
            return Ok(None);
        };
        let user = core.store.user(owner.clone()).await?;
        let open = standing(open, user.as_ref(), core.clock.now()?);
        Ok(open.state.is_open().then_some(open))
    }

    /// Applies for the end of the user's devices. A user has one open request or application, and makes few a day.
    pub async fn apply_for_unbinding(
        &self,
        caller: &Caller,
        wanted: &NewApplication,
    ) -> Result<UnbindRequest, ServiceError> {
        let owner = &wanted.owner;
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        if !core.settings.support.applications {
            return Err(ServiceError::RequestState {
                state: "not_taken",
                why: "the operator takes no applications: ask support, which opens unbind requests by itself".into(),
            });
        }
        is_sayable(wanted)?;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            let once = core.once(attempt.origin, Some(owner), now).await?;
            if let Some(created) = once.repeated() {
                return applied(core, owner, created).await;
            }
            let application = Application {
                evidence: match wanted.evidence.is_empty() {
                    true => Vec::new(),
                    false => checked(core, owner, &wanted.evidence, now)?,
                },
                reason: wanted.reason.clone(),
                applied_at: now,
            };
            let user = core.row(owner, now).await?;
            if user.devices.is_empty() {
                return Err(ServiceError::NoDevice);
            }
            is_the_only_one(core, &user, now).await?;
            let counted = format!("unbind_application/user/{}", user.id);
            let (counted, count) = once_more(core, &counted, (PER_DAY, UnixMs::DAY), now).await?;
            let request = UnbindRequest {
                id: core.new_id(now)?,
                owner: owner.clone(),
                version: 1,
                device: None,
                outcome: UnbindOutcome::Unbind,
                application: Some(application),
                evidence: Vec::new(),
                reason: String::new(),
                requested_by: None,
                requested_at: now,
                state: UnbindState::Applied,
                due_at: now.plus(APPLICATION_MS),
            };
            let event = told(&attempt, &user, (APPLY, "done"), &request, json!({})).await?;
            let marked = with_memo(user, |memo| memo.support.withdrawn_by_a_code(request.id));
            let writes = [touched(marked), Write::put(None, &request), Write::put(counted, &count)];
            let change = Change::of(event).with(writes).with(once.created(request.id));
            if let Some(done) = attempt.commit(change, request).await? {
                return Ok(done);
            }
        }
    }

    /// Vouches for an application: it is from now on the request of this person of support, on the evidence that they looked
    /// at, and waits for another's approval.
    pub async fn vouch_for_unbind_request(
        &self,
        caller: &Caller,
        id: Id,
        vouched: &NewVouching,
    ) -> Result<UnbindRequest, ServiceError> {
        caller.may(&[Role::Support])?;
        has_reason(&vouched.reason)?;
        let core = &*self.core;
        let owner = &find(core, caller, Role::Support, id).await?.owner;
        let requested_by = asks(caller, owner)?;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            let user = core.row(owner, now).await?;
            let old = standing(find(core, caller, Role::Support, id).await?, Some(&user), now);
            if old.state != UnbindState::Applied {
                return Err(not_now(&old));
            }
            let evidence = checked(core, owner, &vouched.evidence, now)?;
            are_new(core, &evidence).await?;
            if user.devices.is_empty() {
                return Err(ServiceError::NoDevice);
            }
            let Some(user) = handed_back(&attempt, user, None, &vouched.evidence).await? else {
                continue;
            };
            let request = UnbindRequest {
                evidence,
                reason: vouched.reason.clone(),
                requested_by: Some(requested_by.clone()),
                requested_at: now,
                due_at: now.plus(REQUEST_MS),
                ..old.become_state(UnbindState::Requested)
            };
            let event = told(&attempt, &user, (OPEN, "done"), &request, json!({})).await?;
            // The code of a token that was handed back is support's, and withdraws nothing.
            let marked = with_memo(user, |memo| memo.support.withdrawn_by_a_code(id));
            let writes = [touched(marked), Write::put(Some(request.version - 1), &request)];
            if let Some(done) = attempt.commit(Change::of(event).with(writes), request).await? {
                return Ok(done);
            }
        }
    }
}

/// What a repeat of the call is answered with.
async fn applied(core: &Core, owner: &Owner, created: &str) -> Result<UnbindRequest, ServiceError> {
    const NONE: ServiceError = ServiceError::NotFound("unbind request");
    let id = Id::try_parse(created).map_err(|_| NONE)?;
    let found = core.store.unbind_request(id).await?;
    let found = found.filter(|found| found.owner == *owner).ok_or(NONE)?;
    let user = core.store.user(owner.clone()).await?;
    Ok(standing(found, user.as_ref(), core.clock.now()?))
}

/// A page hands on what a person typed: it is bounded here, and no statement is among it.
fn is_sayable(wanted: &NewApplication) -> Result<(), ServiceError> {
    has_reason(&wanted.reason)?;
    let is_text = |text: &str, max: usize| (1..=max).contains(&text.len()) && !text.contains(char::is_control);
    if !is_text(&wanted.reason, REASON_MAX_BYTES) {
        let why = format!("it is 1 to {REASON_MAX_BYTES} bytes without control characters");
        return Err(invalid(Input::Reason, why));
    }
    let mut pieces = wanted.evidence.iter();
    if !pieces.all(|piece| is_text(&piece.reference, REFERENCE_MAX_BYTES)) {
        let why = format!("a reference is 1 to {REFERENCE_MAX_BYTES} bytes without control characters");
        return Err(invalid(Input::Evidence, why));
    }
    if wanted.evidence.iter().any(|piece| piece.statement.is_some()) {
        let why = "an application takes no statements: bring them to support".into();
        return Err(invalid(Input::Evidence, why));
    }
    Ok(())
}
