//! Administrators of an account look after its other users by their own fresh factor (U2, last sentence; U2b).

mod support;

use service::{
    Answer, Approver, Caller, ChallengeAnswer, ChallengePurpose, Factor, HistoryView, Input, NewAdministrators,
    NewChallenge, NewRequirements, NewSession, Owner, ProtectionMethod, Purpose, Role, ServiceError,
};
use support::{STEP_MS, World, alice, bob, by_code, by_paper, id, is_invalid, phone::Phone};

fn root() -> Owner {
    Owner::new("acme", "root")
}

fn carol() -> Owner {
    Owner::new("acme", "carol")
}

fn approver(owner: &Owner, factor: Factor) -> Approver {
    Approver {
        owner: owner.clone(),
        factor,
    }
}

/// An account with a root, with Bob as its administrator, and with Alice, each with a phone.
struct Account {
    world: World,
    caller: Caller,
    alice: (service::Id, Phone),
    bob: (service::Id, Phone),
    root: (service::Id, Phone),
}

impl Account {
    async fn new() -> Self {
        let world = World::new().await;
        let all = world.all().await;
        let alice = world.bind(&all, &alice()).await;
        let bob = world.bind(&all, &bob()).await;
        let root = world.bind(&all, &root()).await;
        let wanted = NewAdministrators {
            root: "root".into(),
            administrators: vec!["bob".into()],
            factor: None,
        };
        let named = world.service.set_administrators(&all, "acme", 0, &wanted).await;
        named.expect("they are named");
        world.clock.pass(2 * STEP_MS);
        let caller = world.caller(&[Role::Enroll], Some(&["acme"])).await;
        Self {
            world,
            caller,
            alice,
            bob,
            root,
        }
    }

    /// Bob's code of now.
    fn by_bob(&self) -> Approver {
        approver(&bob(), by_code(&self.bob.1.shows(self.world.now())))
    }

    fn by_root(&self) -> Approver {
        approver(&root(), by_code(&self.root.1.shows(self.world.now())))
    }

    async fn unbind(&self, owner: &Owner, device: service::Id, by: &Approver) -> Result<(), ServiceError> {
        let service = &self.world.service;
        service.unbind_by_administrator(&self.caller, owner, device, by).await
    }

    /// The number by which the trail means somebody.
    async fn person(&self, owner: &Owner) -> serde_json::Value {
        let all = self.world.all().await;
        let service = &self.world.service;
        let records = service.user_history(&all, owner, HistoryView::Support, None, 1).await;
        let event = records.expect("a history").remove(0).event.expect("an event");
        serde_json::from_str::<serde_json::Value>(&event).expect("JSON")["person"].clone()
    }

    async fn devices(&self, owner: &Owner) -> usize {
        let user = self.world.service.user(&self.caller, owner).await.expect("a user");
        user.devices.len()
    }
}

