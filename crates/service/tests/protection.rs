//! Protection: a challenge is decided, answered once, and gives a grant.

mod support;

use service::{
    Caller, Challenge, ChallengeAnswer, ChallengePurpose, ChallengeState, Decision, GrantUse, Ground, NewChallenge,
    Owner, Revocation, Role, ServiceError, UnixMs,
};
use support::{STEP_MS, World, alice, bob, phone::Phone, text};

fn login(owner: &Owner) -> NewChallenge {
    NewChallenge {
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
    }
}

fn operation(owner: &Owner, session: &str, operation: &str) -> NewChallenge {
    NewChallenge {
        purpose: ChallengePurpose::Operation,
        session_id: Some(session.into()),
        operation: Some(operation.into()),
        first_factor: None,
        ..login(owner)
    }
}

fn totp(code: &str) -> ChallengeAnswer {
    ChallengeAnswer {
        method: "totp".into(),
        code: text(code),
        trust_device: false,
    }
}

async fn asked(world: &World, caller: &Caller, wanted: &NewChallenge) -> Challenge {
    world
        .service
        .create_challenge(caller, wanted)
        .await
        .expect("a decision")
}

fn identity(owner: &Owner) -> NewChallenge {
    NewChallenge {
        purpose: ChallengePurpose::Identity,
        operation: Some("console/set-a-new-password".into()),
        first_factor: None,
        ..login(owner)
    }
}

const RESTART: &str = "cloud-virtual-machine/shutting-down-instances";
const REBIND: &str = "accounts/unbinding-mfa-token";

async fn bound() -> (World, Caller, Phone) {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    (world, caller, phone)
}

#[tokio::test]
async fn p2_a_login_is_challenged_answered_and_granted() {
    let (world, caller, phone) = bound().await;
    let challenge = asked(&world, &caller, &login(&alice())).await;
    assert_eq!(
        (challenge.decision, challenge.ground),
        (Decision::Challenge, Ground::Protected)
    );
    assert_eq!(challenge.methods[0].method, "totp");
    assert!(challenge.grant.is_none());
    assert!(
        world.told("challenge.decide").await.is_empty(),
        "an unanswered one writes nothing"
    );
    let answer = totp(&phone.shows(world.now()));
    let told = world
        .service
        .answer_challenge(&caller, &challenge.id, answer)
        .await
        .expect("a verdict");
    assert_eq!(told.decision, Decision::Allow);
    let grant = told.grant.expect("a grant");
    assert_eq!(
        grant.expires_at,
        UnixMs::new(world.now().get()).plus(5 * UnixMs::MINUTE)
    );
    let event = world.last("challenge.answer").await;
    assert_eq!(event["outcome"], "accepted");
    assert_eq!(
        (&event["detail"]["purpose"], &event["detail"]["ground"]),
        (&"login".into(), &"protected".into())
    );
    let alive = world
        .service
        .introspect_grant(&caller, &grant.text, &GrantUse::default())
        .await;
    let alive = alive.expect("an answer").expect("it is alive");
    assert_eq!((alive.owner, alive.methods), (alice(), vec!["totp".to_owned()]));
    world.clock.pass(5 * UnixMs::MINUTE);
    let later = world
        .service
        .introspect_grant(&caller, &grant.text, &GrantUse::default())
        .await;
    assert_eq!(later, Ok(None), "it has expired");
}

#[tokio::test]
async fn a_challenge_is_answered_once() {
    let (world, caller, phone) = bound().await;
    let challenge = asked(&world, &caller, &login(&alice())).await;
    let state = async || {
        world
            .service
            .challenge_state(&caller, &challenge.id)
            .await
            .expect("a state")
            .1
    };
    assert_eq!(state().await, ChallengeState::Open);
    let first = totp(&phone.shows(world.now()));
    world
        .service
        .answer_challenge(&caller, &challenge.id, first)
        .await
        .expect("a verdict");
    assert_eq!(state().await, ChallengeState::Answered);
    world.clock.pass(STEP_MS);
    let next = phone.shows(world.now());
    let again = world
        .service
        .answer_challenge(&caller, &challenge.id, totp(&next))
        .await;
    assert_eq!(again, Err(ServiceError::ChallengeEnded));
    let told = world.verify(&caller, &alice(), &next).await;
    assert!(
        matches!(told, Ok(service::Answer::Accepted(_))),
        "its code was not burned: {told:?}"
    );
}

