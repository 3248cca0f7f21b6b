//! The trail as it is read: in pages, by whom it is about, with masked causes, and with suspicion.

mod support;

use serde_json::Value;
use service::{
    Answer, Caller, Client, Finding, NewKey, Owner, Question, Record, Role, ServiceError, SignedHead, TokenTransition,
    UnixMs, audit, verify_trail,
};
use store::audit::{EventId, Head, Place};
use support::{STEP_MS, World, alice, bob, confirmation, hardware, question};

async fn all(world: &World, caller: &Caller) -> Vec<Record> {
    world.service.trail(caller, None, 9_999).await.expect("the trail")
}

fn said(record: &Record) -> Value {
    let event = record.event.as_deref().expect("nothing was erased");
    serde_json::from_str(event).expect("events are JSON")
}

fn actions(records: &[Record]) -> Vec<String> {
    let action = |record| said(record)["action"].as_str().expect("each has one").to_owned();
    records.iter().map(action).collect()
}

const NOWHERE: EventId = EventId {
    place: Place { chain: 7, position: 7 },
    index: 1,
};

#[tokio::test]
async fn a3_it_is_read_in_pages_from_any_record_on() {
    let world = World::new().await;
    let caller = world.all().await;
    // A row of several events: each user of a lot has one.
    let beta = service::NewLot {
        open_to: Some(service::OpenTo::Users(vec![alice(), bob()])),
        note: None,
    };
    world.service.create_lot(&caller, "beta", &beta).await.expect("a batch");
    world.bind(&caller, &alice()).await;
    let whole = all(&world, &caller).await;
    assert_eq!(
        actions(&whole),
        [
            "key.create",
            "batch.create",
            "batch.open_to",
            "batch.open_to",
            "enrollment.start",
            "enrollment.confirm"
        ]
    );
    for limit in 1..=whole.len() {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = world.service.trail(&caller, after, limit as u32).await.expect("a page");
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            found.extend(page);
        }
        assert_eq!(found, whole, "by {limit}");
    }
    let told = world.service.trail(&caller, Some(NOWHERE), 9).await;
    assert_eq!(told, Err(ServiceError::NotFound("record")));
}

#[tokio::test]
async fn a3_who_from_where_and_for_which_request() {
    let world = World::new().await;
    let caller = world.all().await.with_request(Some("r-7".into()));
    let typed = Question {
        client: Some(Client {
            ip: Some("203.0.113.7".into()),
            user_agent: Some("Firefox".into()),
        }),
        ..question(&alice(), "123456")
    };
    assert_eq!(world.ask(&caller, typed).await, Ok(Answer::Refused));
    let key = world.service.list_keys(&Caller::shell()).await.expect("keys").remove(0);
    let records = all(&world, &caller).await;
    let last = records.last().expect("a record");
    let event = said(last);
    assert_eq!((&event["account"], &event["user"]), (&"acme".into(), &"alice".into()));
    assert_eq!(event["api_key"], key.id.to_string());
    assert_eq!(
        (&event["actor"]["id"], &event["request"]),
        (&"somebody".into(), &"r-7".into())
    );
    assert_eq!(
        (&event["client"]["ip"], &event["client"]["user_agent"]),
        (&"203.0.113.7".into(), &"Firefox".into())
    );
    // What was committed has none of it, and the salt opens its commitment.
    let committed = last.committed.as_deref().expect("its names are sealed");
    for name in ["acme", "alice", "somebody", "203.0.113.7", "Firefox"] {
        assert!(!committed.contains(name), "{committed}");
    }
    let salt = last.salt.expect("nothing is masked");
    let row = world.rows().await.pop().expect("a row");
    assert_eq!(audit::commitment(&salt, committed), row.events[0].commitment());
}

