//! Temporary passcodes (U3): one person of support requests one, another approves, the first is shown it, once. It opens one
//! login of a user who lost their device, and changes nothing.

use otp::Secret;
use serde_json::json;
use store::{Change, Fingerprint, Id, Owner, Passcode, PasscodeState, Write};
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{
    Approver, Caller, Core, Input, Role, Service, ServiceError,
    access::{
        four_eyes::{SUPPORT_APPROVE, approved_by, approves, asks, living_key},
        idempotency::already_created,
    },
    attempt::Attempt,
    devices::factors::touched,
    protection::approval::burned,
};

/// The life of a request: to be approved and shown in.
const REQUEST_MS: i64 = UnixMs::DAY;
/// The life of a passcode, from when it is shown.
const PASSCODE_MS: i64 = 10 * UnixMs::MINUTE;
/// Requests that are read at once.
const PAGE: u32 = 100;
/// Its digits.
const DIGITS: usize = 8;
/// Wrong passcodes that end it.
pub(crate) const WRONG_MAX: u32 = 5;
/// The purpose of its keyed hash.
const PURPOSE: &str = "passcode";

/// A passcode that is asked for.
pub struct NewPasscode {
    /// The user who is to be let in.
    pub owner: Owner,
    /// Why, in support's words.
    pub reason: String,
}

/// A passcode, as whoever asked for it is shown it, once.
pub struct IssuedPasscode {
    /// Eight digits.
    pub passcode: Zeroizing<String>,
    /// When it ends by itself.
    pub expires_at: UnixMs,
}

