//! Settings of protection: what is in force, what weakens them, and what an account requires of its users.

mod support;

use serde_json::json;
use service::{
    Caller, ChallengePurpose, Decision, Factor, Ground, Id, InForceGround, Input, NewChallenge, NewRequirements, Owner,
    ProtectionChange, ProtectionMethod, ProtectionView, Role, ServiceError,
};
use support::{SETTINGS, World, alice, bob, by_code, by_paper, phone::Phone};

const NONE: ProtectionMethod = ProtectionMethod::None;
const MFA: ProtectionMethod = ProtectionMethod::Mfa;

fn external(name: &str) -> ProtectionMethod {
    ProtectionMethod::External(name.into())
}

/// One method for login and operations, and everything else as it is by default.
fn both(method: ProtectionMethod) -> ProtectionChange {
    ProtectionChange {
        login_protection: method.clone(),
        operation_protection: method,
        suspicious_login_protection: NONE,
        allow_trusted_devices: true,
        session_idle_minutes: 120,
        session_total_hours: 48,
        factor: None,
    }
}

fn paid(change: ProtectionChange, factor: Factor) -> ProtectionChange {
    ProtectionChange {
        factor: Some(factor),
        ..change
    }
}

fn invalid(told: &Result<ProtectionView, ServiceError>) -> Option<Input> {
    match told {
        Err(ServiceError::Invalid { input, .. }) => Some(*input),
        _ => None,
    }
}

struct Bound {
    world: World,
    caller: Caller,
    device: Id,
    phone: Phone,
    paper: Vec<String>,
}

