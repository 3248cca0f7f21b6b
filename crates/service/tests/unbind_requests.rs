//! Unbind requests: two persons of support, evidence, time, and the user who finishes it (U2, U2b).

mod support;

use service::{
    Answer, ApprovedUnbinding, Approver, Caller, ChallengePurpose, Decision, DeviceStatus, EvidenceProvider, Ground,
    Id, NewChallenge, NewEvidence, NewOutcome, NewPasscode, NewUnbindRequest, ServiceError, Settings, UnbindRequest,
    UnbindState, UnixMs,
};
use support::{STEP_MS, Staff, World, alice, by_code, phone::Phone, text};

struct Desk {
    world: World,
    first: Staff,
    second: Staff,
    all: Caller,
    device: Id,
    phone: Phone,
}

fn seen(kind: &str) -> NewEvidence {
    NewEvidence {
        kind: kind.into(),
        reference: format!("case-4711/{kind}"),
        statement: None,
    }
}

fn lost(outcome: NewOutcome) -> NewUnbindRequest {
    NewUnbindRequest {
        owner: alice(),
        device: None,
        outcome,
        evidence: vec![seen("real_name"), seen("id_number")],
        reason: "her phone was stolen".into(),
    }
}

fn to_sms() -> NewOutcome {
    NewOutcome::SwitchTo {
        method: "sms".into(),
        identity: "+86 138 0013 8000".into(),
    }
}

impl Desk {
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let world = World::with(settings).await;
        let [first, second] = world.two_of_support().await;
        let all = world.all().await;
        let (device, phone, _) = world.bind_with_paper(&all, &alice()).await;
        world.clock.pass(STEP_MS);
        Self {
            world,
            first,
            second,
            all,
            device,
            phone,
        }
    }

    async fn open(&self, wanted: &NewUnbindRequest) -> Result<UnbindRequest, ServiceError> {
        self.world.service.open_unbind_request(&self.first.caller, wanted).await
    }

    async fn approve(&self, id: Id) -> Result<ApprovedUnbinding, ServiceError> {
        let approver = self.second.approver(self.world.now());
        let service = &self.world.service;
        service.approve_unbind_request(&self.second.caller, id, &approver).await
    }

    async fn approved(&self, outcome: NewOutcome) -> ApprovedUnbinding {
        let opened = self.open(&lost(outcome)).await.expect("it is opened");
        self.approve(opened.id).await.expect("it is approved")
    }

    async fn complete(&self, token: &str) -> Result<UnbindRequest, ServiceError> {
        self.world.service.complete_unbind_request(&self.all, token).await
    }

    async fn state(&self, id: Id) -> &'static str {
        let found = self.world.service.unbind_request(&self.first.caller, id).await;
        found.expect("there").state.name()
    }

    async fn login(&self) -> service::Challenge {
        self.ask(ChallengePurpose::Login, None).await
    }

    async fn ask(&self, purpose: ChallengePurpose, operation: Option<&str>) -> service::Challenge {
        let wanted = NewChallenge {
            owner: alice(),
            purpose,
            audience: None,
            operation: operation.map(str::to_owned),
            resource: None,
            session_id: operation.map(|_| "s1".to_owned()),
            first_factor: operation.is_none().then(|| "password".to_owned()),
            client: None,
            is_risky: false,
            trusted_device: None,
        };
        self.world
            .service
            .create_challenge(&self.all, &wanted)
            .await
            .expect("a decision")
    }

    async fn is_bound(&self) -> bool {
        let device = self
            .world
            .service
            .device(&self.all, &alice(), self.device)
            .await
            .expect("known");
        device.unbound_at.is_none() && device.status == DeviceStatus::Bound
    }
}

fn is_state<T>(told: &Result<T, ServiceError>, expected: &str) -> bool {
    matches!(told, Err(ServiceError::RequestState { state, .. }) if *state == expected)
}

