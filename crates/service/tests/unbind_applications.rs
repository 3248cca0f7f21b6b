//! Applications: what a user says of a lost device on a page of theirs, and what support makes of it (U2, U2b).

mod support;

use service::{
    Answer, ApprovedUnbinding, Caller, Id, NewApplication, NewEvidence, NewOutcome, NewUnbindRequest, NewVouching,
    ServiceError, Settings, UnbindRequest, UnbindState, UnixMs,
};
use support::{STEP_MS, Staff, World, actor_of, alice, by_code, phone::Phone};

struct Desk {
    world: World,
    first: Staff,
    second: Staff,
    console: Caller,
    phone: Phone,
}

fn seen(kind: &str) -> NewEvidence {
    NewEvidence {
        kind: kind.into(),
        reference: format!("case-4711/{kind}"),
        statement: None,
    }
}

fn lost() -> NewApplication {
    NewApplication {
        owner: alice(),
        evidence: vec![seen("face")],
        reason: "it fell into the sea".into(),
    }
}

fn at_the_counter() -> NewVouching {
    NewVouching {
        evidence: vec![seen("id_number")],
        reason: "seen at the counter".into(),
    }
}

fn opened_by_support() -> NewUnbindRequest {
    NewUnbindRequest {
        owner: alice(),
        device: None,
        outcome: NewOutcome::Unbind,
        evidence: vec![seen("id_number")],
        reason: "she called".into(),
    }
}

impl Desk {
    async fn new() -> Self {
        let mut settings = Settings::default();
        settings.support.applications = true;
        settings.support.cool_downs_ms = vec![("face".into(), 2 * UnixMs::HOUR)];
        Self::with(settings).await
    }

    async fn with(settings: Settings) -> Self {
        let world = World::with(settings).await;
        let [first, second] = world.two_of_support().await;
        let console = world.all().await.acting(actor_of("alice"));
        let (_, phone, _) = world.bind_with_paper(&console, &alice()).await;
        world.clock.pass(STEP_MS);
        Self {
            world,
            first,
            second,
            console,
            phone,
        }
    }

    async fn apply(&self) -> Result<UnbindRequest, ServiceError> {
        self.world.service.apply_for_unbinding(&self.console, &lost()).await
    }

    async fn vouch(&self, id: Id) -> Result<UnbindRequest, ServiceError> {
        let service = &self.world.service;
        service
            .vouch_for_unbind_request(&self.first.caller, id, &at_the_counter())
            .await
    }

    async fn approve(&self, staff: &Staff, id: Id) -> Result<ApprovedUnbinding, ServiceError> {
        self.world.clock.pass(STEP_MS);
        let approver = staff.approver(self.world.now());
        self.world
            .service
            .approve_unbind_request(&staff.caller, id, &approver)
            .await
    }

    async fn state(&self, id: Id) -> &'static str {
        let found = self.world.service.unbind_request(&self.first.caller, id).await;
        found.expect("there").state.name()
    }

    async fn verify(&self) {
        let code = self.phone.shows(self.world.now());
        let told = self.world.verify(&self.console, &alice(), &code).await;
        assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
    }

    async fn housekeeping(&self) {
        let passed = self.world.service.run_housekeeping(&Caller::system()).await;
        passed.expect("a pass");
    }
}

fn is_state<T>(told: &Result<T, ServiceError>, expected: &str) -> bool {
    matches!(told, Err(ServiceError::RequestState { state, .. }) if *state == expected)
}

#[tokio::test]
async fn u2_what_the_user_applied_for_is_vouched_for_approved_and_finished() {
    let desk = Desk::new().await;
    let service = &desk.world.service;
    let applied = desk.apply().await.expect("it is taken");
    assert_eq!(applied.state, UnbindState::Applied);
    let listed = service.unbind_requests(&desk.first.caller, "applied", None, 9).await;
    assert_eq!(listed.expect("a list").0, std::slice::from_ref(&applied));
    let vouched = desk.vouch(applied.id).await.expect("she was there");
    let by = vouched.requested_by.as_ref().expect("somebody");
    assert_eq!((vouched.state.name(), &*by.actor), ("requested", "anna"));
    let kinds: Vec<&str> = vouched.evidence.iter().map(|piece| &*piece.kind).collect();
    assert_eq!(kinds, ["id_number"], "what support looked at, and nothing else");
    let kept = vouched.application.expect("what she said stays");
    assert_eq!((&*kept.reason, kept.evidence.len()), ("it fell into the sea", 1));
    let own = desk.approve(&desk.first, applied.id).await.map(drop);
    assert!(
        matches!(own, Err(ServiceError::Forbidden(_))),
        "U2b: two persons: {own:?}"
    );
    let approved = desk.approve(&desk.second, applied.id).await.expect("another person");
    assert_eq!(
        approved.request.state.approval().expect("one").in_force_at,
        desk.world.now().plus(UnixMs::DAY),
        "the applicant's own word shortens nothing"
    );
    desk.world.clock.pass(UnixMs::DAY);
    let token = &approved.applicant_token;
    let done = service.complete_unbind_request(&desk.console, token).await;
    assert_eq!(done.expect("done").state, UnbindState::Completed);
    let user = service.user(&desk.console, &alice()).await.expect("a user");
    assert!(user.devices.is_empty());
    for action in ["apply", "open", "approve", "complete"] {
        let told = desk.world.told(&format!("unbind_request.{action}")).await;
        assert_eq!(told.len(), 1, "A3: {action}");
    }
}

