//! People change: closing and coming back, leaving, handing over; who holds an account; how many users it has.

mod support;

use proptest::prelude::*;
use service::{
    Answer, Caller, ChallengeAnswer, ChallengePurpose, ClosingState, Confirmation, Decision, Factor, GrantUse, Ground,
    Id, MethodReport, NewAdministrators, NewChallenge, Owner, ProtectionChange, ProtectionMethod, Role, Service,
    ServiceError, Settings, TokenStatus, UnixMs,
};
use store::StoreError;
use support::{
    SETTINGS, STEP_MS, World, alice, app, bob, by_code, by_paper, confirmation, faulty::Fault, id, phone::Phone,
};

const CLOSING_MS: i64 = 15 * UnixMs::DAY;
const NONE: ProtectionMethod = ProtectionMethod::None;

fn sms() -> ProtectionMethod {
    ProtectionMethod::External("sms".into())
}

/// One method at login, and nothing else.
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

fn asked(owner: &Owner, purpose: ChallengePurpose) -> NewChallenge {
    NewChallenge {
        owner: owner.clone(),
        purpose,
        audience: None,
        operation: (purpose != ChallengePurpose::Login).then(|| "accounts/apply-for-account-deregistration".into()),
        resource: None,
        session_id: (purpose != ChallengePurpose::Login).then(|| "s".into()),
        first_factor: Some("password".into()),
        client: None,
        is_risky: false,
        trusted_device: None,
    }
}

fn factor(code: &str) -> ChallengeAnswer {
    ChallengeAnswer {
        method: "totp".into(),
        code: code.to_owned().into(),
        trust_device: false,
    }
}

async fn login(world: &World, caller: &Caller, owner: &Owner) -> (Decision, Ground) {
    let wanted = asked(owner, ChallengePurpose::Login);
    let told = world.service.create_challenge(caller, &wanted).await;
    let told = told.expect("a decision");
    (told.decision, told.ground)
}

/// A grant of a check of identity, which a code gave.
async fn identity(world: &World, caller: &Caller, phone: &Phone) -> Result<String, ServiceError> {
    let wanted = asked(&alice(), ChallengePurpose::Identity);
    let challenge = world.service.create_challenge(caller, &wanted).await?;
    let code = factor(&phone.shows(world.now()));
    let answered = world.service.answer_challenge(caller, &challenge.id, code).await?;
    Ok(answered.grant.expect("a right code gives a grant").text)
}

async fn set(world: &World, caller: &Caller, owner: &Owner, change: ProtectionChange) -> Result<(), ServiceError> {
    let service = &world.service;
    let version = service.protection(caller, owner).await?.settings.version;
    let done = service.set_protection(caller, owner, version, &change).await;
    done.map(drop)
}

#[tokio::test]
async fn p9_nobody_logs_in_for_a_user_who_is_closing_and_it_can_be_taken_back() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    let (device, phone) = world.bind(&caller, &alice()).await;
    let grant = identity(&world, &caller, &phone).await.expect("a grant");
    let open = service
        .create_challenge(&caller, &asked(&alice(), ChallengePurpose::Login))
        .await;
    let open = open.expect("a challenge");
    world.clock.pass(STEP_MS);

    let closing = service.start_closing(&caller, &alice()).await.expect("it begins");
    assert_eq!(closing.state, ClosingState::Closing);
    assert_eq!(closing.ends_at, world.now().plus(CLOSING_MS), "P9: 15 days");
    world.clock.pass(UnixMs::DAY);
    let again = service.start_closing(&caller, &alice()).await;
    assert_eq!(
        again.as_ref(),
        Ok(&closing),
        "asked once more it ends when it would have"
    );
    assert_eq!(world.told("user.closing").await.len(), 1);

    assert_eq!(
        login(&world, &caller, &alice()).await,
        (Decision::Deny, Ground::Closing)
    );
    let operation = service
        .create_challenge(&caller, &asked(&alice(), ChallengePurpose::Operation))
        .await;
    assert_eq!(
        operation.expect("a decision").ground,
        Ground::Closing,
        "there is no session"
    );
    let code = phone.shows(world.now());
    assert_eq!(world.verify(&caller, &alice(), &code).await, Ok(Answer::Refused));
    assert_eq!(world.last("verify").await["cause"], "closing");
    let late = service.answer_challenge(&caller, &open.id, factor(&code)).await;
    assert_eq!(
        late,
        Err(ServiceError::ChallengeExpired),
        "a challenge of before opens nothing"
    );
    let alive = service.introspect_grant(&caller, &grant, &GrantUse::default()).await;
    assert!(alive.expect("it is read").is_none(), "grants of before have ended");
    identity(&world, &caller, &phone)
        .await
        .expect("a check of identity is answered all the same, by the same code");
    world.clock.pass(STEP_MS);

    let back = service
        .withdraw_closing(&caller, &alice())
        .await
        .expect("there is time");
    assert_eq!(back.state, ClosingState::Withdrawn);
    assert_eq!(
        service.withdraw_closing(&caller, &alice()).await,
        Ok(back),
        "and stays so"
    );
    assert_eq!(
        login(&world, &caller, &alice()).await,
        (Decision::Challenge, Ground::Protected)
    );
    let told = world.verify(&caller, &alice(), &phone.shows(world.now())).await;
    assert!(matches!(told, Ok(Answer::Accepted(accepted)) if accepted.device == Some(device)));
    world.clock.pass(2 * CLOSING_MS);
    service.run_housekeeping(&Caller::system()).await.expect("it runs");
    assert_eq!(
        world.told("device.unbind").await.len(),
        0,
        "what was taken back does not end"
    );
}

