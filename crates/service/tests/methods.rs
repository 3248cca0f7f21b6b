//! External methods: proven and registered, reported in answer to a challenge, and kept while they serve a protection.

mod support;

use serde_json::json;
use service::{
    Caller, Challenge, ChallengePurpose, Decision, EndedMethod, Factor, GrantUse, Ground, InForceGround, Input,
    MethodReport, MethodView, NewChallenge, NewProvenMethod, NewRequirements, NoMethod, Owner, ProtectionChange,
    ProtectionMethod, ProtectionName, Role, Service, ServiceError, Settings, UnixMs,
};
use support::{SETTINGS, STEP_MS, World, alice, bob, by_code, identity};

const NONE: ProtectionMethod = ProtectionMethod::None;
const MFA: ProtectionMethod = ProtectionMethod::Mfa;

fn external(name: &str) -> ProtectionMethod {
    ProtectionMethod::External(name.into())
}

/// This method at login, and nothing elsewhere.
fn at_login(method: ProtectionMethod) -> ProtectionChange {
    ProtectionChange {
        login_protection: method,
        operation_protection: NONE,
        suspicious_login_protection: NONE,
        allow_trusted_devices: true,
        session_idle_minutes: 120,
        session_total_hours: 48,
        factor: None,
    }
}

fn login(first_factor: &str) -> NewChallenge {
    NewChallenge {
        owner: alice(),
        purpose: ChallengePurpose::Login,
        audience: None,
        operation: None,
        resource: None,
        session_id: None,
        first_factor: Some(first_factor.into()),
        client: None,
        is_risky: false,
        trusted_device: None,
    }
}

struct Desk {
    world: World,
    caller: Caller,
}

impl Desk {
    /// These methods were proven for alice, who has no device.
    async fn new(methods: &[&str]) -> Self {
        Self::with(Settings::default(), methods).await
    }

    async fn with(settings: Settings, methods: &[&str]) -> Self {
        let world = World::with(settings).await;
        let caller = world.all().await;
        for method in methods {
            world.prove(&caller, &alice(), method).await;
        }
        Self { world, caller }
    }

    async fn set(&self, change: &ProtectionChange) -> Result<(), ServiceError> {
        let service = &self.world.service;
        let read = service.protection(&self.caller, &alice()).await.expect("a view");
        let version = read.settings.version;
        let done = service.set_protection(&self.caller, &alice(), version, change).await;
        done.map(drop)
    }

    /// An identity grant for a change of settings, given by what the caller reports.
    async fn checked_by(&self, method: &str) -> Factor {
        self.world.checked_by(&self.caller, &alice(), method, SETTINGS).await
    }

    async fn require(&self, method: ProtectionMethod, alternatives: &[&str]) {
        let service = &self.world.service;
        let read = service.requirements(&self.caller, "acme").await.expect("requirements");
        let wanted = NewRequirements {
            login_protection: method,
            operation_protection: NONE,
            alternatives: alternatives.iter().map(|&name| name.to_owned()).collect(),
        };
        let done = service
            .set_requirements(&self.caller, "acme", read.version, &wanted)
            .await;
        done.expect("they are required");
    }

    async fn ask(&self, wanted: &NewChallenge) -> Challenge {
        let told = self.world.service.create_challenge(&self.caller, wanted).await;
        told.expect("a decision")
    }

    /// The methods that a login is offered, and which of them are alternatives.
    async fn offered(&self, first_factor: &str) -> Vec<(String, bool)> {
        let challenge = self.ask(&login(first_factor)).await;
        let offered = challenge.methods.into_iter();
        offered.map(|offered| (offered.method, offered.alternative)).collect()
    }

    fn report(&self, method: &str) -> MethodReport {
        MethodReport {
            method: method.into(),
            identity: identity(&alice(), method),
            reference: "4711".into(),
            at: self.world.now(),
            trust_device: false,
        }
    }

    async fn answer(&self, id: &str, report: &MethodReport) -> Result<Decision, ServiceError> {
        let told = self.world.service.report_method(&self.caller, id, report).await;
        told.map(|told| told.decision)
    }

    async fn prove(&self, name: &str, wanted: &NewProvenMethod) -> Result<MethodView, ServiceError> {
        let service = &self.world.service;
        service.prove_method(&self.caller, &alice(), name, wanted).await
    }

