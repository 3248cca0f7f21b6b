//! Sessions (P6): begun by a login, checked, ended, and what is left of them after a crash.

mod support;

use service::{
    AnsweredChallenge, Caller, ChallengeAnswer, ChallengePurpose, CheckedSession, Client, Decision, Factor,
    NewChallenge, NewRequirements, NewSession, Owner, ProtectionChange, ProtectionMethod, Role, Service, ServiceError,
    SessionEnd, Settings, StartedSession, UnixMs,
};
use store::StoreError;
use support::{SETTINGS, World, alice, bob, by_code, faulty::Fault, phone::Phone, text};

/// Signing out everywhere, as the catalogue names it.
const SIGN_OUT: &str = "accounts/remove-login-status";

fn challenge(owner: &Owner, purpose: ChallengePurpose) -> NewChallenge {
    NewChallenge {
        owner: owner.clone(),
        purpose,
        audience: None,
        operation: (purpose != ChallengePurpose::Login).then(|| "accounts/bind-mfa-token".into()),
        resource: None,
        session_id: (purpose == ChallengePurpose::Operation).then(|| "s1".into()),
        first_factor: (purpose == ChallengePurpose::Login).then(|| "password".into()),
        client: None,
        is_risky: false,
        trusted_device: None,
    }
}

/// What comes of a challenge that is answered by the phone, a step later.
async fn answered(
    world: &World,
    caller: &Caller,
    phone: &Phone,
    purpose: ChallengePurpose,
    trust_device: bool,
) -> AnsweredChallenge {
    let service = &world.service;
    let asked = service.create_challenge(caller, &challenge(&alice(), purpose)).await;
    let answer = ChallengeAnswer {
        method: "totp".into(),
        code: text(&phone.shows(world.now())),
        trust_device,
    };
    let told = service
        .answer_challenge(caller, &asked.expect("a challenge").id, answer)
        .await;
    world.clock.pass(support::STEP_MS);
    told.expect("a verdict")
}

/// Its grant.
async fn granted(world: &World, caller: &Caller, phone: &Phone, purpose: ChallengePurpose) -> String {
    let told = answered(world, caller, phone, purpose, false).await;
    told.grant.expect("a grant").text
}

fn with(grant: &str) -> NewSession {
    NewSession {
        grant: Some(grant.into()),
        client: None,
    }
}

async fn begin(world: &World, caller: &Caller, owner: &Owner) -> StartedSession {
    let begun = world
        .service
        .create_session(caller, owner, &NewSession::default())
        .await;
    begun.expect("a session")
}

fn check(world: &World, caller: &Caller, session: &StartedSession) -> CheckedSession {
    let checked = world.service.check_session(caller, &session.token, true);
    checked.expect("it is known")
}

fn is_active(world: &World, caller: &Caller, session: &StartedSession) -> bool {
    matches!(check(world, caller, session), CheckedSession::Active { .. })
}

fn over(world: &World, caller: &Caller, session: &StartedSession) -> Option<SessionEnd> {
    match check(world, caller, session) {
        CheckedSession::Over(end) => Some(end),
        CheckedSession::Active { .. } => None,
    }
}

/// The process dies, and another one finds what is on disk.
async fn crash(world: &mut World) {
    world.service = Service::start(world.ports.clone(), Settings::default())
        .await
        .expect("it starts");
}

async fn bound() -> (World, Caller, Phone) {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    (world, caller, phone)
}

fn limits(idle_minutes: u16, total_hours: u16) -> ProtectionChange {
    ProtectionChange {
        login_protection: ProtectionMethod::None,
        operation_protection: ProtectionMethod::None,
        suspicious_login_protection: ProtectionMethod::None,
        allow_trusted_devices: true,
        session_idle_minutes: idle_minutes,
        session_total_hours: total_hours,
        factor: None,
    }
}