#[tokio::test]
async fn d5_a_cause_that_names_a_step_to_come_is_wrong_to_everybody_until_it_is_past() {
    // The ten steps that are looked at, the window, and three steps.
    let near_ms = 14 * STEP_MS;
    for (cause, steps, masked_ms) in [
        ("too_early", Some(5), near_ms),
        ("wrong", None, near_ms),
        ("too_late", Some(-5), 0),
        ("used", Some(0), 0),
    ] {
        let world = World::new().await;
        let caller = world.all().await;
        let (_, phone) = world.bind(&caller, &alice()).await;
        world.clock.pass(10 * STEP_MS);
        let typed = match steps {
            Some(steps) => phone.later(world.now(), steps),
            None => phone.wrong_code(world.now()),
        };
        if cause == "used" {
            let told = world.verify(&caller, &alice(), &typed).await;
            assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
        }
        assert_eq!(world.verify(&caller, &alice(), &typed).await, Ok(Answer::Refused));
        let last = async || all(&world, &caller).await.pop().expect("a record");
        if masked_ms > 0 {
            world.clock.pass(masked_ms - 1);
            let masked = last().await;
            assert_eq!(
                (&said(&masked)["cause"], masked.masked),
                (&"wrong".into(), true),
                "{cause}"
            );
            assert_eq!(said(&masked).get("steps"), None);
            assert_eq!(
                (masked.salt, masked.committed),
                (None, None),
                "it could be found by trying"
            );
            world.clock.set(-UnixMs::HOUR);
            assert!(last().await.masked, "a doubted clock lets nothing pass");
            world.clock.set(UnixMs::HOUR);
            world.clock.pass(1);
        }
        let shown = last().await;
        assert_eq!(
            (&said(&shown)["cause"], shown.masked),
            (&cause.into(), false),
            "{cause}"
        );
        assert!(shown.salt.is_some());
        assert_eq!(said(&shown)["steps"].as_i64(), steps, "{cause}");
    }
}

#[tokio::test]
async fn d5_a_hint_at_a_binding_is_masked_longer() {
    let world = World::new().await;
    let caller = world.all().await;
    let (offer, phone) = world.start(&caller, &alice()).await;
    let wanted = confirmation(&[&phone.ahead(7).shows(world.now())]);
    let told = world
        .service
        .confirm_enrollment(&caller, &alice(), offer.id, &wanted)
        .await;
    assert!(
        matches!(told, Err(ServiceError::CodeRefused { hint: Some(_), .. })),
        "its user may know: {told:?}"
    );
    let last = async || all(&world, &caller).await.pop().expect("a record");
    // Twice the search, the window and three steps.
    world.clock.pass(244 * STEP_MS - 1);
    let masked = last().await;
    assert_eq!(
        (&said(&masked)["cause"], said(&masked)["detail"].get("hint")),
        (&"wrong".into(), None)
    );
    world.clock.pass(1);
    let shown = said(&last().await);
    assert_eq!(
        (&shown["cause"], &shown["detail"]["hint"]),
        (&"too_early".into(), &"clock_off".into())
    );
}

#[tokio::test]
async fn a_history_is_the_same_with_and_without_its_index() {
    let world = World::new().await;
    let caller = world.all().await;
    let service = &world.service;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (device, token) = world.bind_token(&caller, &alice(), "CS-1").await;
    world
        .verify(&caller, &alice(), &token.shows(world.now()))
        .await
        .expect("an answer");
    world.verify(&caller, &bob(), "123456").await.expect("an answer");
    service
        .move_token(&caller, "CS-1", &TokenTransition::Lose)
        .await
        .expect("it is lost");
    for _round in 0..2 {
        let of_user = service
            .history_of_user(&caller, &alice(), None, 99)
            .await
            .expect("a history");
        assert_eq!(
            actions(&of_user),
            ["token.lose", "verify", "enrollment.confirm", "enrollment.start"]
        );
        let of_device = service
            .history_of_device(&caller, device, None, 99)
            .await
            .expect("a history");
        assert_eq!(actions(&of_device), ["token.lose", "verify", "enrollment.confirm"]);
        let of_token = service
            .history_of_token(&caller, "CS-1", None, 99)
            .await
            .expect("a history");
        assert_eq!(
            actions(&of_token),
            ["token.lose", "enrollment.confirm", "enrollment.start"]
        );
        let of_bob = service
            .history_of_user(&caller, &bob(), None, 99)
            .await
            .expect("a history");
        assert_eq!(actions(&of_bob), ["verify"]);

        let page = service
            .history_of_user(&caller, &alice(), None, 2)
            .await
            .expect("a page");
        let rest = service
            .history_of_user(&caller, &alice(), Some(page[1].id), 9)
            .await
            .expect("a page");
        assert_eq!([page, rest].concat(), of_user);
        service.index_history(&Caller::system()).await.expect("it is indexed");
    }
    for told in [
        service.history_of_user(&caller, &alice(), Some(NOWHERE), 9).await,
        service.history_of_device(&caller, device, Some(NOWHERE), 9).await,
        service.history_of_token(&caller, "CS-1", Some(NOWHERE), 9).await,
    ] {
        assert_eq!(told, Err(ServiceError::NotFound("record")));
    }
    let nobody = Owner::new("acme", "nobody");
    assert_eq!(service.history_of_user(&caller, &nobody, None, 9).await, Ok(vec![]));
    assert_eq!(
        service.history_of_device(&caller, support::id(9), None, 9).await,
        Ok(vec![])
    );
    assert_eq!(service.history_of_token(&caller, "CS-9", None, 9).await, Ok(vec![]));
}

