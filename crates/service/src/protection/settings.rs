//! Changing a user's settings of protection: what weakens them takes a fresh factor (U5).

use std::ops::RangeInclusive;

use serde_json::{Value, json};
use store::{Change, Owner, Protection, ProtectionMethod, ProtectionSetting, ProvenMethods, User, Write, audit};
use verify::UnixMs;

use crate::{
    Caller, Factor, Input, ProtectionView, Role, Service, ServiceError, Settings,
    attempt::Attempt,
    devices::{
        factor::{ConsumedFactor, paid_by},
        factors::{Factors, touched},
    },
    protection::{
        factors_that_do::FactorsThatDo,
        in_force::{Standing, unchanged},
        register::OwnMethods,
        user_limit::counts,
    },
};

const ACTION: &str = "protection.change";
/// The idle time that a session may have, in minutes (P6).
const IDLE_MINUTES: RangeInclusive<u16> = 15..=720;
/// The whole time that a session may have, in hours (P6).
const TOTAL_HOURS: RangeInclusive<u16> = 1..=48;

/// The settings that a user's protection is to have, all of them.
pub struct ProtectionChange {
    /// Asked at login.
    pub login_protection: ProtectionMethod,
    /// Asked before a sensitive operation.
    pub operation_protection: ProtectionMethod,
    /// Asked at an unusual or risky login.
    pub suspicious_login_protection: ProtectionMethod,
    /// A browser may be trusted after a check.
    pub allow_trusted_devices: bool,
    /// The idle time that ends a session, 15 to 720 minutes.
    pub session_idle_minutes: u16,
    /// The time that ends a session, 1 to 48 hours.
    pub session_total_hours: u16,
    /// A fresh factor of the user. It is judged and burned only where the change weakens something.
    pub factor: Option<Factor>,
}

impl Service {
    /// Changes the settings whose version is `expected`. Taking protection away needs a fresh factor where a device is bound;
    /// adding to it needs none. It counts from the next login and the next operation on.
    pub async fn set_protection(
        &self,
        caller: &Caller,
        owner: &Owner,
        expected: u64,
        wanted: &ProtectionChange,
    ) -> Result<ProtectionView, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        check(&core.settings, wanted)?;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let factors = core.factors(owner, attempt.now).await?;
            let requirements = core.store.requirements(&owner.account).await?;
            // It changes with the user's row alone.
            let register = core.store.proven_methods(owner.clone()).await?;
            let guard = unchanged(owner, requirements.as_ref());
            let old = Standing {
                own: factors.settings(),
                requirements,
            };
            if old.own.version != expected {
                return Err(ServiceError::PreconditionFailed);
            }
            let has_device = !factors.user.devices.is_empty();
            let mut next = Standing {
                own: wanted.on(&old.own, attempt.now),
                requirements: old.requirements.clone(),
            };
            if !has_device && next.own.asks_for_mfa() {
                return Err(ServiceError::NoDevice);
            }
            all_proven(&old.own, &next.own, register.as_ref())?;
            let methods = OwnMethods::of(core, has_device, register.as_ref(), old.requirements.as_ref());
            let Some(write) = factors.become_protected(next.own.clone()) else {
                return Ok(old.view(&methods).known_by(&*core.cities));
            };
            // Who has nothing to be checked with has nothing to switch off: a number that was lost is no factor (P9).
            let is_unchecked = !methods.is_any() && !old.own.asks();
            let is_free = is_unchecked || !weakens(&old, &next);
            let spent = match (is_free, &wanted.factor) {
                (true, _) => None,
                (false, None) => {
                    let doing = FactorsThatDo::of(ACTION, has_device);
                    return Err(ServiceError::FactorRequired(doing.meaning(row_of(&old.own, &next.own))));
                }
                (false, Some(factor)) => {
                    let spent = paid_by(&attempt, &factors.user, None, factor, ACTION).await;
                    match spent.map_err(|error| error.meaning(row_of(&old.own, &next.own)))? {
                        None => continue,
                        spent => spent,
                    }
                }
            };
            let trusts = match old.own.allow_trusted_devices && !wanted.allow_trusted_devices {
                true => Some(core.end_trusted_devices(&factors.user).await?),
                false => None,
            };
            let was = counts(&factors.user, factors.protection.as_ref());
            let is = counts(&factors.user, Some(&next.own));
            let (counted, _turn) = core.counted(owner, (was, is)).await?;
            let event = changed(&attempt, &factors.user, (&old.own, &next.own), spent.as_ref()).await?;
            let change = Change::of(event).with([write, guard]).with(trusts).with(counted);
            let change = change.with(burned(factors, spent));
            next.own.version += 1;
            if let Some(view) = attempt.commit(change, next.view(&methods)).await? {
                return Ok(view.known_by(&*core.cities));
            }
        }
    }
}

/// The row of the catalogue that this change is: the one of suspicious logins where nothing else changes.
fn row_of(old: &Protection, next: &Protection) -> &'static str {
    let is_suspicion_alone = Protection {
        suspicious_login_protection: next.suspicious_login_protection.clone(),
        ..old.clone()
    } == *next;
    match is_suspicion_alone {
        true => "accounts/remote-login-security-settings",
        false => "accounts/set-user-s-login-protection-and-sensitive-operation-verification-methods",
    }
}