#[tokio::test]
async fn p6_a_session_takes_the_grant_of_its_login_which_is_used_once() {
    let (world, caller, phone) = bound().await;
    let service = &world.service;
    let without = service.create_session(&caller, &alice(), &NewSession::default()).await;
    assert_eq!(
        without.err(),
        Some(ServiceError::GrantRequired),
        "login protection is on"
    );
    let grant = granted(&world, &caller, &phone, ChallengePurpose::Login).await;
    let other = service.create_session(&caller, &bob(), &with(&grant)).await;
    assert_eq!(other.err(), Some(ServiceError::GrantRequired), "another user's");
    let session = service
        .create_session(&caller, &alice(), &with(&grant))
        .await
        .expect("a session");
    let CheckedSession::Active { owner, id, .. } = check(&world, &caller, &session) else {
        panic!("it goes on");
    };
    assert_eq!((owner, id), (alice(), session.id));
    let again = service.create_session(&caller, &alice(), &with(&grant)).await;
    assert_eq!(again.err(), Some(ServiceError::GrantRequired), "used up");
    let refused = world.last("session.create").await;
    assert_eq!(
        (&refused["outcome"], &refused["cause"]),
        (&"refused".into(), &"grant".into())
    );
}

#[tokio::test]
async fn p6_no_other_grant_begins_a_session() {
    let (world, caller, phone) = bound().await;
    for purpose in [ChallengePurpose::Operation, ChallengePurpose::Identity] {
        let grant = granted(&world, &caller, &phone, purpose).await;
        let begun = world.service.create_session(&caller, &alice(), &with(&grant)).await;
        assert_eq!(begun.err(), Some(ServiceError::GrantRequired), "{purpose:?}");
    }
    let grant = granted(&world, &caller, &phone, ChallengePurpose::Login).await;
    world.clock.pass(5 * UnixMs::MINUTE);
    let late = world.service.create_session(&caller, &alice(), &with(&grant)).await;
    assert_eq!(late.err(), Some(ServiceError::GrantRequired), "expired");
}

#[tokio::test]
async fn p6_a_session_ends_when_nobody_is_seen_and_a_look_is_nobody() {
    let world = World::new().await;
    let caller = world.all().await;
    let session = begin(&world, &caller, &alice()).await;
    world.clock.pass(119 * UnixMs::MINUTE);
    assert!(is_active(&world, &caller, &session), "seen");
    world.clock.pass(119 * UnixMs::MINUTE);
    let looked = world.service.check_session(&caller, &session.token, false);
    assert!(matches!(looked, Ok(CheckedSession::Active { .. })), "{looked:?}");
    world.clock.pass(UnixMs::MINUTE);
    assert_eq!(over(&world, &caller, &session), Some(SessionEnd::Idle));
    // What has ended stays so, also before that time.
    world.clock.set(-UnixMs::SECOND);
    assert_eq!(over(&world, &caller, &session), Some(SessionEnd::Idle));
}

#[tokio::test]
async fn p6_a_session_ends_after_its_whole_time_however_much_is_seen() {
    let world = World::new().await;
    let caller = world.all().await;
    let session = begin(&world, &caller, &alice()).await;
    for _ in 0..47 {
        world.clock.pass(UnixMs::HOUR);
        assert!(is_active(&world, &caller, &session));
    }
    world.clock.pass(UnixMs::HOUR - 1);
    assert!(is_active(&world, &caller, &session));
    world.clock.pass(1);
    assert_eq!(over(&world, &caller, &session), Some(SessionEnd::Expired));
    world.clock.pass(1);
    assert_eq!(
        world.service.run_housekeeping(&Caller::system()).await,
        Ok(1),
        "its row is forgotten"
    );
    assert_eq!(over(&world, &caller, &session), Some(SessionEnd::Expired));
}

#[tokio::test]
async fn p6_a_change_of_the_limits_takes_effect_at_the_next_login() {
    let world = World::new().await;
    let caller = world.all().await;
    let before = begin(&world, &caller, &alice()).await;
    let set = world.service.set_protection(&caller, &alice(), 0, &limits(15, 1)).await;
    set.expect("it is set");
    let after = begin(&world, &caller, &alice()).await;
    let now = world.now();
    assert_eq!(before.expires_at, now.plus(48 * UnixMs::HOUR));
    let both = (after.idle_expires_at, after.expires_at);
    assert_eq!(both, (now.plus(15 * UnixMs::MINUTE), now.plus(UnixMs::HOUR)));
    world.clock.pass(15 * UnixMs::MINUTE);
    assert_eq!(over(&world, &caller, &after), Some(SessionEnd::Idle));
    assert!(is_active(&world, &caller, &before));
}

