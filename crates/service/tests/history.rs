//! What support, auditors and users read of the trail: filters, order, causes, and whose it is (A3, A4, D5).

mod support;

use serde_json::Value;
use service::{
    AuditFilter, AuditOrder, AuditPage, Caller, HistoryView, Input, NewRequirements, Owner, Record, Role, ServiceError,
    UnixMs, audit::EventId,
};
use store::{Change, Outcome};
use support::{STEP_MS, World, alice, bob, id, is_invalid};

const OLDEST: AuditOrder = AuditOrder::OldestFirst;
const NEWEST: AuditOrder = AuditOrder::NewestFirst;

fn carol() -> Owner {
    Owner::new("globex", "carol")
}

fn said(record: &Record) -> Value {
    serde_json::from_str(record.event.as_deref().unwrap_or("{}")).expect("JSON")
}

fn ids(records: &[Record]) -> Vec<EventId> {
    records.iter().map(|record| record.id).collect()
}

/// All pages of this size.
async fn all(world: &World, caller: &Caller, filter: &AuditFilter, order: AuditOrder, limit: u32) -> Vec<Record> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let page = world.service.audit(caller, filter, order, from, limit).await;
        let AuditPage { records, next } = page.expect("a page");
        assert!(records.len() <= limit as usize);
        found.extend(records);
        if next.is_none() {
            return found;
        }
        assert_ne!(next, from, "it goes on");
        from = next;
    }
}

/// Something of three users of two accounts, of tokens, and of an account as a whole.
async fn story() -> (World, Caller, service::Id) {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["SN-1", "SN-2"]).await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    world.bind_token(&caller, &bob(), "SN-1").await;
    let (_, other) = world.bind(&caller, &carol()).await;
    let required = NewRequirements::default();
    let alternatives = vec!["sms".to_owned()];
    let required = NewRequirements {
        alternatives,
        ..required
    };
    let zhang = caller.acting(service::Actor {
        id: "zhang".into(),
        kind: service::ActorKind::Admin,
        ip: None,
    });
    for account in ["acme", "globex"] {
        let done = world.service.set_requirements(&zhang, account, 0, &required).await;
        done.expect("it is required");
    }
    for _ in 0..4 {
        world.clock.pass(STEP_MS);
        for (owner, phone) in [(alice(), &phone), (carol(), &other)] {
            let code = phone.shows(world.now());
            let told = world.verify(&caller, &owner, &code).await;
            told.expect("an answer");
            let told = world.verify(&caller, &owner, &code).await;
            told.expect("an answer");
        }
    }
    world.clock.pass(UnixMs::HOUR * 4);
    (world, caller, device)
}

