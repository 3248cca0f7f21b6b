//! The decision on a challenge: allowed, to be answered, or denied, each on one ground. Pure: everything it rests on is
//! handed in.

use store::ProtectionMethod;

use crate::protection::purpose::ChallengePurpose;

/// A device's code, as answers and grants name it.
pub(crate) const TOTP: &str = "totp";
/// A recovery code, as answers and grants name it.
pub(crate) const RECOVERY_CODE: &str = "recovery_code";

/// A temporary passcode, as answers and grants name it.
pub(crate) const PASSCODE: &str = "passcode";

/// The decision on a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing is asked.
    Allow,
    /// One of the methods has to answer.
    Challenge,
    /// Nothing can answer.
    Deny,
}

impl Decision {
    /// The name on the wire and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Challenge => "challenge",
            Self::Deny => "deny",
        }
    }
}

/// The one ground of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ground {
    /// Nobody ever bound a device or set a protection for this user.
    UnknownUser,
    /// The user's settings ask for nothing here.
    NotProtected,
    /// The operation is in the catalogue as one that is not protected.
    NotSensitive,
    /// A pass for operations in this session is still alive.
    GrantAlive,
    /// The user was checked in this browser lately, and trusts it.
    TrustedDevice,
    /// The user's own setting asks.
    Protected,
    /// The account requires it of its users.
    RequiredByAccount,
    /// The operation is checked even where operation protection is off.
    IdentityAlways,
    /// An identity check asks always.
    Identity,
    /// The caller reported a risk.
    RiskReported,
    /// The login comes from outside the user's usual cities.
    UnusualCity,
    /// The user has nothing to answer with.
    NoMethod,
    /// The account is being closed.
    Closing,
    /// Support switched the user's method lately, and what is always checked waits (U2b).
    RecentlyRecovered,
}

impl Ground {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::UnknownUser,
        Self::NotProtected,
        Self::NotSensitive,
        Self::GrantAlive,
        Self::TrustedDevice,
        Self::Protected,
        Self::RequiredByAccount,
        Self::IdentityAlways,
        Self::Identity,
        Self::RiskReported,
        Self::UnusualCity,
        Self::NoMethod,
        Self::Closing,
        Self::RecentlyRecovered,
    ];

    /// The name on the wire and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown_user",
            Self::NotProtected => "not_protected",
            Self::NotSensitive => "not_sensitive",
            Self::GrantAlive => "grant_alive",
            Self::TrustedDevice => "trusted_device",
            Self::Protected => "protected",
            Self::RequiredByAccount => "required_by_account",
            Self::IdentityAlways => "identity_always",
            Self::Identity => "identity",
            Self::RiskReported => "risk_reported",
            Self::UnusualCity => "unusual_city",
            Self::NoMethod => "no_method",
            Self::Closing => "closing",
            Self::RecentlyRecovered => "recently_recovered",
        }
    }
}

/// A method that may answer a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedMethod {
    /// `totp`, `recovery_code`, or an external method's name.
    pub method: String,
    /// It is not the one that the setting names (P4).
    pub alternative: bool,
}

/// What is known of the user when it is decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// They have, or had, a device or a setting.
    pub(crate) is_known: bool,
    /// A device is bound.
    pub(crate) has_device: bool,
    /// A recovery code is left.
    pub(crate) has_recovery_code: bool,
    /// A temporary passcode waits for them, which opens a login (U3).
    pub(crate) has_passcode: bool,
    /// External methods that were proven for them and that may answer, in the operator's order.
    pub(crate) external: Vec<String>,
    /// Those of them that the account forbids as alternatives (P4).
    pub(crate) forbidden: Vec<String>,
    /// The operator lets those go on who have nothing to answer with (P4).
    pub(crate) allows_no_method: bool,
    /// Asked at login.
    pub(crate) login: InForce,
    /// Asked before a sensitive operation.
    pub(crate) operation: InForce,
    /// Asked at a suspicious login.
    pub(crate) suspicious_login: InForce,
    /// Their settings let a browser be trusted.
    pub(crate) allows_trust: bool,
    /// The login is from outside their usual cities.
    pub(crate) is_unusual: bool,
    /// The browser presented a living trust, and their settings allow any.
    pub(crate) is_trusted: bool,
    /// The account is being closed (P9).
    pub(crate) is_closing: bool,
    /// Support switched their method lately (U2b).
    pub(crate) is_frozen: bool,
}