#[tokio::test]
async fn u2_a_lost_device_ends_after_four_eyes_and_a_day_by_the_users_own_hand() {
    let desk = Desk::new().await;
    let approved = desk.approved(NewOutcome::Unbind).await;
    let (id, token) = (approved.request.id, approved.applicant_token);
    assert_eq!(approved.request.state.name(), "approved");
    assert!(is_state(&desk.complete(&token).await, "approved"), "it cools down");
    desk.world.clock.pass(UnixMs::DAY - 1);
    assert!(is_state(&desk.complete(&token).await, "approved"));
    desk.world.clock.pass(2);
    desk.world
        .service
        .run_housekeeping(&Caller::system())
        .await
        .expect("a pass");
    assert_eq!(desk.state(id).await, "in_force");
    assert!(desk.is_bound().await, "nothing ends by itself");
    let done = desk.complete(&token).await.expect("it is done");
    assert_eq!(done.state, UnbindState::Completed);
    assert!(!desk.is_bound().await);
    let user = desk.world.service.user(&desk.all, &alice()).await.expect("a user");
    assert_eq!((user.devices.len(), user.recovery_codes_left), (0, 0), "U2b");
    assert_eq!(
        desk.login().await.decision,
        Decision::Allow,
        "nothing protects her any more"
    );
    let again = desk.complete(&token).await;
    assert!(matches!(again, Err(ServiceError::NotFound(_))), "once: {again:?}");
    for action in ["open", "approve", "in_force", "complete"] {
        let told = desk.world.told(&format!("unbind_request.{action}")).await;
        assert!(!told.is_empty(), "A3: {action}");
    }
}

#[tokio::test]
async fn u2_it_can_end_in_another_method_and_what_is_always_checked_waits_three_days() {
    let desk = Desk::new().await;
    let approved = desk.approved(to_sms()).await;
    desk.world.clock.pass(UnixMs::DAY);
    desk.complete(&approved.applicant_token).await.expect("it is done");
    let asked = desk.login().await;
    let methods: Vec<&str> = asked.methods.iter().map(|offered| &*offered.method).collect();
    assert_eq!(
        (asked.decision, methods),
        (Decision::Challenge, vec!["sms"]),
        "U2: never without protection"
    );
    let known = desk.world.service.methods(&desk.all, &alice()).await.expect("a list");
    assert_eq!((&*known[0].name, &*known[0].identity), ("sms", "+86 138 0013 8000"));
    let event = desk.world.last("protection.change").await;
    assert_eq!(event["detail"]["after"]["login_protection"], "sms", "P8: it is told");
    let always = "accounts/modifying-user-mobile-number";
    for purpose in [ChallengePurpose::Operation, ChallengePurpose::Identity] {
        let asked = desk.ask(purpose, Some(always)).await;
        assert_eq!(
            (asked.decision, asked.ground),
            (Decision::Deny, Ground::RecentlyRecovered),
            "U2b"
        );
    }
    let asked = desk
        .ask(
            ChallengePurpose::Operation,
            Some("cloud-virtual-machine/shutting-down-instances"),
        )
        .await;
    assert_eq!(asked.decision, Decision::Challenge, "other operations go on");
    let wanted = desk.world.wanted(&alice(), support::app(), None);
    let told = desk.world.service.start_enrollment(&desk.all, &wanted).await.map(drop);
    assert!(
        matches!(told, Err(ServiceError::RecentlyRecovered { .. })),
        "nor is a device bound: {told:?}"
    );
    desk.world.clock.pass(72 * UnixMs::HOUR);
    let wanted = desk.world.wanted(&alice(), support::app(), None);
    let asked = desk.ask(ChallengePurpose::Operation, Some(always)).await;
    assert_eq!(asked.decision, Decision::Challenge);
    let told = desk.world.service.start_enrollment(&desk.all, &wanted).await.map(drop);
    assert!(!matches!(told, Err(ServiceError::RecentlyRecovered { .. })), "{told:?}");
}

#[tokio::test]
async fn u2b_a_right_code_of_the_device_ends_the_request() {
    let desk = Desk::new().await;
    let approved = desk.approved(NewOutcome::Unbind).await;
    let told = desk
        .world
        .verify(&desk.all, &alice(), &desk.phone.shows(desk.world.now()))
        .await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
    assert_eq!(desk.state(approved.request.id).await, "withdrawn");
    let event = desk.world.last("unbind_request.withdraw").await;
    assert_eq!(event["detail"]["reason"], "right_code");
    desk.world.clock.pass(UnixMs::DAY);
    assert!(is_state(&desk.complete(&approved.applicant_token).await, "withdrawn"));
    // Nor is a new one kept from being opened.
    desk.approved(NewOutcome::Unbind).await;
    // Where a factor is asked for, it is the same.
    let factor = by_code(&desk.phone.shows(desk.world.now()));
    let renewed = desk
        .world
        .service
        .renew_recovery_codes(&desk.all, &alice(), &factor)
        .await;
    renewed.expect("new ones");
    let found = desk
        .world
        .service
        .unbind_requests(&desk.first.caller, "approved", None, 10)
        .await;
    assert_eq!(found.expect("a list").0, []);
}

