//! What callers are told: of a lock by the code that brings it, of what would do, of what a request should not have.

mod support;

use service::{
    Answer, AnsweredChallenge, Caller, Challenge, ChallengeAnswer, ChallengePurpose, Confirmation, Decision, Factor,
    Ground, InForceGround, Input, Method, NewAdministrators, NewChallenge, NewProvenMethod, Owner, ProtectionChange,
    ProtectionMethod, Question, Replacement, ServiceError, UnixMs,
};
use support::{STEP_MS, World, alice, app, bob, by_code, by_paper, confirmation, phone::Phone, question, text};

const RESTART: &str = "cloud-virtual-machine/shutting-down-instances";
const NONE: ProtectionMethod = ProtectionMethod::None;

fn asked(owner: &Owner, purpose: ChallengePurpose) -> NewChallenge {
    let is_login = purpose == ChallengePurpose::Login;
    NewChallenge {
        owner: owner.clone(),
        purpose,
        audience: None,
        operation: (!is_login).then(|| RESTART.into()),
        resource: None,
        session_id: (purpose == ChallengePurpose::Operation).then(|| "s1".into()),
        first_factor: is_login.then(|| "password".into()),
        client: None,
        is_risky: false,
        trusted_device: None,
    }
}

fn login_by(login_protection: ProtectionMethod, factor: Option<Factor>) -> ProtectionChange {
    ProtectionChange {
        login_protection,
        operation_protection: NONE,
        suspicious_login_protection: NONE,
        allow_trusted_devices: true,
        session_idle_minutes: 120,
        session_total_hours: 48,
        factor,
    }
}

/// Alice with a phone and paper, and whoever asks.
struct Desk {
    world: World,
    caller: Caller,
    phone: Phone,
    paper: Vec<String>,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let caller = world.all().await;
        let (_, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
        let paper = paper.iter().map(|code| code.to_string()).collect();
        Self {
            world,
            caller,
            phone,
            paper,
        }
    }

    async fn ask(&self, wanted: &NewChallenge) -> Result<Challenge, ServiceError> {
        self.world.service.create_challenge(&self.caller, wanted).await
    }

    async fn answer(&self, id: &str, method: &str, code: &str) -> Result<AnsweredChallenge, ServiceError> {
        let answer = ChallengeAnswer {
            method: method.into(),
            code: text(code),
            trust_device: false,
        };
        self.world.service.answer_challenge(&self.caller, id, answer).await
    }

    async fn tried(
        &self,
        purpose: ChallengePurpose,
        method: &str,
        code: &str,
    ) -> Result<AnsweredChallenge, ServiceError> {
        let challenge = self.ask(&asked(&alice(), purpose)).await.expect("a challenge");
        self.answer(&challenge.id, method, code).await
    }
}

fn field_of<T>(told: Result<T, ServiceError>) -> Option<Input> {
    match told {
        Err(ServiceError::Invalid { input, .. }) => Some(input),
        _ => None,
    }
}

/// P3, P3b: a key that has not the shape of the catalogue's is a mistake of the caller's, whatever it is asked for.
#[tokio::test]
async fn p3_p3b_a_key_of_another_shape_is_refused_and_an_unknown_one_is_told() {
    let desk = Desk::new().await;
    for purpose in [ChallengePurpose::Operation, ChallengePurpose::Identity] {
        for key in [
            "Billing/Refund_X",
            "billing",
            "billing/",
            "/refund",
            "a/b/c",
            "",
            "billing/refund ",
        ] {
            let wanted = NewChallenge {
                operation: Some(key.into()),
                ..asked(&alice(), purpose)
            };
            assert_eq!(field_of(desk.ask(&wanted).await), Some(Input::Operation), "{key:?}");
        }
        let known = desk.ask(&asked(&bob(), purpose)).await.expect("a decision");
        assert!(!known.is_unknown_operation);
        let misspelt = NewChallenge {
            operation: Some("accounts/unbinding-mfa-tokens".into()),
            ..asked(&bob(), purpose)
        };
        let told = desk.ask(&misspelt).await.expect("a decision");
        assert!(told.is_unknown_operation, "{told:?}");
        assert_eq!(
            desk.world.last("challenge.decide").await["detail"]["unknown_operation"],
            true
        );
    }
    let login = desk
        .ask(&asked(&bob(), ChallengePurpose::Login))
        .await
        .expect("a decision");
    assert!(!login.is_unknown_operation);
    assert!(desk.world.last("challenge.decide").await["detail"]["unknown_operation"].is_null());
}