impl Bound {
    /// Alice has a device, recovery codes and both protections; for her and for Bob methods were proven before.
    async fn new() -> Self {
        let world = World::new().await;
        let caller = world.all().await;
        for owner in [alice(), bob()] {
            for method in ["sms", "wechat"] {
                world.prove(&caller, &owner, method).await;
            }
        }
        let (device, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
        let paper = paper.iter().map(|code| code.to_string()).collect();
        Self {
            world,
            caller,
            device,
            phone,
            paper,
        }
    }

    async fn now(&self, owner: &Owner) -> ProtectionView {
        self.world
            .service
            .protection(&self.caller, owner)
            .await
            .expect("a view")
    }

    /// Changes what is there now.
    async fn set(&self, owner: &Owner, change: &ProtectionChange) -> Result<ProtectionView, ServiceError> {
        let version = self.now(owner).await.settings.version;
        let service = &self.world.service;
        service.set_protection(&self.caller, owner, version, change).await
    }

    async fn require(&self, login_protection: ProtectionMethod) {
        let service = &self.world.service;
        let read = service.requirements(&self.caller, "acme").await.expect("requirements");
        let wanted = NewRequirements {
            login_protection,
            alternatives: read.alternatives,
            ..NewRequirements::default()
        };
        let done = service
            .set_requirements(&self.caller, "acme", read.version, &wanted)
            .await;
        done.expect("they are required");
    }

    fn fresh(&self) -> Factor {
        by_code(&self.phone.shows(self.world.now()))
    }

    async fn login(&self, owner: &Owner) -> (Decision, Ground) {
        let wanted = NewChallenge {
            owner: owner.clone(),
            purpose: ChallengePurpose::Login,
            audience: None,
            operation: None,
            resource: None,
            session_id: None,
            first_factor: Some("password".into()),
            client: None,
            is_risky: false,
            trusted_device: None,
        };
        let told = self.world.service.create_challenge(&self.caller, &wanted).await;
        let told = told.expect("a decision");
        (told.decision, told.ground)
    }
}

#[tokio::test]
async fn u5_taking_protection_away_takes_a_fresh_factor_and_is_told() {
    let bound = Bound::new().await;
    let world = &bound.world;
    assert!(
        matches!(
            bound.set(&alice(), &both(NONE)).await,
            Err(ServiceError::FactorRequired(_))
        ),
        "a fresh factor is needed"
    );
    assert!(world.told("protection.change").await.is_empty(), "nothing was changed");
    let code = bound.phone.shows(world.now());
    let done = bound
        .set(&alice(), &paid(both(NONE), by_code(&code)))
        .await
        .expect("it is right");
    assert_eq!(done, bound.now(&alice()).await, "the answer is what is there");
    let login = &done.login_protection;
    assert_eq!(
        (&login.method, login.since, login.ground),
        (&NONE, Some(world.now()), InForceGround::Own)
    );
    let event = world.last("protection.change").await;
    assert_eq!((&event["outcome"], &event["cause"]), (&json!("done"), &json!("totp")));
    assert_eq!(event["detail"]["before"]["login_protection"], "mfa");
    assert_eq!(event["detail"]["after"]["login_protection"], "none");
    let again = world.verify(&bound.caller, &alice(), &code).await;
    assert_eq!(again, Ok(service::Answer::Refused), "D4: the change burned its code");
    assert_eq!(bound.login(&alice()).await, (Decision::Allow, Ground::NotProtected));
}

#[tokio::test]
async fn u5_each_weakening_takes_a_factor_and_no_strengthening_does() {
    let bound = Bound::new().await;
    let strict = ProtectionChange {
        suspicious_login_protection: MFA,
        allow_trusted_devices: false,
        session_idle_minutes: 15,
        session_total_hours: 1,
        ..both(MFA)
    };
    bound.set(&alice(), &strict).await.expect("U5: strengthening is free");
    let strict = || ProtectionChange {
        suspicious_login_protection: MFA,
        allow_trusted_devices: false,
        session_idle_minutes: 15,
        session_total_hours: 1,
        ..both(MFA)
    };
    let weaker = [
        ProtectionChange {
            login_protection: NONE,
            ..strict()
        },
        ProtectionChange {
            operation_protection: external("sms"),
            ..strict()
        },
        ProtectionChange {
            suspicious_login_protection: NONE,
            ..strict()
        },
        ProtectionChange {
            allow_trusted_devices: true,
            ..strict()
        },
        ProtectionChange {
            session_idle_minutes: 16,
            ..strict()
        },
        ProtectionChange {
            session_total_hours: 2,
            ..strict()
        },
    ];
    for change in &weaker {
        assert!(
            matches!(bound.set(&alice(), change).await, Err(ServiceError::FactorRequired(_))),
            "a fresh factor is needed"
        );
    }
    let sms = paid(both(external("sms")), by_paper(&bound.paper[0]));
    let done = bound
        .set(&alice(), &sms)
        .await
        .expect("P3a: a recovery code is a factor");
    assert_eq!(done.login_protection.ground, InForceGround::Own);
    assert_eq!(bound.world.last("protection.change").await["cause"], "recovery_code");
    let again = paid(both(NONE), by_paper(&bound.paper[0]));
    let refused = bound.set(&alice(), &again).await;
    assert!(
        matches!(refused, Err(ServiceError::CodeRefused { .. })),
        "it was spent: {refused:?}"
    );
    let other = both(external("wechat"));
    assert!(
        matches!(bound.set(&alice(), &other).await, Err(ServiceError::FactorRequired(_))),
        "a fresh factor is needed"
    );
    bound
        .set(&alice(), &both(MFA))
        .await
        .expect("U5: strengthening is free");
}

#[tokio::test]
async fn u5_a_wrong_code_is_counted_and_changes_nothing() {
    let bound = Bound::new().await;
    let before = bound.now(&alice()).await;
    let wrong = bound.phone.wrong_codes(bound.world.now(), 1).pop().expect("one");
    let refused = bound.set(&alice(), &paid(both(NONE), by_code(&wrong))).await;
    assert!(matches!(refused, Err(ServiceError::CodeRefused { .. })), "{refused:?}");
    assert_eq!(bound.now(&alice()).await, before);
    assert_eq!(bound.world.last("protection.change").await["outcome"], "refused");
    let mut told = refused;
    for wrong in bound.phone.wrong_codes(bound.world.now(), 21).iter().skip(1) {
        told = bound.set(&alice(), &paid(both(NONE), by_code(wrong))).await;
        if matches!(told, Err(ServiceError::Locked { .. })) {
            break;
        }
    }
    assert!(
        matches!(told, Err(ServiceError::Locked { .. })),
        "D5: guesses are counted: {told:?}"
    );
    assert_eq!(bound.now(&alice()).await, before);
}

#[tokio::test]
async fn b5_mfa_is_refused_where_no_device_is_bound() {
    let bound = Bound::new().await;
    let only_suspicious = ProtectionChange {
        suspicious_login_protection: MFA,
        ..both(NONE)
    };
    for change in [both(MFA), only_suspicious] {
        assert_eq!(bound.set(&bob(), &change).await, Err(ServiceError::NoDevice));
    }
    let done = bound
        .set(&bob(), &both(external("sms")))
        .await
        .expect("it needs no device");
    assert_eq!(done.login_protection.method, external("sms"));
    assert_eq!(done.login_protection.ground, InForceGround::Own);
    assert!(
        matches!(
            bound.set(&bob(), &both(NONE)).await,
            Err(ServiceError::FactorRequired(_))
        ),
        "U5"
    );
    let checked = ProtectionChange {
        factor: Some(bound.world.checked_by(&bound.caller, &bob(), "sms", SETTINGS).await),
        ..both(NONE)
    };
    bound
        .set(&bob(), &checked)
        .await
        .expect("P3a: without a device an external method does");
}

#[tokio::test]
async fn p1_a_main_method_is_one_of_the_operators() {
    let bound = Bound::new().await;
    for name in ["carrier-pigeon", "email", "face"] {
        let login = ProtectionChange {
            login_protection: external(name),
            ..both(MFA)
        };
        assert_eq!(
            invalid(&bound.set(&alice(), &login).await),
            Some(Input::LoginProtection),
            "{name}"
        );
        let suspicious = ProtectionChange {
            suspicious_login_protection: external(name),
            ..both(MFA)
        };
        let told = invalid(&bound.set(&alice(), &suspicious).await);
        assert_eq!(told, Some(Input::SuspiciousLoginProtection), "{name}");
    }
}

#[tokio::test]
async fn p6_session_limits_have_their_range() {
    let bound = Bound::new().await;
    for minutes in [14, 721] {
        let change = ProtectionChange {
            session_idle_minutes: minutes,
            ..both(MFA)
        };
        assert_eq!(
            invalid(&bound.set(&alice(), &change).await),
            Some(Input::SessionIdleMinutes)
        );
    }
    for hours in [0, 49] {
        let change = ProtectionChange {
            session_total_hours: hours,
            ..both(MFA)
        };
        assert_eq!(
            invalid(&bound.set(&alice(), &change).await),
            Some(Input::SessionTotalHours)
        );
    }
}

#[tokio::test]
async fn a_change_stands_on_what_was_read() {
    let bound = Bound::new().await;
    let service = &bound.world.service;
    let version = bound.now(&alice()).await.settings.version;
    let stricter = || ProtectionChange {
        session_idle_minutes: 30,
        ..both(MFA)
    };
    let done = service
        .set_protection(&bound.caller, &alice(), version, &stricter())
        .await;
    assert_eq!(done.expect("it is fresh").settings.version, version + 1);
    let code = bound.phone.shows(bound.world.now());
    let late = paid(both(NONE), by_code(&code));
    let late = service.set_protection(&bound.caller, &alice(), version, &late).await;
    assert_eq!(late, Err(ServiceError::PreconditionFailed));
    let told = bound.world.verify(&bound.caller, &alice(), &code).await;
    assert!(
        matches!(told, Ok(service::Answer::Accepted(_))),
        "its code was not burned: {told:?}"
    );
    let same = bound.set(&alice(), &stricter()).await.expect("it is so already");
    assert_eq!(same.settings.version, version + 1, "nothing was changed");
    assert_eq!(bound.world.told("protection.change").await.len(), 1);
}

#[tokio::test]
async fn p1_an_accounts_requirement_holds_where_the_user_chose_nothing() {
    let bound = Bound::new().await;
    bound
        .set(&alice(), &paid(both(NONE), bound.fresh()))
        .await
        .expect("it is right");
    bound.require(MFA).await;
    let view = bound.now(&alice()).await;
    assert_eq!(view.settings.login_protection.method, NONE, "her own choice is hers");
    let login = view.login_protection;
    assert_eq!((login.method, login.since), (MFA, Some(bound.world.now())));
    assert_eq!(login.ground, InForceGround::RequiredByAccount);
    assert_eq!(view.operation_protection.method, NONE);
    assert_eq!(
        bound.login(&alice()).await,
        (Decision::Challenge, Ground::RequiredByAccount)
    );
    let carol = Owner::new("acme", "carol");
    assert_eq!(bound.now(&carol).await.login_protection.ground, InForceGround::NoMethod);
    assert_eq!(bound.login(&carol).await, (Decision::Deny, Ground::NoMethod));
    let stands_in = (Decision::Challenge, Ground::RequiredByAccount);
    assert_eq!(
        bound.login(&bob()).await,
        stands_in,
        "P4: what was proven for him may stand in"
    );
    let elsewhere = Owner::new("umbrella", "alice");
    assert_eq!(bound.login(&elsewhere).await, (Decision::Allow, Ground::UnknownUser));
    let evading = ProtectionChange {
        login_protection: external("sms"),
        ..both(NONE)
    };
    let told = bound.set(&alice(), &evading).await;
    let told = told.expect("a choice of hers").login_protection;
    assert_eq!(
        (told.method, told.ground),
        (MFA, InForceGround::RequiredByAccount),
        "a weaker choice stands in for no requirement"
    );
    bound.require(external("sms")).await;
    let in_force = bound.now(&alice()).await.login_protection;
    assert_eq!(in_force.ground, InForceGround::Own, "the same choice meets it");
    bound.require(NONE).await;
    assert_eq!(bound.login(&alice()).await, (Decision::Challenge, Ground::Protected));
}

#[tokio::test]
async fn u1_a_required_last_device_is_not_unbound() {
    let bound = Bound::new().await;
    bound.require(MFA).await;
    let service = &bound.world.service;
    let unbind = async |factor: &Factor| service.unbind(&bound.caller, &alice(), bound.device, factor).await;
    let fresh = bound.fresh();
    assert_eq!(unbind(&fresh).await, Err(ServiceError::RequiredByAccount));
    bound.require(NONE).await;
    unbind(&fresh).await.expect("its code was not burned");
}

#[tokio::test]
async fn p1_an_accounts_users_are_listed_with_their_state() {
    let bound = Bound::new().await;
    let service = &bound.world.service;
    bound
        .set(&bob(), &both(external("sms")))
        .await
        .expect("it needs no device");
    bound.world.bind(&bound.caller, &Owner::new("acme2", "alice")).await;
    // Somebody who was only asked about has a row before long, and nothing to show.
    let asked = bound
        .world
        .verify(&bound.caller, &Owner::new("acme", "aaron"), "123456")
        .await;
    assert_eq!(asked, Ok(service::Answer::Refused));
    service.close().await;
    let page = async |after: Option<&str>, limit| {
        service
            .users(&bound.caller, "acme", after, limit)
            .await
            .expect("a page")
    };
    let all = page(None, 9).await;
    assert_eq!(all.next, None);
    let [alice, bob] = &all.users[..] else {
        panic!("{all:?}")
    };
    assert_eq!(
        (&*alice.owner.user, alice.devices, alice.recovery_codes_left),
        ("alice", 1, 10)
    );
    assert!(alice.last_success_at.is_some() && alice.locked_until.is_none() && !alice.suspended);
    assert_eq!(alice.protection.login_protection.method, MFA);
    assert_eq!((&*bob.owner.user, bob.devices, bob.locked_until), ("bob", 0, None));
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let next = page(after.as_deref(), 1).await;
        listed.extend(next.users);
        after = next.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, all.users, "page by page the same");
}