/// A challenge of before is answered neither by a code nor by a report, while it could still be.
#[tokio::test]
async fn p9_what_was_asked_before_a_closing_lets_nobody_in() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    world.prove(&caller, &alice(), "sms").await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    let login = asked(&alice(), ChallengePurpose::Login);
    let login = service.create_challenge(&caller, &login).await.expect("a challenge");
    service.start_closing(&caller, &alice()).await.expect("it begins");

    let report = MethodReport {
        method: "sms".into(),
        identity: support::identity(&alice(), "sms"),
        reference: "4711".into(),
        at: world.now(),
        trust_device: true,
    };
    let reported = service.report_method(&caller, &login.id, &report).await;
    assert_eq!(reported, Err(ServiceError::ChallengeExpired));
    let typed = factor(&phone.shows(world.now()));
    let typed = service.answer_challenge(&caller, &login.id, typed).await;
    assert_eq!(typed, Err(ServiceError::ChallengeExpired));
    let trusted = service.trusted_devices(&caller, &alice()).await.expect("a list");
    assert_eq!(
        trusted,
        [],
        "nor is a browser trusted that would be let in after a way back"
    );

    let identity = asked(&alice(), ChallengePurpose::Identity);
    let identity = service.create_challenge(&caller, &identity).await.expect("a challenge");
    let reported = service.report_method(&caller, &identity.id, &report).await;
    assert!(
        reported.is_ok(),
        "by a check of identity it may be taken back: {reported:?}"
    );
}

#[tokio::test]
async fn p9_a_closing_ends_after_15_days_with_all_that_the_user_had() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (device, phone) = world.bind_token(&caller, &alice(), "CS-1").await;
    let paper = service
        .renew_recovery_codes(&caller, &alice(), &by_code(&phone.shows(world.now())))
        .await;
    let paper = paper.expect("recovery codes");
    let closing = service.start_closing(&caller, &alice()).await.expect("it begins");
    world.clock.pass(CLOSING_MS - 1);
    service.run_housekeeping(&Caller::system()).await.expect("it runs");
    assert!(
        service.device(&caller, &alice(), device).await.is_ok(),
        "there is a millisecond left"
    );

    world.clock.pass(1);
    assert_eq!(
        service.withdraw_closing(&caller, &alice()).await,
        Err(ServiceError::ClosingEnded),
        "whether the housekeeping came by or not"
    );
    world.clock.pass(1);
    assert_eq!(service.run_housekeeping(&Caller::system()).await, Ok(1));
    assert_eq!(service.run_housekeeping(&Caller::system()).await, Ok(0), "once");
    let user = service.user(&caller, &alice()).await.expect("a view");
    assert!(user.devices.is_empty());
    assert_eq!(user.recovery_codes_left, 0);
    let token = service.token(&caller, "CS-1").await.expect("a token");
    assert_ne!(token.status, TokenStatus::Bound, "U4: it goes back, without its secret");
    let event = world.last("device.unbind").await;
    assert_eq!(event["cause"], "closing_over");
    assert_eq!(world.last("user.close").await["cause"], "closing_over");
    let code = phone.shows(world.now());
    assert_eq!(world.verify(&caller, &alice(), &code).await, Ok(Answer::Refused));
    let by_paper = by_paper(&paper[0]);
    let factor = service.renew_recovery_codes(&caller, &alice(), &by_paper).await;
    assert!(factor.is_err(), "recovery codes have ended: {factor:?}");
    let page = service.users(&caller, "acme", None, 9).await.expect("a page");
    assert!(page.users.is_empty(), "nothing is left to list");
    assert_eq!(
        service.withdraw_closing(&caller, &alice()).await,
        Err(ServiceError::ClosingEnded)
    );

    // Somebody of the same name begins anew, and is no closing user.
    world.bind(&caller, &alice()).await;
    assert_eq!(login(&world, &caller, &alice()).await.0, Decision::Challenge);
    let next = service
        .start_closing(&caller, &alice())
        .await
        .expect("and may go once more");
    assert!(next.ends_at > closing.ends_at && next.version > closing.version);
}