#[tokio::test]
async fn u2_the_applicants_token_dies_after_a_day() {
    let desk = Desk::new().await;
    let approved = desk.approved(NewOutcome::Unbind).await;
    desk.world.clock.pass(2 * UnixMs::DAY);
    assert!(is_state(&desk.complete(&approved.applicant_token).await, "expired"));
    desk.world
        .service
        .run_housekeeping(&Caller::system())
        .await
        .expect("a pass");
    assert!(!desk.world.told("unbind_request.expire").await.is_empty());
    let opened = desk.open(&lost(NewOutcome::Unbind)).await.expect("a new one");
    desk.world.clock.pass(3 * UnixMs::DAY);
    assert!(
        is_state(&desk.approve(opened.id).await.map(drop), "expired"),
        "nobody approved"
    );
}

#[tokio::test]
async fn u2_two_persons_and_the_applicant_are_three() {
    let desk = Desk::new().await;
    let opened = desk.open(&lost(NewOutcome::Unbind)).await.expect("it is opened");
    let second = desk.open(&lost(NewOutcome::Unbind)).await;
    assert!(is_state(&second, "requested"), "one at a time");
    let service = &desk.world.service;
    let now = desk.world.now();
    let own = service
        .approve_unbind_request(&desk.first.caller, opened.id, &desk.first.approver(now))
        .await;
    assert!(matches!(own.map(drop), Err(ServiceError::Forbidden(_))));
    let rejected = service
        .reject_unbind_request(&desk.first.caller, opened.id, "mine")
        .await;
    assert!(
        matches!(rejected, Err(ServiceError::Forbidden(_))),
        "whoever opened it withdraws it"
    );
    let rejected = service
        .reject_unbind_request(&desk.second.caller, opened.id, "the voice was another")
        .await;
    assert_eq!(rejected.expect("rejected").state, UnbindState::Rejected);
    assert!(is_state(&desk.approve(opened.id).await.map(drop), "rejected"));
    let opened = desk.open(&lost(NewOutcome::Unbind)).await.expect("it is opened");
    let approved = desk.approve(opened.id).await.expect("it is approved");
    let withdrawn = service
        .withdraw_unbind_request(&desk.first.caller, opened.id, "she found it")
        .await;
    assert_eq!(withdrawn.expect("withdrawn").state, UnbindState::Withdrawn);
    desk.world.clock.pass(UnixMs::DAY);
    let late = desk.complete(&approved.applicant_token).await;
    assert!(matches!(late, Err(ServiceError::NotFound(_))), "{late:?}");
    let of_anna = NewUnbindRequest {
        owner: desk.first.owner.clone(),
        ..lost(NewOutcome::Unbind)
    };
    assert!(
        matches!(desk.open(&of_anna).await, Err(ServiceError::Forbidden(_))),
        "nobody for themself"
    );
}

#[tokio::test]
async fn u2_a_token_that_is_handed_back_cools_down_for_no_time() {
    let world = World::new().await;
    let [first, second] = world.two_of_support().await;
    let all = world.all().await;
    world.stock(&all, "beta", &["CS-1"]).await;
    let (device, phone) = world.bind_token(&all, &alice(), "CS-1").await;
    world.clock.pass(STEP_MS);
    let desk = Desk {
        world,
        first,
        second,
        all,
        device,
        phone,
    };
    let returned = |code: &str| NewUnbindRequest {
        evidence: vec![NewEvidence {
            statement: Some(text(code)),
            ..seen("token_returned")
        }],
        ..lost(NewOutcome::Unbind)
    };
    let wrong = desk.open(&returned(&desk.phone.wrong_code(desk.world.now()))).await;
    assert!(matches!(wrong, Err(ServiceError::CodeRefused { .. })), "{wrong:?}");
    let opened = desk
        .open(&returned(&desk.phone.shows(desk.world.now())))
        .await
        .expect("its code is right");
    let approved = desk.approve(opened.id).await.expect("it is approved");
    assert_eq!(approved.request.state.name(), "in_force");
    desk.complete(&approved.applicant_token).await.expect("at once");
    assert!(!desk.is_bound().await);
    let token = desk
        .world
        .service
        .token(&desk.all, "CS-1")
        .await
        .expect("in the inventory");
    assert_eq!(token.status.name(), "returned", "its secret never works again (U4)");
}