#[tokio::test]
async fn p6_signing_out_everywhere_takes_a_factor_and_ends_all_sessions_and_grants() {
    let (world, caller, phone) = bound().await;
    let grant = granted(&world, &caller, &phone, ChallengePurpose::Login).await;
    let one = world
        .service
        .create_session(&caller, &alice(), &with(&grant))
        .await
        .expect("a session");
    let grant = granted(&world, &caller, &phone, ChallengePurpose::Login).await;
    let two = world
        .service
        .create_session(&caller, &alice(), &with(&grant))
        .await
        .expect("a session");
    let of_bob = begin(&world, &caller, &bob()).await;
    let kept = granted(&world, &caller, &phone, ChallengePurpose::Login).await;
    let end = async |factor: Option<Factor>| {
        let (service, alice) = (&world.service, alice());
        service.end_all_sessions(&caller, &alice, factor.as_ref()).await
    };
    assert!(
        matches!(end(None).await, Err(ServiceError::FactorRequired(_))),
        "a fresh factor is needed"
    );
    let [wrong] = &phone.wrong_codes(world.now(), 1)[..] else {
        panic!("one")
    };
    assert!(matches!(
        end(Some(by_code(wrong))).await,
        Err(ServiceError::CodeRefused { .. })
    ));
    assert!(is_active(&world, &caller, &one));
    assert_eq!(end(Some(by_code(&phone.shows(world.now())))).await, Ok(2));
    for session in [&one, &two] {
        assert_eq!(over(&world, &caller, session), Some(SessionEnd::Ended));
    }
    assert!(is_active(&world, &caller, &of_bob), "nobody else's");
    let late = world.service.create_session(&caller, &alice(), &with(&kept)).await;
    assert_eq!(
        late.err(),
        Some(ServiceError::GrantRequired),
        "grants of before have ended, too"
    );
    let event = world.last("session.end_all").await;
    assert_eq!((&event["count"], &event["cause"]), (&2.into(), &"totp".into()));
}

#[tokio::test]
async fn p6_without_a_device_nobody_is_asked_for_a_code_to_sign_out() {
    let world = World::new().await;
    let caller = world.all().await;
    let session = begin(&world, &caller, &bob()).await;
    assert_eq!(world.service.end_all_sessions(&caller, &bob(), None).await, Ok(1));
    assert_eq!(over(&world, &caller, &session), Some(SessionEnd::Ended));
}

/// Signing out everywhere is nobody's loss: where the account forbids all that could answer a check, none is asked for.
#[tokio::test]
async fn p4_p6_what_the_account_forbids_keeps_nobody_from_signing_out() {
    let world = World::new().await;
    let caller = world.all().await;
    world.prove(&caller, &bob(), "sms").await;
    let session = begin(&world, &caller, &bob()).await;
    let required = NewRequirements::default();
    let told = world.service.set_requirements(&caller, "acme", 0, &required).await;
    told.expect("no alternatives");
    let check = NewChallenge {
        operation: Some(SIGN_OUT.into()),
        ..challenge(&bob(), ChallengePurpose::Identity)
    };
    let asked = world.service.create_challenge(&caller, &check).await;
    assert_eq!(asked.expect("a decision").decision, Decision::Deny);
    assert_eq!(world.service.end_all_sessions(&caller, &bob(), None).await, Ok(1));
    assert_eq!(over(&world, &caller, &session), Some(SessionEnd::Ended));
}