/// Whether the account lets this external method answer: as what one of these settings names, or as an alternative.
pub(crate) fn lets_answer(name: &str, forbidden: &[String], settings: &[&ProtectionMethod]) -> bool {
    let is_named = |method: &&ProtectionMethod| matches!(method, ProtectionMethod::External(main) if **main == *name);
    settings.iter().any(is_named) || !forbidden.iter().any(|forbidden| forbidden == name)
}

/// A protection as it is in force: the user's own, or the account's requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) method: ProtectionMethod,
    pub(crate) is_required: bool,
}

impl Default for InForce {
    fn default() -> Self {
        Self {
            method: ProtectionMethod::None,
            is_required: false,
        }
    }
}

/// The question, as far as it matters to the decision.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) purpose: ChallengePurpose,
    /// The method of the first factor, which is never asked again as the second (P2).
    pub(crate) first_factor: Option<&'a str>,
    /// The catalogue's word on the operation.
    pub(crate) sensitivity: Sensitivity,
    /// A pass for this operation in this session is alive.
    pub(crate) has_pass: bool,
    /// `risk: "high"`.
    pub(crate) is_risky: bool,
}

/// How sensitive an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sensitivity {
    /// Not protected.
    None,
    /// Checked where operation protection is on.
    Protected,
    /// Checked always, and covered by no pass.
    IdentityAlways,
}

/// Decides; the methods are there for [`Decision::Challenge`] alone, the strongest first (P3a).
pub(crate) fn decide(asked: &Asked<'_>, facts: &Facts) -> (Decision, Ground, Vec<OfferedMethod>) {
    let (ground, main) = match asks(asked, facts) {
        Ok(asking) => asking,
        Err((decision, ground)) => return (decision, ground, Vec::new()),
    };
    // Whatever asks: who logs in has passed login protection, too.
    let login = &facts.login.method;
    let also = (asked.purpose == ChallengePurpose::Login && *login != ProtectionMethod::None).then_some(login);
    let mut methods = offered(asked.first_factor, facts, (main, also));
    if facts.has_passcode && asked.purpose == ChallengePurpose::Login {
        methods.push(OfferedMethod {
            method: PASSCODE.into(),
            alternative: true,
        });
    }
    if methods.is_empty() {
        // An identity check that asked nothing would be a proof of nothing.
        let is_allowed = facts.allows_no_method && asked.purpose != ChallengePurpose::Identity;
        let decision = if is_allowed { Decision::Allow } else { Decision::Deny };
        (decision, Ground::NoMethod, methods)
    } else {
        (Decision::Challenge, ground, methods)
    }
}