#[tokio::test]
async fn p9_whoever_leaves_goes_at_once_with_settings_and_with_their_office() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    world.prove(&caller, &alice(), "sms").await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    set(
        &world,
        &caller,
        &alice(),
        login_by(sms(), Some(by_code(&phone.shows(world.now())))),
    )
    .await
    .expect("sms");
    service
        .set_administrators(&caller, "acme", 0, &named("root", &["alice", "bob"], None))
        .await
        .expect("named");
    service.start_closing(&caller, &alice()).await.expect("it begins");

    service.leave(&caller, &alice()).await.expect("no wait");
    let settings = service.protection(&caller, &alice()).await.expect("a view").settings;
    assert_eq!(settings.login_protection.method, NONE);
    assert_eq!(
        login(&world, &caller, &alice()).await.0,
        Decision::Allow,
        "no closing is left of it"
    );
    assert_eq!(
        service.withdraw_closing(&caller, &alice()).await,
        Err(ServiceError::ClosingEnded)
    );
    let left = service.administrators(&caller, "acme").await.expect("the list");
    assert_eq!(left.administrators, ["bob"], "U2b: nobody who left looks after others");
    assert_eq!(world.last("user.leave").await["count"], 1);
    assert_eq!(
        service.leave(&caller, &alice()).await,
        Ok(()),
        "once more it changes nothing"
    );
    service
        .leave(&caller, &Owner::new("acme", "root"))
        .await
        .expect("so does the root");
    let left = service.administrators(&caller, "acme").await.expect("the list");
    assert_eq!(left.root, "root", "U2b: only the root's own factor names another");
}

/// B8, P9: the new holder's device takes the place of the old one's, then everything else ends in one step.
#[tokio::test]
async fn p9_handing_over_leaves_the_new_holders_device_and_nothing_else() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    world.prove(&caller, &alice(), "sms").await;
    let (old, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
    let grant = identity(&world, &caller, &phone).await.expect("a grant");
    world.clock.pass(STEP_MS);
    let sms = login_by(sms(), Some(by_code(&phone.shows(world.now()))));
    set(&world, &caller, &alice(), sms)
        .await
        .expect("the old holder's telephone");
    let replacement = service::Replacement {
        replaces: Some(old),
        factor: by_paper(&paper[0]),
    };
    let offer = service
        .start_enrollment(&caller, &world.wanted(&alice(), app(), Some(replacement)))
        .await;
    let offer = offer.expect("an offer");
    let early = service.hand_over(&caller, &alice(), offer.id).await;
    assert!(
        matches!(early, Err(ServiceError::Invalid { .. })),
        "B8: first the device: {early:?}"
    );
    assert_eq!(
        service.hand_over(&caller, &alice(), id(9)).await,
        Err(ServiceError::NotFound("enrollment"))
    );
    let next = Phone::of(&offer);
    let confirmation = Confirmation {
        login_protection: false,
        operation_protection: false,
        ..confirmation(&[&next.shows(world.now())])
    };
    let (device, _) = service
        .confirm_enrollment(&caller, &alice(), offer.id, &confirmation)
        .await
        .expect("bound");
    let user = service.user(&caller, &alice()).await.expect("a view");
    assert!(user.recovery_codes_left > 0, "the old holder's paper is still good");

    service
        .hand_over(&caller, &alice(), offer.id)
        .await
        .expect("it is theirs");
    let user = service.user(&caller, &alice()).await.expect("a view");
    let bound: Vec<Id> = user.devices.iter().map(|device| device.id).collect();
    assert_eq!((bound, user.recovery_codes_left), (vec![device.id], 0));
    let alive = service.introspect_grant(&caller, &grant, &GrantUse::default()).await;
    assert!(alive.expect("it is read").is_none(), "signed out everywhere");
    let settings = service.protection(&caller, &alice()).await.expect("a view").settings;
    assert_eq!(
        settings.login_protection.method,
        ProtectionMethod::Mfa,
        "not by the old holder's telephone"
    );
    assert_eq!(world.last("user.handover").await["device"], device.id.to_string());
    world.clock.pass(STEP_MS);
    let told = world.verify(&caller, &alice(), &next.shows(world.now())).await;
    assert!(
        matches!(told, Ok(Answer::Accepted(_))),
        "B8: no moment without: {told:?}"
    );

    world.clock.pass(UnixMs::DAY);
    let late = service.hand_over(&caller, &alice(), offer.id).await;
    assert_eq!(
        late,
        Err(ServiceError::EnrollmentExpired),
        "an enrollment of long ago hands nothing over"
    );
}