#[tokio::test]
async fn a_wrong_answer_is_counted_and_leaves_the_challenge_open() {
    let (world, caller, phone) = bound().await;
    let challenge = asked(&world, &caller, &login(&alice())).await;
    for wrong in phone.wrong_codes(world.now(), 10) {
        let told = world
            .service
            .answer_challenge(&caller, &challenge.id, totp(&wrong))
            .await
            .expect("a verdict");
        assert_eq!((told.decision, told.grant), (Decision::Challenge, None));
    }
    let right = totp(&phone.shows(world.now()));
    let told = world
        .service
        .answer_challenge(&caller, &challenge.id, right)
        .await
        .expect("a verdict");
    assert_eq!(told.decision, Decision::Challenge, "A1: the tenth wrong code locked it");
    assert!(told.locked_until.is_some());
}

#[tokio::test]
async fn a_challenge_expires_and_belongs_to_whoever_asked() {
    let (world, caller, phone) = bound().await;
    let challenge = asked(&world, &caller, &login(&alice())).await;
    let another = world.all().await;
    let code = || totp(&phone.shows(world.now()));
    let told = world.service.answer_challenge(&another, &challenge.id, code()).await;
    assert_eq!(told, Err(ServiceError::NotFound("challenge")));
    for altered in ["", "AAAA", &challenge.id[1..], &format!("{}A", challenge.id)] {
        let told = world.service.answer_challenge(&caller, altered, code()).await;
        assert_eq!(told, Err(ServiceError::NotFound("challenge")), "{altered}");
    }
    world.clock.pass(5 * UnixMs::MINUTE);
    let told = world.service.answer_challenge(&caller, &challenge.id, code()).await;
    assert_eq!(told, Err(ServiceError::ChallengeExpired));
}

#[tokio::test]
async fn a3b_who_is_not_checked_is_told_why() {
    let world = World::new().await;
    let caller = world.all().await;
    let challenge = asked(&world, &caller, &login(&bob())).await;
    assert_eq!(
        (challenge.decision, challenge.ground),
        (Decision::Allow, Ground::UnknownUser)
    );
    let grant = challenge.grant.expect("a grant");
    let alive = world
        .service
        .introspect_grant(&caller, &grant.text, &GrantUse::default())
        .await;
    assert_eq!(
        alive.expect("an answer").expect("it is alive").methods,
        Vec::<String>::new()
    );
    let event = world.last("challenge.decide").await;
    assert_eq!(
        (&event["outcome"], &event["cause"]),
        (&"allow".into(), &"unknown_user".into())
    );
}

#[tokio::test]
async fn p3_a_pass_holds_for_its_session_and_operation_and_never_for_identity_always() {
    let (world, caller, phone) = bound().await;
    let wanted = operation(&alice(), "s1", RESTART);
    let challenge = asked(&world, &caller, &wanted).await;
    assert_eq!(challenge.ground, Ground::Protected);
    let answer = totp(&phone.shows(world.now()));
    let told = world
        .service
        .answer_challenge(&caller, &challenge.id, answer)
        .await
        .expect("a verdict");
    let grant = told.grant.expect("a grant").text;
    let again = asked(&world, &caller, &wanted).await;
    assert_eq!((again.decision, again.ground), (Decision::Allow, Ground::GrantAlive));
    for (session, key) in [
        ("s2", RESTART),
        ("s1", "cloud-virtual-machine/binding-key-pairs"),
        ("s1", REBIND),
    ] {
        let other = asked(&world, &caller, &operation(&alice(), session, key)).await;
        assert_eq!(other.decision, Decision::Challenge, "{session} {key}");
    }
    let at = |session: &str, key: &str| GrantUse {
        session_id: Some(session.into()),
        operation: Some(key.into()),
        resource: None,
    };
    let passes = async |at: GrantUse| {
        world
            .service
            .introspect_grant(&caller, &grant, &at)
            .await
            .expect("an answer")
            .is_some()
    };
    assert!(passes(at("s1", RESTART)).await);
    assert!(!passes(at("s2", RESTART)).await && !passes(at("s1", REBIND)).await && !passes(GrantUse::default()).await);
    world.clock.pass(30 * UnixMs::MINUTE);
    assert!(!passes(at("s1", RESTART)).await);
    let later = asked(&world, &caller, &wanted).await;
    assert_eq!(later.decision, Decision::Challenge);
}