/// P2, P3, P3b: a field that means nothing to a purpose is refused by its name.
#[tokio::test]
async fn p2_p3_p3b_what_means_nothing_to_a_purpose_is_refused() {
    let desk = Desk::new().await;
    let some = || Some("x".to_owned());
    let with = |purpose, input| {
        let mut wanted = asked(&alice(), purpose);
        match input {
            Input::Operation => wanted.operation = Some(RESTART.into()),
            Input::Resource => wanted.resource = some(),
            Input::SessionId => wanted.session_id = some(),
            Input::Risk => wanted.is_risky = true,
            _ => wanted.trusted_device = some(),
        }
        wanted
    };
    let of_operations = [Input::Operation, Input::Resource, Input::SessionId];
    let of_logins = [Input::Risk, Input::TrustedDevice];
    for (purpose, refused, taken) in [
        (ChallengePurpose::Login, &of_operations[..], &of_logins[..]),
        (ChallengePurpose::Operation, &of_logins, &of_operations),
        (ChallengePurpose::Identity, &of_logins, &of_operations),
    ] {
        for &input in refused {
            assert_eq!(
                field_of(desk.ask(&with(purpose, input)).await),
                Some(input),
                "{purpose:?}"
            );
        }
        for &input in taken {
            desk.ask(&with(purpose, input)).await.expect("it has a meaning");
        }
    }
}

/// A1: the wrong code that locks a road says so, on each road, and `verify` says it by the next answer as ever.
#[tokio::test]
async fn a1_the_code_that_locks_says_so() {
    let desk = Desk::new().await;
    let world = &desk.world;
    let wrong = desk.phone.wrong_codes(world.now(), 10);
    let (last, before) = wrong.split_last().expect("ten");
    for code in before {
        let told = desk
            .tried(ChallengePurpose::Login, "totp", code)
            .await
            .expect("an answer");
        assert_eq!((told.decision, told.locked_until), (Decision::Challenge, None));
    }
    let told = desk
        .tried(ChallengePurpose::Login, "totp", last)
        .await
        .expect("an answer");
    let hour = world.now().plus(UnixMs::HOUR);
    assert_eq!((told.decision, told.locked_until), (Decision::Challenge, Some(hour)));
    let next = desk
        .tried(ChallengePurpose::Login, "totp", last)
        .await
        .expect("an answer");
    assert_eq!(
        next.locked_until,
        Some(hour),
        "the same that is told while it is locked"
    );
    let paper = ["A", "B", "C", "D", "E"].map(|letter| letter.repeat(16));
    for purpose in [ChallengePurpose::Login, ChallengePurpose::Identity] {
        for (place, code) in paper.iter().enumerate() {
            let told = desk.tried(purpose, "recovery_code", code).await.expect("an answer");
            assert_eq!(told.locked_until.is_some(), place == 4, "{purpose:?} {place}");
        }
    }

    let other = Desk::new().await;
    for code in other.phone.wrong_codes(other.world.now(), 10) {
        let told = other.world.verify(&other.caller, &alice(), &code).await;
        assert_eq!(told, Ok(Answer::Refused), "`verify` stays as it is");
    }
}

/// A1: nor does the code that suspends a road leave anybody waiting.
#[tokio::test]
async fn a1_the_code_that_suspends_says_so() {
    let desk = Desk::new().await;
    let wrong = desk.phone.wrong_codes(desk.world.now(), 10);
    let (last, before) = wrong.split_last().expect("ten");
    for code in before {
        let told = desk.tried(ChallengePurpose::Identity, "totp", code).await;
        assert_eq!(told.expect("an answer").decision, Decision::Challenge);
    }
    let told = desk.tried(ChallengePurpose::Identity, "totp", last).await;
    assert!(
        matches!(told, Err(ServiceError::Locked { until: None, .. })),
        "{told:?}"
    );
}