fn named(root: &str, administrators: &[&str], factor: Option<Factor>) -> NewAdministrators {
    NewAdministrators {
        root: root.into(),
        administrators: administrators.iter().map(|&name| name.to_owned()).collect(),
        factor,
    }
}

#[tokio::test]
async fn u2b_root_and_administrators_are_named_once_by_the_key_then_by_the_roots_own_factor() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    let set =
        async |version, wanted: NewAdministrators| service.set_administrators(&caller, "acme", version, &wanted).await;
    let none = service.administrators(&caller, "acme").await;
    assert!(matches!(none, Err(ServiceError::NotFound(_))));
    assert_eq!(
        set(1, named("alice", &[], None)).await,
        Err(ServiceError::PreconditionFailed)
    );
    let first = set(0, named("alice", &["carol", "bob", "bob"], None))
        .await
        .expect("the first time");
    assert_eq!(first.administrators, ["bob", "carol"], "in order, each once");
    assert_eq!(
        set(1, named("alice", &["carol", "bob"], None)).await,
        Ok(first),
        "the same takes no factor"
    );
    let told = world.told("administrators.change").await;
    assert_eq!(told.len(), 3, "A3: each of them is told of");
    assert!(
        told.iter()
            .all(|event| event["person"].is_string() && !event.to_string().contains("bob"))
    );

    let more = || named("alice", &["bob", "carol", "mallory"], None);
    assert_eq!(
        set(1, more()).await,
        Err(ServiceError::NoDevice),
        "a root without a device has no factor"
    );
    let (_, phone) = world.bind(&caller, &alice()).await;
    let (_, other) = world.bind(&caller, &bob()).await;
    assert!(
        matches!(set(1, more()).await, Err(ServiceError::FactorRequired(_))),
        "a fresh factor is needed"
    );
    let by = |factor| NewAdministrators {
        factor: Some(factor),
        ..more()
    };
    let refused = set(1, by(by_code(&other.shows(world.now())))).await;
    assert!(
        matches!(refused, Err(ServiceError::CodeRefused { .. })),
        "no administrator's code: {refused:?}"
    );
    let grant = identity(&world, &caller, &phone).await.expect("a grant");
    let refused = set(1, by(Factor::Grant(grant.into()))).await;
    assert!(
        matches!(refused, Err(ServiceError::Invalid { .. })),
        "P3b: no grant is for it: {refused:?}"
    );
    world.clock.pass(STEP_MS);
    let code = phone.shows(world.now());
    let done = set(1, by(by_code(&code))).await.expect("the root's code");
    assert_eq!((done.version, done.administrators.len()), (2, 3));
    assert_eq!(
        world.verify(&caller, &alice(), &code).await,
        Ok(Answer::Refused),
        "D4: it is burned"
    );
    assert_eq!(world.last("administrators.change").await["cause"], "totp");
    let own = named("alice", &["alice"], None);
    assert!(matches!(set(2, own).await, Err(ServiceError::Invalid { .. })));
}

