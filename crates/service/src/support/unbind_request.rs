//! Unbind requests (U2): one person of support opens one with evidence, another approves, the user is told and may object
//! while it cools down, and finishes it themself by the token that they were given.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use store::{
    Approval, Change, Evidence, Fingerprint, Id, Owner, Person, UnbindOutcome, UnbindRequest, UnbindState, User, Write,
    audit,
};
use subtle::ConstantTimeEq;
use verify::{Kind, UnixMs};
use zeroize::Zeroizing;

use crate::{
    Approver, Caller, Core, Factor, Input, Method, Role, Service, ServiceError,
    access::four_eyes::{SUPPORT_APPROVE, approved_by, approves, asks, is_another, living_key, shown},
    attempt::Attempt,
    devices::{
        factor::{ConsumedFactor, paid_by},
        factors::touched,
    },
    protection::{approval::burned, register::check_identity},
    support::{
        evidence::{NewEvidence, TOKEN_RETURNED, are_new, checked, cool_down_ms},
        housekeeping::moves_on,
    },
    verification::memo::{Memo, with_memo},
};

/// How long a request waits for another's approval.
pub(super) const REQUEST_MS: i64 = 3 * UnixMs::DAY;
/// How long the applicant's token lives, from when the request is in force.
pub(crate) const TOKEN_MS: i64 = UnixMs::DAY;
/// How long a request is kept that ended before support had vouched for it.
const KEPT_MS: i64 = 30 * UnixMs::DAY;
/// The purpose of its keyed hash.
const PURPOSE: &str = "applicant_token";
const PREFIX: &str = "ut_";

pub(super) const OPEN: &str = "unbind_request.open";
const APPROVE: &str = "unbind_request.approve";

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