#[tokio::test]
async fn u2b_only_a_signed_statement_of_a_provider_shortens_the_cool_down() {
    use base::{provider, signed};
    let mut settings = Settings::default();
    settings.support.evidence_providers = vec![EvidenceProvider {
        name: "faces".into(),
        public_key: provider().1,
    }];
    let desk = Desk::with(settings).await;
    let with = |statement: Option<String>| NewUnbindRequest {
        evidence: vec![NewEvidence {
            statement: statement.map(|statement| text(&statement)),
            ..seen("face")
        }],
        ..lost(NewOutcome::Unbind)
    };
    let seconds = desk.world.now().get() / 1_000;
    let claims = |sub: &str, kind: &str, iat: i64, exp: i64| serde_json::json!({"iss": "faces", "sub": sub, "kind": kind, "reference": "case-4711/face", "iat": iat, "exp": exp});
    let right = claims("acme/alice", "face", seconds, seconds + 600);
    let foreign = [
        signed(&claims("acme/bob", "face", seconds, seconds + 600)),
        signed(&claims("acme/alice", "phone", seconds, seconds + 600)),
        signed(&claims("acme/alice", "face", seconds - 90_000, seconds + 600)),
        signed(&claims("acme/alice", "face", seconds, seconds)),
        signed(&right).replace('.', "A."),
        format!("{}A", signed(&right)),
        "no statement".into(),
    ];
    for statement in foreign {
        let told = desk.open(&with(Some(statement.clone()))).await;
        assert!(
            support::is_invalid(&told, service::Input::Evidence),
            "{statement}: {told:?}"
        );
    }
    let opened = desk.open(&with(None)).await.expect("support looked at the face");
    let approved = desk.approve(opened.id).await.expect("it is approved");
    assert_eq!(approved.request.state.name(), "approved", "a day, whatever is set");
    let withdrawn = desk
        .world
        .service
        .withdraw_unbind_request(&desk.first.caller, opened.id, "again")
        .await;
    withdrawn.expect("withdrawn");
    desk.world.clock.pass(STEP_MS);
    let opened = desk.open(&with(Some(signed(&right)))).await.expect("the provider did");
    assert_eq!(opened.evidence[0].checked_by.as_deref(), Some("faces"));
    let approved = desk.approve(opened.id).await.expect("it is approved");
    assert_eq!(approved.request.state.name(), "in_force");
    let withdrawn = desk
        .world
        .service
        .withdraw_unbind_request(&desk.first.caller, opened.id, "again");
    withdrawn.await.expect("withdrawn");
    let again = desk.open(&with(Some(signed(&right)))).await;
    assert!(support::is_invalid(&again, service::Input::Evidence), "once: {again:?}");
}

#[tokio::test]
async fn u2_evidence_is_of_a_kind_and_keys_reach_their_accounts_alone() {
    let desk = Desk::new().await;
    let none = NewUnbindRequest {
        evidence: Vec::new(),
        ..lost(NewOutcome::Unbind)
    };
    let unknown = NewUnbindRequest {
        evidence: vec![seen("a nice voice")],
        ..lost(NewOutcome::Unbind)
    };
    for wanted in [none, unknown] {
        assert!(support::is_invalid(&desk.open(&wanted).await, service::Input::Evidence));
    }
    let fax = NewOutcome::SwitchTo {
        method: "fax".into(),
        identity: "1".into(),
    };
    assert!(support::is_invalid(
        &desk.open(&lost(fax)).await,
        service::Input::Outcome
    ));
    let approved = desk.approved(NewOutcome::Unbind).await;
    let other = desk
        .world
        .caller(&[service::Role::Support, service::Role::Enroll], Some(&["wayne"]))
        .await;
    let service = &desk.world.service;
    let told = service.unbind_request(&other, approved.request.id).await;
    assert_eq!(told.err(), Some(ServiceError::NotFound("unbind request")));
    assert_eq!(
        service
            .unbind_requests(&other, "approved", None, 10)
            .await
            .expect("a list")
            .0,
        []
    );
    desk.world.clock.pass(UnixMs::DAY);
    let told = service.complete_unbind_request(&other, &approved.applicant_token).await;
    assert!(matches!(told, Err(ServiceError::NotFound(_))), "{told:?}");
    for altered in [
        "",
        "ut_",
        "ut_00_00",
        &approved.applicant_token[1..],
        &format!("{}0", *approved.applicant_token),
    ] {
        let told = desk.complete(altered).await;
        assert!(matches!(told, Err(ServiceError::NotFound(_))), "{altered}: {told:?}");
    }
}