/// A service whose accounts have so many users.
async fn limited(users_per_account: u64) -> (World, Caller) {
    let settings = Settings {
        users_per_account,
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let caller = world.all().await;
    (world, caller)
}

fn user(number: usize) -> Owner {
    Owner::new("acme", format!("user-{number}"))
}

#[tokio::test]
async fn p1_an_account_has_so_many_users_with_a_device_or_a_setting() {
    assert_eq!(Settings::default().users_per_account, 1_000, "P1");
    let (world, caller) = limited(2).await;
    let service = &world.service;
    // Asked about, and no user of anything.
    world.verify(&caller, &user(9), "123456").await.expect("an answer");
    for number in [2, 3, 4, 5, 6, 8] {
        world.prove(&caller, &user(number), "sms").await;
    }
    let (first, phone) = world.bind(&caller, &user(1)).await;
    set(&world, &caller, &user(2), login_by(sms(), None))
        .await
        .expect("a setting");
    let third = set(&world, &caller, &user(3), login_by(sms(), None)).await;
    assert_eq!(third, Err(ServiceError::UserLimit));
    let started = service
        .start_enrollment(&caller, &world.wanted(&user(3), app(), None))
        .await;
    assert_eq!(started.err(), Some(ServiceError::UserLimit), "before anything is shown");
    set(
        &world,
        &caller,
        &user(1),
        login_by(ProtectionMethod::Mfa, Some(by_code(&phone.shows(world.now())))),
    )
    .await
    .expect("who is there already changes what they like");
    world.bind(&caller, &user(2)).await;
    world.bind(&caller, &Owner::new("globex", "user-3")).await;

    // The root is no sub-user.
    let root = named("user-3", &[], None);
    service
        .set_administrators(&caller, "acme", 0, &root)
        .await
        .expect("named");
    set(&world, &caller, &user(3), login_by(sms(), None))
        .await
        .expect("the root's own place");
    assert_eq!(
        set(&world, &caller, &user(4), login_by(sms(), None)).await,
        Err(ServiceError::UserLimit)
    );

    let code = by_code(&phone.shows(world.now()));
    service
        .unbind(&caller, &user(1), first, &code)
        .await
        .expect("it is right");
    set(&world, &caller, &user(4), login_by(sms(), None))
        .await
        .expect("a place is free");
    service.leave(&caller, &user(4)).await.expect("they leave");
    set(&world, &caller, &user(5), login_by(sms(), None))
        .await
        .expect("a place is free");
    service.erase_user(&caller, &user(5)).await.expect("they are erased");
    set(&world, &caller, &user(6), login_by(sms(), None))
        .await
        .expect("a place is free");
    let checked = world.checked_by(&caller, &user(6), "sms", SETTINGS).await;
    set(&world, &caller, &user(6), login_by(NONE, Some(checked)))
        .await
        .expect("and free again");
    world.bind(&caller, &user(7)).await;
    assert_eq!(
        set(&world, &caller, &user(8), login_by(sms(), None)).await,
        Err(ServiceError::UserLimit)
    );
}

/// What was there before anybody counted is counted once.
#[tokio::test]
async fn p1_users_of_before_are_counted() {
    let (world, caller) = limited(3).await;
    for number in 0..3 {
        world.bind(&caller, &user(number)).await;
    }
    let count = world.store.user_count("acme").await.expect("a read").expect("a count");
    assert_eq!(count.users, 3);
    let change = store::Change::of(event(&world)).with([store::Write::Delete {
        expected: count.version,
        key: store::Noun::key(&count),
    }]);
    world.prove(&caller, &user(3), "sms").await;
    let done = store::Commit::commit(&*world.store, vec![change])
        .await
        .expect("a commit");
    assert_eq!(done, [store::Outcome::Done]);
    assert_eq!(
        set(&world, &caller, &user(3), login_by(sms(), None)).await,
        Err(ServiceError::UserLimit)
    );
    world.service.leave(&caller, &user(0)).await.expect("they leave");
    set(&world, &caller, &user(3), login_by(sms(), None))
        .await
        .expect("one place");
    let count = world.store.user_count("acme").await.expect("a read").expect("a count");
    assert_eq!(count.users, 3);
}

fn event(world: &World) -> store::audit::Event {
    store::audit::Event {
        at: world.now(),
        salt: [7; 16],
        payload: "{\"action\":\"test\"}".into(),
    }
}

/// P1: the last place is one, by two services over one store, which know nothing of each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_two_at_once_do_not_both_take_the_last_place() {
    let (world, caller) = limited(11).await;
    let settings = Settings {
        users_per_account: 11,
        ..Settings::default()
    };
    let other = Service::start(world.ports.clone(), settings).await.expect("it starts");
    for number in 0..=32 {
        world.prove(&caller, &user(number), "sms").await;
    }
    set(&world, &caller, &user(0), login_by(sms(), None))
        .await
        .expect("one");
    let tries = (1..=32).map(|number| {
        let service = if number % 2 == 0 { &world.service } else { &other };
        let (caller, owner) = (caller.clone(), user(number));
        async move { service.set_protection(&caller, &owner, 0, &login_by(sms(), None)).await }
    });
    let told = futures_of(tries).await;
    let done = told.iter().filter(|told| told.is_ok()).count();
    assert!(done <= 10, "{done} of ten places");
    let is_known =
        |told: &Result<_, ServiceError>| matches!(told, Ok(_) | Err(ServiceError::UserLimit | ServiceError::Contended));
    assert!(told.iter().all(is_known), "{told:?}");
    let page = world.service.users(&caller, "acme", None, 99).await.expect("a page");
    let count = world.store.user_count("acme").await.expect("a read").expect("a count");
    assert_eq!((page.users.len(), count.users), (done + 1, done as u64 + 1));
    other.close().await;
}

