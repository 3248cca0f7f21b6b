//! Notices (P8): what the trail says is told to webhooks, in order, at least once, and to nobody whom it is not for.

mod support;

use std::{pin::Pin, sync::Mutex};

use service::{
    Caller, Courier, DeliveryState, Input, NewEvidence, NewOutcome, NewPasscode, NewUnbindRequest, NewWebhook, Notice,
    NoticeKind, Owner, Posted, Posting, Role, ServiceError, UnixMs, Webhook,
};
use support::{World, alice, bob, by_code, is_invalid, phone::Phone};

/// A receiver, as the tests want it, and what it was sent.
#[derive(Default)]
struct Receiver {
    sent: Mutex<Vec<(String, Notice)>>,
    taken: Mutex<Vec<Notice>>,
    /// The tries of each, with the number of secrets that it was signed with.
    tries: Mutex<Vec<(UnixMs, usize)>>,
    behaves: Mutex<Behaviour>,
}

#[derive(Clone, Default)]
enum Behaviour {
    #[default]
    Takes,
    /// Nobody answers.
    Away,
    /// It answers this.
    Says(u16),
    /// It takes all but what is of this user.
    Dislikes(Owner),
    /// This address takes; the others are away.
    Only(String),
}

impl Receiver {
    fn becomes(&self, behaviour: Behaviour) {
        *self.behaves.lock().expect("a lock") = behaviour;
    }

    fn taken(&self) -> Vec<Notice> {
        self.taken.lock().expect("a lock").clone()
    }

    fn names(&self) -> Vec<(String, &'static str)> {
        let told = self.taken();
        told.iter()
            .map(|notice| (notice.owner.user.to_string(), notice.kind.name()))
            .collect()
    }

    fn tries(&self) -> usize {
        self.tries.lock().expect("a lock").len()
    }
}

impl Courier for Receiver {
    fn post<'a>(&'a self, posting: Posting<'a>) -> Pin<Box<dyn Future<Output = Posted> + Send + 'a>> {
        let Posting {
            url,
            notice,
            secrets,
            at,
            ..
        } = posting;
        self.tries.lock().expect("a lock").push((at, secrets.len()));
        self.sent.lock().expect("a lock").push((url.to_owned(), notice.clone()));
        let behaves = self.behaves.lock().expect("a lock").clone();
        let posted = match behaves {
            Behaviour::Takes => Posted::Answered(204),
            Behaviour::Away => Posted::Unanswered,
            Behaviour::Says(status) => Posted::Answered(status),
            Behaviour::Dislikes(owner) if notice.owner == owner => Posted::Answered(400),
            Behaviour::Dislikes(_) => Posted::Answered(200),
            Behaviour::Only(one) if url == one => Posted::Answered(200),
            Behaviour::Only(_) => Posted::Unanswered,
        };
        if matches!(posted, Posted::Answered(200..=299)) {
            self.taken.lock().expect("a lock").push(notice.clone());
        }
        Box::pin(std::future::ready(posted))
    }
}

const URL: &str = "https://console.example.org/mfa";

fn wanted(events: &[NoticeKind]) -> NewWebhook {
    NewWebhook {
        url: URL.into(),
        events: events.to_vec(),
        accounts: None,
    }
}

async fn with_webhook(events: &[NoticeKind]) -> (World, Caller, Webhook, Receiver) {
    let world = World::new().await;
    let caller = world.all().await;
    let made = world.service.create_webhook(&caller, &wanted(events)).await;
    let (webhook, secret) = made.expect("a webhook");
    assert!(
        secret.starts_with("whsec_") && secret.len() == 6 + 44,
        "32 bytes in base64"
    );
    (world, caller, webhook, Receiver::default())
}

async fn pass(world: &World, receiver: &Receiver) {
    let passed = world.service.deliver_notices(&Caller::system(), receiver).await;
    passed.expect("a pass");
}

/// Time passes, with a pass in each minute.
async fn minutes(world: &World, receiver: &Receiver, count: usize) {
    for _ in 0..count {
        world.clock.pass(UnixMs::MINUTE);
        pass(world, receiver).await;
    }
}