/// An approved request, and the token by which the applicant finishes it, which is shown once.
pub struct ApprovedUnbinding {
    /// The request.
    pub request: UnbindRequest,
    /// To be handed to the applicant.
    pub applicant_token: Zeroizing<String>,
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
            let spent = match returned(&user, wanted.device, &wanted.evidence)? {
                Some((device, code)) => match paid_by(&attempt, &user, Some(device), &code, OPEN).await? {
                    None => continue,
                    spent => spent,
                },
                None => None,
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
            let row = touched(spent.map_or(user, |spent| spent.user));
            let change = Change::of(event).with([row, Write::put(None, &request)]);
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

    /// The second pair of eyes: another person, with a key that is bound to them and a code of their own. From now on it cools
    /// down, for as long as its evidence asks for.
    pub async fn approve_unbind_request(
        &self,
        caller: &Caller,
        id: Id,
        approver: &Approver,
    ) -> Result<ApprovedUnbinding, ServiceError> {
        caller.may(&[Role::Support])?;
        let core = &*self.core;
        let _lock = core.lock_user(&approver.owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            let old = find(core, caller, Role::Support, id).await?;
            let user = core.row(&old.owner, now).await?;
            let old = standing(old, Some(&user), now);
            let first = match (&old.state, &old.requested_by) {
                (UnbindState::Requested, Some(first)) => first,
                _ => return Err(not_now(&old)),
            };
            let by = approves(caller, first, &old.owner, approver, now)?;
            let asked_with = living_key(core, first).await?;
            let Some(spent) = approved_by(&attempt, approver, APPROVE).await? else {
                continue;
            };
            let (applicant_token, fingerprint) = token(core, id)?;
            let in_force_at = now.plus(cool_down_ms(core, &old, now));
            let approval = Approval {
                by,
                in_force_at,
                applicant_token: fingerprint,
            };
            let is_in_force = in_force_at <= now;
            let (state, due_at) = match is_in_force {
                true => (UnbindState::InForce(approval), in_force_at.plus(TOKEN_MS)),
                false => (UnbindState::Approved(approval), in_force_at),
            };
            let request = UnbindRequest {
                due_at,
                ..old.become_state(state)
            };
            let mut events = approval_events(&attempt, &user, &request, &spent).await?;
            if is_in_force {
                events.push(
                    told(
                        &attempt,
                        &user,
                        ("unbind_request.in_force", "done"),
                        &request,
                        json!({}),
                    )
                    .await?,
                );
            }
            let marked = with_memo(user, |memo| memo.support.withdrawn_by_a_code(id));
            let writes = [
                touched(marked),
                Write::put(Some(request.version - 1), &request),
                asked_with,
            ];
            let change = Change::of_all(events).map(|change| change.with(writes).with(burned(spent)));
            let change = change.ok_or_else(|| ServiceError::Internal("an approval without its event".into()))?;
            let approved = ApprovedUnbinding {
                request,
                applicant_token,
            };
            if let Some(done) = attempt.commit(change, approved).await? {
                return Ok(done);
            }
        }
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

/// The request in the state that it ends in. One that nobody vouched for is kept for a while, and no longer: anybody who has a
/// session of the user's can make more of them.
pub(crate) fn ended(request: UnbindRequest, state: UnbindState, now: UnixMs) -> UnbindRequest {
    let ended = request.become_state(state);
    match ended.was_never_vouched_for() {
        true => UnbindRequest {
            due_at: now.plus(KEPT_MS),
            ..ended
        },
        false => ended,
    }
}

/// Refuses where the user has an open request; one that is over, and was not written yet, is written first.
pub(super) async fn is_the_only_one(core: &Core, user: &User, now: UnixMs) -> Result<(), ServiceError> {
    let Some(open) = core.store.open_unbind_request(&user.owner).await? else {
        return Ok(());
    };
    let standing = standing(open.clone(), Some(user), now);
    if standing.state.is_open() {
        return Err(ServiceError::RequestState {
            state: standing.state.name(),
            why: format!("the user has this open one, {}: withdraw it first", standing.id),
        });
    }
    moves_on(core, open).await.map(drop)
}

/// Whether there is what the request is to end.
fn has_devices(user: &User, wanted: &NewUnbindRequest) -> Result<(), ServiceError> {
    match (wanted.device, &wanted.outcome) {
        (Some(device), _) if user.device(device).is_none() => Err(ServiceError::NotFound("bound device")),
        (None, NewOutcome::Unbind) if user.devices.is_empty() => Err(ServiceError::NoDevice),
        _ => Ok(()),
    }
}

/// The token that was handed back, and the code that it shows now.
pub(super) fn returned(
    user: &User,
    wanted: Option<Id>,
    evidence: &[NewEvidence],
) -> Result<Option<(Id, Factor)>, ServiceError> {
    let mut returned = evidence.iter().filter(|piece| piece.kind == TOKEN_RETURNED);
    let Some(statement) = returned.next().and_then(|piece| piece.statement.as_ref()) else {
        return Ok(None);
    };
    if returned.next().is_some() {
        return Err(invalid(Input::Evidence, "one token is handed back".into()));
    }
    let tokens = user.devices.iter().map(|bound| &bound.device);
    // Nothing else ends at once with it.
    let is_named = wanted.is_some() || user.devices.len() == 1;
    let mut tokens =
        tokens.filter(|device| is_named && device.kind == Kind::Hardware && wanted.is_none_or(|id| id == device.id));
    let (Some(token), None) = (tokens.next(), tokens.next()) else {
        let why = format!("{TOKEN_RETURNED} is of a bound hardware token, which `device_id` names");
        return Err(invalid(Input::Evidence, why));
    };
    let code = Factor::Code {
        code: statement.clone(),
        method: Method::Totp,
    };
    Ok(Some((token.id, code)))
}

/// The request as it stands: what time has done to it, and a right code of the device.
pub(crate) fn standing(request: UnbindRequest, user: Option<&User>, now: UnixMs) -> UnbindRequest {
    // One that was opened while the clock was ahead would be open until then.
    let is_of_the_future = now.since(request.requested_at) < -UnixMs::MINUTE;
    let marked = user.and_then(|user| Memo::read(&user.memo).support.unbinding());
    // What the user applied for is withdrawn by a right code from then on, what support opened from its approval.
    let is_marked = request.application.is_some() || request.state.approval().is_some();
    let state = match &request.state {
        state if !state.is_open() => return request,
        _ if is_of_the_future => UnbindState::Expired,
        UnbindState::Applied | UnbindState::Requested if request.due_at <= now => UnbindState::Expired,
        _ if is_marked && marked != Some(request.id) => UnbindState::Withdrawn,
        UnbindState::Approved(approval) | UnbindState::InForce(approval) => match now.since(approval.in_force_at) {
            TOKEN_MS.. => UnbindState::Expired,
            0.. => UnbindState::InForce(approval.clone()),
            _ => return request,
        },
        _ => return request,
    };
    UnbindRequest { state, ..request }
}

/// A request of a user whom the caller reaches; others' are not there.
pub(super) async fn find(core: &Core, caller: &Caller, role: Role, id: Id) -> Result<UnbindRequest, ServiceError> {
    let found = core.store.unbind_request(id).await?;
    let found = found.filter(|found| caller.may_for(&[role], &found.owner).is_ok());
    found.ok_or(ServiceError::NotFound("unbind request"))
}

/// The request that this token finishes, of a user whom the caller reaches.
pub(crate) async fn of_token(core: &Core, caller: &Caller, token: &str) -> Result<UnbindRequest, ServiceError> {
    const NONE: ServiceError = ServiceError::NotFound("approved unbind request that this token finishes");
    let parts = token
        .trim()
        .strip_prefix(PREFIX)
        .and_then(|token| token.split_once('_'));
    let (id, secret) = parts.ok_or(NONE)?;
    let id = Id::try_parse(id).map_err(|_| NONE)?;
    let request = find(core, caller, Role::Enroll, id)
        .await
        .map_err(|error| match error {
            ServiceError::NotFound(_) => NONE,
            error => error,
        })?;
    let Some(approval) = request.state.approval() else {
        return Err(NONE);
    };
    let known = approval.applicant_token;
    let given = mac(core, known.key_id, id, secret)?;
    match bool::from(given.ct_eq(&known.mac)) {
        true => Ok(request),
        false => Err(NONE),
    }
}

fn token(core: &Core, id: Id) -> Result<(Zeroizing<String>, Fingerprint), ServiceError> {
    let mut random = Zeroizing::new([0; 32]);
    core.entropy.fill(&mut *random)?;
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut secret = Zeroizing::new(String::with_capacity(64));
    HEXLOWER.encode_append(&*random, &mut secret);
    let key_id = core.sealer.current_mac_key();
    let mac = mac(core, key_id, id, &secret)?;
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 32 + 1 + 64));
    text.push_str(PREFIX);
    text.push_str(&id.simple().to_string());
    text.push('_');
    text.push_str(&secret);
    Ok((text, Fingerprint { mac, key_id }))
}

fn mac(core: &Core, mac_key: u32, id: Id, secret: &str) -> Result<[u8; 32], ServiceError> {
    let mut data = Zeroizing::new(Vec::with_capacity(16 + secret.len()));
    data.extend(id.as_bytes());
    data.extend(secret.as_bytes());
    Ok(core.sealer.mac(mac_key, PURPOSE, &data)?)
}

/// The refusal of what does not follow on this state.
pub(crate) fn not_now(request: &UnbindRequest) -> ServiceError {
    let why = match &request.state {
        UnbindState::Applied => "support looks at it, and opens it, first".into(),
        UnbindState::Requested => "another person approves first".into(),
        UnbindState::Approved(approval) => {
            let seconds = approval.in_force_at.get().div_euclid(UnixMs::SECOND);
            format!("it cools down until {seconds} (seconds since 1970): `in_force_at` says it")
        }
        UnbindState::InForce(_) => "the applicant finishes it by their token".into(),
        _ => "open a new one".into(),
    };
    ServiceError::RequestState {
        state: request.state.name(),
        why,
    }
}

/// The events of an approval: of the user whom it is for, and of the person who approved.
async fn approval_events(
    attempt: &Attempt<'_>,
    user: &User,
    request: &UnbindRequest,
    spent: &ConsumedFactor,
) -> Result<Vec<audit::Event>, ServiceError> {
    let entry = attempt.entry(SUPPORT_APPROVE, "done").of_user().because(spent.name());
    let entry = entry.detail(json!({"unbind_request": request.id}));
    Ok(vec![
        told(attempt, user, (APPROVE, "done"), request, json!({})).await?,
        attempt.event_of(&spent.user, &entry).await?,
    ])
}

/// An event of the request's user: what the notice says, and no reference, which is support's own.
pub(crate) async fn told(
    attempt: &Attempt<'_>,
    user: &User,
    (action, outcome): (&'static str, &'static str),
    request: &UnbindRequest,
    more: Value,
) -> Result<audit::Event, ServiceError> {
    let approval = request.state.approval();
    let evidence = |piece: &Evidence| json!({"kind": piece.kind, "checked_by": piece.checked_by});
    let person: fn(&Person) -> Value = shown;
    let seen = match (&request.state, &request.application) {
        (UnbindState::Applied, Some(application)) => &application.evidence,
        _ => &request.evidence,
    };
    let mut detail = json!({
        "unbind_request": request.id,
        "device": request.device,
        "switch_to": match &request.outcome {
            UnbindOutcome::SwitchTo { method, .. } => Some(method),
            UnbindOutcome::Unbind => None,
        },
        "evidence": seen.iter().map(evidence).collect::<Vec<_>>(),
        "opened_by": request.requested_by.as_ref().map(person),
        "approved_by": approval.map(|approval| person(&approval.by)),
        "in_force_at_ms": approval.map(|approval| approval.in_force_at.get()),
    });
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    let entry = attempt.entry(action, outcome).of_user().detail(detail);
    let entry = match request.device {
        Some(device) => entry.device(device),
        None => entry,
    };
    attempt.event_of(user, &entry).await
}

pub(super) fn invalid(input: Input, why: String) -> ServiceError {
    ServiceError::Invalid { input, why }
}