#[tokio::test]
async fn u2b_nothing_comes_of_an_application_by_itself() {
    let desk = Desk::new().await;
    let applied = desk.apply().await.expect("it is taken");
    for staff in [&desk.first, &desk.second] {
        let told = desk.approve(staff, applied.id).await.map(drop);
        assert!(is_state(&told, "applied"), "nobody approves: {told:?}");
    }
    desk.world.clock.pass(2 * UnixMs::DAY);
    desk.housekeeping().await;
    assert_eq!(desk.state(applied.id).await, "applied", "no cool-down runs");
    let user = desk.world.service.user(&desk.console, &alice()).await.expect("a user");
    assert_eq!(user.devices.len(), 1);
    desk.world.clock.pass(5 * UnixMs::DAY);
    assert!(is_state(&desk.vouch(applied.id).await, "expired"), "after a week");
    desk.housekeeping().await;
    assert_eq!(desk.world.told("unbind_request.expire").await.len(), 1);
    desk.world.clock.pass(30 * UnixMs::DAY + 1);
    desk.housekeeping().await;
    let gone = desk.world.service.unbind_request(&desk.first.caller, applied.id).await;
    assert_eq!(
        gone.err(),
        Some(ServiceError::NotFound("unbind request")),
        "nor is it kept for ever"
    );
    assert_eq!(desk.world.told("unbind_request.forget").await.len(), 1);
}

#[tokio::test]
async fn u2b_a_right_code_withdraws_it_before_and_after_support_vouched_for_it() {
    let desk = Desk::new().await;
    let applied = desk.apply().await.expect("it is taken");
    desk.verify().await;
    assert_eq!(desk.state(applied.id).await, "withdrawn");
    assert!(is_state(&desk.vouch(applied.id).await, "withdrawn"));
    let event = desk.world.last("unbind_request.withdraw").await;
    assert_eq!(event["detail"]["reason"], "right_code");
    let again = desk.apply().await.expect("a new one");
    desk.vouch(again.id).await.expect("vouched for");
    desk.world.clock.pass(STEP_MS);
    let factor = by_code(&desk.phone.shows(desk.world.now()));
    let renewed = desk
        .world
        .service
        .renew_recovery_codes(&desk.console, &alice(), &factor)
        .await;
    renewed.expect("by a code of the device");
    assert_eq!(desk.state(again.id).await, "withdrawn", "it is in her hand");
    let told = desk.approve(&desk.second, again.id).await.map(drop);
    assert!(is_state(&told, "withdrawn"), "{told:?}");
    let by_support = desk
        .world
        .service
        .open_unbind_request(&desk.first.caller, &opened_by_support())
        .await;
    desk.world.clock.pass(STEP_MS);
    desk.verify().await;
    let id = by_support.expect("opened").id;
    assert_eq!(desk.state(id).await, "requested", "support's own cools down first");
}

#[tokio::test]
async fn u2_one_at_a_time_and_three_a_day() {
    let desk = Desk::new().await;
    let service = &desk.world.service;
    let opened = service
        .open_unbind_request(&desk.first.caller, &opened_by_support())
        .await;
    let told = desk.apply().await;
    assert!(is_state(&told, "requested"), "support's is there: {told:?}");
    let withdrawn = service.withdraw_unbind_request(&desk.first.caller, opened.expect("opened").id, "no");
    withdrawn.await.expect("withdrawn");
    for _ in 0..3 {
        let applied = desk.apply().await.expect("it is taken");
        assert!(is_state(&desk.apply().await, "applied"), "one at a time");
        let by_support = service
            .open_unbind_request(&desk.first.caller, &opened_by_support())
            .await;
        assert!(is_state(&by_support, "applied"), "U2: one at a time, whoever opens it");
        let ended = service
            .reject_unbind_request(&desk.second.caller, applied.id, "nobody called")
            .await;
        assert_eq!(ended.expect("any of support rejects it").state, UnbindState::Rejected);
        let told = service
            .reject_unbind_request(&desk.second.caller, applied.id, "again")
            .await;
        assert!(is_state(&told, "rejected"));
    }
    let told = desk.apply().await;
    assert!(matches!(told, Err(ServiceError::AskedTooOften { .. })), "{told:?}");
    desk.world.clock.pass(UnixMs::DAY);
    let applied = desk.apply().await.expect("on another day");
    let withdrawn = service
        .withdraw_unbind_request(&desk.first.caller, applied.id, "she found it")
        .await;
    assert_eq!(withdrawn.expect("withdrawn").state, UnbindState::Withdrawn);
}