fn user(number: usize) -> Owner {
    Owner::new("acme", format!("user-{number}"))
}

async fn in_state(world: &World, caller: &Caller, webhook: &Webhook, state: DeliveryState) -> usize {
    let found = world
        .service
        .deliveries(caller, webhook.id, Some(state), None, 10_000)
        .await;
    found.expect("a list").len()
}

#[tokio::test]
async fn p8_a_binding_is_told_once_with_what_the_console_needs() {
    let (world, caller, webhook, receiver) = with_webhook(&NoticeKind::ALL).await;
    let (device, _) = world.bind(&caller, &alice()).await;
    pass(&world, &receiver).await;
    pass(&world, &receiver).await;
    assert_eq!(
        receiver.names(),
        [("alice".into(), "device.bound"), ("alice".into(), "protection.changed")]
    );
    let told = receiver.taken();
    assert_eq!(told[0].facts.device, Some(device));
    assert_eq!(told[0].owner, alice());
    assert_eq!(told[0].facts.by.as_deref(), Some("service"));
    assert_eq!(told[1].facts.changes.len(), 2);
    assert_eq!(in_state(&world, &caller, &webhook, DeliveryState::Delivered).await, 2);
    assert_eq!(in_state(&world, &caller, &webhook, DeliveryState::Pending).await, 0);
}

#[tokio::test]
async fn p8_what_was_before_the_webhook_and_other_types_are_not_told() {
    let world = World::new().await;
    let caller = world.all().await;
    world.bind(&caller, &alice()).await;
    let events = [NoticeKind::DeviceUnbound, NoticeKind::DeviceBound];
    world
        .service
        .create_webhook(&caller, &wanted(&events))
        .await
        .expect("a webhook");
    let (device, phone) = world.bind(&caller, &bob()).await;
    let factor = by_code(&phone.shows(world.now()));
    world
        .service
        .unbind(&caller, &bob(), device, &factor)
        .await
        .expect("unbound");
    let receiver = Receiver::default();
    pass(&world, &receiver).await;
    assert_eq!(
        receiver.names(),
        [("bob".into(), "device.bound"), ("bob".into(), "device.unbound")]
    );
}

#[tokio::test]
async fn p8_locks_are_told_and_no_cause_of_a_refusal() {
    let (world, caller, _, receiver) = with_webhook(&NoticeKind::ALL).await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    world.guess(&caller, &alice(), &phone, 10).await;
    pass(&world, &receiver).await;
    let told = receiver.taken();
    let locked: Vec<&Notice> = told
        .iter()
        .filter(|notice| notice.kind == NoticeKind::DeviceLocked)
        .collect();
    assert_eq!(locked.len(), 1, "ten wrong codes are one lock: {told:?}");
    assert_eq!(locked[0].facts.device, Some(device));
    let until = locked[0].facts.locked_until.expect("an end");
    assert!(until.since(world.now()) >= 15 * UnixMs::MINUTE);
    assert_eq!(locked[0].facts.ground, None);
}

#[tokio::test]
async fn p8_recovery_codes_and_sessions_are_told() {
    let (world, caller, _, receiver) = with_webhook(&NoticeKind::ALL).await;
    let (_, _, paper) = world.bind_with_paper(&caller, &alice()).await;
    let used = support::paper_question(&alice(), &paper[0]);
    world.ask(&caller, used).await.expect("accepted");
    let factor = support::by_paper(&paper[1]);
    world
        .service
        .end_all_sessions(&caller, &alice(), Some(&factor))
        .await
        .expect("ended");
    pass(&world, &receiver).await;
    let kinds: Vec<&str> = receiver.taken().iter().map(|notice| notice.kind.name()).collect();
    assert_eq!(
        kinds,
        [
            "device.bound",
            "protection.changed",
            "recovery_codes.made",
            "recovery_codes.used",
            "recovery_codes.used",
            "sessions.ended"
        ]
    );
}

