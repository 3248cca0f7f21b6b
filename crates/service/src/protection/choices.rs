//! What a user may choose for their protection, beside what they chose and what is in force.

use store::{Owner, ProtectionMethod, ProvenMethods, Role};

use crate::{
    Caller, Core, ExternalMethod, ProtectionView, Service, ServiceError, Settings, protection::register::OwnMethods,
};

/// A user's protection, and what it may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectionChoices {
    /// What they chose, and what is in force.
    pub view: ProtectionView,
    /// A device is bound, so that its code can be asked for.
    pub has_device: bool,
    /// The external methods that a setting may name, in the operator's order: those that were proven for the user. One that a
    /// setting names already is among them, whatever became of it since.
    pub methods: Vec<ExternalMethod>,
    /// Cities of logins are known.
    pub has_city_database: bool,
}

impl Core {
    /// The protection of this user, and what it may become.
    pub(super) async fn protection_choices(&self, owner: &Owner) -> Result<ProtectionChoices, ServiceError> {
        let has_device = !self.store.bound(owner.clone()).await?.is_empty();
        let standing = self.standing(owner).await?;
        let register = self.store.proven_methods(owner.clone()).await?;
        let own = OwnMethods::of(self, has_device, register.as_ref(), standing.requirements.as_ref());
        let view = standing.view(&own).known_by(&*self.cities);
        Ok(ProtectionChoices {
            methods: methods(&self.settings, register.as_ref(), &view),
            view,
            has_device,
            has_city_database: self.cities.is_in_force(),
        })
    }
}

fn methods(settings: &Settings, register: Option<&ProvenMethods>, view: &ProtectionView) -> Vec<ExternalMethod> {
    let own = &view.settings;
    let named = [
        &own.login_protection,
        &own.operation_protection,
        &own.suspicious_login_protection,
    ];
    let is_named = |name: &str| {
        named
            .iter()
            .any(|setting| matches!(&setting.method, ProtectionMethod::External(own) if **own == *name))
    };
    let is_proven = |name: &str| register.is_some_and(|register| register.named(name).is_some());
    let all = settings.external_methods.iter();
    let may = all.filter(|method| is_named(&method.name) || method.is_main && is_proven(&method.name));
    let mut methods: Vec<ExternalMethod> = may.cloned().collect();
    // The operator has this one no more: it has no name but the one that it is stored by.
    for setting in named {
        if let ProtectionMethod::External(name) = &setting.method
            && methods.iter().all(|method| *method.name != **name)
        {
            methods.push(ExternalMethod {
                name: name.as_ref().to_owned(),
                en: name.as_ref().to_owned(),
                zh: name.as_ref().to_owned(),
                is_main: false,
                is_alternative: false,
            });
        }
    }
    methods
}

impl Service {
    /// The protection of a user, and what they may choose for it.
    pub async fn protection_choices(&self, caller: &Caller, owner: &Owner) -> Result<ProtectionChoices, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        self.core.protection_choices(owner).await
    }
}