/// The ground that asks, and the method of its setting; else what it is decided without asking.
fn asks<'f>(asked: &Asked<'_>, facts: &'f Facts) -> Result<(Ground, Option<&'f ProtectionMethod>), (Decision, Ground)> {
    let allow = |ground| Err((Decision::Allow, ground));
    // There is no session either; whoever takes it back proves who they are by a check of identity.
    if facts.is_closing && asked.purpose != ChallengePurpose::Identity {
        return Err((Decision::Deny, Ground::Closing));
    }
    if facts.is_frozen && asked.purpose != ChallengePurpose::Login && asked.sensitivity == Sensitivity::IdentityAlways {
        return Err((Decision::Deny, Ground::RecentlyRecovered));
    }
    let is_on = |in_force: &InForce| in_force.method != ProtectionMethod::None;
    let ground_of = |in_force: &InForce| match in_force.is_required {
        true => Ground::RequiredByAccount,
        false => Ground::Protected,
    };
    match asked.purpose {
        ChallengePurpose::Login => match suspicion(asked, facts) {
            Some(ground) => Ok((ground, Some(&facts.suspicious_login.method))),
            None if !is_on(&facts.login) => allow(unasked(facts)),
            // Whatever the settings: a trust is no answer to a risk.
            None if facts.is_trusted && !asked.is_risky => allow(Ground::TrustedDevice),
            None => Ok((ground_of(&facts.login), Some(&facts.login.method))),
        },
        ChallengePurpose::Operation => match asked.sensitivity {
            Sensitivity::IdentityAlways => Ok((Ground::IdentityAlways, None)),
            Sensitivity::None => allow(Ground::NotSensitive),
            Sensitivity::Protected if is_on(&facts.operation) && asked.has_pass => allow(Ground::GrantAlive),
            Sensitivity::Protected if is_on(&facts.operation) => {
                Ok((ground_of(&facts.operation), Some(&facts.operation.method)))
            }
            Sensitivity::Protected => allow(unasked(facts)),
        },
        ChallengePurpose::Identity => Ok((Ground::Identity, None)),
    }
}

/// Why suspicious-login protection asks, if it does (P5): before login protection, which a trusted browser would pass.
pub(crate) fn suspicion(asked: &Asked<'_>, facts: &Facts) -> Option<Ground> {
    let is_on = facts.suspicious_login.method != ProtectionMethod::None;
    if asked.purpose != ChallengePurpose::Login || !is_on {
        return None;
    }
    match () {
        () if asked.is_risky => Some(Ground::RiskReported),
        () if facts.is_unusual => Some(Ground::UnusualCity),
        () => None,
    }
}

fn unasked(facts: &Facts) -> Ground {
    if facts.is_known {
        Ground::NotProtected
    } else {
        Ground::UnknownUser
    }
}