#[tokio::test]
async fn p8_a_receiver_that_was_down_for_an_hour_misses_nothing_and_gets_all_in_order() {
    let (world, caller, webhook, receiver) = with_webhook(&[NoticeKind::DeviceBound, NoticeKind::DeviceUnbound]).await;
    receiver.becomes(Behaviour::Away);
    for _ in 0..3 {
        for number in 0..100 {
            let (device, phone) = world.bind(&caller, &user(number)).await;
            let factor = by_code(&phone.shows(world.now()));
            world
                .service
                .unbind(&caller, &user(number), device, &factor)
                .await
                .expect("unbound");
        }
        minutes(&world, &receiver, 1).await;
    }
    minutes(&world, &receiver, 60).await;
    assert_eq!(receiver.taken(), []);
    let pending = in_state(&world, &caller, &webhook, DeliveryState::Pending).await;
    assert_eq!(pending, 256, "no more wait outside the trail");
    receiver.becomes(Behaviour::Says(503));
    minutes(&world, &receiver, 2).await;
    receiver.becomes(Behaviour::Takes);
    minutes(&world, &receiver, 70).await;
    let told = receiver.taken();
    assert_eq!(told.len(), 600, "nothing is lost, and nothing is told twice");
    for number in 0..100 {
        let theirs: Vec<&str> = told
            .iter()
            .filter(|notice| notice.owner == user(number))
            .map(|notice| notice.kind.name())
            .collect();
        assert_eq!(theirs, ["device.bound", "device.unbound"].repeat(3), "{number}");
    }
    assert_eq!(in_state(&world, &caller, &webhook, DeliveryState::Dead).await, 0);
    assert_eq!(in_state(&world, &caller, &webhook, DeliveryState::Delivered).await, 100);
}

#[tokio::test]
async fn p8_one_notice_that_is_not_taken_is_in_no_others_way_and_dies_visibly() {
    let (world, caller, webhook, receiver) = with_webhook(&[NoticeKind::DeviceBound, NoticeKind::DeviceUnbound]).await;
    receiver.becomes(Behaviour::Dislikes(alice()));
    let (device, phone) = world.bind(&caller, &alice()).await;
    let factor = by_code(&phone.shows(world.now()));
    world
        .service
        .unbind(&caller, &alice(), device, &factor)
        .await
        .expect("unbound");
    world.bind(&caller, &bob()).await;
    pass(&world, &receiver).await;
    assert_eq!(receiver.names(), [("bob".into(), "device.bound")]);
    let service = &world.service;
    let pending = service
        .deliveries(&caller, webhook.id, Some(DeliveryState::Pending), None, 9)
        .await;
    let pending = pending.expect("a list");
    let told: Vec<_> = pending
        .iter()
        .map(|one| (&*one.kind, one.attempts, one.last_status))
        .collect();
    assert_eq!(told, [("device.bound", 1, Some(400)), ("device.unbound", 0, None)]);

    for _ in 0..24 * 7 {
        world.clock.pass(UnixMs::HOUR);
        pass(&world, &receiver).await;
    }
    let dead = service
        .deliveries(&caller, webhook.id, Some(DeliveryState::Dead), None, 9)
        .await;
    let dead = dead.expect("a list");
    assert_eq!(dead.len(), 2, "given up, one after the other");
    assert!(dead[0].attempts > 30, "{}", dead[0].attempts);
    assert_eq!(world.told("webhook.give_up").await.len(), 2);
    assert_eq!(in_state(&world, &caller, &webhook, DeliveryState::Pending).await, 0);

    receiver.becomes(Behaviour::Takes);
    let replayed = service
        .replay_delivery(&caller, webhook.id, dead[0].id)
        .await
        .expect("replayed");
    assert_eq!((replayed.state, replayed.attempts), (DeliveryState::Pending, 0));
    pass(&world, &receiver).await;
    let last = receiver.taken().pop().expect("it is sent");
    assert_eq!((last.id, last.kind.name()), (dead[0].id, "device.bound"));
    assert_eq!(in_state(&world, &caller, &webhook, DeliveryState::Dead).await, 1);
}