#[tokio::test]
async fn p2_p6_signing_out_everywhere_ends_the_trust_in_every_browser() {
    let (world, caller, phone) = bound().await;
    let service = &world.service;
    let told = answered(&world, &caller, &phone, ChallengePurpose::Login, true).await;
    let login = NewChallenge {
        trusted_device: Some(told.trusted_device.expect("a token")),
        ..challenge(&alice(), ChallengePurpose::Login)
    };
    let before = service.create_challenge(&caller, &login).await.expect("a decision");
    assert_eq!(before.decision, Decision::Allow);
    let factor = by_code(&phone.shows(world.now()));
    let ended = service.end_all_sessions(&caller, &alice(), Some(&factor)).await;
    assert_eq!(ended, Ok(0), "no session, and yet a trust");
    let next = NewChallenge {
        trusted_device: before.trusted_device,
        ..login.clone()
    };
    for presented in [login, next] {
        let told = service.create_challenge(&caller, &presented).await.expect("a decision");
        assert_eq!(told.decision, Decision::Challenge);
    }
    assert_eq!(service.trusted_devices(&caller, &alice()).await, Ok(Vec::new()));
    let late = with(&before.grant.expect("a grant").text);
    let late = service.create_session(&caller, &alice(), &late).await;
    assert_eq!(late.err(), Some(ServiceError::GrantRequired), "what the trust gave");
}

#[tokio::test]
async fn p3b_p6_without_a_device_a_proven_method_pays_for_signing_out_by_a_grant_for_just_that() {
    let world = World::new().await;
    let caller = world.all().await;
    let session = begin(&world, &caller, &bob()).await;
    world.prove(&caller, &bob(), "sms").await;
    let end = async |factor: Option<Factor>| {
        let (service, bob) = (&world.service, bob());
        service.end_all_sessions(&caller, &bob, factor.as_ref()).await
    };
    assert!(
        matches!(end(None).await, Err(ServiceError::FactorRequired(_))),
        "a fresh factor is needed"
    );
    assert!(end(Some(by_code("000000"))).await.is_err(), "there is no device");
    let other = world.checked_by(&caller, &bob(), "sms", SETTINGS).await;
    let other = end(Some(other)).await;
    assert!(matches!(other, Err(ServiceError::GrantRefused { .. })), "{other:?}");
    assert!(is_active(&world, &caller, &session));
    let checked = async || match world.checked_by(&caller, &bob(), "sms", SIGN_OUT).await {
        Factor::Grant(grant) => grant,
        Factor::Code { .. } => panic!("a grant"),
    };
    let by = |grant: &str| Some(Factor::Grant(text(grant)));
    let grant = checked().await;
    assert_eq!(end(by(&grant)).await, Ok(1));
    assert_eq!(over(&world, &caller, &session), Some(SessionEnd::Ended));
    assert_eq!(world.last("session.end_all").await["cause"], "identity_grant");
    let again = end(by(&grant)).await;
    assert!(matches!(again, Err(ServiceError::GrantRefused { .. })), "{again:?}");
    world.clock.pass(UnixMs::SECOND);
    assert_eq!(end(by(&checked().await)).await, Ok(0));
}

#[tokio::test]
async fn p5_p6_where_suspicious_logins_alone_are_protected_a_session_takes_a_grant() {
    let (world, caller, phone) = bound().await;
    let service = &world.service;
    let version = service.protection(&caller, &alice()).await.expect("a view");
    let change = ProtectionChange {
        suspicious_login_protection: ProtectionMethod::Mfa,
        factor: Some(by_code(&phone.shows(world.now()))),
        ..limits(120, 48)
    };
    let version = version.settings.version;
    let set = service.set_protection(&caller, &alice(), version, &change).await;
    set.expect("it is set");
    let without = service.create_session(&caller, &alice(), &NewSession::default()).await;
    assert_eq!(without.err(), Some(ServiceError::GrantRequired));
    let login = challenge(&alice(), ChallengePurpose::Login);
    let told = service.create_challenge(&caller, &login).await.expect("a decision");
    assert_eq!(
        told.decision,
        Decision::Allow,
        "nothing is suspicious, and so nobody is asked"
    );
    let with = with(&told.grant.expect("a grant").text);
    let begun = service.create_session(&caller, &alice(), &with).await;
    assert!(is_active(&world, &caller, &begun.expect("a session")));
}

