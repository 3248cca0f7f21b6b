//! Registering a method that the caller proved for a user, or proved anew.

use serde_json::json;
use store::{Change, Owner, ProvenMethod, ProvenMethods, RecoveryCodes, User, Write, audit};
use verify::UnixMs;

use crate::{
    Caller, Core, Factor, Input, MethodView, Role, Service, ServiceError,
    attempt::Attempt,
    devices::{
        ending::without_grants,
        factor::{ConsumedFactor, not_frozen, paid_by},
        factors::touched,
    },
    protection::{
        factors_that_do::FactorsThatDo,
        in_force::unchanged,
        register::{OwnMethods, check_identity, written},
    },
};

const ACTION: &str = "method.prove";

/// A method that the caller proved for a user.
pub struct NewProvenMethod {
    /// What the method reaches them by: opaque, and the same text in every report.
    pub identity: String,
    /// When that was proven.
    pub verified_at: UnixMs,
    /// A fresh factor of the user. It is judged and burned only where the identity is another one: beside a device, in the
    /// place of what was proven before, or beside that where something is protected.
    pub factor: Option<Factor>,
}

impl Service {
    /// Registers a method, in place of the one of its name. What was proven may be of long ago, but what takes another's place
    /// is proven now. Where a device is bound, another way in needs a fresh factor (U5); where none is, what takes another's place, or comes
    /// beside what protects, needs an identity grant by a method of before. The same identity, proven again, needs neither.
    /// With an identity that gives way every grant and all trust in browsers of before end.
    pub async fn prove_method(
        &self,
        caller: &Caller,
        owner: &Owner,
        name: &str,
        wanted: &NewProvenMethod,
    ) -> Result<MethodView, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        check_identity(&wanted.identity)?;
        if core.settings.external_method(name).is_none() {
            return Err(core.settings.unknown_method());
        }
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let user = core.row(owner, attempt.now).await?;
            not_frozen(&user, attempt.now)?;
            let register = core.register(owner).await?;
            let old = register.named(name);
            let is_same = match old {
                Some(old) => core.is_identity(owner, old, &wanted.identity)?,
                None => false,
            };
            let standing = core.standing(owner).await?;
            let guard = unchanged(owner, standing.requirements.as_ref());
            // Beside no device the caller's word brings along what was proven elsewhere; what is there, or protects, is changed
            // by a check: another method beside it would give the grant that switches it off.
            let can_answer = OwnMethods::of(core, false, Some(&register), None).is_any();
            let is_held = can_answer && (old.is_some() || standing.asks());
            let is_free = user.devices.is_empty() && !is_held;
            // What protects is proven now, too, though nothing of before is left to give way: a number that was taken away and
            // put back is another.
            let is_held_now = !is_same && (old.is_some() || standing.asks());
            check_time(core, wanted.verified_at, is_held_now, attempt.now)?;
            if let Some(old) = old.filter(|old| is_same && old.verified_at >= wanted.verified_at) {
                return core.shown_method(owner, old);
            }
            let spent = match &wanted.factor {
                _ if is_same || is_free => None,
                None => {
                    let doing = FactorsThatDo::of(ACTION, !user.devices.is_empty());
                    return Err(ServiceError::FactorRequired(doing.meaning(row_of(name))));
                }
                Some(factor) => {
                    let spent = paid_by(&attempt, &user, None, factor, ACTION).await;
                    match spent.map_err(|error| error.meaning(row_of(name)))? {
                        None => continue,
                        spent => spent,
                    }
                }
            };
            let next = ProvenMethod {
                name: name.to_owned(),
                identity: core.sealed_identity(owner, name, &wanted.identity)?,
                verified_at: wanted.verified_at,
                last_used_at: old.filter(|_| is_same).and_then(|old| old.last_used_at),
            };
            let is_replaced = old.is_some() && !is_same;
            let event = proven(&attempt, &user, &next, is_replaced, spent.as_ref()).await?;
            let shown = core.shown_method(owner, &next)?;
            // Whoever has what reached them before may have been at work.
            let trusts = match is_replaced {
                true => Some(core.end_trusted_devices(&user).await?),
                false => None,
            };
            let (row, recovery) = spent.map_or((user, None), |spent| (spent.user, spent.recovery));
            let row = match is_replaced {
                true => without_grants(row, attempt.now),
                false => row,
            };
            let change = Change::of(event).with(writes(row, recovery, register.with(next)));
            let change = change.with([guard]).with(trusts);
            if let Some(shown) = attempt.commit(change, shown).await? {
                return Ok(shown);
            }
        }
    }
}

/// The row of the catalogue that registering this method is.
fn row_of(method: &str) -> &'static str {
    match method {
        "sms" => "accounts/modifying-user-mobile-number",
        "email" => "accounts/modifying-user-email-address",
        "wechat" => "accounts/binding-wechat",
        "qq" => "accounts/binding-qq",
        _ => "accounts/account-link-secondary-confirmation",
    }
}

/// The event of a method that is registered, and the factor that paid for it.
async fn proven(
    attempt: &Attempt<'_>,
    user: &User,
    next: &ProvenMethod,
    is_replaced: bool,
    spent: Option<&ConsumedFactor>,
) -> Result<audit::Event, ServiceError> {
    let detail = json!({"method": next.name, "verified_at": next.verified_at.get(), "replaced": is_replaced});
    let entry = attempt.entry(ACTION, "done").of_user().detail(detail);
    let entry = match spent {
        Some(spent) => entry.because(spent.name()),
        None => entry,
    };
    attempt.event_of(user, &entry).await
}

/// The row, on whose revision the register stands, the register, and the recovery codes where one of them paid.
fn writes(row: User, recovery: Option<(u64, RecoveryCodes)>, register: ProvenMethods) -> Vec<Write> {
    let recovery = recovery.map(|(expected, next)| Write::put(Some(expected), &next));
    [touched(row), written(register)].into_iter().chain(recovery).collect()
}

/// A proof is not of the future; and of now, where it takes the place of another.
fn check_time(core: &Core, verified_at: UnixMs, is_replaced: bool, now: UnixMs) -> Result<(), ServiceError> {
    let age_ms = now.since(verified_at);
    let proof_ms = core.settings.identity_proof_ms;
    let why = match () {
        () if age_ms < -UnixMs::MINUTE => "it is in the future: check the caller's clock".to_owned(),
        () if verified_at.get() < 0 => "it is before 1970".to_owned(),
        () if is_replaced && age_ms > proof_ms => format!(
            "what takes the place of another identity was proven within the last {} minutes: prove it again",
            proof_ms / UnixMs::MINUTE
        ),
        () => return Ok(()),
    };
    let input = Input::VerifiedAt;
    Err(ServiceError::Invalid { input, why })
}