/// All that can answer, the strongest first: a device, a recovery code, external methods. What the setting names is the main
/// one; where no setting asked, the strongest is. What the account forbids, each setting that asks has to let answer.
fn offered(
    first_factor: Option<&str>,
    facts: &Facts,
    (main, also): (Option<&ProtectionMethod>, Option<&ProtectionMethod>),
) -> Vec<OfferedMethod> {
    let own = [(facts.has_device, TOTP), (facts.has_recovery_code, RECOVERY_CODE)];
    let own = own.into_iter().filter_map(|(is_there, name)| is_there.then_some(name));
    // Where no setting asked, what any of them names may answer; what is named for suspicious logins alone where nothing else
    // is protected, for that adds to what asks, and takes no check.
    let any = [&facts.login, &facts.operation, &facts.suspicious_login].map(|setting| &setting.method);
    let [login, operation, _] = any;
    let is_protected = [login, operation]
        .iter()
        .any(|method| **method != ProtectionMethod::None);
    let any = if is_protected { &any[..2] } else { &any[..] };
    let asking = main.as_ref().map_or(any, std::slice::from_ref);
    let external = facts.external.iter().map(String::as_str);
    let lets = |name: &str, settings: &[&ProtectionMethod]| lets_answer(name, &facts.forbidden, settings);
    let external = external.filter(|name| lets(name, asking) && also.is_none_or(|also| lets(name, &[also])));
    let all = own.chain(external);
    let all = all.filter(|method| first_factor != Some(*method));
    let is_main = |method: &str| match main {
        Some(ProtectionMethod::External(name)) => method == &**name,
        Some(ProtectionMethod::Mfa) => method == TOTP,
        Some(ProtectionMethod::None) | None => false,
    };
    let mut offered: Vec<OfferedMethod> = all
        .map(|method| OfferedMethod {
            method: method.to_owned(),
            alternative: !is_main(method),
        })
        .collect();
    if main.is_none()
        && let Some(strongest) = offered.first_mut()
    {
        strongest.alternative = false;
    }
    offered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mfa() -> InForce {
        InForce {
            method: ProtectionMethod::Mfa,
            is_required: false,
        }
    }

    fn bound() -> Facts {
        Facts {
            is_known: true,
            has_device: true,
            ..Facts::default()
        }
    }

    fn login(first_factor: &str) -> Asked<'_> {
        Asked {
            purpose: ChallengePurpose::Login,
            first_factor: Some(first_factor),
            sensitivity: Sensitivity::None,
            has_pass: false,
            is_risky: false,
        }
    }

    fn operation(sensitivity: Sensitivity, has_pass: bool) -> Asked<'static> {
        Asked {
            purpose: ChallengePurpose::Operation,
            first_factor: None,
            sensitivity,
            has_pass,
            is_risky: false,
        }
    }

    fn names(methods: &[OfferedMethod]) -> Vec<(&str, bool)> {
        methods
            .iter()
            .map(|offered| (&*offered.method, offered.alternative))
            .collect()
    }

    #[test]
    fn a3b_an_unknown_user_and_one_who_is_not_protected_are_different_grounds() {
        let told = decide(&login("password"), &Facts::default());
        assert_eq!(told, (Decision::Allow, Ground::UnknownUser, vec![]));
        let told = decide(&login("password"), &bound());
        assert_eq!(told, (Decision::Allow, Ground::NotProtected, vec![]));
    }

    #[test]
    fn p2_the_first_factors_method_is_never_asked_again() {
        let facts = Facts {
            login: InForce {
                method: ProtectionMethod::External("wechat".into()),
                is_required: false,
            },
            external: vec!["wechat".into(), "sms".into()],
            has_device: false,
            ..bound()
        };
        let (decision, _, methods) = decide(&login("wechat"), &facts);
        assert_eq!((decision, names(&methods)), (Decision::Challenge, vec![("sms", true)]));
        let only = Facts {
            external: vec!["wechat".into()],
            ..facts
        };
        let told = decide(&login("wechat"), &only);
        assert_eq!(told, (Decision::Deny, Ground::NoMethod, vec![]));
    }

    #[test]
    fn p3a_p4_methods_come_in_their_order_of_strength() {
        let facts = Facts {
            login: InForce {
                method: ProtectionMethod::External("sms".into()),
                is_required: true,
            },
            has_recovery_code: true,
            external: vec!["sms".into(), "email".into()],
            ..bound()
        };
        let (decision, ground, methods) = decide(&login("password"), &facts);
        assert_eq!((decision, ground), (Decision::Challenge, Ground::RequiredByAccount));
        let expected = [(TOTP, true), (RECOVERY_CODE, true), ("sms", false), ("email", true)];
        assert_eq!(names(&methods), expected);
    }

    #[test]
    fn p4_what_the_account_forbids_answers_only_where_a_setting_names_it() {
        let sms = InForce {
            method: ProtectionMethod::External("sms".into()),
            is_required: false,
        };
        let facts = Facts {
            is_known: true,
            login: sms,
            external: vec!["sms".into(), "wechat".into()],
            forbidden: vec!["sms".into(), "wechat".into()],
            ..Facts::default()
        };
        let (_, _, methods) = decide(&login("password"), &facts);
        assert_eq!(names(&methods), [("sms", false)]);
        let (_, ground, methods) = decide(&operation(Sensitivity::IdentityAlways, false), &facts);
        assert_eq!(
            (ground, names(&methods)),
            (Ground::IdentityAlways, vec![("sms", false)])
        );
        let free = Facts {
            forbidden: Vec::new(),
            ..facts
        };
        let (_, _, methods) = decide(&login("password"), &free);
        assert_eq!(names(&methods), [("sms", false), ("wechat", true)]);
    }

    #[test]
    fn p4_nothing_to_answer_with_is_denied_unless_the_operator_allows_it() {
        let stuck = Facts {
            login: mfa(),
            ..Facts::default()
        };
        let denied = (Decision::Deny, Ground::NoMethod, vec![]);
        assert_eq!(decide(&login("password"), &stuck), denied);
        let allowing = Facts {
            allows_no_method: true,
            ..stuck
        };
        let told = decide(&login("password"), &allowing);
        assert_eq!(told, (Decision::Allow, Ground::NoMethod, vec![]));
        let identity = Asked {
            purpose: ChallengePurpose::Identity,
            ..operation(Sensitivity::None, false)
        };
        assert_eq!(decide(&identity, &allowing), denied, "P3b: it would prove nothing");
    }

    #[test]
    fn p3_a_pass_covers_operations_but_never_identity_always() {
        let facts = Facts {
            operation: mfa(),
            ..bound()
        };
        let (decision, ground, _) = decide(&operation(Sensitivity::Protected, true), &facts);
        assert_eq!((decision, ground), (Decision::Allow, Ground::GrantAlive));
        let (decision, ground, _) = decide(&operation(Sensitivity::Protected, false), &facts);
        assert_eq!((decision, ground), (Decision::Challenge, Ground::Protected));
        let off = bound();
        for facts in [&facts, &off] {
            let (decision, ground, methods) = decide(&operation(Sensitivity::IdentityAlways, true), facts);
            assert_eq!((decision, ground), (Decision::Challenge, Ground::IdentityAlways));
            assert_eq!(names(&methods), [(TOTP, false)]);
        }
        let (decision, ground, _) = decide(&operation(Sensitivity::Protected, true), &off);
        assert_eq!((decision, ground), (Decision::Allow, Ground::NotProtected));
    }

    #[test]
    fn p5_a_reported_risk_asks_where_login_protection_is_off() {
        let facts = Facts {
            suspicious_login: mfa(),
            ..bound()
        };
        let risky = Asked {
            is_risky: true,
            ..login("password")
        };
        let (decision, ground, _) = decide(&risky, &facts);
        assert_eq!((decision, ground), (Decision::Challenge, Ground::RiskReported));
        let (decision, ground, _) = decide(&login("password"), &facts);
        assert_eq!((decision, ground), (Decision::Allow, Ground::NotProtected));
    }

    #[test]
    fn p2_p5_a_trust_stands_in_for_login_protection_alone() {
        let trusted = Facts {
            login: mfa(),
            operation: mfa(),
            is_trusted: true,
            ..bound()
        };
        let ground = |asked: &Asked<'_>, facts: &Facts| decide(asked, facts).1;
        assert_eq!(ground(&login("password"), &trusted), Ground::TrustedDevice);
        let risky = Asked {
            is_risky: true,
            ..login("password")
        };
        assert_eq!(ground(&risky, &trusted), Ground::Protected, "the switch of P5 is off");
        assert_eq!(
            ground(&operation(Sensitivity::Protected, false), &trusted),
            Ground::Protected
        );
        let identity = Asked {
            purpose: ChallengePurpose::Identity,
            ..login("password")
        };
        assert_eq!(ground(&identity, &trusted), Ground::Identity);
        let suspicious = Facts {
            suspicious_login: mfa(),
            ..trusted
        };
        assert_eq!(ground(&login("password"), &suspicious), Ground::TrustedDevice);
        assert_eq!(ground(&risky, &suspicious), Ground::RiskReported);
        let unusual = Facts {
            is_unusual: true,
            ..suspicious
        };
        assert_eq!(ground(&login("password"), &unusual), Ground::UnusualCity);
        let off = Facts {
            login: InForce::default(),
            ..unusual
        };
        assert_eq!(ground(&login("password"), &off), Ground::UnusualCity);
    }

    #[test]
    fn p9_nobody_logs_in_while_the_account_is_being_closed() {
        let facts = Facts {
            is_closing: true,
            ..bound()
        };
        let (decision, ground, _) = decide(&login("password"), &facts);
        assert_eq!((decision, ground), (Decision::Deny, Ground::Closing));
    }
}