#[tokio::test]
async fn p6_p9_a_user_who_is_closing_begins_no_session() {
    let (world, caller, phone) = bound().await;
    let service = &world.service;
    let of_bob = begin(&world, &caller, &bob()).await;
    let grant = granted(&world, &caller, &phone, ChallengePurpose::Login).await;
    for owner in [alice(), bob()] {
        service.start_closing(&caller, &owner).await.expect("it begins");
    }
    assert_eq!(over(&world, &caller, &of_bob), Some(SessionEnd::Ended));
    for (owner, wanted) in [(alice(), with(&grant)), (bob(), NewSession::default())] {
        let begun = service.create_session(&caller, &owner, &wanted).await;
        assert_eq!(begun.err(), Some(ServiceError::GrantRequired));
        let refused = world.last("session.create").await;
        let told = (&refused["outcome"], &refused["cause"]);
        assert_eq!(told, (&"refused".into(), &"closing".into()));
        service.withdraw_closing(&caller, &owner).await.expect("taken back");
    }
    begin(&world, &caller, &bob()).await;
    let begun = service.create_session(&caller, &alice(), &with(&grant)).await;
    assert_eq!(
        begun.err(),
        Some(ServiceError::GrantRequired),
        "the grants of before have ended"
    );
}

#[tokio::test]
async fn p6_one_session_is_ended_and_the_others_go_on() {
    let world = World::new().await;
    let caller = world.all().await;
    let one = begin(&world, &caller, &alice()).await;
    let two = begin(&world, &caller, &alice()).await;
    let end = async |owner: Owner, id| world.service.end_session(&caller, &owner, id).await;
    assert_eq!(
        end(bob(), one.id).await,
        Err(ServiceError::NotFound("session")),
        "another user's"
    );
    assert_eq!(end(alice(), one.id).await, Ok(()));
    assert_eq!(end(alice(), one.id).await, Err(ServiceError::NotFound("session")));
    assert_eq!(over(&world, &caller, &one), Some(SessionEnd::Ended));
    assert!(is_active(&world, &caller, &two));
}

#[tokio::test]
async fn a_token_of_nobodys_is_unknown_as_is_one_of_an_account_out_of_reach() {
    let world = World::new().await;
    let caller = world.all().await;
    let session = begin(&world, &caller, &alice()).await;
    let elsewhere = world.caller(&[Role::Verify], Some(&["elsewhere"])).await;
    let unknown = Ok(CheckedSession::Over(SessionEnd::Unknown));
    world.clock.pass(119 * UnixMs::MINUTE);
    assert_eq!(world.service.check_session(&elsewhere, &session.token, true), unknown);
    for place in 0..session.token.len() {
        let mut altered = session.token.as_bytes().to_vec();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).expect("ASCII");
        let checked = world.service.check_session(&caller, &altered, true);
        assert_eq!(checked, unknown, "altered at {place}");
    }
    for text in ["", "css_", &session.token[1..], &format!("{}A", &*session.token)] {
        assert_eq!(world.service.check_session(&caller, text, true), unknown, "{text}");
    }
    world.clock.pass(UnixMs::MINUTE);
    assert_eq!(
        over(&world, &caller, &session),
        Some(SessionEnd::Idle),
        "none of that was the user"
    );
}

#[tokio::test]
async fn of_too_many_sessions_those_that_are_over_end_first_and_then_the_oldest() {
    let world = World::new().await;
    let caller = world.all().await;
    let mut sessions = Vec::new();
    for _ in 0..100 {
        sessions.push(begin(&world, &caller, &alice()).await);
        world.clock.pass(UnixMs::SECOND);
    }
    let of_bob = begin(&world, &caller, &bob()).await;
    // All but the tenth and the eleventh are seen.
    world.clock.pass(100 * UnixMs::MINUTE);
    for session in sessions
        .iter()
        .enumerate()
        .filter(|(place, _)| ![10, 11].contains(place))
    {
        assert!(is_active(&world, &caller, session.1));
    }
    world.clock.pass(30 * UnixMs::MINUTE);
    let mut ended = Vec::new();
    for _ in 0..3 {
        begin(&world, &caller, &alice()).await;
        ended.push(world.last("session.end").await["detail"]["session"].clone());
    }
    let expected = [&sessions[10], &sessions[11], &sessions[0]].map(|session| session.id.to_string());
    assert_eq!(ended, expected);
    assert_eq!(over(&world, &caller, &sessions[0]), Some(SessionEnd::Ended));
    assert!(is_active(&world, &caller, &sessions[1]));
    assert_eq!(
        over(&world, &caller, &of_bob),
        Some(SessionEnd::Idle),
        "nobody else's ends for it"
    );
}

