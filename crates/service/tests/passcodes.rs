//! Temporary passcodes: two persons of support let somebody in, once (U3).

mod support;

use service::{
    Answer, Approver, Caller, ChallengeAnswer, ChallengePurpose, Decision, GrantUse, NewChallenge, NewPasscode, Owner,
    Passcode, PasscodeState, Role, ServiceError, UnixMs,
};
use support::{STEP_MS, Staff, World, alice, by_code, phone::Phone, text};

struct Desk {
    world: World,
    first: Staff,
    second: Staff,
    phone: Phone,
}

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

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let [first, second] = world.two_of_support().await;
        let (_, phone) = world.bind(&world.all().await, &alice()).await;
        Self {
            world,
            first,
            second,
            phone,
        }
    }

    async fn requested(&self) -> Passcode {
        let wanted = NewPasscode {
            owner: alice(),
            reason: "lost her phone".into(),
        };
        let asked = self.world.service.request_passcode(&self.first.caller, &wanted).await;
        asked.expect("a request")
    }

    async fn approve(&self, of: &Passcode, by: &Staff) -> Result<Passcode, ServiceError> {
        self.approve_with(of, by, &by.approver(self.world.now())).await
    }

    async fn approve_with(&self, of: &Passcode, by: &Staff, approver: &Approver) -> Result<Passcode, ServiceError> {
        let service = &self.world.service;
        service.approve_passcode(&by.caller, of.id, approver).await
    }

    async fn issued(&self) -> (Passcode, String) {
        let asked = self.requested().await;
        self.approve(&asked, &self.second).await.expect("approved");
        let shown = self.world.service.reveal_passcode(&self.first.caller, asked.id).await;
        (asked, shown.expect("a passcode").passcode.as_str().to_owned())
    }

    async fn answer(&self, code: &str, trust_device: bool) -> Result<service::AnsweredChallenge, ServiceError> {
        let caller = self.world.all().await;
        let asked = self
            .world
            .service
            .create_challenge(&caller, &login(&alice()))
            .await
            .expect("a decision");
        let methods: Vec<&str> = asked.methods.iter().map(|offered| &*offered.method).collect();
        assert!(methods.contains(&"passcode"), "{methods:?}");
        let answer = ChallengeAnswer {
            method: "passcode".into(),
            code: text(code),
            trust_device,
        };
        self.world.service.answer_challenge(&caller, &asked.id, answer).await
    }

    async fn is_offered(&self) -> bool {
        let caller = self.world.all().await;
        let asked = self
            .world
            .service
            .create_challenge(&caller, &login(&alice()))
            .await
            .expect("a decision");
        asked.methods.iter().any(|offered| offered.method == "passcode")
    }
}

#[tokio::test]
async fn u3_a_passcode_opens_one_login_and_no_other() {
    let desk = Desk::new().await;
    let (_, passcode) = desk.issued().await;
    assert!(
        passcode.len() == 8 && passcode.bytes().all(|digit| digit.is_ascii_digit()),
        "{passcode}"
    );
    let told = desk.answer(&passcode, true).await.expect("an answer");
    assert_eq!((told.decision, &*told.method), (Decision::Allow, "passcode"));
    assert_eq!(told.trusted_device, None, "it opens no later login");
    let grant = told.grant.expect("a grant").text;
    let caller = desk.world.all().await;
    let alive = desk
        .world
        .service
        .introspect_grant(&caller, &grant, &GrantUse::default())
        .await;
    assert_eq!(alive.expect("an answer").expect("alive").methods, ["passcode"]);
    assert!(!desk.is_offered().await, "once");
    for action in [
        "passcode.request",
        "passcode.approve",
        "passcode.issue",
        "challenge.answer",
    ] {
        assert!(!desk.world.told(action).await.is_empty(), "{action}");
    }
}

#[tokio::test]
async fn u3_a_passcode_is_nothing_to_verify_and_pays_for_no_change() {
    let desk = Desk::new().await;
    let (_, passcode) = desk.issued().await;
    let caller = desk.world.all().await;
    let told = desk.world.verify(&caller, &alice(), &passcode).await;
    assert_eq!(told, Ok(Answer::Refused));
    let told = desk
        .world
        .service
        .renew_recovery_codes(&caller, &alice(), &by_code(&passcode))
        .await;
    assert!(matches!(told, Err(ServiceError::CodeRefused { .. })), "U5");
    for purpose in [ChallengePurpose::Operation, ChallengePurpose::Identity] {
        let wanted = NewChallenge {
            purpose,
            session_id: Some("s".into()),
            operation: Some("accounts/unbinding-mfa-token".into()),
            first_factor: None,
            ..login(&alice())
        };
        let asked = desk
            .world
            .service
            .create_challenge(&caller, &wanted)
            .await
            .expect("a decision");
        assert!(
            asked.methods.iter().all(|offered| offered.method != "passcode"),
            "{purpose:?}"
        );
    }
    assert_eq!(
        desk.answer(&passcode, false).await.expect("an answer").decision,
        Decision::Allow
    );
}