/// All of them at once.
async fn futures_of<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(told) = future.as_mut().poll(context)
            {
                *done = Some(told);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    Withdraw,
    Leave,
    Pass(i64),
    Housekeeping,
    /// The engine fails at the next commit.
    Cut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Start),
        2 => Just(Step::Withdraw),
        1 => Just(Step::Leave),
        3 => (1..=CLOSING_MS).prop_map(Step::Pass),
        3 => Just(Step::Housekeeping),
        1 => Just(Step::Cut),
    ]
}

/// The rule as it reads: a closing ends at its time unless it is taken back before, and till then nobody logs in.
#[derive(Clone, Copy, Default)]
struct Model {
    ends_ms: Option<i64>,
    was_withdrawn: bool,
    was_ended: bool,
    is_bound: bool,
}

async fn walk(steps: Vec<Step>) {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    world.bind(&caller, &alice()).await;
    let mut model = Model {
        is_bound: true,
        ..Model::default()
    };
    for step in steps {
        let now = world.now().get();
        match step {
            Step::Start => {
                let told = service.start_closing(&caller, &alice()).await.expect("it begins");
                let ends_ms = *model.ends_ms.get_or_insert(now + CLOSING_MS);
                (model.was_withdrawn, model.was_ended) = (false, false);
                assert_eq!(told.ends_at.get(), ends_ms);
            }
            Step::Withdraw => {
                let told = service.withdraw_closing(&caller, &alice()).await;
                match model.ends_ms {
                    Some(ends_ms) if now < ends_ms => {
                        assert!(told.is_ok(), "{told:?}");
                        (model.ends_ms, model.was_withdrawn) = (None, true);
                    }
                    Some(_) => assert_eq!(told, Err(ServiceError::ClosingEnded)),
                    None if model.was_withdrawn => assert!(told.is_ok(), "{told:?}"),
                    None if model.was_ended => assert_eq!(told, Err(ServiceError::ClosingEnded)),
                    None => assert_eq!(told, Err(ServiceError::NotFound("closing"))),
                }
            }
            Step::Leave => {
                service.leave(&caller, &alice()).await.expect("they leave");
                model.was_ended |= model.ends_ms.take().is_some();
                model.is_bound = false;
            }
            Step::Pass(ms) => world.clock.pass(ms),
            Step::Cut => {
                let cut = StoreError::Unavailable("cut".into());
                world.engine.becomes(Fault::Writing(cut));
                let told = service.start_closing(&caller, &alice()).await;
                assert!(told.is_err() || model.ends_ms.is_some());
                let _cut = service.run_housekeeping(&Caller::system()).await;
                world.engine.becomes(Fault::None);
            }
            Step::Housekeeping => {
                service.run_housekeeping(&Caller::system()).await.expect("it runs");
                if model.ends_ms.is_some_and(|ends_ms| ends_ms < now) {
                    model = Model {
                        was_ended: true,
                        ..Model::default()
                    };
                }
            }
        }
        let bound = world.store.bound(alice()).await.expect("a read");
        assert_eq!(!bound.is_empty(), model.is_bound, "after {step:?}");
        let (decision, ground) = login(&world, &caller, &alice()).await;
        let is_denied = (decision, ground) == (Decision::Deny, Ground::Closing);
        assert_eq!(
            is_denied,
            model.ends_ms.is_some(),
            "after {step:?}: {decision:?} {ground:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn p9_whatever_happens_a_closing_ends_at_its_time_or_is_taken_back(steps in prop::collection::vec(step(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(walk(steps));
    }
}

/// A4: closing and leaving are for administrators of the service, whatever else a key may.
#[tokio::test]
async fn p9_no_key_of_a_login_service_or_a_console_ends_anybody() {
    let world = World::new().await;
    let others: Vec<Role> = Role::ALL.into_iter().filter(|role| *role != Role::Admin).collect();
    let caller = world.caller(&others, None).await;
    let service = &world.service;
    let refused = [
        service.start_closing(&caller, &alice()).await.err(),
        service.leave(&caller, &alice()).await.err(),
        service.hand_over(&caller, &alice(), id(1)).await.err(),
        service
            .set_administrators(&caller, "acme", 0, &named("alice", &[], None))
            .await
            .err(),
    ];
    assert!(
        refused
            .iter()
            .all(|told| matches!(told, Some(ServiceError::Forbidden(_)))),
        "{refused:?}"
    );
}

/// P9: what the caller performs itself is no way in either, for a challenge of before the closing began.
#[tokio::test]
async fn p9_no_report_answers_a_challenge_of_before_the_closing() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    world.prove(&caller, &alice(), "sms").await;
    set(&world, &caller, &alice(), login_by(sms(), None))
        .await
        .expect("it is proven");
    let purposes = [ChallengePurpose::Login, ChallengePurpose::Operation];
    let mut open = Vec::new();
    for purpose in purposes {
        let told = service.create_challenge(&caller, &asked(&alice(), purpose)).await;
        open.push(told.expect("a challenge"));
    }
    world.clock.pass(UnixMs::SECOND);
    service.start_closing(&caller, &alice()).await.expect("it begins");
    world.clock.pass(UnixMs::SECOND);
    let report = MethodReport {
        method: "sms".into(),
        identity: support::identity(&alice(), "sms"),
        reference: "4711".into(),
        at: world.now(),
        trust_device: true,
    };
    for challenge in &open {
        let told = service.report_method(&caller, &challenge.id, &report).await;
        assert_eq!(told, Err(ServiceError::ChallengeExpired), "it opens nothing");
    }
    world.checked_by(&caller, &alice(), "sms", SETTINGS).await;
}