#[tokio::test]
async fn sessions_are_listed_with_where_they_came_from_which_is_sealed() {
    let world = World::new().await;
    let caller = world.all().await;
    let client = Client {
        ip: Some("203.0.113.7".into()),
        user_agent: Some("Mozilla/5.0".into()),
    };
    let wanted = NewSession {
        grant: None,
        client: Some(client.clone()),
    };
    let begun = world
        .service
        .create_session(&caller, &alice(), &wanted)
        .await
        .expect("a session");
    world.clock.pass(UnixMs::SECOND);
    let other = begin(&world, &caller, &alice()).await;
    world.clock.pass(UnixMs::HOUR - UnixMs::SECOND);
    assert!(is_active(&world, &caller, &begun));
    let list = async |after, limit| {
        let listed = world.service.sessions(&caller, &alice(), after, limit).await;
        listed.expect("a list")
    };
    let shown = list(None, 100).await;
    assert_eq!(
        shown.iter().map(|session| session.id).collect::<Vec<_>>(),
        [begun.id, other.id]
    );
    assert_eq!(shown[0].client.as_ref(), Some(&client));
    assert_eq!(
        (shown[0].last_seen_at, shown[0].created_at),
        (world.now(), world.now().plus(-UnixMs::HOUR))
    );
    assert_eq!(list(None, 1).await[0].id, begun.id);
    assert_eq!(list(Some(begun.id), 1).await[0].id, other.id);
    let kept = world.store.session_documents(None, 9).await.expect("a read");
    assert!(
        kept.iter()
            .all(|kept| !kept.body.contains("203.0.113.7") && !kept.body.contains("Mozilla"))
    );
    world.clock.pass(UnixMs::HOUR + UnixMs::SECOND);
    assert_eq!(list(None, 100).await.len(), 1, "one is idle");
}

#[tokio::test]
async fn sessions_outlive_a_crash_with_what_was_saved_of_them_and_what_ended_does_not() {
    let mut world = World::new().await;
    let caller = world.all().await;
    let seen = begin(&world, &caller, &alice()).await;
    let unsaved = begin(&world, &caller, &alice()).await;
    let ended = begin(&world, &caller, &bob()).await;
    world.clock.pass(UnixMs::HOUR);
    assert!(is_active(&world, &caller, &seen));
    assert_eq!(world.service.save_touches(&Caller::system()).await, Ok(1));
    assert_eq!(
        world.service.save_touches(&Caller::system()).await,
        Ok(0),
        "nobody was seen since"
    );
    assert!(is_active(&world, &caller, &unsaved));
    assert_eq!(world.service.end_all_sessions(&caller, &bob(), None).await, Ok(1));
    crash(&mut world).await;
    assert_eq!(over(&world, &caller, &ended), Some(SessionEnd::Ended));
    world.clock.pass(UnixMs::HOUR);
    assert_eq!(
        over(&world, &caller, &unsaved),
        Some(SessionEnd::Idle),
        "early, never late"
    );
    assert!(is_active(&world, &caller, &seen));
    assert_eq!(over(&world, &caller, &ended), Some(SessionEnd::Ended));
}

#[tokio::test]
async fn closing_saves_what_was_seen() {
    let mut world = World::new().await;
    let caller = world.all().await;
    let session = begin(&world, &caller, &alice()).await;
    world.clock.pass(100 * UnixMs::MINUTE);
    assert!(is_active(&world, &caller, &session));
    world.service.close().await;
    crash(&mut world).await;
    world.clock.pass(100 * UnixMs::MINUTE);
    assert!(is_active(&world, &caller, &session));
}