/// Alice comes with her password.
fn login() -> NewChallenge {
    NewChallenge {
        owner: alice(),
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

fn is_forbidden<T: std::fmt::Debug>(told: &Result<T, ServiceError>) -> bool {
    matches!(told, Err(ServiceError::Forbidden(_)))
}

#[tokio::test]
async fn u2_an_administrator_unbinds_a_sub_users_device_by_their_own_code_once() {
    let account = Account::new().await;
    let by = account.by_bob();
    let code = account.bob.1.shows(account.world.now());
    account.unbind(&alice(), account.alice.0, &by).await.expect("it ends");
    assert_eq!(account.devices(&alice()).await, 0);

    let ended = account.world.last("device.unbind").await;
    let approved = account.world.last("administrator.approve").await;
    assert_eq!(ended["person"], account.person(&alice()).await);
    assert_eq!(approved["person"], account.person(&bob()).await);
    assert_eq!(ended["cause"], "administrator");
    assert_eq!(ended["detail"]["approver"], approved["person"], "an event names both");
    assert_eq!(approved["detail"]["of"], ended["person"]);
    assert_eq!(approved["detail"]["approved"], "device.unbind");
    assert_eq!(approved["cause"], "totp");

    // D4: it is burned, for whatever else.
    let world = &account.world;
    let (device, _) = world.bind(&world.all().await, &carol()).await;
    let told = account.unbind(&carol(), device, &by).await;
    assert_eq!(told, Err(support::refused()));
    let told = world.verify(&world.all().await, &bob(), &code).await;
    assert!(!matches!(told, Ok(Answer::Accepted(_))), "D4: nor does it verify");
    assert_eq!(account.devices(&carol()).await, 1);
}

#[tokio::test]
async fn u2_nobody_else_approves_and_nobody_unbinds_the_root() {
    let account = Account::new().await;
    let world = &account.world;
    let all = world.all().await;
    let (hers, phone) = world.bind(&all, &carol()).await;
    world.clock.pass(STEP_MS);
    let now = world.now();

    // Neither a user of the account, nor the administrator's namesake elsewhere.
    let by_carol = approver(&carol(), by_code(&phone.shows(now)));
    assert!(is_forbidden(
        &account.unbind(&alice(), account.alice.0, &by_carol).await
    ));
    let namesake = Owner::new("globex", "bob");
    let (_, other) = world.bind(&all, &namesake).await;
    let by_namesake = approver(&namesake, by_code(&other.later(world.now(), 1)));
    assert!(is_forbidden(
        &account.unbind(&alice(), account.alice.0, &by_namesake).await
    ));

    // U2b: not the root, not even by the root.
    assert!(is_forbidden(
        &account.unbind(&root(), account.root.0, &account.by_bob()).await
    ));
    let own = account.unbind(&root(), account.root.0, &account.by_root()).await;
    assert!(is_invalid(&own, Input::Approver));
    let own = account.unbind(&bob(), account.bob.0, &account.by_bob()).await;
    assert!(
        is_invalid(&own, Input::Approver),
        "whoever it is about has a road of their own"
    );
    let service = &world.service;
    let told = service
        .end_all_sessions_by_administrator(&account.caller, &root(), &account.by_bob())
        .await;
    assert!(is_forbidden(&told));

    // None of these judged a code: they are all good still.
    let told = account.unbind(&carol(), hers, &account.by_bob()).await;
    assert_eq!(told, Ok(()));
    let told = account.unbind(&bob(), account.bob.0, &account.by_root()).await;
    assert_eq!(told, Ok(()), "the root looks after administrators, too");
    let told = account.unbind(&alice(), account.alice.0, &account.by_bob()).await;
    assert_eq!(
        told,
        Err(ServiceError::NoDevice),
        "an administrator without a device has nothing to approve by"
    );
}

#[tokio::test]
async fn u2_only_keys_of_the_account_ask_and_a_grant_is_no_approval() {
    let account = Account::new().await;
    let world = &account.world;
    let service = &world.service;
    let elsewhere = world.caller(&Role::ALL, Some(&["globex"])).await;
    let (device, by) = (account.alice.0, account.by_bob());
    let told = service.unbind_by_administrator(&elsewhere, &alice(), device, &by).await;
    assert!(is_forbidden(&told));
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Enroll) {
        let caller = world.caller(&[role], None).await;
        let told = service.unbind_by_administrator(&caller, &alice(), device, &by).await;
        assert!(is_forbidden(&told), "A4: {role:?}");
    }
    let grant = approver(&bob(), Factor::Grant("a.b.c".to_owned().into()));
    assert!(is_invalid(
        &account.unbind(&alice(), device, &grant).await,
        Input::Approver
    ));
    let told = account.unbind(&alice(), id(9), &by).await;
    assert_eq!(
        told,
        Err(ServiceError::NotFound("bound device")),
        "before any code is judged"
    );
    assert_eq!(account.unbind(&alice(), device, &by).await, Ok(()));
}

/// A1: wrong codes of an approver stop the approver's own changes of factors, nobody's logins, and nothing of the user.
#[tokio::test]
async fn a1_wrong_approvals_are_counted_for_the_approver_alone() {
    let account = Account::new().await;
    let world = &account.world;
    let wrong = account.bob.1.wrong_codes(world.now(), 11);
    for code in &wrong[..10] {
        let told = account
            .unbind(&alice(), account.alice.0, &approver(&bob(), by_code(code)))
            .await;
        assert_eq!(told, Err(support::refused()));
    }
    let told = account.unbind(&alice(), account.alice.0, &account.by_bob()).await;
    assert!(matches!(told, Err(ServiceError::Locked { .. })), "{told:?}");
    assert_eq!(account.devices(&alice()).await, 1);

    // The refusals stand in Bob's history, not in Alice's.
    let refused = world.told("administrator.approve").await;
    assert_eq!(refused.len(), 10);
    let person = account.person(&bob()).await;
    assert!(
        refused
            .iter()
            .all(|event| event["person"] == person && event["outcome"] == "refused")
    );

    let all = world.all().await;
    for (owner, (_, phone)) in [(alice(), &account.alice), (bob(), &account.bob)] {
        let told = world.verify(&all, &owner, &phone.shows(world.now())).await;
        assert!(matches!(told, Ok(Answer::Accepted(_))), "A2: {owner:?} logs in");
    }
    world.clock.pass(STEP_MS);
    let own = by_code(&account.alice.1.shows(world.now()));
    let service = &world.service;
    let told = service.unbind(&account.caller, &alice(), account.alice.0, &own).await;
    assert_eq!(told, Ok(()), "A1: Alice's own road is open");
    let user = service.user(&account.caller, &bob()).await.expect("a user");
    assert!(
        !user.devices[0].suspended.contains(&Purpose::Unbinding),
        "ten are a lock, twenty a suspension"
    );
}

#[tokio::test]
async fn u2_a_recovery_code_of_the_administrators_approves_once() {
    let account = Account::new().await;
    let world = &account.world;
    let all = world.all().await;
    let dave = Owner::new("acme", "dave");
    let (_, _, paper) = world.bind_with_paper(&all, &dave).await;
    world.clock.pass(STEP_MS);
    let wanted = NewAdministrators {
        root: "root".into(),
        administrators: vec!["bob".into(), "dave".into()],
        factor: Some(by_code(&account.root.1.shows(world.now()))),
    };
    let named = world.service.set_administrators(&all, "acme", 1, &wanted).await;
    named.expect("Dave is an administrator");
    let by = || approver(&dave, by_paper(&paper[0]));
    assert_eq!(account.unbind(&alice(), account.alice.0, &by()).await, Ok(()));
    assert_eq!(world.last("administrator.approve").await["cause"], "recovery_code");
    let told = account.unbind(&bob(), account.bob.0, &by()).await;
    assert_eq!(told, Err(support::refused()));
    assert_eq!(account.devices(&bob()).await, 1);
}

#[tokio::test]
async fn u2_an_administrator_signs_a_user_out_everywhere() {
    let account = Account::new().await;
    let world = &account.world;
    let service = &world.service;
    let all = world.all().await;
    let asked = service.create_challenge(&all, &login()).await.expect("a challenge");
    let typed = ChallengeAnswer {
        method: "totp".into(),
        code: account.alice.1.shows(world.now()).into(),
        trust_device: false,
    };
    let answered = service
        .answer_challenge(&all, &asked.id, typed)
        .await
        .expect("an answer");
    let wanted = NewSession {
        grant: answered.grant.map(|grant| grant.text),
        client: None,
    };
    let begun = service.create_session(&all, &alice(), &wanted).await;
    let token = begun.expect("a session").token;
    let ended = service
        .end_all_sessions_by_administrator(&account.caller, &alice(), &account.by_bob())
        .await;
    assert_eq!(ended, Ok(1));
    let checked = service.check_session(&all, &token, true).expect("an answer");
    assert!(format!("{checked:?}").contains("Ended"), "{checked:?}");
    let told = world.last("session.end_all").await;
    assert_eq!(told["person"], account.person(&alice()).await);
    assert_eq!(told["cause"], "administrator");
    assert_eq!(
        told["detail"]["approver"],
        world.last("administrator.approve").await["person"]
    );
    assert_eq!(account.devices(&alice()).await, 1, "and nothing else of hers ends");
}

/// P1: administrators can require protection, by a key of users' settings and their own code.
#[tokio::test]
async fn p1_an_administrator_requires_protection_and_may_end_a_required_device() {
    let account = Account::new().await;
    let world = &account.world;
    let service = &world.service;
    let wanted = NewRequirements {
        login_protection: ProtectionMethod::Mfa,
        ..NewRequirements::default()
    };
    let alone = service.set_requirements(&account.caller, "acme", 0, &wanted).await;
    assert!(is_forbidden(&alone), "A4: a console's key alone requires nothing");
    let by_alice = approver(&alice(), by_code(&account.alice.1.shows(world.now())));
    let told = service
        .set_requirements_by_administrator(&account.caller, "acme", 0, &wanted, &by_alice)
        .await;
    assert!(is_forbidden(&told));
    let set = service
        .set_requirements_by_administrator(&account.caller, "acme", 0, &wanted, &account.by_bob())
        .await;
    assert_eq!(set.expect("it is required").version, 1);
    let told = world.last("requirements.change").await;
    assert_eq!(told["cause"], "administrator");
    assert_eq!(
        told["detail"]["approver"],
        world.last("administrator.approve").await["person"]
    );

    // The user's own code does not take the last device; an administrator does, for whoever lost it.
    world.clock.pass(STEP_MS);
    let own = by_code(&account.alice.1.shows(world.now()));
    let kept = service.unbind(&account.caller, &alice(), account.alice.0, &own).await;
    assert_eq!(kept, Err(ServiceError::RequiredByAccount));
    assert_eq!(
        account.unbind(&alice(), account.alice.0, &account.by_bob()).await,
        Ok(())
    );
    let told = service
        .create_challenge(&world.all().await, &login())
        .await
        .expect("a decision");
    assert_eq!(
        told.decision,
        service::Decision::Deny,
        "nothing less is asked for meanwhile"
    );
}

/// Whoever is no administrator any more when it is written approved nothing.
#[tokio::test]
async fn u2_an_administrator_who_left_or_is_closing_approves_nothing() {
    let account = Account::new().await;
    let world = &account.world;
    let service = &world.service;
    let all = world.all().await;
    service.start_closing(&all, &bob()).await.expect("Bob is closing");
    assert!(is_forbidden(
        &account.unbind(&alice(), account.alice.0, &account.by_bob()).await
    ));
    service.withdraw_closing(&all, &bob()).await.expect("taken back");
    service.leave(&all, &bob()).await.expect("Bob leaves");
    assert!(is_forbidden(
        &account.unbind(&alice(), account.alice.0, &account.by_bob()).await
    ));
    assert_eq!(account.devices(&alice()).await, 1);
}

/// Two administrators of each other, at once: neither waits for the other for ever, and each code counts once.
#[tokio::test]
async fn u2_two_who_approve_for_each_other_at_once_come_to_an_end() {
    let account = Account::new().await;
    let world = &account.world;
    let wanted = NewAdministrators {
        root: "root".into(),
        administrators: vec!["alice".into(), "bob".into()],
        factor: Some(by_code(&account.root.1.shows(world.now()))),
    };
    let named = world
        .service
        .set_administrators(&world.all().await, "acme", 1, &wanted)
        .await;
    named.expect("both are administrators");
    let by_alice = approver(&alice(), by_code(&account.alice.1.shows(world.now())));
    let by_bob = account.by_bob();
    let (of_bob, of_alice) = (bob(), alice());
    let (one, other) = tokio::join!(
        account.unbind(&of_bob, account.bob.0, &by_alice),
        account.unbind(&of_alice, account.alice.0, &by_bob),
    );
    assert!(
        one.is_ok() != other.is_ok(),
        "whose device ended first has none to approve by: {one:?}, {other:?}"
    );
    assert_eq!(account.devices(&alice()).await + account.devices(&bob()).await, 1);
}

/// One code of an administrator's, presented for several users at once, ends one device (D4).
#[tokio::test]
async fn d4_one_code_approves_one_thing_however_many_ask_at_once() {
    let account = Account::new().await;
    let world = &account.world;
    let all = world.all().await;
    let mut users = Vec::new();
    for number in 0..4 {
        let owner = Owner::new("acme", format!("user-{number}"));
        let (device, _) = world.bind(&all, &owner).await;
        users.push((owner, device));
    }
    let by = account.by_bob();
    let ask = |number: usize| {
        let (owner, device) = &users[number];
        account.unbind(owner, *device, &by)
    };
    let told = tokio::join!(ask(0), ask(1), ask(2), ask(3));
    let told = [told.0, told.1, told.2, told.3];
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
    assert_eq!(
        world
            .told("administrator.approve")
            .await
            .iter()
            .filter(|event| event["outcome"] == "done")
            .count(),
        1
    );
}