#[tokio::test]
async fn p8_redirects_and_errors_are_not_taken_for_answers() {
    for status in [199, 301, 302, 307, 308, 400, 404, 410, 429, 500, 503] {
        let (world, caller, webhook, receiver) = with_webhook(&[NoticeKind::DeviceBound]).await;
        receiver.becomes(Behaviour::Says(status));
        world.bind(&caller, &alice()).await;
        pass(&world, &receiver).await;
        assert_eq!(
            in_state(&world, &caller, &webhook, DeliveryState::Pending).await,
            1,
            "{status}"
        );
    }
}

#[tokio::test]
async fn p8_a_receiver_that_is_away_is_no_obstacle_to_another() {
    let (world, caller, _, receiver) = with_webhook(&[NoticeKind::DeviceBound]).await;
    let other = NewWebhook {
        url: "https://other.example.org/".into(),
        ..wanted(&[NoticeKind::DeviceBound])
    };
    world.service.create_webhook(&caller, &other).await.expect("a webhook");
    receiver.becomes(Behaviour::Only(other.url));
    for number in 0..300 {
        world.bind(&caller, &user(number)).await;
    }
    pass(&world, &receiver).await;
    assert_eq!(receiver.taken().len(), 300);
}

#[tokio::test]
async fn p8_what_is_older_than_a_week_is_found_among_the_dead_so_that_the_trail_can_be_pruned() {
    let (world, caller, webhook, receiver) = with_webhook(&[NoticeKind::DeviceBound]).await;
    world.bind(&caller, &alice()).await;
    world.clock.pass(8 * UnixMs::DAY);
    pass(&world, &receiver).await;
    assert_eq!(receiver.tries(), 0, "nobody is told of it as news");
    assert_eq!(in_state(&world, &caller, &webhook, DeliveryState::Dead).await, 1);
    let reader = world
        .store
        .webhook_reader(webhook.id)
        .await
        .expect("a read")
        .expect("a reader");
    let newest = world.rows().await.pop().expect("a row");
    assert!(
        reader.through >= Some(store::audit::Cursor(newest.cursor.0 - 1)),
        "it has read on"
    );
    world.clock.pass(31 * UnixMs::DAY);
    world.service.run_housekeeping(&Caller::system()).await.expect("kept");
    assert_eq!(
        in_state(&world, &caller, &webhook, DeliveryState::Dead).await,
        0,
        "forgotten after thirty days"
    );
}

#[tokio::test]
async fn p8_a_crash_after_a_delivery_tells_it_again_under_the_same_id() {
    let (world, caller, _, receiver) = with_webhook(&[NoticeKind::DeviceBound]).await;
    world.bind(&caller, &alice()).await;
    let full = store::StoreError::Unavailable("the disk is full".into());
    world.engine.becomes(support::faulty::Fault::Writing(full));
    pass(&world, &receiver).await;
    world.engine.becomes(support::faulty::Fault::None);
    pass(&world, &receiver).await;
    pass(&world, &receiver).await;
    let told = receiver.taken();
    assert_eq!(told.len(), 2, "once more, and not again");
    assert_eq!(told[0], told[1], "whoever has seen it knows it by its id");
}

#[tokio::test]
async fn p8_secrets_rotate_with_an_overlap() {
    let (world, caller, webhook, receiver) = with_webhook(&[NoticeKind::DeviceBound]).await;
    let service = &world.service;
    let first = service.rotate_webhook(&caller, webhook.id, 2).await.expect("rotated");
    world.bind(&caller, &user(1)).await;
    pass(&world, &receiver).await;
    world.clock.pass(2 * UnixMs::HOUR);
    world.bind(&caller, &user(2)).await;
    pass(&world, &receiver).await;
    let second = service.rotate_webhook(&caller, webhook.id, 0).await.expect("rotated");
    assert_ne!(*first, *second);
    world.bind(&caller, &user(3)).await;
    pass(&world, &receiver).await;
    let signatures: Vec<usize> = receiver
        .tries
        .lock()
        .expect("a lock")
        .iter()
        .map(|(_, count)| *count)
        .collect();
    assert_eq!(signatures, [2, 1, 1]);
    let too_long = service.rotate_webhook(&caller, webhook.id, 169).await;
    assert!(is_invalid(&too_long, Input::OverlapHours));
    assert_eq!(world.told("webhook.rotate").await.len(), 2);
}