#[tokio::test]
async fn what_is_saved_minute_by_minute_stays_few_rows_and_all_of_it_is_found_again() {
    let mut world = World::new().await;
    let caller = world.all().await;
    // More than one page of a start.
    let mut sessions = Vec::new();
    for number in 0..1_100 {
        let owner = Owner::new("acme", format!("user {}", number / 50));
        sessions.push(begin(&world, &caller, &owner).await);
    }
    for _ in 0..2 {
        world.clock.pass(50 * UnixMs::MINUTE);
        assert!(sessions.iter().all(|session| is_active(&world, &caller, session)));
        world.service.save_touches(&Caller::system()).await.expect("saved");
    }
    for _ in 0..70 {
        world.clock.pass(UnixMs::MINUTE);
        assert!(is_active(&world, &caller, &sessions[0]));
        assert_eq!(world.service.save_touches(&Caller::system()).await, Ok(1));
    }
    let rows = world.store.session_touches(None, 1_000).await.expect("a read");
    assert!(rows.len() <= 60, "{}", rows.len());
    crash(&mut world).await;
    world.clock.pass(49 * UnixMs::MINUTE);
    assert!(sessions.iter().all(|session| is_active(&world, &caller, session)));
}

/// What cannot be known is no end: of a session whose end was asked for, and may be on disk, nothing is said until it is.
#[tokio::test]
async fn an_end_in_doubt_is_said_to_nobody_and_brought_about() {
    let world = World::new().await;
    let caller = world.all().await;
    let session = begin(&world, &caller, &alice()).await;
    let broken = StoreError::Unavailable("full".into());
    world.engine.becomes(Fault::Writing(broken));
    let ended = world.service.end_all_sessions(&caller, &alice(), None).await;
    assert!(matches!(ended, Err(ServiceError::StorageUnavailable(_))), "{ended:?}");
    let checked = world.service.check_session(&caller, &session.token, true);
    assert!(
        matches!(checked, Err(ServiceError::StorageUnavailable(_))),
        "{checked:?}"
    );
    assert!(world.service.run_housekeeping(&Caller::system()).await.is_err());
    let checked = world.service.check_session(&caller, &session.token, true);
    assert!(
        matches!(checked, Err(ServiceError::StorageUnavailable(_))),
        "still: {checked:?}"
    );
    world.engine.becomes(Fault::None);
    world
        .service
        .run_housekeeping(&Caller::system())
        .await
        .expect("it goes on");
    assert_eq!(over(&world, &caller, &session), Some(SessionEnd::Ended));
}

#[tokio::test]
async fn a_node_that_lost_its_files_says_nothing_of_sessions() {
    let world = World::new().await;
    let caller = world.all().await;
    let session = begin(&world, &caller, &alice()).await;
    world
        .engine
        .becomes(Fault::Writing(StoreError::Untrusted("the files are gone".into())));
    let checked = world.service.check_session(&caller, &session.token, true);
    assert!(matches!(checked, Err(ServiceError::Untrusted(_))), "{checked:?}");
}

#[tokio::test]
async fn closing_a_user_and_erasing_one_end_their_sessions() {
    let world = World::new().await;
    let caller = world.all().await;
    let closed = begin(&world, &caller, &alice()).await;
    let erased = begin(&world, &caller, &bob()).await;
    world.service.close_user(&caller, &alice()).await.expect("closed");
    world.service.erase_user(&caller, &bob()).await.expect("erased");
    for session in [&closed, &erased] {
        assert_eq!(over(&world, &caller, session), Some(SessionEnd::Ended));
    }
    assert!(world.store.session_documents(None, 9).await.expect("a read").is_empty());
}

#[tokio::test]
async fn a_repeat_of_the_request_begins_no_second_session() {
    let world = World::new().await;
    let caller = world.all().await;
    let key = service::IdempotencyKey::new("q8Zr2nTV", &[b"the request"]);
    let caller = caller.with_idempotency_key(Some(key));
    let first = begin(&world, &caller, &alice()).await;
    let again = world
        .service
        .create_session(&caller, &alice(), &NewSession::default())
        .await;
    assert_eq!(again.err(), Some(ServiceError::AlreadyCreated { id: first.id }));
}