#[tokio::test]
async fn u3_five_wrong_passcodes_end_it_and_the_same_again_is_one() {
    let desk = Desk::new().await;
    let (asked, passcode) = desk.issued().await;
    let wrong = |number: u32| {
        let right: u32 = passcode.parse().expect("digits");
        format!("{:08}", (right + number) % 100_000_000)
    };
    for number in [1, 1, 1, 2, 3, 4] {
        let told = desk.answer(&wrong(number), false).await.expect("an answer");
        assert_eq!(told.decision, Decision::Challenge);
    }
    let seen = desk
        .world
        .service
        .passcode(&desk.first.caller, asked.id)
        .await
        .expect("there");
    assert!(matches!(seen.state, PasscodeState::Issued { wrong: 4, .. }), "{seen:?}");
    let told = desk.answer(&wrong(5), false).await.expect("an answer");
    assert_eq!(told.decision, Decision::Challenge);
    assert!(!desk.is_offered().await, "A1: it has ended");
    let code = desk.phone.shows(desk.world.now());
    let told = desk.world.verify(&desk.world.all().await, &alice(), &code).await;
    assert!(
        matches!(told, Ok(Answer::Accepted(_))),
        "its guesses are its own: {told:?}"
    );
}

#[tokio::test]
async fn u3_a_passcode_lives_for_ten_minutes_and_its_request_for_a_day() {
    let desk = Desk::new().await;
    let (_, _) = desk.issued().await;
    desk.world.clock.pass(10 * UnixMs::MINUTE - 1);
    assert!(desk.is_offered().await);
    desk.world.clock.pass(1);
    assert!(!desk.is_offered().await);
    let asked = desk.requested().await;
    desk.world.clock.pass(UnixMs::DAY);
    let told = desk.approve(&asked, &desk.second).await;
    assert!(
        matches!(told, Err(ServiceError::RequestState { state: "expired", .. })),
        "{told:?}"
    );
}

#[tokio::test]
async fn u2b_nobody_approves_of_what_they_asked_for() {
    let desk = Desk::new().await;
    let asked = desk.requested().await;
    let forbidden =
        |told: Result<Passcode, ServiceError>| assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
    forbidden(desk.approve(&asked, &desk.first).await);
    let now = desk.world.now();
    forbidden(desk.approve_with(&asked, &desk.first, &desk.second.approver(now)).await);
    forbidden(desk.approve_with(&asked, &desk.second, &desk.first.approver(now)).await);
    let unbound = desk.world.all().await;
    let told = desk
        .world
        .service
        .approve_passcode(&unbound, asked.id, &desk.second.approver(now))
        .await;
    forbidden(told);
    let told = desk.world.service.reveal_passcode(&desk.first.caller, asked.id).await;
    assert!(matches!(
        told.err(),
        Some(ServiceError::RequestState { state: "requested", .. })
    ));
    let wrong = Approver {
        owner: desk.second.owner.clone(),
        factor: by_code(&desk.second.phone.wrong_code(now)),
    };
    let told = desk.approve_with(&asked, &desk.second, &wrong).await;
    assert!(matches!(told, Err(ServiceError::CodeRefused { .. })), "{told:?}");
    let used = desk.second.approver(now);
    desk.approve_with(&asked, &desk.second, &used).await.expect("approved");
    let told = desk.world.service.reveal_passcode(&desk.second.caller, asked.id).await;
    assert!(
        matches!(told.err(), Some(ServiceError::Forbidden(_))),
        "it is shown to who asked"
    );
    let next = desk.requested().await;
    let told = desk.approve_with(&next, &desk.second, &used).await;
    assert!(
        matches!(told, Err(ServiceError::CodeRefused { .. })),
        "D4: each code once: {told:?}"
    );
    let told = desk.world.service.reveal_passcode(&desk.first.caller, asked.id).await;
    assert!(
        matches!(told.err(), Some(ServiceError::RequestState { .. })),
        "a newer request ended it"
    );
}