/// Every filter is the trail without what it leaves out, from either end, in pages of any size, wherever the index stands.
#[tokio::test]
async fn a3_a_filter_is_the_trail_without_the_rest() {
    let (world, caller, device) = story().await;
    let whole = all(&world, &caller, &AuditFilter::default(), OLDEST, 1_000).await;
    let middle = whole[whole.len() / 2].at;
    let filter = AuditFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let is_of = |account: &str, event: &Value| event["account"] == account || event["detail"]["account"] == account;
    type Takes = Box<dyn Fn(&Record, &Value) -> bool>;
    let filters: Vec<(AuditFilter, Takes)> = vec![
        (filter(), Box::new(|_, _| true)),
        (
            AuditFilter {
                account: text("acme"),
                ..filter()
            },
            Box::new(move |_, event| is_of("acme", event)),
        ),
        (
            AuditFilter {
                account: text("acme"),
                user: text("alice"),
                ..filter()
            },
            Box::new(|_, event| event["user"] == "alice"),
        ),
        (
            AuditFilter {
                account: text("acme"),
                user: text("alice"),
                action: text("verify"),
                ..filter()
            },
            Box::new(|_, event| event["user"] == "alice" && event["action"] == "verify"),
        ),
        (
            AuditFilter {
                actor: text("zhang"),
                ..filter()
            },
            Box::new(|_, event| event["actor"]["id"] == "zhang"),
        ),
        (
            AuditFilter {
                cause: text("used"),
                ..filter()
            },
            Box::new(|_, event| event["cause"] == "used"),
        ),
        (
            AuditFilter {
                device: Some(device),
                ..filter()
            },
            Box::new(move |_, event| event["device"] == device.to_string()),
        ),
        (
            AuditFilter {
                serial_number: text("SN-1"),
                ..filter()
            },
            Box::new(|_, event| {
                let several = event["detail"]["serial_numbers"].as_array();
                event["detail"]["serial_number"] == "SN-1"
                    || several.is_some_and(|several| several.contains(&"SN-1".into()))
            }),
        ),
        (
            AuditFilter {
                action: text("verify"),
                since: Some(middle),
                ..filter()
            },
            Box::new(move |record, event| record.at >= middle && event["action"] == "verify"),
        ),
        (
            AuditFilter {
                until: Some(middle),
                account: text("globex"),
                ..filter()
            },
            Box::new(move |record, event| record.at <= middle && is_of("globex", event)),
        ),
        (
            AuditFilter {
                since: Some(middle.plus(1)),
                until: Some(middle),
                ..filter()
            },
            Box::new(|_, _| false),
        ),
    ];
    for indexed in [false, true] {
        if indexed {
            world
                .service
                .index_history(&Caller::system())
                .await
                .expect("it is filled");
            // What comes after stands in the rows alone.
            let code = "000000";
            world.verify(&caller, &alice(), code).await.expect("an answer");
            world.clock.pass(UnixMs::HOUR * 4);
        }
        let whole = all(&world, &caller, &filter(), OLDEST, 1_000).await;
        for (filter, takes) in &filters {
            let mut wanted: Vec<Record> = whole.clone();
            wanted.retain(|record| takes(record, &said(record)));
            for limit in [1, 3, 1_000] {
                assert_eq!(
                    all(&world, &caller, filter, OLDEST, limit).await,
                    wanted,
                    "{filter:?} by {limit}"
                );
            }
            wanted.reverse();
            for limit in [1, 3, 1_000] {
                assert_eq!(
                    all(&world, &caller, filter, NEWEST, limit).await,
                    wanted,
                    "{filter:?} by {limit}"
                );
            }
        }
    }
    let alone = AuditFilter {
        user: text("alice"),
        ..filter()
    };
    let told = world.service.audit(&caller, &alone, OLDEST, None, 9).await;
    assert!(is_invalid(&told, Input::User), "a user without an account is nobody");
}

/// A4: a key of one account reads its own part of the trail; another account is the same to it as none.
#[tokio::test]
async fn a4_a_limited_key_reads_its_own_and_cannot_tell_others_from_none() {
    let (world, caller, device) = story().await;
    world
        .service
        .index_history(&Caller::system())
        .await
        .expect("it is filled");
    let own = world.caller(&[Role::Audit], Some(&["acme"])).await;
    let whole = all(&world, &caller, &AuditFilter::default(), OLDEST, 1_000).await;
    let mut wanted = whole.clone();
    wanted.retain(|record| said(record)["account"] == "acme" || said(record)["detail"]["account"] == "acme");
    assert!(wanted.len() > 10);
    for order in [OLDEST, NEWEST] {
        assert_eq!(all(&world, &own, &AuditFilter::default(), order, 7).await, wanted);
        wanted.reverse();
    }
    for account in ["globex", "nowhere"] {
        let filter = AuditFilter {
            account: Some(account.into()),
            ..AuditFilter::default()
        };
        let told = world.service.audit(&own, &filter, OLDEST, None, 9).await;
        let limited = ServiceError::Forbidden("this key is limited to other accounts".into());
        assert_eq!(told, Err(limited), "{account}");
    }
    let theirs = world.caller(&[Role::Audit], Some(&["globex"])).await;
    for device in [device, id(9)] {
        let filter = AuditFilter {
            device: Some(device),
            ..AuditFilter::default()
        };
        for order in [OLDEST, NEWEST] {
            let told = world.service.audit(&theirs, &filter, order, None, 1).await;
            assert_eq!(told, Ok(AuditPage::default()), "nor by its pages: {device}");
        }
    }
}