/// P9: recovery codes that the old holder makes for an old one, once the new holder's device is bound, are the old holder's.
#[tokio::test]
async fn p9_no_recovery_codes_that_the_old_holder_renewed_survive_a_handover() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    let (old, _, paper) = world.bind_with_paper(&caller, &alice()).await;
    let replacement = service::Replacement {
        replaces: Some(old),
        factor: by_paper(&paper[0]),
    };
    let wanted = world.wanted(&alice(), app(), Some(replacement));
    let offer = service.start_enrollment(&caller, &wanted).await.expect("an offer");
    let next = Phone::of(&offer);
    let confirmation = confirmation(&[&next.shows(world.now())]);
    service
        .confirm_enrollment(&caller, &alice(), offer.id, &confirmation)
        .await
        .expect("bound");
    world.clock.pass(UnixMs::SECOND);
    let renewed = service
        .renew_recovery_codes(&caller, &alice(), &by_paper(&paper[1]))
        .await;
    let renewed = renewed.expect("the old paper is still good");
    service
        .hand_over(&caller, &alice(), offer.id)
        .await
        .expect("it is theirs");
    let user = service.user(&caller, &alice()).await.expect("a view");
    assert_eq!(user.recovery_codes_left, 0);
    let told = service
        .renew_recovery_codes(&caller, &alice(), &by_paper(&renewed[0]))
        .await;
    assert!(told.is_err(), "the old holder is out");
}