#[tokio::test]
async fn refusals_that_cost_nothing_have_ten_records_an_hour_and_are_counted_beyond() {
    let world = World::new().await;
    let caller = world.all().await;
    for _ in 0..25 {
        assert_eq!(world.verify(&caller, &bob(), "123456").await, Ok(Answer::Refused));
    }
    assert_eq!(world.told("verify").await.len(), 10);
    world.clock.pass(UnixMs::HOUR);
    world.verify(&caller, &bob(), "123456").await.expect("an answer");
    assert_eq!(world.told("verify").await.len(), 11, "an hour later");
    world.service.close().await;
    let counted = world.last("verify").await;
    assert_eq!(
        (&counted["cause"], &counted["count"]),
        (&"no_device".into(), &15.into())
    );
}

#[tokio::test]
async fn a3_a_head_is_signed_and_holds_the_trail() {
    let world = World::new().await;
    let caller = world.all().await;
    world.bind(&caller, &alice()).await;
    let signer = &*world.ports.signer;
    let head = world.service.signed_head(&caller).expect("a head");
    assert_eq!(head.proven(signer), Some(world.store.head()));
    world.bind(&caller, &bob()).await;
    let report = verify_trail(&*world.store, signer, std::slice::from_ref(&head))
        .await
        .expect("a report");
    assert_eq!(
        (report.chains, report.heads, report.findings.len()),
        (1, 1, 0),
        "{report:?}"
    );
    assert_eq!(report.rows, world.rows().await.len() as u64);

    let now = world.store.head();
    let cut = Head {
        position: now.position + 3,
        ..now
    };
    let other = Head { hash: [7; 32], ..now };
    let of_nobody = Head { chain: 9, ..now };
    let forged = SignedHead {
        hash: "00".repeat(32),
        ..head
    };
    let unreadable = SignedHead {
        signature: "no hex".into(),
        ..forged.clone()
    };
    for (bad, what) in [
        (SignedHead::new(cut, signer), "cut off"),
        (SignedHead::new(other, signer), "is not what a head kept outside signed"),
        (SignedHead::new(of_nobody, signer), "the register does not"),
        (forged, "bad signature"),
        (unreadable, "bad signature"),
    ] {
        let report = verify_trail(&*world.store, signer, &[bad]).await.expect("a report");
        let [Finding { what: found, .. }] = &report.findings[..] else {
            panic!("one finding, {what}: {report:?}");
        };
        assert!(found.contains(what), "{what}: {found}");
    }
}

#[tokio::test]
async fn nothing_is_written_after_the_end_of_a_chain() {
    let world = World::new().await;
    let caller = world.all().await;
    let end = world.service.close_trail(&Caller::shell()).await.expect("it is closed");
    assert_eq!(
        world.service.close_trail(&Caller::system()).await,
        Ok(end.clone()),
        "once more"
    );
    let told = world.verify(&caller, &alice(), "123456").await;
    assert!(matches!(told, Err(ServiceError::StorageUnavailable(_))), "{told:?}");
    let wanted = world.wanted(&alice(), hardware("CS-1"), None);
    let told = world
        .service
        .start_enrollment(&caller, &wanted)
        .await
        .map(|offer| offer.id);
    assert!(matches!(told, Err(ServiceError::StorageUnavailable(_))), "{told:?}");

    // Whoever comes next has a chain of their own, and the trail is one.
    let next = service::Service::start(world.another(), service::Settings::default())
        .await
        .expect("it starts");
    let wanted = NewKey {
        roles: vec![Role::Audit],
        owner: "next".into(),
        audiences: Vec::new(),
        person: None,
        return_urls: Vec::new(),
        accounts: None,
    };
    next.create_key(&Caller::shell(), &wanted, None).await.expect("a key");
    let report = verify_trail(&*world.store, &*world.ports.signer, &[end])
        .await
        .expect("a report");
    assert_eq!((report.chains, report.findings.len()), (2, 0), "{report:?}");
    next.close().await;
}