#[tokio::test]
async fn p8_a_webhook_that_was_ended_is_sent_nothing_more() {
    let (world, caller, webhook, receiver) = with_webhook(&[NoticeKind::DeviceBound]).await;
    receiver.becomes(Behaviour::Away);
    world.bind(&caller, &alice()).await;
    pass(&world, &receiver).await;
    world.service.delete_webhook(&caller, webhook.id).await.expect("ended");
    let tries = receiver.tries();
    minutes(&world, &receiver, 10).await;
    assert_eq!(receiver.tries(), tries);
    assert_eq!(world.store.webhook_reader(webhook.id).await.expect("a read"), None);
    let gone = world.service.deliveries(&caller, webhook.id, None, None, 9).await;
    assert_eq!(gone, Err(ServiceError::NotFound("webhook")));
    assert_eq!(
        world.last("webhook.delete").await["detail"]["webhook"],
        webhook.id.to_string()
    );
}

#[tokio::test]
async fn p8_who_was_erased_is_named_to_nobody() {
    let (world, caller, webhook, receiver) = with_webhook(&[NoticeKind::DeviceBound]).await;
    receiver.becomes(Behaviour::Away);
    world.bind(&caller, &alice()).await;
    pass(&world, &receiver).await;
    world.service.close_user(&caller, &alice()).await.expect("closed");
    world
        .service
        .erase_user(&Caller::shell(), &alice())
        .await
        .expect("erased");
    receiver.becomes(Behaviour::Takes);
    minutes(&world, &receiver, 2).await;
    assert_eq!(receiver.taken(), []);
    assert_eq!(in_state(&world, &caller, &webhook, DeliveryState::Pending).await, 0);
}

#[tokio::test]
async fn a4_a_key_that_is_limited_to_accounts_is_told_of_theirs_alone() {
    let (world, caller, everybodys, receiver) = with_webhook(&[NoticeKind::DeviceBound]).await;
    let limited = world.caller(&[Role::Admin], Some(&["zeta"])).await;
    let service = &world.service;
    let zetas = NewWebhook {
        url: "https://zeta.example.org/".into(),
        ..wanted(&[NoticeKind::DeviceBound])
    };
    let (own, _) = service.create_webhook(&limited, &zetas).await.expect("a webhook");
    assert_eq!(own.accounts, Some(vec!["zeta".into()]));
    let foreign = NewWebhook {
        accounts: Some(vec!["zeta".into(), "acme".into()]),
        ..zetas
    };
    let foreign = service.create_webhook(&limited, &foreign).await;
    assert!(matches!(foreign, Err(ServiceError::Forbidden(_))));

    let zoe = Owner::new("zeta", "zoe");
    world.bind(&caller, &alice()).await;
    world.bind(&caller, &zoe).await;
    pass(&world, &receiver).await;
    let sent = receiver.sent.lock().expect("a lock").clone();
    let to_zeta: Vec<&Owner> = sent
        .iter()
        .filter(|(url, _)| url == "https://zeta.example.org/")
        .map(|(_, notice)| &notice.owner)
        .collect();
    assert_eq!(to_zeta, [&zoe]);

    let listed = service.webhooks(&limited).await.expect("a list");
    assert_eq!(listed, [own]);
    let not_found = ServiceError::NotFound("webhook");
    assert_eq!(
        service.delete_webhook(&limited, everybodys.id).await,
        Err(not_found.clone())
    );
    assert_eq!(
        service.delete_webhook(&limited, support::id(7)).await,
        Err(not_found.clone())
    );
    assert_eq!(
        service.rotate_webhook(&limited, everybodys.id, 0).await.err(),
        Some(not_found.clone())
    );
    let deliveries = service.deliveries(&limited, everybodys.id, None, None, 9).await;
    assert_eq!(deliveries, Err(not_found.clone()));
    let theirs = service
        .deliveries(&caller, everybodys.id, None, None, 9)
        .await
        .expect("a list");
    let replayed = service.replay_delivery(&limited, everybodys.id, theirs[0].id).await;
    assert_eq!(replayed, Err(not_found));
}

