//! Taking a method from a user: because they want it, or because its number went to somebody else (P7, P9).

use serde_json::json;
use store::{Change, Owner, ProtectionMethod, ProtectionSetting, ProvenMethods, User, Write};
use verify::UnixMs;

use crate::{
    Caller, InForceGround, ProtectionName, ProtectionView, Role, Service, ServiceError,
    devices::factors::{Factors, touched},
    protection::{
        in_force::{InForceProtection, Standing, unchanged},
        method_uses::served_by,
        register::{OwnMethods, written},
        session::ending::ended as ended_session,
    },
    verification::memo::Memo,
};

/// What became of a protection whose method ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedMethod {
    /// The protection.
    pub protection: ProtectionName,
    /// How it is in force now.
    pub in_force: InForceProtection,
}

impl Service {
    /// Takes a method from a user. One that serves a protection stays, unless what it reached them by is somebody else's now:
    /// then it ends, with every grant, session and all trust in browsers of before. No protection goes off by that: where a device is bound, its codes are asked
    /// for instead; else the protection goes on asking, and what is left answers, or nobody until the method is proven anew.
    pub async fn end_method(
        &self,
        caller: &Caller,
        owner: &Owner,
        name: &str,
        is_reassigned: bool,
    ) -> Result<Vec<EndedMethod>, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let factors = core.factors(owner, attempt.now).await?;
            let requirements = core.store.requirements(&owner.account).await?;
            let guard = unchanged(owner, requirements.as_ref());
            let register = core.register(owner).await?;
            if register.named(name).is_none() {
                return Err(match core.settings.external_method(name) {
                    Some(_) => ServiceError::NotRegistered(name.to_owned()),
                    None => core.settings.unknown_method(),
                });
            }
            let register = register.without(name);
            let own = factors.settings();
            let old = Standing { own, requirements };
            let served = served_by(&old, name);
            if !served.is_empty() && !is_reassigned {
                return Err(ServiceError::MethodInUse(
                    served.into_iter().map(ProtectionName::name).collect(),
                ));
            }
            let has_device = !factors.user.devices.is_empty();
            let methods = OwnMethods::of(core, has_device, Some(&register), old.requirements.as_ref());
            let next = if has_device {
                by_mfa(old, name, attempt.now)
            } else {
                old
            };
            let settings = factors.become_protected(next.own.clone());
            let ended = became(&next.view(&methods), &served);
            let told = ended
                .iter()
                .map(|one| json!({"protection": one.protection.name(), "method": one.in_force.method}));
            let detail = json!({"method": name, "reassigned": is_reassigned, "ended": told.collect::<Vec<_>>()});
            let entry = attempt.entry("method.end", "done").of_user().detail(detail);
            let event = attempt.event_of(&factors.user, &entry).await?;
            // Whoever has the number now may have been at work.
            let trusts = match is_reassigned {
                true => Some(core.end_trusted_devices(&factors.user).await?),
                false => None,
            };
            let sessions = match is_reassigned {
                true => core.sessions_of(owner).await?,
                false => Vec::new(),
            };
            let change = Change::of(event).with(sessions.iter().map(ended_session));
            let change = change.with(writes(factors, register, is_reassigned.then_some(attempt.now)));
            let change = change.with(settings.into_iter().chain([guard])).with(trusts);
            if attempt.commit_ending(change, owner, &sessions).await? {
                return Ok(ended);
            }
        }
    }
}

/// The row without its grants from that time on, where they end, and the register.
fn writes(factors: Factors, register: ProvenMethods, grants_end: Option<UnixMs>) -> [Write; 2] {
    let user = factors.user;
    let user = match grants_end {
        Some(now) => {
            let mut memo = Memo::read(&user.memo);
            memo.grants.revoke_all(now);
            let memo = memo.write();
            User { memo, ..user }
        }
        None => user,
    };
    [touched(user), written(register)]
}

/// The user's own settings, with codes asked for wherever they named this method.
fn by_mfa(standing: Standing, name: &str, now: UnixMs) -> Standing {
    let Standing { mut own, requirements } = standing;
    for setting in [
        &mut own.login_protection,
        &mut own.operation_protection,
        &mut own.suspicious_login_protection,
    ] {
        if matches!(&setting.method, ProtectionMethod::External(of) if **of == *name) {
            *setting = ProtectionSetting::of(ProtectionMethod::Mfa, now);
        }
    }
    Standing { own, requirements }
}

fn became(view: &ProtectionView, served: &[ProtectionName]) -> Vec<EndedMethod> {
    let in_force = |protection| match protection {
        ProtectionName::Login => &view.login_protection,
        ProtectionName::Operation => &view.operation_protection,
        ProtectionName::SuspiciousLogin => &view.suspicious_login_protection,
    };
    let became = served.iter().map(|&protection| EndedMethod {
        protection,
        in_force: in_force(protection).clone(),
    });
    became.collect()
}

impl EndedMethod {
    /// Nothing answers there any more.
    pub fn is_stuck(&self) -> bool {
        self.in_force.ground == InForceGround::NoMethod
    }
}