impl Service {
    /// Asks for a passcode; it ends one that was asked for before.
    pub async fn request_passcode(&self, caller: &Caller, wanted: &NewPasscode) -> Result<Passcode, ServiceError> {
        let NewPasscode { owner, reason } = wanted;
        caller.may_for(&[Role::Support], owner)?;
        let requested_by = asks(caller, owner)?;
        let core = &*self.core;
        if reason.trim().is_empty() {
            return Err(ServiceError::Invalid {
                input: Input::Reason,
                why: "it says why this user is to be let in, for whoever approves".into(),
            });
        }
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            let once = core.once(attempt.origin, Some(owner), now).await?;
            if let Some(created) = once.repeated() {
                let id = Id::try_parse(created).map_err(|_| ServiceError::NotFound("passcode"))?;
                return find(core, caller, id).await;
            }
            let passcode = Passcode {
                id: core.new_id(now)?,
                owner: owner.clone(),
                version: 1,
                reason: reason.clone(),
                requested_by: requested_by.clone(),
                requested_at: now,
                expires_at: now.plus(REQUEST_MS),
                state: PasscodeState::Requested,
            };
            let older = core.store.open_passcodes(owner).await?;
            let ended = older.into_iter().map(|older| written(older, PasscodeState::Ended));
            let row = core.row(owner, now).await?;
            let event = told(&attempt, "passcode.request", &passcode).await?;
            // Its row is there when it is answered, whatever the user has besides.
            let change = Change::of(event).with([Write::put(None, &passcode), touched(row)]);
            let change = change.with(ended).with(once.created(passcode.id));
            if let Some(done) = attempt.commit(change, passcode).await? {
                return Ok(done);
            }
        }
    }

    /// A passcode's request, to be read before it is approved.
    pub async fn passcode(&self, caller: &Caller, id: Id) -> Result<Passcode, ServiceError> {
        caller.may(&[Role::Support])?;
        find(&self.core, caller, id).await
    }

    /// Up to `limit` requests that live and are in this state, of users whom the caller reaches, in the order of their names
    /// beyond that of this request; the one to go on beyond, where there may be more.
    pub async fn passcodes(
        &self,
        caller: &Caller,
        state: &str,
        after: Option<Id>,
        limit: u32,
    ) -> Result<(Vec<Passcode>, Option<Id>), ServiceError> {
        caller.may(&[Role::Support])?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let after = match after {
            Some(id) => Some(find(core, caller, id).await?.owner),
            None => None,
        };
        let is_wanted = |passcode: &Passcode| {
            let is_reached = caller.may_for(&[Role::Support], &passcode.owner).is_ok();
            is_reached && passcode.is_living(now) && passcode.state.name() == state
        };
        let (mut found, mut after) = (Vec::new(), after);
        // Others' requests tell nothing, be it that there are some.
        loop {
            let page = core.store.all_open_passcodes(after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            after = page.last().map(|last| last.owner.clone());
            found.extend(page.into_iter().filter(is_wanted));
            if is_last || found.len() > limit as usize {
                break;
            }
        }
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| has_more).map(|last| last.id);
        Ok((found, next))
    }

    /// The requests of a user that live, shown or not: a second person finds here what there is to approve.
    pub async fn open_passcodes_of(&self, caller: &Caller, owner: &Owner) -> Result<Vec<Passcode>, ServiceError> {
        caller.may_for(&[Role::Support], owner)?;
        let now = self.core.clock.now()?;
        let mut open = self.core.store.open_passcodes(owner).await?;
        open.retain(|passcode| passcode.is_living(now));
        Ok(open)
    }

    /// The second pair of eyes: another person, with a key that is bound to them and a code of their own.
    pub async fn approve_passcode(
        &self,
        caller: &Caller,
        id: Id,
        approver: &Approver,
    ) -> Result<Passcode, ServiceError> {
        caller.may(&[Role::Support])?;
        let core = &*self.core;
        let _lock = core.lock_user(&approver.owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let old = living(find(core, caller, id).await?, attempt.now)?;
            let by = approves(caller, &old.requested_by, &old.owner, approver, attempt.now)?;
            let asked_with = living_key(core, &old.requested_by).await?;
            let state = old.state.clone().approved(by);
            let state = state.ok_or_else(|| ended(&old, "ask for a new one"))?;
            let Some(spent) = approved_by(&attempt, approver, "passcode.approve").await? else {
                continue;
            };
            let because = spent.name();
            let next = old.become_state(state);
            let entry = attempt.entry(SUPPORT_APPROVE, "done").of_user().because(because);
            let entry = entry.detail(json!({"passcode": id}));
            let events = [
                told(&attempt, "passcode.approve", &next).await?,
                attempt.event_of(&spent.user, &entry).await?,
            ];
            let write = Write::put(Some(next.version - 1), &next);
            let change =
                Change::of_all(events.into()).map(|change| change.with([write, asked_with]).with(burned(spent)));
            let change = change.ok_or_else(|| ServiceError::Internal("an approval without its event".into()))?;
            if let Some(done) = attempt.commit(change, next).await? {
                return Ok(done);
            }
        }
    }

    /// The passcode, for whoever asked for it, once another has approved. A second time there is none.
    pub async fn reveal_passcode(&self, caller: &Caller, id: Id) -> Result<IssuedPasscode, ServiceError> {
        caller.may(&[Role::Support])?;
        let by = caller.person()?;
        let core = &*self.core;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            let old = living(find(core, caller, id).await?, now)?;
            if old.requested_by != by {
                let why = "it is shown to whoever asked for it, with the key and as the actor they asked with";
                return Err(ServiceError::Forbidden(why.into()));
            }
            let passcode = digits(core)?;
            let key_id = core.sealer.current_mac_key();
            let fingerprint = Fingerprint {
                mac: mac(core, key_id, &old, &passcode)?,
                key_id,
            };
            let Some(state) = old.state.clone().issued(fingerprint) else {
                return Err(match old.state {
                    PasscodeState::Requested => ended(&old, "another person approves first"),
                    PasscodeState::Issued { .. } => already_created(&id.to_string()),
                    _ => ended(&old, "ask for a new one"),
                });
            };
            let next = Passcode {
                expires_at: now.plus(PASSCODE_MS),
                ..old.become_state(state)
            };
            let event = told(&attempt, "passcode.issue", &next).await?;
            let expires_at = next.expires_at;
            let change = Change::of(event).with([Write::put(Some(next.version - 1), &next)]);
            let issued = IssuedPasscode { passcode, expires_at };
            if let Some(done) = attempt.commit(change, issued).await? {
                return Ok(done);
            }
        }
    }
}