/// A1: whoever comes in by paper is told of the wrong codes of the device, which drove them there.
#[tokio::test]
async fn a1_a_recovery_code_tells_of_wrong_codes_of_the_device_too() {
    let desk = Desk::new().await;
    let world = &desk.world;
    world.guess(&desk.caller, &alice(), &desk.phone, 10).await;
    desk.tried(ChallengePurpose::Login, "recovery_code", &"A".repeat(16))
        .await
        .expect("an answer");
    let told = desk
        .tried(ChallengePurpose::Login, "recovery_code", &desk.paper[0])
        .await;
    assert_eq!(told.expect("an answer").wrong_since_last_success, Some(11));
    let by_paper = Question {
        method: Method::RecoveryCode,
        ..question(&alice(), &desk.paper[1])
    };
    match world.ask(&desk.caller, by_paper).await {
        Ok(Answer::Accepted(accepted)) => {
            assert_eq!(accepted.wrong_since_last_success, 10, "the device's own are left")
        }
        other => panic!("{other:?}"),
    }
    world.clock.pass(UnixMs::HOUR);
    let told = desk
        .tried(ChallengePurpose::Login, "totp", &desk.phone.shows(world.now()))
        .await;
    assert_eq!(told.expect("an answer").wrong_since_last_success, Some(10));
    world.clock.pass(STEP_MS);
    let told = desk
        .tried(ChallengePurpose::Login, "recovery_code", &desk.paper[2])
        .await;
    assert_eq!(
        told.expect("an answer").wrong_since_last_success,
        Some(0),
        "a right code ended them"
    );
}

/// U5: what would do is said as it is for this user and this change.
#[tokio::test]
async fn u5_what_would_do_is_said_of_this_user_and_this_change() {
    const SETTINGS: &str = "accounts/set-user-s-login-protection-and-sensitive-operation-verification-methods";
    let desk = Desk::new().await;
    let (world, caller) = (&desk.world, &desk.caller);
    let service = &world.service;
    let weaken = async |owner: Owner, factor| {
        let version = service
            .protection(caller, &owner)
            .await
            .expect("a view")
            .settings
            .version;
        let told = service
            .set_protection(caller, &owner, version, &login_by(NONE, factor))
            .await;
        told.expect_err("it needs a factor").to_string()
    };
    assert_eq!(
        weaken(alice(), None).await,
        format!(
            "this change needs a fresh factor of the user: a code of a device, or a recovery code, or the grant of a \
             challenge of purpose `identity` for `{SETTINGS}` that one of them gave"
        )
    );
    world.prove(caller, &bob(), "sms").await;
    let sms = login_by(ProtectionMethod::External("sms".into()), None);
    service
        .set_protection(caller, &bob(), 0, &sms)
        .await
        .expect("it is proven");
    let told = weaken(bob(), None).await;
    assert!(told.contains("has no device") && told.contains(SETTINGS), "{told}");
    let told = weaken(bob(), Some(by_code("123456"))).await;
    assert!(told.contains("has no device"), "{told}");
    let made_up = || Some(Factor::Grant(text("made-up")));
    assert_eq!(
        weaken(bob(), made_up()).await,
        format!(
            "the grant does not count here: the grant of a challenge of purpose `identity` for `{SETTINGS}`, given by any \
             method that its challenge offers, counts once within 5 minutes"
        )
    );
    assert!(
        weaken(alice(), made_up())
            .await
            .contains("given by a device or a recovery code")
    );
    let another = |factor| NewProvenMethod {
        identity: "another".into(),
        verified_at: world.now(),
        factor,
    };
    for (method, row) in [
        ("sms", "accounts/modifying-user-mobile-number"),
        ("wechat", "accounts/binding-wechat"),
    ] {
        for factor in [None, made_up()] {
            let told = service.prove_method(caller, &alice(), method, &another(factor)).await;
            let told = told.expect_err("it needs a factor").to_string();
            assert!(
                told.contains(&format!("for `{row}`")) && told.matches("accounts/").count() == 1,
                "{told}"
            );
        }
    }
    let wanted = |factor| NewAdministrators {
        root: "alice".into(),
        administrators: vec!["bob".into()],
        factor,
    };
    let first = service.set_administrators(caller, "acme", 0, &wanted(None)).await;
    let first = first.expect("the first time by the key alone").version;
    let less = NewAdministrators {
        administrators: Vec::new(),
        ..wanted(None)
    };
    let told = service.set_administrators(caller, "acme", first, &less).await;
    let told = told.expect_err("it needs a code").to_string();
    assert!(
        told.ends_with("a code of a device, or a recovery code; no grant does"),
        "{told}"
    );
}