#[tokio::test]
async fn u2b_the_applicant_is_neither_of_the_two() {
    let desk = Desk::new().await;
    let of_anna = NewPasscode {
        owner: desk.first.owner.clone(),
        reason: "it is me".into(),
    };
    let told = desk.world.service.request_passcode(&desk.first.caller, &of_anna).await;
    assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
    let other = desk.world.all().await;
    let asked = desk
        .world
        .service
        .request_passcode(&other, &of_anna)
        .await
        .expect("a request");
    let told = desk.approve(&asked, &desk.first).await;
    assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
    desk.approve(&asked, &desk.second).await.expect("another's");
}

#[tokio::test]
async fn u2b_a_key_that_is_bound_to_a_person_is_made_under_four_eyes_and_waits_a_day() {
    use service::{Caller, NewKey, Role};
    let desk = Desk::new().await;
    let (world, now) = (&desk.world, desk.world.now());
    let carl = Owner::new("staff", "carl");
    let wanted = NewKey {
        roles: vec![Role::Support],
        owner: "team carl".into(),
        person: Some(carl.clone()),
        accounts: None,
        audiences: Vec::new(),
        return_urls: Vec::new(),
    };
    let make = async |approver: Option<&Approver>| {
        world
            .service
            .create_key(&Caller::shell(), &wanted, approver)
            .await
            .map(drop)
    };
    assert!(
        matches!(make(None).await, Err(ServiceError::Forbidden(_))),
        "one pair of eyes"
    );
    let own = Approver {
        owner: carl.clone(),
        factor: by_code("000000"),
    };
    assert!(matches!(make(Some(&own)).await, Err(ServiceError::Forbidden(_))));
    let approver = desk.first.approver(now);
    assert_eq!(make(Some(&approver)).await, Err(ServiceError::NoDevice), "he has none");
    let (_, phone) = world.bind(&world.all().await, &carl).await;
    world.clock.pass(STEP_MS);
    let approver = desk.first.approver(world.now());
    let made = world
        .service
        .create_key(&Caller::shell(), &wanted, Some(&approver))
        .await
        .expect("made");
    let caller = world.service.authenticate(&made.1).await.expect("it lives");
    let caller = caller.acting(support::actor_of("carl"));
    world.clock.pass(23 * UnixMs::HOUR);
    let asked = desk.requested().await;
    let approve = async || {
        let own = Approver {
            owner: carl.clone(),
            factor: by_code(&phone.shows(world.now())),
        };
        world.service.approve_passcode(&caller, asked.id, &own).await
    };
    assert!(matches!(approve().await, Err(ServiceError::Forbidden(_))), "24 hours");
    world.clock.pass(UnixMs::HOUR);
    approve().await.expect("it is old enough");
}

#[tokio::test]
async fn u3_the_second_person_finds_what_waits_by_its_state() {
    let desk = Desk::new().await;
    let service = &desk.world.service;
    let of_alice = desk.requested().await;
    let mut ids = vec![of_alice.id];
    for (account, user) in [("acme", "bob"), ("globex", "carol")] {
        let owner = Owner::new(account, user);
        let reason = "lost".to_owned();
        let wanted = NewPasscode { owner, reason };
        let asked = service.request_passcode(&desk.first.caller, &wanted).await;
        ids.push(asked.expect("a request").id);
    }
    let listed = async |caller: &Caller, state: &str, limit: u32| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = service.passcodes(caller, state, after, limit).await.expect("a page");
            assert!(page.0.len() <= limit as usize);
            found.extend(page.0.iter().map(|passcode| passcode.id));
            after = page.1;
            if after.is_none() {
                return found;
            }
        }
    };
    let second = &desk.second.caller;
    for limit in 1..5 {
        assert_eq!(listed(second, "requested", limit).await, ids, "by {limit}");
    }
    let limited = desk.world.caller(&[Role::Support], Some(&["globex"])).await;
    assert_eq!(listed(&limited, "requested", 1).await, [ids[2]]);
    desk.approve(&of_alice, &desk.second).await.expect("approved");
    assert_eq!(listed(second, "requested", 2).await, [ids[1], ids[2]]);
    assert_eq!(listed(second, "approved", 2).await, [ids[0]]);
    desk.world.clock.pass(UnixMs::DAY);
    assert!(listed(second, "requested", 2).await.is_empty(), "they are over");
}
