//! What the pages share that change a user's settings of protection: the settings as they stand, methods by their names, and
//! one change of a part of them.

use service::{
    ExternalMethod, Factor, InForceGround, InForceProtection, Protection, ProtectionChange, ProtectionChoices,
    ProtectionMethod, ServiceError,
};

use crate::{
    http::App,
    pages::{
        frame::{Refusal, refusal_of},
        visit::UserVisit,
        words::Lang,
    },
};

/// One method that may be chosen.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

/// One protection: what may be chosen, and what is in force.
pub(crate) struct Section<'a> {
    /// The field's name.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) in_force: &'a InForceProtection,
    /// The method in force, in words.
    pub(crate) method: String,
    /// Why it is in force, in words.
    pub(crate) why: String,
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        lang: Lang,
        (name, title): (&'static str, &str),
        all: &'a ProtectionChoices,
        (chosen, in_force): (&str, &'a InForceProtection),
    ) -> Self {
        let named = ["none", "mfa"].into_iter();
        let values = named.chain(all.methods.iter().map(|method| &*method.name));
        let choice = |value: &str| Choice {
            label: method_name(lang, &all.methods, &ProtectionMethod::named(value)),
            is_chosen: value == chosen,
            value: value.to_owned(),
        };
        Self {
            name,
            title: lang.say(title, &[]),
            choices: values.map(choice).collect(),
            in_force,
            method: method_name(lang, &all.methods, &in_force.method),
            why: lang.say(why(in_force.ground), &[]),
        }
    }
}

/// A method as people call it.
fn method_name(lang: Lang, methods: &[ExternalMethod], method: &ProtectionMethod) -> String {
    match method {
        ProtectionMethod::None => lang.say("protection.none", &[]),
        ProtectionMethod::Mfa => lang.say("protection.mfa", &[]),
        ProtectionMethod::External(name) => {
            let known = methods.iter().find(|method| *method.name == **name);
            let said = known.map(|method| match lang {
                Lang::En => method.en.clone(),
                Lang::Zh => method.zh.clone(),
            });
            said.unwrap_or_else(|| name.as_ref().to_owned())
        }
    }
}

fn why(ground: InForceGround) -> &'static str {
    match ground {
        InForceGround::Own => "protection.why_own",
        InForceGround::RequiredByAccount => "protection.why_required",
        InForceGround::NoMethod => "protection.why_no_method",
        InForceGround::NoCityDatabase => "protection.why_no_city_database",
    }
}

/// The settings of whoever visits, and what these may become.
pub(crate) async fn choices(app: &App, visit: &UserVisit) -> Result<ProtectionChoices, Refusal> {
    let read = app.service.protection_choices(visit.caller(), visit.owner()).await;
    read.map_err(|error| refusal_of(app, &visit.browser, &error))
}

/// The change that leaves all as it is.
pub(crate) fn unchanged(settings: &Protection) -> ProtectionChange {
    ProtectionChange {
        login_protection: settings.login_protection.method.clone(),
        operation_protection: settings.operation_protection.method.clone(),
        suspicious_login_protection: settings.suspicious_login_protection.method.clone(),
        allow_trusted_devices: settings.allow_trusted_devices,
        session_idle_minutes: settings.session_idle_minutes,
        session_total_hours: settings.session_total_hours,
        factor: None,
    }
}

/// Changes the settings that were shown at this version. Where that is refused, `true` says that a fresh code is to be asked for.
pub(crate) async fn change(
    app: &App,
    visit: &UserVisit,
    (shown, has_device): (u64, bool),
    wanted: &ProtectionChange,
) -> Result<(), (ServiceError, bool)> {
    let changed = app
        .service
        .set_protection(visit.caller(), visit.owner(), shown, wanted)
        .await;
    let was_typed = matches!(wanted.factor, Some(Factor::Code { .. }));
    changed.map(drop).map_err(|error| {
        let is_asked = was_typed || matches!(error, ServiceError::FactorRequired(_));
        let is_asked = is_asked && has_device && !matches!(error, ServiceError::PreconditionFailed);
        (error, is_asked)
    })
}