#[tokio::test]
async fn p8_webhooks_are_few_and_at_addresses_that_are_one() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    for url in [
        "",
        "console.example.org",
        "http://console.example.org/",
        "ftp://console.example.org/",
        "https://user@console.example.org/",
        "https://:secret@console.example.org/",
        "https://console.example.org/#part",
        "https://",
        &format!("https://console.example.org/{}", "x".repeat(2_048)),
    ] {
        let at = NewWebhook {
            url: url.into(),
            ..wanted(&[NoticeKind::DeviceBound])
        };
        let made = service.create_webhook(&caller, &at).await;
        assert!(is_invalid(&made, Input::WebhookUrl), "{url}");
    }
    let nothing = service.create_webhook(&caller, &wanted(&[])).await;
    assert!(is_invalid(&nothing, Input::WebhookEvents));
    let limited = world.caller(&[Role::Admin], Some(&["zeta"])).await;
    for _ in 0..10 {
        service
            .create_webhook(&limited, &wanted(&[NoticeKind::DeviceBound]))
            .await
            .expect("a webhook");
    }
    let beyond = service
        .create_webhook(&limited, &wanted(&[NoticeKind::DeviceBound]))
        .await;
    assert!(is_invalid(&beyond, Input::WebhookUrl));
    for _ in 10..service::WEBHOOKS_MAX {
        service
            .create_webhook(&caller, &wanted(&[NoticeKind::DeviceBound]))
            .await
            .expect("a webhook");
    }
    let beyond = service
        .create_webhook(&caller, &wanted(&[NoticeKind::DeviceBound]))
        .await;
    assert!(is_invalid(&beyond, Input::WebhookUrl));
}

#[tokio::test]
async fn p8_the_first_login_after_thirty_days_is_told() {
    let (world, caller, _, receiver) = with_webhook(&[NoticeKind::LoginAfterAbsence]).await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    login(&world, &caller, &phone).await;
    world.clock.pass(29 * UnixMs::DAY);
    login(&world, &caller, &phone).await;
    pass(&world, &receiver).await;
    assert_eq!(receiver.taken(), []);
    world.clock.pass(31 * UnixMs::DAY);
    login(&world, &caller, &phone).await;
    pass(&world, &receiver).await;
    let told = receiver.taken();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].facts.absent_days, Some(31));
}

async fn login(world: &World, caller: &Caller, phone: &Phone) {
    let wanted = service::NewChallenge {
        owner: alice(),
        purpose: service::ChallengePurpose::Login,
        audience: None,
        operation: None,
        resource: None,
        session_id: None,
        first_factor: Some("password".into()),
        client: None,
        is_risky: false,
        trusted_device: None,
    };
    let challenge = world
        .service
        .create_challenge(caller, &wanted)
        .await
        .expect("a challenge");
    let code = phone.shows(world.now());
    let answer = service::ChallengeAnswer {
        code: support::text(&code),
        method: "totp".into(),
        trust_device: false,
    };
    let told = world
        .service
        .answer_challenge(caller, &challenge.id, answer)
        .await
        .expect("an answer");
    assert_eq!(told.decision, service::Decision::Allow);
    world.clock.pass(support::STEP_MS);
}

#[tokio::test]
async fn p8_two_passes_at_once_leave_each_delivery_once() {
    // Two passes at once: each of a delivery's writes expects what was read, so that one of them stops.
    let (world, caller, webhook, receiver) = with_webhook(&[NoticeKind::DeviceBound]).await;
    for number in 0..20 {
        world.bind(&caller, &user(number)).await;
    }
    tokio::join!(pass(&world, &receiver), pass(&world, &receiver));
    pass(&world, &receiver).await;
    let delivered = in_state(&world, &caller, &webhook, DeliveryState::Delivered).await;
    assert_eq!(delivered, 20);
}