/// Refuses a setting that newly names an external method which nobody proved for this user: it would let nobody in.
fn all_proven(old: &Protection, next: &Protection, register: Option<&ProvenMethods>) -> Result<(), ServiceError> {
    let settings = [
        (&old.login_protection, &next.login_protection),
        (&old.operation_protection, &next.operation_protection),
        (&old.suspicious_login_protection, &next.suspicious_login_protection),
    ];
    let is_proven = |name: &str| register.is_some_and(|register| register.named(name).is_some());
    for (old, next) in settings {
        match &next.method {
            ProtectionMethod::External(name) if old.method != next.method && !is_proven(name) => {
                return Err(ServiceError::MethodNotProven(name.as_ref().to_owned()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The event of a change: what was, what is, and the factor that paid for it.
async fn changed(
    attempt: &Attempt<'_>,
    user: &User,
    (old, next): (&Protection, &Protection),
    spent: Option<&ConsumedFactor>,
) -> Result<audit::Event, ServiceError> {
    let entry = attempt.entry(ACTION, "done").of_user();
    let entry = entry.detail(json!({"before": told(old), "after": told(next)}));
    let entry = match spent {
        Some(spent) => entry.because(spent.name()),
        None => entry,
    };
    attempt.event_of(user, &entry).await
}

/// The user's row, on whose revision the change depends, and the recovery codes where one of them paid.
fn burned(factors: Factors, spent: Option<ConsumedFactor>) -> Vec<Write> {
    let (user, recovery) = match spent {
        Some(spent) => (spent.user, spent.recovery),
        None => (factors.user, None),
    };
    let recovery = recovery.map(|(expected, next)| Write::put(Some(expected), &next));
    [touched(user)].into_iter().chain(recovery).collect()
}

impl ProtectionChange {
    /// What these settings become; what stays as it was keeps its time.
    fn on(&self, old: &Protection, now: UnixMs) -> Protection {
        let changed = |old: &ProtectionSetting, method: &ProtectionMethod| {
            if old.method == *method {
                old.clone()
            } else {
                ProtectionSetting::of(method.clone(), now)
            }
        };
        Protection {
            owner: old.owner.clone(),
            version: old.version,
            login_protection: changed(&old.login_protection, &self.login_protection),
            operation_protection: changed(&old.operation_protection, &self.operation_protection),
            suspicious_login_protection: changed(&old.suspicious_login_protection, &self.suspicious_login_protection),
            allow_trusted_devices: self.allow_trusted_devices,
            session_idle_minutes: self.session_idle_minutes,
            session_total_hours: self.session_total_hours,
        }
    }
}

/// Whether less is asked than before: by the user's own choice, or by what is in force beside what their account requires.
fn weakens(old: &Standing, next: &Standing) -> bool {
    let (own, wanted) = (&old.own, &next.own);
    [
        (&own.login_protection, &wanted.login_protection),
        (&own.operation_protection, &wanted.operation_protection),
        (&own.suspicious_login_protection, &wanted.suspicious_login_protection),
        (old.login().0, next.login().0),
        (old.operation().0, next.operation().0),
    ]
    .into_iter()
    .any(|(old, next)| is_weaker(&old.method, &next.method))
        || wanted.allow_trusted_devices && !own.allow_trusted_devices
        || wanted.session_idle_minutes > own.session_idle_minutes
        || wanted.session_total_hours > own.session_total_hours
}

/// One external method in place of another takes one away, too.
fn is_weaker(old: &ProtectionMethod, next: &ProtectionMethod) -> bool {
    old != next && *old != ProtectionMethod::None && *next != ProtectionMethod::Mfa
}

fn check(settings: &Settings, wanted: &ProtectionChange) -> Result<(), ServiceError> {
    for (input, method) in [
        (Input::LoginProtection, &wanted.login_protection),
        (Input::OperationProtection, &wanted.operation_protection),
        (Input::SuspiciousLoginProtection, &wanted.suspicious_login_protection),
    ] {
        is_main(settings, input, method)?;
    }
    let within = |input, range: RangeInclusive<u16>, value| match range.contains(&value) {
        true => Ok(()),
        false => {
            let why = format!("it is {} to {}", range.start(), range.end());
            Err(ServiceError::Invalid { input, why })
        }
    };
    within(Input::SessionIdleMinutes, IDLE_MINUTES, wanted.session_idle_minutes)?;
    within(Input::SessionTotalHours, TOTAL_HOURS, wanted.session_total_hours)
}

/// Refuses what is not among the operator's methods, or only stands in for others (P1).
pub(crate) fn is_main(settings: &Settings, input: Input, method: &ProtectionMethod) -> Result<(), ServiceError> {
    let ProtectionMethod::External(name) = method else {
        return Ok(());
    };
    let why = match settings.external_method(name) {
        Some(method) if method.is_main => return Ok(()),
        Some(_) => "it is an alternative to another method, and no main one",
        None => "the operator has no such method",
    };
    let main = settings.external_methods.iter().filter(|method| method.is_main);
    let main = main.map(|method| &*method.name);
    let known: Vec<&str> = ["none", "mfa"].into_iter().chain(main).collect();
    let why = format!("{why}: it is one of {}", known.join(", "));
    Err(ServiceError::Invalid { input, why })
}

/// What the trail says of settings.
pub(crate) fn told(settings: &Protection) -> Value {
    json!({
        "login_protection": settings.login_protection.method,
        "operation_protection": settings.operation_protection.method,
        "suspicious_login_protection": settings.suspicious_login_protection.method,
        "allow_trusted_devices": settings.allow_trusted_devices,
        "session_idle_minutes": settings.session_idle_minutes,
        "session_total_hours": settings.session_total_hours,
    })
}