impl Core {
    /// Whether a passcode waits for this user, that was shown and lives.
    pub(crate) async fn has_passcode(&self, owner: &Owner, now: UnixMs) -> Result<bool, ServiceError> {
        let open = self.store.open_passcodes(owner).await?;
        let is_issued = |passcode: &Passcode| matches!(passcode.state, PasscodeState::Issued { .. });
        Ok(open
            .iter()
            .any(|passcode| is_issued(passcode) && passcode.is_living(now)))
    }
}

/// The write of an open one in another state.
pub(crate) fn written(old: Passcode, state: PasscodeState) -> Write {
    let expected = old.version;
    Write::put(Some(expected), &old.become_state(state))
}

/// The keyed hash of a passcode of this request.
pub(crate) fn mac(core: &Core, mac_key: u32, of: &Passcode, passcode: &str) -> Result<[u8; 32], ServiceError> {
    let mut data = Zeroizing::new(Vec::with_capacity(16 + DIGITS));
    data.extend(of.id.as_bytes());
    data.extend(passcode.as_bytes());
    Ok(core.sealer.mac(mac_key, PURPOSE, &data)?)
}

/// Eight digits, each as likely as any other.
fn digits(core: &Core) -> Result<Zeroizing<String>, ServiceError> {
    const ALL: u64 = 10_u64.pow(DIGITS as u32);
    let random = Secret::try_fill_with(16, |bytes| core.entropy.fill(bytes))
        .map_err(|error| ServiceError::Internal(error.to_string()))??;
    // Of 64 bits the last incomplete range of hundred millions is left out: the halves are two chances, and it is never met.
    let halves = random.expose_secret().chunks_exact(8);
    let numbers = halves.filter_map(|half| Some(u64::from_be_bytes(half.try_into().ok()?)));
    let number = numbers.into_iter().find(|number| *number < u64::MAX - u64::MAX % ALL);
    let number = number.ok_or_else(|| ServiceError::Internal("no randomness".into()))?;
    Ok(Zeroizing::new(format!("{:08}", number % ALL)))
}

/// One of a user whom the caller reaches; others' are not there.
async fn find(core: &Core, caller: &Caller, id: Id) -> Result<Passcode, ServiceError> {
    let found = core.store.passcode(id).await?;
    let found = found.filter(|found| caller.may_for(&[Role::Support], &found.owner).is_ok());
    found.ok_or(ServiceError::NotFound("passcode"))
}

fn living(passcode: Passcode, now: UnixMs) -> Result<Passcode, ServiceError> {
    if passcode.is_living(now) {
        return Ok(passcode);
    }
    Err(match passcode.state.is_open() {
        true => ServiceError::RequestState {
            state: "expired",
            why: "ask for a new one".into(),
        },
        false => ended(&passcode, "ask for a new one"),
    })
}

fn ended(passcode: &Passcode, why: &str) -> ServiceError {
    ServiceError::RequestState {
        state: passcode.state.name(),
        why: why.into(),
    }
}

async fn told(attempt: &Attempt<'_>, action: &'static str, of: &Passcode) -> Result<store::audit::Event, ServiceError> {
    let person = crate::access::four_eyes::shown;
    let approved_by = of.state.approver().map(person);
    let detail = json!({"passcode": of.id, "requested_by": person(&of.requested_by), "approved_by": approved_by});
    let entry = attempt.entry(action, "done").detail(detail);
    attempt.core.event_about(&of.owner, entry, attempt.now).await
}