#[tokio::test]
async fn p8_a_user_whose_notices_are_refused_makes_room_for_the_others() {
    let (world, caller, webhook, receiver) = with_webhook(&[NoticeKind::DeviceBound, NoticeKind::DeviceUnbound]).await;
    receiver.becomes(Behaviour::Dislikes(alice()));
    for number in 0..40 {
        let (device, phone) = world.bind(&caller, &alice()).await;
        let factor = by_code(&phone.shows(world.now()));
        world
            .service
            .unbind(&caller, &alice(), device, &factor)
            .await
            .expect("unbound");
        world.bind(&caller, &user(number)).await;
        minutes(&world, &receiver, 4).await;
    }
    minutes(&world, &receiver, 60).await;
    let told = receiver.taken();
    assert_eq!(told.len(), 40, "all that is the others'");
    let pending = in_state(&world, &caller, &webhook, DeliveryState::Pending).await;
    let dead = in_state(&world, &caller, &webhook, DeliveryState::Dead).await;
    assert_eq!(
        (pending, pending + dead),
        (32, 80),
        "the oldest of alice's made room, and are there to be replayed"
    );
}

/// P8: whoever has the device hears of each step of a request against it, and of a passcode.
#[tokio::test]
async fn p8_u2_u3_what_support_does_is_told_to_the_user_it_is_about() {
    let (world, caller, _, receiver) = with_webhook(&NoticeKind::ALL).await;
    let [anna, bao] = world.two_of_support().await;
    world.bind(&caller, &alice()).await;
    world.clock.pass(support::STEP_MS);
    let wanted = NewUnbindRequest {
        owner: alice(),
        device: None,
        outcome: NewOutcome::SwitchTo {
            method: "sms".into(),
            identity: "+86 138 0013 8000".into(),
        },
        evidence: vec![NewEvidence {
            kind: "id_number".into(),
            reference: "case-1".into(),
            statement: None,
        }],
        reason: "lost".into(),
    };
    let service = &world.service;
    let opened = service
        .open_unbind_request(&anna.caller, &wanted)
        .await
        .expect("opened");
    let approver = bao.approver(world.now());
    let approved = service.approve_unbind_request(&bao.caller, opened.id, &approver).await;
    let approved = approved.expect("approved");
    let asked = NewPasscode {
        owner: alice(),
        reason: "lost".into(),
    };
    let passcode = service.request_passcode(&anna.caller, &asked).await.expect("asked");
    world.clock.pass(support::STEP_MS);
    let approver = bao.approver(world.now());
    service
        .approve_passcode(&bao.caller, passcode.id, &approver)
        .await
        .expect("approved");
    service.reveal_passcode(&anna.caller, passcode.id).await.expect("shown");
    world.clock.pass(UnixMs::DAY + 1);
    service
        .complete_unbind_request(&caller, &approved.applicant_token)
        .await
        .expect("done");
    pass(&world, &receiver).await;
    let told = receiver.taken();
    let of_alice = told.iter().filter(|notice| notice.owner == alice());
    let names: Vec<&str> = of_alice.map(|notice| notice.kind.name()).collect();
    let expected = [
        "device.bound",
        "protection.changed",
        "unbind_request.opened",
        "unbind_request.approved",
        "passcode.issued",
        "unbind_request.in_force",
        "device.unbound",
        "protection.changed",
    ];
    assert_eq!(names, expected);
    let approved = told
        .iter()
        .find(|notice| notice.kind == NoticeKind::UnbindRequestApproved);
    let facts = &approved.expect("told").facts;
    assert_eq!(facts.unbind_request, Some(opened.id));
    assert!(facts.in_force_at.is_some(), "until when there is time to object");
    let of_staff = told.iter().filter(|notice| notice.owner == bao.owner);
    assert!(
        of_staff
            .clone()
            .all(|notice| notice.kind != NoticeKind::UnbindRequestApproved),
        "it is not about them"
    );
}
