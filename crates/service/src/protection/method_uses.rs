//! What a method of a user serves: the protections that ask for it (P7).

use store::{Owner, ProtectionMethod, ProtectionSetting};

use crate::{Caller, Role, Service, ServiceError, protection::in_force::Standing};

/// One of a user's three protections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProtectionName {
    /// At login.
    Login,
    /// Before a sensitive operation.
    Operation,
    /// At an unusual or risky login.
    SuspiciousLogin,
}

impl ProtectionName {
    /// The name on the wire and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login_protection",
            Self::Operation => "operation_protection",
            Self::SuspiciousLogin => "suspicious_login_protection",
        }
    }
}

/// What a method serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodUses {
    /// The protections that ask for it, by the user's choice or by their account's requirement.
    pub uses: Vec<ProtectionName>,
    /// It may be taken from the user.
    pub is_removable: bool,
}

/// The protections in force that ask for this external method.
pub(crate) fn served_by(standing: &Standing, name: &str) -> Vec<ProtectionName> {
    let in_force: [(ProtectionName, &ProtectionSetting); 3] = [
        (ProtectionName::Login, standing.login().0),
        (ProtectionName::Operation, standing.operation().0),
        (ProtectionName::SuspiciousLogin, standing.suspicious_login().0),
    ];
    let is_it =
        |setting: &ProtectionSetting| matches!(&setting.method, ProtectionMethod::External(of) if **of == *name);
    let serving = in_force.into_iter().filter(|(_, setting)| is_it(setting));
    serving.map(|(protection, _)| protection).collect()
}

impl Service {
    /// What a method serves for a user, so that it can be said before somebody removes it.
    pub async fn method_uses(&self, caller: &Caller, owner: &Owner, name: &str) -> Result<MethodUses, ServiceError> {
        caller.may_for(&[Role::Verify], owner)?;
        let core = &*self.core;
        let register = core.register(owner).await?;
        // One that the operator has no more is still the user's.
        if core.settings.external_method(name).is_none() && register.named(name).is_none() {
            return Err(core.settings.unknown_method());
        }
        let uses = served_by(&core.standing(owner).await?, name);
        let is_removable = uses.is_empty();
        Ok(MethodUses { uses, is_removable })
    }
}
