//! What is in force of a user's protection: their own choice, or their account's requirement where
//! they chose less.

use store::{Key, Owner, Protection, ProtectionMethod, ProtectionSetting, Requirements, Write};
use verify::UnixMs;

use crate::{Caller, Cities, Core, Role, Service, ServiceError, protection::register::OwnMethods};

/// A user's settings, and what is in force of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectionView {
    /// Their own choice.
    pub settings: Protection,
    /// At login.
    pub login_protection: InForceProtection,
    /// Before a sensitive operation.
    pub operation_protection: InForceProtection,
    /// At an unusual or risky login.
    pub suspicious_login_protection: InForceProtection,
}

/// One protection as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForceProtection {
    /// By what the user is checked.
    pub method: ProtectionMethod,
    /// Since when, where that is known.
    pub since: Option<UnixMs>,
    /// Why.
    pub ground: InForceGround,
}

/// The ground on which a protection is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForceGround {
    /// The user's own choice, be it nothing.
    Own,
    /// The account requires it of a user who chose less.
    RequiredByAccount,
    /// Something is asked, and the user has nothing to answer with: they are denied.
    NoMethod,
    /// It is chosen, and without a database of cities no login is from an unusual one (P5): only a risk that the caller
    /// reports asks.
    NoCityDatabase,
}

/// A user's choice and what their account requires of them, as read for one decision.
pub(crate) struct Standing {
    pub(crate) own: Protection,
    pub(crate) requirements: Option<Requirements>,
}

impl Standing {
    /// The setting that counts at login, and whether it is the account's.
    pub(crate) fn login(&self) -> (&ProtectionSetting, bool) {
        let required = self.requirements.as_ref().map(|all| &all.login_protection);
        counting(&self.own.login_protection, required)
    }

    /// The setting that counts before a sensitive operation, and whether it is the account's.
    pub(crate) fn operation(&self) -> (&ProtectionSetting, bool) {
        let required = self.requirements.as_ref().map(|all| &all.operation_protection);
        counting(&self.own.operation_protection, required)
    }

    /// The setting that counts at a suspicious login, which no account requires.
    pub(crate) fn suspicious_login(&self) -> (&ProtectionSetting, bool) {
        counting(&self.own.suspicious_login_protection, None)
    }

    /// Something is asked for.
    pub(crate) fn asks(&self) -> bool {
        let all = [self.login().0, self.operation().0, self.suspicious_login().0];
        all.iter().any(|setting| setting.is_on())
    }

    /// As it is shown for a user who has this to answer with.
    pub(crate) fn view(self, methods: &OwnMethods) -> ProtectionView {
        let shown = |(setting, is_required): (&ProtectionSetting, bool)| InForceProtection {
            method: setting.method.clone(),
            since: setting.since,
            ground: match is_required {
                _ if setting.is_on() && !methods.can_answer(&setting.method) => InForceGround::NoMethod,
                true => InForceGround::RequiredByAccount,
                false => InForceGround::Own,
            },
        };
        ProtectionView {
            login_protection: shown(self.login()),
            operation_protection: shown(self.operation()),
            suspicious_login_protection: shown(self.suspicious_login()),
            settings: self.own,
        }
    }
}

impl ProtectionView {
    /// As it is where there may be no database of cities, without which nobody's login is from an unusual one (P5). A risk
    /// that the caller reports asks all the same.
    pub(crate) fn known_by(mut self, cities: &dyn Cities) -> Self {
        if !cities.is_in_force() && self.settings.suspicious_login_protection.is_on() {
            self.suspicious_login_protection = InForceProtection {
                method: ProtectionMethod::None,
                since: None,
                ground: InForceGround::NoCityDatabase,
            };
        }
        self
    }
}

/// A requirement counts, unless the user chose the same, or codes, than which nothing is stronger (P3a).
fn counting<'s>(own: &'s ProtectionSetting, required: Option<&'s ProtectionSetting>) -> (&'s ProtectionSetting, bool) {
    match required {
        Some(required) if required.is_on() && ![&required.method, &ProtectionMethod::Mfa].contains(&&own.method) => {
            (required, true)
        }
        _ => (own, false),
    }
}

/// The condition that an account's requirements stay as they were read, none of them included.
pub(crate) fn unchanged(owner: &Owner, read: Option<&Requirements>) -> Write {
    let key: Key = Requirements::key_of(&owner.account);
    let expected = read.map(|read| read.version);
    Write::Require { expected, key }
}

impl Core {
    /// The choice of this user, and what their account requires.
    pub(crate) async fn standing(&self, owner: &Owner) -> Result<Standing, ServiceError> {
        let own = self.store.protection(owner.clone()).await?;
        Ok(Standing {
            own: own.unwrap_or_else(|| Protection::none(owner.clone())),
            requirements: self.store.requirements(&owner.account).await?,
        })
    }
}

impl Service {
    /// The protection of a user: what they chose, and what they are asked for.
    pub async fn protection(&self, caller: &Caller, owner: &Owner) -> Result<ProtectionView, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        Ok(self.core.protection_choices(owner).await?.view)
    }
}