#[tokio::test]
async fn revocation_ends_a_grant_a_session_or_everything() {
    let (world, caller, phone) = bound().await;
    let wanted = operation(&alice(), "s1", RESTART);
    let at = GrantUse {
        session_id: Some("s1".into()),
        operation: Some(RESTART.into()),
        resource: None,
    };
    for number in 0..3 {
        let challenge = asked(&world, &caller, &wanted).await;
        let answer = totp(&phone.shows(world.now()));
        let told = world
            .service
            .answer_challenge(&caller, &challenge.id, answer)
            .await
            .expect("a verdict");
        let grant = told.grant.expect("a grant").text;
        let is_alive = async || {
            let told = world.service.introspect_grant(&caller, &grant, &at).await;
            told.expect("an answer").is_some()
        };
        assert!(is_alive().await, "{number}");
        let revocation = match number {
            0 => Revocation::Grant(grant.clone()),
            1 => Revocation::Session(alice(), "s1".into()),
            _ => Revocation::User(alice()),
        };
        world
            .service
            .revoke_grants(&caller, &revocation)
            .await
            .expect("it is done");
        assert!(!is_alive().await, "{revocation:?}");
        let again = asked(&world, &caller, &wanted).await;
        assert_eq!(again.decision, Decision::Challenge, "and its pass: {revocation:?}");
        world.clock.pass(STEP_MS);
    }
}

#[tokio::test]
async fn each_purpose_needs_what_it_is_about_and_a_key_its_role_and_audience() {
    let (world, caller, _) = bound().await;
    let bare = login(&alice());
    for wanted in [
        NewChallenge {
            first_factor: None,
            ..bare.clone()
        },
        NewChallenge {
            purpose: ChallengePurpose::Operation,
            ..bare.clone()
        },
        NewChallenge {
            purpose: ChallengePurpose::Identity,
            ..bare.clone()
        },
        NewChallenge {
            audience: Some("bank".into()),
            ..bare.clone()
        },
    ] {
        let told = world.service.create_challenge(&caller, &wanted).await;
        assert!(matches!(told, Err(ServiceError::Invalid { .. })), "{wanted:?}");
    }
    let enroll = world.caller(&[Role::Enroll], None).await;
    let told = world.service.create_challenge(&enroll, &bare).await;
    assert!(matches!(told, Err(ServiceError::Forbidden(_))));
    let elsewhere = world.caller(&[Role::Verify], Some(&["other"])).await;
    let told = world.service.create_challenge(&elsewhere, &bare).await;
    assert!(matches!(told, Err(ServiceError::Forbidden(_))));
}

/// A4: a key that is limited to other accounts answers no challenge of this one, and no grant of it is alive to it.
#[tokio::test]
async fn a4_a_limited_key_learns_nothing_of_other_accounts() {
    let (world, caller, _) = bound().await;
    let challenge = asked(&world, &caller, &login(&bob())).await;
    let grant = challenge.grant.expect("a grant").text;
    let elsewhere = world.caller(&[Role::Verify], Some(&["other"])).await;
    let told = world
        .service
        .introspect_grant(&elsewhere, &grant, &GrantUse::default())
        .await;
    assert_eq!(told, Ok(None));
    let told = world.service.challenge_state(&elsewhere, &challenge.id).await;
    assert_eq!(told, Err(ServiceError::NotFound("challenge")));
    let told = world.service.revoke_grants(&elsewhere, &Revocation::Grant(grant)).await;
    assert!(matches!(told, Err(ServiceError::Forbidden(_))));
}