/// D5: support reads causes once their time is past; a user reads none, and nothing by which one could be found.
#[tokio::test]
async fn d5_support_has_causes_and_the_user_has_none() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    world.clock.pass(STEP_MS);
    let now = world.now();
    for code in [
        phone.shows(now),
        phone.shows(now),
        phone.later(now, 4),
        phone.wrong_code(now),
    ] {
        world.verify(&caller, &alice(), &code).await.expect("an answer");
    }
    let console = world.caller(&[Role::Enroll], Some(&["acme"])).await;
    let staff = world.caller(&[Role::Support], Some(&["acme"])).await;
    let service = &world.service;
    let causes = async || {
        let records = service
            .user_history(&staff, &alice(), HistoryView::Support, None, 4)
            .await;
        let records = records.expect("a history");
        records
            .iter()
            .map(|record| said(record)["cause"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let cause = |cause: &str| Some(cause.to_owned());
    assert_eq!(
        causes().await,
        [cause("wrong"), cause("wrong"), cause("used"), None],
        "masked"
    );
    world.clock.pass(4 * UnixMs::HOUR);
    assert_eq!(
        causes().await,
        [cause("wrong"), cause("too_early"), cause("used"), None],
        "and told in time"
    );

    let told = service
        .user_history(&console, &alice(), HistoryView::Support, None, 9)
        .await;
    assert!(
        matches!(told, Err(ServiceError::Forbidden(_))),
        "A4: causes are support's"
    );
    for reader in [&console, &staff] {
        let seen = service.user_history(reader, &alice(), HistoryView::User, None, 9).await;
        let seen = seen.expect("a history");
        assert_eq!(seen.len(), 6);
        for record in &seen {
            let event = said(record);
            for secret in ["cause", "steps", "masked_s", "api_key", "count"] {
                assert_eq!(event[secret], Value::Null, "D5: {secret} in {event}");
            }
            assert!(
                !record.masked && record.salt.is_none() && record.committed.is_none(),
                "D5: {record:?}"
            );
            assert_eq!(event["user"], "alice");
        }
    }
    let elsewhere = world.caller(&Role::ALL, Some(&["globex"])).await;
    for owner in [alice(), Owner::new("acme", "nobody")] {
        for view in [HistoryView::User, HistoryView::Support] {
            let told = service.user_history(&elsewhere, &owner, view, None, 9).await;
            assert!(matches!(told, Err(ServiceError::Forbidden(_))), "A4: {owner:?}");
        }
    }
    let nobody = Owner::new("acme", "nobody");
    let told = service
        .user_history(&staff, &nobody, HistoryView::Support, None, 9)
        .await;
    assert_eq!(told, Ok(Vec::new()));
}

/// The newest page of a trail, and one of a time, read a few rows of it, however long it is: a page is bounded by what it looks
/// at, never by what there is.
#[tokio::test]
async fn a3_a_page_looks_at_a_bounded_part_of_the_trail() {
    let world = World::new().await;
    let caller = world.all().await;
    world.bind(&caller, &alice()).await;
    let begun = world.now();
    let store = world.another().store;
    for number in 0..10_000_i64 {
        let event = store::audit::Event {
            at: begun.plus(number * 1_000),
            salt: [1; 16],
            payload: format!(r#"{{"action":"test.{}","outcome":"done"}}"#, number % 2),
        };
        assert_eq!(store.commit(vec![Change::of(event)]).await, Ok(vec![Outcome::Done]));
    }
    let none = AuditFilter {
        action: Some("never".into()),
        ..AuditFilter::default()
    };
    for order in [OLDEST, NEWEST] {
        let page = world
            .service
            .audit(&caller, &none, order, None, 9)
            .await
            .expect("a page");
        assert!(
            page.records.is_empty() && page.next.is_some(),
            "empty, though more follow"
        );
        assert_eq!(
            all(&world, &caller, &none, order, 9).await,
            [],
            "and it comes to an end"
        );
    }
    // By time it begins there: what it finds on its first page is of that time.
    let at = begun.plus(7_000_000);
    let then = AuditFilter {
        action: Some("test.1".into()),
        since: Some(at),
        until: Some(at.plus(3_000)),
        ..AuditFilter::default()
    };
    for order in [OLDEST, NEWEST] {
        let page = world
            .service
            .audit(&caller, &then, order, None, 9)
            .await
            .expect("a page");
        let found: Vec<_> = page.records.iter().map(|record| record.at.since(at)).collect();
        let wanted = match order {
            AuditOrder::OldestFirst => [1_000, 3_000],
            AuditOrder::NewestFirst => [3_000, 1_000],
        };
        assert_eq!(found, wanted, "{order:?}");
    }
    let newest = world
        .service
        .audit(&caller, &AuditFilter::default(), NEWEST, None, 2)
        .await;
    let newest = newest.expect("a page");
    assert_eq!(newest.records[0].at, begun.plus(9_999_000));
    assert_eq!(ids(&newest.records).last().copied(), newest.next);
}