    async fn end(&self, name: &str, is_reassigned: bool) -> Result<Vec<EndedMethod>, ServiceError> {
        let service = &self.world.service;
        service.end_method(&self.caller, &alice(), name, is_reassigned).await
    }

    async fn uses(&self, name: &str) -> (Vec<ProtectionName>, bool) {
        let told = self.world.service.method_uses(&self.caller, &alice(), name).await;
        let told = told.expect("an answer");
        (told.uses, told.is_removable)
    }

    fn proven(&self, identity: &str, factor: Option<Factor>) -> NewProvenMethod {
        NewProvenMethod {
            identity: identity.into(),
            verified_at: self.world.now(),
            factor,
        }
    }
}

fn invalid<T>(told: Result<T, ServiceError>) -> Option<Input> {
    match told {
        Err(ServiceError::Invalid { input, .. }) => Some(input),
        _ => None,
    }
}

#[tokio::test]
async fn p1_p4_a_report_of_what_was_proven_answers_once_and_the_grant_says_by_what() {
    let desk = Desk::new(&["sms"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    desk.world.clock.pass(STEP_MS);
    let challenge = desk.ask(&login("password")).await;
    assert_eq!(
        (challenge.decision, challenge.ground),
        (Decision::Challenge, Ground::Protected)
    );
    let service = &desk.world.service;
    let told = service
        .report_method(&desk.caller, &challenge.id, &desk.report("sms"))
        .await;
    let told = told.expect("it is right");
    assert_eq!((told.decision, &*told.method), (Decision::Allow, "sms"));
    let grant = told.grant.expect("a grant");
    let alive = service
        .introspect_grant(&desk.caller, &grant.text, &GrantUse::default())
        .await;
    let alive = alive.expect("an answer").expect("it is alive");
    assert_eq!((alive.owner, alive.methods), (alice(), vec!["sms".to_owned()]));
    let event = desk.world.last("challenge.answer").await;
    assert_eq!(
        (&event["outcome"], &event["cause"]),
        (&json!("accepted"), &json!("sms"))
    );
    assert_eq!(event["detail"]["reference"], "4711");
    assert!(
        !event.to_string().contains("sms of alice"),
        "an identity is in no event: {event}"
    );
    let again = desk.answer(&challenge.id, &desk.report("sms")).await;
    assert_eq!(again, Err(ServiceError::ChallengeEnded));
    let kept = service.methods(&desk.caller, &alice()).await.expect("a list");
    assert_eq!(
        kept[0].last_used_at,
        Some(desk.world.now()),
        "it is kept when it was proven last"
    );
    assert_eq!(kept[0].verified_at, desk.world.now().plus(-STEP_MS));
}

#[tokio::test]
async fn p2_a_report_names_the_identity_that_was_proven() {
    let desk = Desk::new(&["sms", "wechat"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let challenge = desk.ask(&login("password")).await;
    for other in ["sms of bob", "sms of alic", "sms of alice ", "wechat of alice"] {
        let report = MethodReport {
            identity: other.into(),
            ..desk.report("sms")
        };
        let told = desk.answer(&challenge.id, &report).await;
        assert_eq!(told, Err(ServiceError::OtherIdentity), "{other}");
    }
    let event = desk.world.last("challenge.answer").await;
    let told = (&event["outcome"], &event["cause"]);
    assert_eq!(told, (&json!("refused"), &json!("other_identity")));
    assert!(!event.to_string().contains("of alice"), "{event}");
    for _ in 0..40 {
        let report = MethodReport {
            identity: "sms of mallory".into(),
            ..desk.report("sms")
        };
        assert!(desk.answer(&challenge.id, &report).await.is_err());
    }
    assert_eq!(
        desk.world.told("challenge.answer").await.len(),
        10,
        "an hour has ten records"
    );
    let told = desk.answer(&challenge.id, &desk.report("sms")).await;
    assert_eq!(told, Ok(Decision::Allow), "a wrong word ends nothing");
}

#[tokio::test]
async fn a_report_is_of_the_challenges_time_and_of_what_it_offered() {
    let desk = Desk::new(&["sms"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let challenge = desk.ask(&login("password")).await;
    let now = desk.world.now();
    for at in [
        now.plus(-UnixMs::SECOND),
        now.plus(2 * UnixMs::MINUTE),
        UnixMs::new(i64::MIN),
        UnixMs::new(i64::MAX),
    ] {
        let report = MethodReport {
            at,
            ..desk.report("sms")
        };
        assert_eq!(
            invalid(desk.answer(&challenge.id, &report).await),
            Some(Input::ReportAt),
            "{at:?}"
        );
    }
    for method in ["wechat", "totp", ""] {
        let told = desk.answer(&challenge.id, &desk.report(method)).await;
        assert_eq!(invalid(told), Some(Input::Method), "{method}");
    }
    let another = desk.world.all().await;
    let service = &desk.world.service;
    let told = service
        .report_method(&another, &challenge.id, &desk.report("sms"))
        .await;
    assert_eq!(told, Err(ServiceError::NotFound("challenge")), "only who asked answers");
    desk.world.clock.pass(5 * UnixMs::MINUTE);
    let told = desk.answer(&challenge.id, &desk.report("sms")).await;
    assert_eq!(told, Err(ServiceError::ChallengeExpired));
}

#[tokio::test]
async fn a_code_is_never_reported() {
    let desk = Desk::new(&[]).await;
    desk.world.bind(&desk.caller, &alice()).await;
    let challenge = desk.ask(&login("password")).await;
    let told = desk.answer(&challenge.id, &desk.report("totp")).await;
    assert_eq!(invalid(told), Some(Input::Report));
}

#[tokio::test]
async fn p2_p3a_p4_what_is_offered_was_proven_is_allowed_and_was_not_the_first_factor() {
    let desk = Desk::new(&["wechat", "sms", "email"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let named = |names: &[(&str, bool)]| -> Vec<(String, bool)> {
        names
            .iter()
            .map(|&(name, alternative)| (name.to_owned(), alternative))
            .collect()
    };
    let all = [("sms", false), ("wechat", true), ("email", true)];
    assert_eq!(desk.offered("password").await, named(&all), "in the operator's order");
    assert_eq!(
        desk.offered("wechat").await,
        named(&[("sms", false), ("email", true)]),
        "P2"
    );
    desk.require(NONE, &["email"]).await;
    assert_eq!(
        desk.offered("password").await,
        named(&[("sms", false), ("email", true)]),
        "P4: wechat is forbidden"
    );
    desk.require(NONE, &[]).await;
    assert_eq!(
        desk.offered("password").await,
        named(&[("sms", false)]),
        "what the setting names is none"
    );
    let stuck = desk.ask(&login("sms")).await;
    assert_eq!((stuck.decision, stuck.ground), (Decision::Deny, Ground::NoMethod));
    desk.require(NONE, &["email", "sms", "wechat"]).await;
    let (_, phone) = desk.world.bind(&desk.caller, &alice()).await;
    let offered = desk.offered("password").await;
    assert_eq!(offered[0], ("totp".into(), false), "P3a: a device is the strongest");
    assert_eq!(offered.len(), 4, "P4: with what may stand in for it: {offered:?}");
    let challenge = desk.ask(&login("password")).await;
    let report = desk.answer(&challenge.id, &desk.report("sms")).await;
    assert_eq!(report, Ok(Decision::Allow));
    let paid = ProtectionChange {
        factor: Some(by_code(&phone.shows(desk.world.now()))),
        ..at_login(NONE)
    };
    assert!(
        matches!(desk.set(&at_login(NONE)).await, Err(ServiceError::FactorRequired(_))),
        "P3a: a report changes no factor"
    );
    desk.set(&paid).await.expect("a code does");
}

#[tokio::test]
async fn p1_what_is_only_evidence_answers_nothing_and_no_setting_names_what_was_not_proven() {
    let mut settings = Settings::default();
    for method in &mut settings.external_methods {
        if method.name == "face" {
            method.is_alternative = false;
        }
    }
    let desk = Desk::with(settings, &["face"]).await;
    let told = desk.set(&at_login(external("sms"))).await;
    assert_eq!(told, Err(ServiceError::MethodNotProven("sms".into())));
    let told = desk.prove("carrier-pigeon", &desk.proven("a roof", None)).await;
    let told = told.expect_err("the operator has no such method");
    assert_eq!(
        (told.name(), told.to_string().as_str()),
        (
            "not_found",
            "there is no such method: the operator's are sms, wechat, qq, face, email"
        )
    );
    desk.require(external("sms"), &[]).await;
    let stuck = desk.ask(&login("password")).await;
    assert_eq!((stuck.decision, stuck.ground), (Decision::Deny, Ground::NoMethod));
    let told = desk
        .world
        .service
        .protection(&desk.caller, &alice())
        .await
        .expect("a view");
    assert_eq!(told.login_protection.ground, InForceGround::NoMethod);
    desk.world.prove(&desk.caller, &alice(), "sms").await;
    let told = desk
        .world
        .service
        .protection(&desk.caller, &alice())
        .await
        .expect("a view");
    assert_eq!(told.login_protection.ground, InForceGround::RequiredByAccount);
    assert_eq!(desk.offered("password").await, [("sms".to_owned(), false)]);
}

#[tokio::test]
async fn p4_who_is_stuck_hears_the_operators_words_or_goes_on_where_that_is_set() {
    let settings = Settings {
        contact: Some("Call 400-000-0000.".into()),
        ..Settings::default()
    };
    let desk = Desk::with(settings.clone(), &["sms"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let stuck = desk.ask(&login("sms")).await;
    assert_eq!(stuck.contact.as_deref(), Some("Call 400-000-0000."));
    assert!(
        desk.ask(&login("password")).await.contact.is_none(),
        "the others need none"
    );

    let allowing = Settings {
        no_method: NoMethod::Allow,
        ..settings
    };
    let desk = Desk::with(allowing, &["sms"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let told = desk.ask(&login("sms")).await;
    assert_eq!(
        (told.decision, told.ground, told.contact),
        (Decision::Allow, Ground::NoMethod, None)
    );
    let event = desk.world.last("challenge.decide").await;
    assert_eq!(
        (&event["outcome"], &event["cause"]),
        (&json!("allow"), &json!("no_method"))
    );
}

#[tokio::test]
async fn u5_another_way_in_takes_a_fresh_factor_where_a_device_is_bound() {
    let desk = Desk::new(&["sms"]).await;
    let (_, phone) = desk.world.bind(&desk.caller, &alice()).await;
    let number = "+86 138 0013 8000";
    let told = desk.prove("sms", &desk.proven(number, None)).await;
    assert!(
        matches!(told, Err(ServiceError::FactorRequired(_))),
        "a fresh factor is needed"
    );
    let told = desk.prove("email", &desk.proven("alice@example.com", None)).await;
    assert!(
        matches!(told, Err(ServiceError::FactorRequired(_))),
        "a fresh factor is needed"
    );
    let wrong = phone.wrong_codes(desk.world.now(), 1).pop().expect("one");
    let told = desk.prove("sms", &desk.proven(number, Some(by_code(&wrong)))).await;
    assert!(matches!(told, Err(ServiceError::CodeRefused { .. })), "{told:?}");
    assert_eq!(desk.world.last("method.prove").await["outcome"], "refused");
    let code = phone.shows(desk.world.now());
    let told = desk.prove("sms", &desk.proven(number, Some(by_code(&code)))).await;
    assert_eq!(told.expect("it is paid for").identity, number);
    let event = desk.world.last("method.prove").await;
    assert_eq!(
        (&event["cause"], &event["detail"]["replaced"]),
        (&json!("totp"), &json!(true))
    );
    let again = desk.world.verify(&desk.caller, &alice(), &code).await;
    assert_eq!(again, Ok(service::Answer::Refused), "D4: it was burned");
    desk.world.clock.pass(UnixMs::HOUR);
    let same = desk.prove("sms", &desk.proven(number, None)).await;
    assert_eq!(same.expect("it is no other way in").verified_at, desk.world.now());
}

#[tokio::test]
async fn what_takes_anothers_place_is_proven_now_and_nothing_is_proven_in_the_future() {
    let desk = Desk::new(&["sms"]).await;
    let of = |identity: &str, ms: i64| NewProvenMethod {
        identity: identity.into(),
        verified_at: desk.world.now().plus(ms),
        factor: None,
    };
    let late = desk.prove("sms", &of("another", -15 * UnixMs::MINUTE - 1)).await;
    assert_eq!(invalid(late), Some(Input::VerifiedAt));
    let future = desk.prove("wechat", &of("alice", 2 * UnixMs::MINUTE)).await;
    assert_eq!(invalid(future), Some(Input::VerifiedAt));
    let long_ago = desk.prove("wechat", &of("alice", -400 * UnixMs::DAY)).await;
    assert_eq!(
        long_ago.expect("the operator brings it along").verified_at,
        desk.world.now().plus(-400 * UnixMs::DAY)
    );
    for identity in ["", &*"x".repeat(129)] {
        assert_eq!(invalid(desk.prove("qq", &of(identity, 0)).await), Some(Input::Identity));
    }
    let events = desk.world.told("method.prove").await.len();
    let before = desk.prove("wechat", &of("alice", -500 * UnixMs::DAY)).await;
    assert_eq!(
        before.expect("what is newer stays").verified_at,
        desk.world.now().plus(-400 * UnixMs::DAY)
    );
    assert_eq!(
        desk.world.told("method.prove").await.len(),
        events,
        "and nothing was written"
    );
}

#[tokio::test]
async fn p7_what_serves_a_protection_is_not_removed_and_says_what_it_serves() {
    let desk = Desk::new(&["sms", "wechat"]).await;
    let all = ProtectionChange {
        operation_protection: external("sms"),
        suspicious_login_protection: external("wechat"),
        ..at_login(external("sms"))
    };
    desk.set(&all).await.expect("they are proven");
    let both = vec![ProtectionName::Login, ProtectionName::Operation];
    assert_eq!(desk.uses("sms").await, (both, false));
    assert_eq!(
        desk.uses("wechat").await,
        (vec![ProtectionName::SuspiciousLogin], false)
    );
    assert_eq!(desk.uses("email").await, (vec![], true));
    let told = desk.world.service.method_uses(&desk.caller, &alice(), "smoke").await;
    assert!(matches!(told, Err(ServiceError::UnknownMethod(_))), "{told:?}");
    let told = desk.end("smoke", false).await;
    assert!(matches!(told, Err(ServiceError::UnknownMethod(_))), "{told:?}");
    let told = desk.end("sms", false).await;
    let serves = vec!["login_protection", "operation_protection"];
    assert_eq!(told, Err(ServiceError::MethodInUse(serves)));
    let told = desk.set(&at_login(external("sms"))).await;
    assert!(
        matches!(told, Err(ServiceError::FactorRequired(_))),
        "U5: less is asked by a check alone"
    );
    let less = ProtectionChange {
        factor: Some(desk.checked_by("wechat").await),
        ..at_login(external("sms"))
    };
    desk.set(&less).await.expect("less is asked");
    assert_eq!(
        desk.end("wechat", false).await,
        Ok(vec![]),
        "it serves nothing any more"
    );
    let again = Err(ServiceError::NotRegistered("wechat".into()));
    assert_eq!(desk.end("wechat", false).await, again);
    assert_eq!(desk.world.last("method.end").await["detail"]["method"], "wechat");
    let nothing = ProtectionChange {
        factor: Some(desk.checked_by("sms").await),
        ..at_login(NONE)
    };
    desk.set(&nothing).await.expect("nothing is asked");
    desk.require(external("sms"), &[]).await;
    assert_eq!(
        desk.uses("sms").await,
        (vec![ProtectionName::Login], false),
        "the account asks for it"
    );
    let told = desk.end("sms", false).await;
    assert_eq!(told, Err(ServiceError::MethodInUse(vec!["login_protection"])));
    desk.require(NONE, &[]).await;
    assert_eq!(desk.end("sms", false).await, Ok(vec![]));
}

/// Of a setting and a removal that meet in two processes, which share no lock, one is refused: no setting is left with a method
/// that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_a_setting_and_a_removal_that_race_leave_no_setting_without_its_method() {
    for _ in 0..50 {
        let desk = Desk::new(&["sms"]).await;
        let another = Service::start(desk.world.another(), Settings::default()).await;
        let another = another.expect("it starts");
        let (owner, setting) = (alice(), at_login(external("sms")));
        let ending = another.end_method(&desk.caller, &owner, "sms", false);
        let (set, ended) = tokio::join!(desk.set(&setting), ending);
        assert!(set.is_ok() != ended.is_ok(), "{set:?}, {ended:?}");
        let left = another.methods(&desk.caller, &alice()).await.expect("a list");
        assert_eq!(left.is_empty(), ended.is_ok());
        another.close().await;
    }
}

/// The same of an account's requirement, which stands in no user's row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_a_removal_stands_on_the_requirements_that_it_read() {
    for _ in 0..50 {
        let desk = Desk::new(&["sms"]).await;
        let (_, ended) = tokio::join!(desk.require(external("sms"), &[]), desk.end("sms", false));
        let told = desk.world.events().await;
        let place = |action: &str| told.iter().position(|event| event["action"] == action);
        let required = place("requirements.change").expect("it is required");
        match place("method.end") {
            Some(removed) => assert!(ended.is_ok() && removed < required, "it was free to go"),
            None => assert_eq!(ended, Err(ServiceError::MethodInUse(vec!["login_protection"]))),
        }
    }
}

#[tokio::test]
async fn p9_a_number_that_went_to_somebody_else_opens_nothing_and_switches_nothing_off() {
    let desk = Desk::new(&["sms"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let challenge = desk.ask(&login("password")).await;
    let service = &desk.world.service;
    let told = service
        .report_method(&desk.caller, &challenge.id, &desk.report("sms"))
        .await;
    let grant = told.expect("it is right").grant.expect("a grant");
    let open = desk.ask(&login("password")).await;
    desk.world.clock.pass(UnixMs::SECOND);
    let ended = desk.end("sms", true).await.expect("it passes P7");
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (ended[0].protection, ended[0].is_stuck()),
        (ProtectionName::Login, true)
    );
    let alive = service
        .introspect_grant(&desk.caller, &grant.text, &GrantUse::default())
        .await;
    assert_eq!(alive, Ok(None), "what it was granted for ends");
    let told = desk.answer(&open.id, &desk.report("sms")).await;
    assert_eq!(
        told,
        Err(ServiceError::MethodNotProven("sms".into())),
        "nor does an older challenge take it"
    );
    let stuck = desk.ask(&login("password")).await;
    assert_eq!(
        (stuck.decision, stuck.ground),
        (Decision::Deny, Ground::NoMethod),
        "the account does not open"
    );
    let event = desk.world.last("method.end").await;
    assert_eq!(event["detail"]["reassigned"], true);
    assert_eq!(
        event["detail"]["ended"],
        json!([{"protection": "login_protection", "method": "sms"}])
    );
    desk.world.prove(&desk.caller, &alice(), "sms").await;
    assert_eq!(
        desk.offered("password").await,
        [("sms".to_owned(), false)],
        "a new number goes on"
    );
}

#[tokio::test]
async fn p9_where_a_device_is_bound_its_codes_are_asked_for_instead() {
    let desk = Desk::new(&["sms"]).await;
    let both = ProtectionChange {
        suspicious_login_protection: external("sms"),
        ..at_login(external("sms"))
    };
    desk.set(&both).await.expect("it is proven");
    let wanted = desk.world.wanted(&alice(), support::app(), None);
    let offer = desk
        .world
        .service
        .start_enrollment(&desk.caller, &wanted)
        .await
        .expect("an offer");
    let phone = support::phone::Phone::of(&offer);
    let confirmation = service::Confirmation {
        login_protection: false,
        operation_protection: false,
        ..support::confirmation(&[&phone.shows(desk.world.now())])
    };
    let bound = desk
        .world
        .service
        .confirm_enrollment(&desk.caller, &alice(), offer.id, &confirmation)
        .await;
    bound.expect("it is bound");
    let ended = desk.end("sms", true).await.expect("it passes P7");
    for one in &ended {
        assert_eq!((&one.in_force.method, one.in_force.ground), (&MFA, InForceGround::Own));
    }
    assert_eq!(ended.len(), 2);
    assert_eq!(desk.offered("password").await, [("totp".to_owned(), false)]);
}

#[tokio::test]
async fn what_was_proven_ends_with_the_person() {
    let desk = Desk::new(&["sms", "email"]).await;
    desk.world.prove(&desk.caller, &bob(), "sms").await;
    let list = async |owner: &Owner| desk.world.service.methods(&desk.caller, owner).await.expect("a list");
    assert_eq!(list(&alice()).await.len(), 2);
    desk.world
        .service
        .close_user(&desk.caller, &alice())
        .await
        .expect("closed");
    assert!(list(&alice()).await.is_empty(), "a closed user is reached by nothing");
    desk.world.prove(&desk.caller, &alice(), "sms").await;
    desk.world
        .service
        .erase_user(&desk.caller, &alice())
        .await
        .expect("erased");
    assert!(list(&alice()).await.is_empty());
    assert!(
        desk.world
            .store
            .proven_methods(alice())
            .await
            .expect("a read")
            .is_none(),
        "not even a record"
    );
    assert_eq!(list(&bob()).await.len(), 1, "others keep theirs");
}

#[tokio::test]
async fn a4_identities_are_shown_to_those_who_enroll() {
    let desk = Desk::new(&["sms"]).await;
    let verifier = desk.world.caller(&[Role::Verify], None).await;
    let told = desk.world.service.methods(&verifier, &alice()).await;
    assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
    let shown = desk
        .world
        .service
        .methods(&desk.caller, &alice())
        .await
        .expect("a list");
    assert_eq!((&*shown[0].name, &*shown[0].identity), ("sms", "sms of alice"));
}

/// While a device is bound, what an external method gave opens no factor; beside none it does, for what it names.
#[tokio::test]
async fn p3a_an_external_method_changes_no_factor_while_a_device_is_bound() {
    let desk = Desk::new(&["sms"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let by_sms = desk.checked_by("sms").await;
    let (_, phone) = desk.world.bind(&desk.caller, &alice()).await;
    let less = |factor| ProtectionChange {
        factor: Some(factor),
        ..at_login(NONE)
    };
    for factor in [by_sms, desk.checked_by("sms").await] {
        let told = desk.set(&less(factor)).await;
        assert!(matches!(told, Err(ServiceError::GrantRefused { .. })), "{told:?}");
    }
    let code = by_code(&phone.later(desk.world.now(), 1));
    desk.set(&less(code)).await.expect("a code does");
}

/// P2: a report is a check like any: a login answered by one may trust its browser, whose next login asks nothing.
#[tokio::test]
async fn p2_a_login_that_was_reported_trusts_its_browser() {
    let desk = Desk::new(&["sms"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let asked = desk.ask(&login("password")).await;
    let report = MethodReport {
        trust_device: true,
        ..desk.report("sms")
    };
    let told = desk.world.service.report_method(&desk.caller, &asked.id, &report).await;
    let token = told.expect("it is right").trusted_device;
    assert!(token.is_some());
    assert_eq!(desk.world.told("trusted_device.add").await.len(), 1);
    let again = NewChallenge {
        trusted_device: token,
        ..login("password")
    };
    let told = desk.ask(&again).await;
    assert_eq!((told.decision, told.ground), (Decision::Allow, Ground::TrustedDevice));
}

/// P9, U5: a number that is lost leaves nothing to check the user with, and no protection goes off for that.
#[tokio::test]
async fn u5_who_has_nothing_left_to_be_checked_with_does_not_switch_protection_off() {
    let desk = Desk::new(&["sms"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    desk.end("sms", true).await.expect("it passes P7");
    let told = desk.set(&at_login(NONE)).await;
    assert!(
        matches!(told, Err(ServiceError::FactorRequired(_))),
        "a fresh factor is needed"
    );
    let stuck = desk.ask(&login("password")).await;
    assert_eq!((stuck.decision, stuck.ground), (Decision::Deny, Ground::NoMethod));
}

/// U5: where a method protects, another one beside it is another way in: it gives the factor that switches the first one off.
#[tokio::test]
async fn u5_beside_a_method_that_protects_another_one_takes_a_check() {
    let desk = Desk::new(&["sms"]).await;
    desk.prove("email", &desk.proven("alice@example.com", None))
        .await
        .expect("nothing is protected yet: the operator brings it along");
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let told = desk.prove("wechat", &desk.proven("mallory", None)).await;
    assert!(
        matches!(told, Err(ServiceError::FactorRequired(_))),
        "a fresh factor is needed"
    );
    let row = "accounts/binding-wechat";
    let factor = desk.world.checked_by(&desk.caller, &alice(), "sms", row).await;
    let told = desk.prove("wechat", &desk.proven("alice", Some(factor))).await;
    told.expect("it is paid for by a method of before");
}

/// P4, P5: what the account forbids does not answer a suspicious login in place of what login protection asks for, or whoever
/// has the password would choose the weaker check by going abroad.
#[tokio::test]
async fn p5_a_suspicious_login_is_not_opened_by_what_login_protection_forbids() {
    let desk = Desk::new(&["sms"]).await;
    desk.world.bind(&desk.caller, &alice()).await;
    let change = ProtectionChange {
        suspicious_login_protection: external("sms"),
        ..at_login(MFA)
    };
    desk.set(&ProtectionChange {
        operation_protection: MFA,
        ..change
    })
    .await
    .expect("it adds to it");
    desk.require(MFA, &[]).await;
    assert_eq!(desk.offered("password").await, [("totp".to_owned(), false)]);
    let risky = NewChallenge {
        is_risky: true,
        ..login("password")
    };
    let told = desk.ask(&risky).await;
    let names: Vec<&str> = told.methods.iter().map(|offered| &*offered.method).collect();
    assert_eq!((told.ground, names), (Ground::RiskReported, vec!["totp"]));
}

/// P2, P9: whoever has the number now may have been at work, and have had a browser trusted.
#[tokio::test]
async fn p9_no_browser_is_trusted_any_more_by_a_number_that_went_to_somebody_else() {
    let desk = Desk::new(&["sms", "wechat"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let asked = desk.ask(&login("password")).await;
    let report = MethodReport {
        trust_device: true,
        ..desk.report("sms")
    };
    let told = desk.world.service.report_method(&desk.caller, &asked.id, &report).await;
    let again = NewChallenge {
        trusted_device: told.expect("it is right").trusted_device,
        ..login("password")
    };
    assert_eq!(desk.ask(&again).await.ground, Ground::TrustedDevice);
    desk.end("sms", true).await.expect("it passes P7");
    let told = desk.ask(&again).await;
    assert_eq!((told.decision, told.ground), (Decision::Challenge, Ground::Protected));
}

/// P4, U5: what the account forbids does not answer because it was named for suspicious logins, which nobody was checked for.
#[tokio::test]
async fn p4_a_setting_that_costs_no_check_lets_nothing_answer_that_the_account_forbids() {
    let desk = Desk::new(&["sms"]).await;
    desk.world.bind(&desk.caller, &alice()).await;
    desk.require(MFA, &[]).await;
    let change = ProtectionChange {
        operation_protection: MFA,
        suspicious_login_protection: external("sms"),
        ..at_login(MFA)
    };
    desk.set(&change).await.expect("it adds to it, and takes no check");
    for purpose in [ChallengePurpose::Operation, ChallengePurpose::Identity] {
        let always = NewChallenge {
            purpose,
            operation: Some("accounts/modifying-user-mobile-number".into()),
            session_id: Some("s".into()),
            ..login("password")
        };
        let told = desk
            .ask(&NewChallenge {
                first_factor: None,
                ..always
            })
            .await;
        let names: Vec<&str> = told.methods.iter().map(|offered| &*offered.method).collect();
        assert_eq!(names, ["totp"], "{purpose:?}");
    }
}

/// P2, U5: with a number that gives way ends what was given to whoever has it: grants, and trust in browsers.
#[tokio::test]
async fn p2_p3b_what_the_number_of_before_opened_ends_when_another_takes_its_place() {
    const NUMBER: &str = "accounts/modifying-user-mobile-number";
    let desk = Desk::new(&["sms"]).await;
    desk.set(&at_login(external("sms"))).await.expect("it is proven");
    let asked = desk.ask(&login("password")).await;
    let report = MethodReport {
        trust_device: true,
        ..desk.report("sms")
    };
    let told = desk.world.service.report_method(&desk.caller, &asked.id, &report).await;
    let again = NewChallenge {
        trusted_device: told.expect("it is right").trusted_device,
        ..login("password")
    };
    let kept = desk.checked_by("sms").await;
    let pays = desk.world.checked_by(&desk.caller, &alice(), "sms", NUMBER).await;
    let told = desk.prove("sms", &desk.proven("another", Some(pays))).await;
    told.expect("it is paid for by the number of before");
    let told = desk.ask(&again).await;
    assert_eq!((told.decision, told.ground), (Decision::Challenge, Ground::Protected));
    let off = ProtectionChange {
        factor: Some(kept),
        ..at_login(NONE)
    };
    let told = desk.set(&off).await;
    assert!(matches!(told, Err(ServiceError::GrantRefused { .. })), "{told:?}");
}