#[tokio::test]
async fn u2b_two_codes_at_a_resync_end_the_request_too() {
    let desk = Desk::new().await;
    let approved = desk.approved(NewOutcome::Unbind).await;
    desk.world.clock.pass(2 * STEP_MS);
    let [first, second] = desk.phone.two(desk.world.now().plus(-STEP_MS));
    let codes = [&text(&first), &text(&second)];
    let told = desk
        .world
        .service
        .resync(&desk.all, &alice(), desk.device, codes, None)
        .await;
    told.expect("measured");
    assert_eq!(desk.state(approved.request.id).await, "withdrawn");
}

#[tokio::test]
async fn u2b_what_a_revoked_key_asked_for_is_not_approved() {
    let desk = Desk::new().await;
    let opened = desk.open(&lost(NewOutcome::Unbind)).await.expect("it is opened");
    let keys = desk.world.service.list_keys(&Caller::shell()).await.expect("a list");
    let key = keys.iter().find(|key| key.owner == "team anna").expect("hers");
    desk.world
        .service
        .revoke_key(&Caller::shell(), key.id)
        .await
        .expect("revoked");
    let told = desk.approve(opened.id).await.map(drop);
    assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
}

#[tokio::test]
async fn u2_a_request_and_a_passcode_end_with_whoever_they_were_for() {
    let desk = Desk::new().await;
    let opened = desk.open(&lost(NewOutcome::Unbind)).await.expect("it is opened");
    let wanted = NewPasscode {
        owner: alice(),
        reason: "lost".into(),
    };
    let service = &desk.world.service;
    let passcode = service
        .request_passcode(&desk.first.caller, &wanted)
        .await
        .expect("asked");
    service.close_user(&desk.all, &alice()).await.expect("closed");
    assert_eq!(
        desk.state(opened.id).await,
        "withdrawn",
        "nobody approves of it for the next of that name"
    );
    let passcode = service.passcode(&desk.first.caller, passcode.id).await.expect("there");
    assert_eq!(passcode.state.name(), "ended");
}

#[tokio::test]
async fn u2b_an_approver_who_is_being_closed_or_has_a_new_device_approves_nothing() {
    let desk = Desk::new().await;
    let opened = desk.open(&lost(NewOutcome::Unbind)).await.expect("it is opened");
    let service = &desk.world.service;
    service
        .start_closing(&desk.all, &desk.second.owner)
        .await
        .expect("it begins");
    let told = desk.approve(opened.id).await.map(drop);
    assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
    service.close_user(&desk.all, &desk.second.owner).await.expect("closed");
    let (_, phone) = desk.world.bind(&desk.all, &desk.second.owner).await;
    desk.world.clock.pass(STEP_MS);
    let approver = Approver {
        owner: desk.second.owner.clone(),
        factor: by_code(&phone.shows(desk.world.now())),
    };
    let told = service
        .approve_unbind_request(&desk.second.caller, opened.id, &approver)
        .await;
    assert!(
        matches!(told.map(drop), Err(ServiceError::Forbidden(_))),
        "a device of this minute"
    );
}

/// A provider of evidence, which is not ours: its statements are signed by another library.
mod base {
    use data_encoding::BASE64URL_NOPAD;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    pub(super) fn provider() -> (Ed25519KeyPair, [u8; 32]) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
        let public = pair.public_key().as_ref().try_into().expect("32 bytes");
        (pair, public)
    }

    pub(super) fn signed(claims: &serde_json::Value) -> String {
        let header = BASE64URL_NOPAD.encode(br#"{"alg":"EdDSA","typ":"countersign-evidence+jwt"}"#);
        let text = format!("{header}.{}", BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
        let signature = provider().0.sign(text.as_bytes());
        format!("{text}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}