#[tokio::test]
async fn u2_the_operator_allows_it_or_does_not_and_a_page_hands_on_no_more_than_it_may() {
    let desk = Desk::with(Settings::default()).await;
    assert_eq!(desk.world.service.takes_applications(&desk.console), Ok(false));
    assert!(is_state(&desk.apply().await, "not_taken"));
    let desk = Desk::new().await;
    let service = &desk.world.service;
    assert_eq!(service.takes_applications(&desk.console), Ok(true));
    let long = |bytes| "x".repeat(bytes);
    let piece = |kind: &str, reference: String, statement: Option<&str>| NewEvidence {
        kind: kind.into(),
        reference,
        statement: statement.map(support::text),
    };
    let many = (0..21).map(|_| seen("phone")).collect();
    let refused = [
        (vec![piece("face", long(129), None)], "lost".into()),
        (vec![piece("face", "1\n".into(), None)], "lost".into()),
        (vec![piece("face", "1".into(), Some("a.b.c"))], "lost".into()),
        (
            vec![piece("token_returned", "CS-1".into(), Some("123456"))],
            "lost".into(),
        ),
        (vec![piece("a nice voice", "1".into(), None)], "lost".into()),
        (many, "lost".into()),
        (Vec::new(), long(513)),
        (Vec::new(), " ".into()),
        (Vec::new(), "a\u{7}".into()),
    ];
    for (at, (evidence, reason)) in refused.into_iter().enumerate() {
        let owner = alice();
        let wanted = NewApplication {
            owner,
            evidence,
            reason,
        };
        let told = service.apply_for_unbinding(&desk.console, &wanted).await;
        assert!(matches!(told, Err(ServiceError::Invalid { .. })), "{at}: {told:?}");
    }
    let of_bob = NewApplication {
        owner: service::Owner::new("acme", "bob"),
        evidence: Vec::new(),
        reason: "lost".into(),
    };
    let told = service.apply_for_unbinding(&desk.console, &of_bob).await;
    assert_eq!(told.err(), Some(ServiceError::NoDevice));
    let none = NewApplication {
        evidence: Vec::new(),
        ..lost()
    };
    service
        .apply_for_unbinding(&desk.console, &none)
        .await
        .expect("words alone");
}

#[tokio::test]
async fn u2b_whoever_it_is_for_does_not_vouch_for_it() {
    let desk = Desk::new().await;
    let service = &desk.world.service;
    let of_anna = NewApplication {
        owner: desk.first.owner.clone(),
        ..lost()
    };
    let applied = service
        .apply_for_unbinding(&desk.console, &of_anna)
        .await
        .expect("taken");
    let told = desk.vouch(applied.id).await;
    assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
    let other = desk.world.caller(&[service::Role::Support], Some(&["wayne"])).await;
    let told = service
        .vouch_for_unbind_request(&other, applied.id, &at_the_counter())
        .await;
    assert_eq!(told.err(), Some(ServiceError::NotFound("unbind request")));
    let nothing = NewVouching {
        evidence: Vec::new(),
        ..at_the_counter()
    };
    let told = service
        .vouch_for_unbind_request(&desk.second.caller, applied.id, &nothing)
        .await;
    assert!(
        support::is_invalid(&told, service::Input::Evidence),
        "support looks itself: {told:?}"
    );
    service
        .vouch_for_unbind_request(&desk.second.caller, applied.id, &at_the_counter())
        .await
        .expect("another person does");
    let told = service
        .vouch_for_unbind_request(&desk.second.caller, applied.id, &at_the_counter())
        .await;
    assert!(is_state(&told, "requested"), "once: {told:?}");
}

#[tokio::test]
async fn p8_the_users_page_tells_of_the_one_that_is_open() {
    let desk = Desk::new().await;
    let service = &desk.world.service;
    let open = async || {
        service
            .open_unbind_request_of(&desk.console, &alice())
            .await
            .expect("told")
    };
    assert_eq!(open().await, None);
    let applied = desk.apply().await.expect("it is taken");
    assert_eq!(open().await.map(|open| open.id), Some(applied.id));
    desk.verify().await;
    assert_eq!(open().await, None);
}