/// B8, P9: a device in the place of nothing hands nothing over: the old holder's still opens.
#[tokio::test]
async fn b8_p9_a_device_that_replaced_none_hands_nothing_over() {
    let world = World::new().await;
    let caller = world.all().await;
    let (offer, phone) = world.start(&caller, &alice()).await;
    let typed = Confirmation {
        recovery_codes: true,
        ..confirmation(&[&phone.shows(world.now())])
    };
    let (device, paper) = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &typed)
        .await
        .expect("bound");
    let told = world.service.hand_over(&caller, &alice(), offer.id).await;
    let why = told.expect_err("it replaced none");
    assert_eq!(field_of::<()>(Err(why.clone())), Some(Input::Enrollment));
    assert!(why.to_string().contains("`leave`"), "{why}");
    let replacement = Replacement {
        replaces: Some(device.id),
        factor: by_paper(&paper[0]),
    };
    let wanted = world.wanted(&alice(), app(), Some(replacement));
    let offer = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .expect("an offer");
    let next = Phone::of(&offer);
    let typed = confirmation(&[&next.shows(world.now())]);
    let bound = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &typed)
        .await;
    bound.expect("bound");
    world
        .service
        .hand_over(&caller, &alice(), offer.id)
        .await
        .expect("it is theirs");
}

/// P5: without a database of cities the protection is off, says why, and a reported risk asks all the same.
#[tokio::test]
async fn p5_without_a_database_the_protection_says_so() {
    let desk = Desk::new().await;
    let service = &desk.world.service;
    let view = async || service.protection(&desk.caller, &alice()).await.expect("a view");
    assert_eq!(
        view().await.suspicious_login_protection.ground,
        InForceGround::Own,
        "nobody chose it"
    );
    let code = by_code(&desk.phone.shows(desk.world.now()));
    let suspicious = ProtectionChange {
        suspicious_login_protection: ProtectionMethod::Mfa,
        ..login_by(NONE, Some(code))
    };
    let version = view().await.settings.version;
    let set = service
        .set_protection(&desk.caller, &alice(), version, &suspicious)
        .await;
    for view in [set.expect("it is set"), view().await] {
        let told = view.suspicious_login_protection;
        assert_eq!((told.method, told.ground), (NONE, InForceGround::NoCityDatabase));
    }
    let risky = NewChallenge {
        is_risky: true,
        ..asked(&alice(), ChallengePurpose::Login)
    };
    let told = desk.ask(&risky).await.expect("a decision");
    assert_eq!(
        (told.decision, told.ground),
        (Decision::Challenge, Ground::RiskReported)
    );
}

/// P9: that somebody is closing can be seen, until it is taken back.
#[tokio::test]
async fn p9_a_closing_can_be_seen() {
    let desk = Desk::new().await;
    let service = &desk.world.service;
    let ends_at = async || {
        service
            .user(&desk.caller, &alice())
            .await
            .expect("a view")
            .closing_ends_at
    };
    assert_eq!(ends_at().await, None);
    service.start_closing(&desk.caller, &alice()).await.expect("it begins");
    assert_eq!(ends_at().await, Some(desk.world.now().plus(15 * UnixMs::DAY)));
    service
        .withdraw_closing(&desk.caller, &alice())
        .await
        .expect("taken back");
    assert_eq!(ends_at().await, None);
}

/// P1: who names a method that there is not is told which there are; a code of one that is reported, where it belongs.
#[tokio::test]
async fn p1_a_method_that_there_is_not_is_answered_by_those_that_there_are() {
    let desk = Desk::new().await;
    let smoke = login_by(ProtectionMethod::External("smoke".into()), None);
    let told = desk
        .world
        .service
        .set_protection(&desk.caller, &alice(), 1, &smoke)
        .await;
    let told = told.expect_err("there is none").to_string();
    assert!(told.ends_with("it is one of none, mfa, sms, wechat, qq"), "{told}");
    desk.world.prove(&desk.caller, &bob(), "sms").await;
    let wanted = asked(&bob(), ChallengePurpose::Identity);
    let challenge = desk.ask(&wanted).await.expect("a challenge");
    let told = desk.answer(&challenge.id, "sms", "123456").await.expect_err("reported");
    assert!(told.to_string().contains("send `report`"), "{told}");
}