/// What was granted ends with the last device, and with the person.
#[tokio::test]
async fn grants_end_with_the_last_device_and_with_the_person() {
    for erased in [false, true] {
        let (world, caller, phone) = bound().await;
        let challenge = asked(&world, &caller, &login(&alice())).await;
        let answer = totp(&phone.shows(world.now()));
        let told = world.service.answer_challenge(&caller, &challenge.id, answer).await;
        let grant = told.expect("a verdict").grant.expect("a grant").text;
        let is_alive = async || {
            let told = world
                .service
                .introspect_grant(&caller, &grant, &GrantUse::default())
                .await;
            told.expect("an answer").is_some()
        };
        assert!(is_alive().await);
        if erased {
            world
                .service
                .erase_user(&caller, &alice())
                .await
                .expect("they are erased");
        } else {
            world
                .service
                .close_user(&caller, &alice())
                .await
                .expect("they are closed");
        }
        assert!(!is_alive().await, "erased: {erased}");
    }
}

/// P3, P3b: a pass that names no operation passes those that are not always checked; a login's grant passes none.
#[tokio::test]
async fn p3b_no_grant_but_its_own_passes_an_operation_that_is_always_checked() {
    let (world, caller, phone) = bound().await;
    let granted = async |wanted: &NewChallenge| {
        let challenge = asked(&world, &caller, wanted).await;
        let answer = totp(&phone.shows(world.now()));
        world.clock.pass(STEP_MS);
        let told = world.service.answer_challenge(&caller, &challenge.id, answer).await;
        told.expect("a verdict").grant.expect("a grant").text
    };
    let any = NewChallenge {
        operation: None,
        ..operation(&alice(), "s1", RESTART)
    };
    let pass = granted(&any).await;
    let login = granted(&login(&alice())).await;
    let own = granted(&operation(&alice(), "s1", REBIND)).await;
    let passes = async |grant: &str, key: Option<&str>| {
        let at = GrantUse {
            session_id: Some("s1".into()),
            operation: key.map(str::to_owned),
            resource: None,
        };
        let told = world.service.introspect_grant(&caller, grant, &at).await;
        told.expect("an answer").is_some()
    };
    assert!(passes(&pass, Some(RESTART)).await && passes(&pass, None).await);
    assert!(!passes(&pass, Some(REBIND)).await, "it is never covered by a pass");
    assert!(passes(&own, Some(REBIND)).await);
    assert!(!passes(&login, Some(RESTART)).await);
    let alive = world
        .service
        .introspect_grant(&caller, &login, &GrantUse::default())
        .await;
    assert!(alive.expect("an answer").is_some(), "it is a login's");
}

/// The longest names that a challenge takes give a grant that is read again, though each of them is written twice and escaped.
#[tokio::test]
async fn a_grant_of_the_longest_names_is_alive() {
    let world = World::new().await;
    let caller = world.all().await;
    let name = "\"".repeat(128);
    let owner = Owner::new(&*name, &*name);
    let text = Some("\"".repeat(256));
    let key = format!("{0}/{0}", "a".repeat(100));
    let wanted = NewChallenge {
        resource: text.clone(),
        ..operation(&owner, text.as_deref().expect("a name"), &key)
    };
    let told = asked(&world, &caller, &wanted).await;
    let grant = told.grant.expect("a grant").text;
    let at = GrantUse {
        session_id: text.clone(),
        operation: Some(key),
        resource: text,
    };
    let alive = world.service.introspect_grant(&caller, &grant, &at).await;
    assert!(alive.expect("an answer").is_some(), "it is alive");
}

