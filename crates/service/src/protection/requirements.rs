//! The protection that an account requires of its users.

use serde_json::{Value, json};
use store::{Change, Owner, ProtectionMethod, ProtectionSetting, Requirements, User, Write};

use verify::UnixMs;

use crate::{
    Approver, Caller, Core, Input, Role, Service, ServiceError,
    protection::{
        approval::{APPROVED, Approved, approved},
        in_force::unchanged,
        settings::is_main,
    },
};

/// What an account is to require of its users, all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRequirements {
    /// At login; nothing for `None`.
    pub login_protection: ProtectionMethod,
    /// Before a sensitive operation; nothing for `None`.
    pub operation_protection: ProtectionMethod,
    /// The external methods that may stand in for the main one.
    pub alternatives: Vec<String>,
}

impl Service {
    /// What this account requires: nothing, with every alternative, where it never required anything.
    pub async fn requirements(&self, caller: &Caller, account: &str) -> Result<Requirements, ServiceError> {
        let account = Owner::new(account, "").account;
        caller.may_in(&[Role::Admin], &account)?;
        let core = &*self.core;
        let found = core.store.requirements(&account).await?;
        Ok(found.unwrap_or_else(|| none_of(core, &account)))
    }

    /// Changes the requirements whose version is `expected`, by the key alone. They count from each user's next login and
    /// operation on.
    pub async fn set_requirements(
        &self,
        caller: &Caller,
        account: &str,
        expected: u64,
        wanted: &NewRequirements,
    ) -> Result<Requirements, ServiceError> {
        let account = Owner::new(account, "").account;
        caller.may_in(&[Role::Admin], &account)?;
        self.change_requirements(caller, (&account, expected), wanted, None)
            .await
    }

    /// The same by the code of an administrator of the account, for whom a key of users' own settings is enough.
    pub async fn set_requirements_by_administrator(
        &self,
        caller: &Caller,
        account: &str,
        expected: u64,
        wanted: &NewRequirements,
        approver: &Approver,
    ) -> Result<Requirements, ServiceError> {
        let account = Owner::new(account, "").account;
        caller.may_in(&[Role::Enroll, Role::Admin], &account)?;
        let _lock = self.core.lock_approver(&account, &approver.owner).await?;
        self.change_requirements(caller, (&account, expected), wanted, Some(approver))
            .await
    }

    async fn change_requirements(
        &self,
        caller: &Caller,
        (account, expected): (&str, u64),
        wanted: &NewRequirements,
        approver: Option<&Approver>,
    ) -> Result<Requirements, ServiceError> {
        let core = &*self.core;
        let alternatives = check(core, wanted)?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let found = core.store.requirements(account).await?;
            let read = found.as_ref().map(|found| found.version);
            let old = found.unwrap_or_else(|| none_of(core, account));
            if old.version != expected {
                return Err(ServiceError::PreconditionFailed);
            }
            let next = changed(&old, wanted, &alternatives, attempt.now);
            if next == old {
                return Ok(old);
            }
            let next = Requirements {
                version: expected + 1,
                ..next
            };
            let approval = match approver {
                None => None,
                Some(approver) => match approved(&attempt, approver, of_all(account)).await? {
                    None => continue,
                    approval => approval,
                },
            };
            let mut detail = json!({"account": account, "before": told(&old), "after": told(&next)});
            let mut entry = attempt.entry(ACTION, "done");
            if let Some(approval) = &approval {
                detail["approver"] = json!(approval.by);
                entry = entry.because(APPROVED);
            }
            let mut change =
                Change::of(core.event(&entry.detail(detail), attempt.now)?).with([Write::put(read, &next)]);
            if let Some(approval) = approval {
                change = change.and(approval.event).with(approval.writes);
            }
            if let Some(done) = attempt.commit(change, next).await? {
                return Ok(done);
            }
        }
    }
}

const ACTION: &str = "requirements.change";

fn of_all(account: &str) -> Approved<'_> {
    Approved {
        action: ACTION,
        account,
        user: None,
    }
}

/// The requirements as they become, at their old version.
fn changed(old: &Requirements, wanted: &NewRequirements, alternatives: &[String], now: UnixMs) -> Requirements {
    let changed = |old: &ProtectionSetting, method: &ProtectionMethod| match old.method == *method {
        true => old.clone(),
        false => ProtectionSetting::of(method.clone(), now),
    };
    Requirements {
        login_protection: changed(&old.login_protection, &wanted.login_protection),
        operation_protection: changed(&old.operation_protection, &wanted.operation_protection),
        alternatives: alternatives.to_vec(),
        ..old.clone()
    }
}

/// The alternatives in order, each once.
fn check(core: &Core, wanted: &NewRequirements) -> Result<Vec<String>, ServiceError> {
    is_main(&core.settings, Input::LoginProtection, &wanted.login_protection)?;
    is_main(&core.settings, Input::OperationProtection, &wanted.operation_protection)?;
    let is_alternative = |name: &&String| {
        let method = core.settings.external_method(name);
        method.is_some_and(|method| method.is_alternative)
    };
    if !wanted.alternatives.iter().all(|name| is_alternative(&name)) {
        let why = format!("those that there are: {}", core.settings.alternatives().join(", "));
        let input = Input::Alternatives;
        return Err(ServiceError::Invalid { input, why });
    }
    let mut alternatives = wanted.alternatives.clone();
    alternatives.sort_unstable();
    alternatives.dedup();
    Ok(alternatives)
}

fn none_of(core: &Core, account: &str) -> Requirements {
    Requirements::none(account, core.settings.alternatives())
}

/// What the trail says of requirements.
fn told(requirements: &Requirements) -> Value {
    json!({
        "login_protection": requirements.login_protection.method,
        "operation_protection": requirements.operation_protection.method,
        "alternatives": requirements.alternatives,
    })
}

impl Core {
    /// Refuses to take the last device from a user whose account requires one, and gives the condition under which that
    /// stays allowed.
    pub(crate) async fn may_lose_a_device(&self, user: &User) -> Result<Write, ServiceError> {
        let owner = &user.owner;
        let requirements = self.store.requirements(&owner.account).await?;
        let requires_one = requirements.as_ref().is_some_and(|required| {
            let methods = [&required.login_protection, &required.operation_protection];
            methods.iter().any(|setting| setting.method == ProtectionMethod::Mfa)
        });
        if requires_one && user.devices.len() == 1 {
            return Err(ServiceError::RequiredByAccount);
        }
        Ok(unchanged(owner, requirements.as_ref()))
    }
}