#[tokio::test]
async fn p1_requirements_are_changed_by_who_administers_the_account() {
    let bound = Bound::new().await;
    let service = &bound.world.service;
    let admin = bound.world.caller(&[Role::Admin], Some(&["acme"])).await;
    let before = service.requirements(&admin, "acme").await.expect("requirements");
    assert_eq!((before.version, before.alternatives.len()), (0, 5));
    let wanted = NewRequirements {
        login_protection: external("sms"),
        operation_protection: MFA,
        alternatives: vec!["sms".into(), "email".into(), "sms".into()],
    };
    let done = service
        .set_requirements(&admin, "acme", 0, &wanted)
        .await
        .expect("they are required");
    assert_eq!(
        (done.version, &done.alternatives),
        (1, &vec!["email".to_owned(), "sms".to_owned()])
    );
    let event = bound.world.last("requirements.change").await;
    assert_eq!(event["detail"]["account"], "acme");
    assert_eq!(event["detail"]["before"]["login_protection"], "none");
    assert_eq!(event["detail"]["after"]["login_protection"], "sms");
    let late = service
        .set_requirements(&admin, "acme", 0, &NewRequirements::default())
        .await;
    assert_eq!(late, Err(ServiceError::PreconditionFailed));
    let same = service
        .set_requirements(&admin, "acme", 1, &wanted)
        .await
        .expect("they are so already");
    assert_eq!(same, done);
    let other = service.requirements(&admin, "umbrella").await;
    assert!(matches!(other, Err(ServiceError::Forbidden(_))), "{other:?}");
    for (input, wanted) in [
        (
            Input::LoginProtection,
            NewRequirements {
                login_protection: external("email"),
                ..wanted.clone()
            },
        ),
        (
            Input::OperationProtection,
            NewRequirements {
                operation_protection: external("x"),
                ..wanted.clone()
            },
        ),
        (
            Input::Alternatives,
            NewRequirements {
                alternatives: vec!["x".into()],
                ..wanted.clone()
            },
        ),
    ] {
        let told = service.set_requirements(&admin, "acme", 1, &wanted).await;
        assert!(
            matches!(&told, Err(ServiceError::Invalid { input: told, .. }) if *told == input),
            "{told:?}"
        );
    }
}