/// A2: a check of identity may come before any first factor, so what outsiders lock there locks no login.
#[tokio::test]
async fn a2_whoever_has_no_password_locks_no_login() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone, papers) = world.bind_as(&caller, &alice(), None, true).await;
    let papers: Vec<&str> = papers.iter().map(|paper| paper.as_str()).collect();
    let answer = async |wanted: NewChallenge, method: &str, code: &str| {
        let challenge = asked(&world, &caller, &wanted).await;
        let answer = ChallengeAnswer {
            method: method.into(),
            ..totp(code)
        };
        world.service.answer_challenge(&caller, &challenge.id, answer).await
    };
    let decision = async |wanted: NewChallenge, method: &str, code: &str| {
        answer(wanted, method, code).await.map(|told| told.decision)
    };
    let suspended = async || {
        let user = world.service.user(&caller, &alice()).await.expect("a user");
        user.devices[0].suspended.clone()
    };
    for wrong in phone.wrong_codes(world.now(), 9) {
        let told = decision(identity(&alice()), "totp", &wrong).await;
        assert_eq!(told, Ok(Decision::Challenge));
    }
    for wrong in ["A", "B", "C", "D", "E"] {
        let told = decision(identity(&alice()), "recovery_code", &wrong.repeat(16)).await;
        assert_eq!(told, Ok(Decision::Challenge));
    }
    let told = answer(identity(&alice()), "recovery_code", papers[0])
        .await
        .expect("an answer");
    assert!(
        told.locked_until.is_some(),
        "B6: five lock the recovery codes of that road"
    );
    let told = answer(login(&alice()), "recovery_code", papers[0])
        .await
        .expect("an answer");
    assert_eq!(
        (told.decision, told.wrong_since_last_success),
        (Decision::Allow, Some(0)),
        "and of no other"
    );
    assert_eq!(suspended().await, []);

    let tenth = phone.wrong_codes(world.now(), 10).pop().expect("ten");
    let locked = ServiceError::Locked {
        until: None,
        retry_after_s: None,
    };
    let told = decision(identity(&alice()), "totp", &tenth).await;
    assert_eq!(told, Err(locked.clone()), "it says so at once");
    assert_eq!(
        suspended().await,
        [verify::Purpose::Identity],
        "A1: ten that are no mistakes suspend it"
    );
    assert_eq!(world.last("challenge.answer").await["detail"]["suspended"], "identity");
    let shown = phone.shows(world.now());
    assert_eq!(decision(identity(&alice()), "totp", &shown).await, Err(locked));
    let user = world.service.user(&caller, &alice()).await.expect("a user");
    assert_eq!(user.locked_until, None);
    let told = answer(login(&alice()), "totp", &shown).await.expect("an answer");
    assert_eq!(
        (told.decision, told.wrong_since_last_success),
        (Decision::Allow, Some(0))
    );

    world
        .service
        .unlock(&caller, &alice(), device, None)
        .await
        .expect("lifted");
    assert_eq!(
        world.last("device.unlock").await["detail"]["lifted"],
        serde_json::json!(["identity"])
    );
    world.clock.pass(STEP_MS);
    let told = decision(identity(&alice()), "totp", &phone.shows(world.now())).await;
    assert_eq!(told, Ok(Decision::Allow));
}

/// A2: nor the other way round: whoever has the password and locks the login leaves the owner that way to a new password.
#[tokio::test]
async fn a2_whoever_locks_the_login_leaves_the_check_of_identity_open() {
    let (world, caller, phone) = bound().await;
    world.guess(&caller, &alice(), &phone, 10).await;
    assert!(asked(&world, &caller, &login(&alice())).await.locked_until.is_some());
    let challenge = asked(&world, &caller, &identity(&alice())).await;
    assert_eq!(challenge.locked_until, None);
    let answer = totp(&phone.shows(world.now()));
    let told = world.service.answer_challenge(&caller, &challenge.id, answer).await;
    assert_eq!(told.expect("an answer").decision, Decision::Allow);
    assert!(asked(&world, &caller, &login(&alice())).await.locked_until.is_some());
}
