//! The desk that looks after tokens: what comes in, who may have it, and whose it is (A5, U4).

use pskc::Moving;
use serde_json::{Value, json};
use service::Role;

use crate::{
    fobs::{Fob, desk},
    judges::STEP_MS,
    world::{HOUR_MS, Reply, World, accepted, refused, text},
};

fn serial_numbers(reply: &Reply) -> Vec<String> {
    let items = reply.expect(200)["items"].as_array().expect("items").clone();
    items.iter().map(|item| text(&item["serial_number"])).collect()
}

#[test]
fn an_import_has_a_receipt_and_is_whole_or_nothing() {
    let mut world = World::new();
    let fobs: Vec<Fob> = (1..=4).map(Fob::new).collect();
    let dry = world.import_seeds("2026-11", &[fobs[0].seed(), fobs[1].seed()], true);
    assert_eq!((dry.count, dry.imported, dry.duplicates.len()), (2, 0, 0));
    world
        .get(Role::Inventory, "/v1/batches/2026-11")
        .problem(404, "not_found");
    assert_eq!(world.import("2026-11", &[&fobs[0], &fobs[1]]).imported, 2);
    let batch = world.get(Role::Inventory, "/v1/batches/2026-11").expect(200);
    assert_eq!(
        batch["open_to"],
        json!({"kind": "nobody"}),
        "D1: nobody's until it is opened"
    );

    // Duplicates, refusals with reasons; and what would have been new does not come in beside them.
    let mut counter = Fob::new(9).seed();
    counter.moving = Moving::Counter { counter: 1 << 53 };
    let mut expired = Fob::new(10).seed();
    expired.expires_at_s = Some(world.now_ms() / 1_000 - 1);
    let mut nameless = Fob::new(11).seed();
    nameless.serial_number = " ".into();
    let mut twin = fobs[0].seed();
    twin.serial_number = "CS-000012".into();
    let seeds = [
        fobs[0].seed(),
        fobs[2].seed(),
        fobs[2].seed(),
        counter,
        expired,
        nameless,
        twin,
    ];
    for dry_run in [true, false] {
        let receipt = world.import_seeds("2026-11", &seeds, dry_run);
        assert_eq!((receipt.count, receipt.usable, receipt.imported), (6, 1, 0));
        assert_eq!(receipt.duplicates, ["CS-000001"]);
        let refused: Vec<_> = receipt
            .refusals
            .iter()
            .flat_map(|refused| refused.serial_number.as_deref())
            .collect();
        assert_eq!(refused, ["CS-000009", "CS-000010", " ", "CS-000012"]);
        let why: Vec<_> = receipt.refusals.iter().map(|refused| refused.why()).collect();
        assert!(why[0].contains("2^53") && why[1].contains("expired"), "{why:?}");
        assert!(
            why[2].contains("serial number") && why[3].contains("another token's"),
            "{why:?}"
        );
    }
    let all = world.get(Role::Inventory, "/v1/tokens");
    assert_eq!(serial_numbers(&all), ["CS-000001", "CS-000002"], "whole or nothing");

    // While it lives it is a duplicate with any secret.
    let anew = world.import("2026-11", &[&Fob::anew(1, 1)]);
    assert_eq!((anew.imported, anew.duplicates.len()), (0, 1));
    world
        .move_token(Role::Inventory, &fobs[0], "returned", &json!({}))
        .expect(200);
    assert_eq!(world.import("2026-12", &[&Fob::anew(1, 1)]).imported, 1, "U4");
    world
        .move_token(Role::Inventory, &fobs[0], "returned", &json!({}))
        .expect(200);
    assert_eq!(
        world.import("2026-12", &[&fobs[0]]).refusals.len(),
        1,
        "U4: nor with a secret before the last"
    );
    world
        .move_token(Role::Inventory, &fobs[0], "retired", &json!({}))
        .expect(200);
    assert_eq!(world.import("2026-12", &[&Fob::anew(1, 2)]).refusals.len(), 1);

    let imports: Vec<Value> = world
        .events()
        .into_iter()
        .filter(|event| event["action"] == "token.import" && event["outcome"] == "done")
        .collect();
    assert_eq!(imports.len(), 2, "A3: one event each, a dry run leaves none");
    assert_eq!(imports[0]["count"], 2);
    world.assert_trail_holds();
}

/// The code is oathtool's: what the file left open is what the inventory finds a token by.
#[test]
fn d2_tokens_of_a_file_that_says_little_are_what_the_desk_says_of_them() {
    let world = World::new();
    let fobs = [Fob::new(31), Fob::new(32)];
    let table = format!(
        "serial,seed,type,digits\n{},{}\n{},{},totp,10\n",
        fobs[0].serial_number, fobs[0].phone.secret, fobs[1].serial_number, fobs[1].phone.secret
    );
    let told = json!({"encoding": "base32", "hash": "SHA256", "digits": 8, "period_s": 60});
    let receipt = world.import_file("", table.as_bytes(), &told).expect(200);
    assert_eq!((&receipt["usable"], &receipt["imported"]), (&json!(1), &json!(0)));
    let remarks = receipt["remarks"].to_string();
    assert!(remarks.contains("1 good token(s) were held back"), "{remarks}");
    let mut skipping = told;
    skipping["skip_unusable"] = json!(true);
    let receipt = world.import_file("", table.as_bytes(), &skipping).expect(200);
    assert_eq!((&receipt["usable"], &receipt["imported"]), (&json!(1), &json!(1)));
    assert_eq!(receipt["refusals"][0]["serial_number"], "CS-000032");
    let token = world.get(Role::Inventory, "/v1/tokens/CS-000031").expect(200);
    assert_eq!(token["algorithm"], "SHA256");
    assert_eq!((&token["digits"], &token["period_s"]), (&json!(8), &json!(60)));
    let shown = ["--totp=sha256", "--digits", "8", "--time-step-size", "60s"];
    let code = fobs[0].phone.odd_codes_from(&shown, world.now_ms(), 1).remove(0);
    assert_eq!(serial_numbers(&world.find("desk-1", &[&code])), ["CS-000031"]);
    for (field, value) in [("digits", 5), ("period_s", 3_601)] {
        let problem = world.import_file("", table.as_bytes(), &json!({field: value}));
        assert_eq!(problem.problem(400, "invalid_request")["field"], field);
    }
}

#[test]
fn a_seed_file_comes_in_by_http() {
    let mut world = World::new();
    let fobs: Vec<Fob> = (1..=3).map(Fob::new).collect();
    let table = |fobs: &[Fob]| {
        let lines = fobs
            .iter()
            .map(|fob| format!("{},{}\n", fob.serial_number, fob.phone.secret));
        std::iter::once("serial,seed\n".to_owned())
            .chain(lines)
            .collect::<String>()
    };
    let two = table(&fobs[..2]);
    let dry = world
        .import_file("?dry_run=true", two.as_bytes(), &json!({}))
        .expect(200);
    assert_eq!(
        (&dry["count"], &dry["imported"], &dry["dry_run"]),
        (&json!(2), &json!(0), &json!(true))
    );
    assert_eq!(dry["format"], "serial,seed");
    let done = world.import_file("", two.as_bytes(), &json!({})).expect(200);
    assert_eq!(
        (&done["imported"], &done["duplicates"], &done["refusals"]),
        (&json!(2), &json!([]), &json!([]))
    );
    let again = world.import_file("", two.as_bytes(), &json!({})).expect(200);
    assert_eq!(
        (&again["imported"], &again["duplicates"]),
        (&json!(0), &json!(["CS-000001", "CS-000002"]))
    );

    // A line that cannot be used keeps all others out.
    let spoiled = table(&fobs[2..]) + &format!(",{}\n", fobs[0].phone.secret);
    let told = world.import_file("", spoiled.as_bytes(), &json!({}));
    assert!(told.status == 400 || told.expect(200)["imported"] == 0);

    // An encrypted one opens by its password, and by nothing else.
    let seeds = [fobs[2].seed()];
    let protect = pskc::Protect::Password {
        password: b"qwerty",
        iterations: 1_000,
    };
    let mut next = 0_u8;
    let random = |bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_mul(5).wrapping_add(17);
            *byte = next;
        }
        Ok::<(), std::convert::Infallible>(())
    };
    let file = pskc::write_encrypted(&seeds, &protect, random).expect("it is written");
    let file: &[u8] = file.as_ref();
    for wrong in [
        json!({}),
        json!({"password": "qwertz"}),
        json!({"password": "qwerty", "key_base64": "AAAA"}),
    ] {
        let problem = world.import_file("", file, &wrong).problem(400, "invalid_request");
        assert!(!problem.to_string().contains("qwert"), "{problem}");
    }
    let done = world.import_file("", file, &json!({"password": "qwerty"})).expect(200);
    assert_eq!(
        (&done["imported"], &done["format"]),
        (&json!(1), &json!("PSKC (RFC 6030)"))
    );
    world.open_batch("file", &json!({"kind": "everybody"}));
    let alice = world.user("acme", "alice");
    let bound = alice.bind_token(&fobs[2]);
    assert_eq!(alice.verify(&fobs[2].code_at(world.now_ms())), accepted(&bound.device));

    // What is no file, too many at once, too long a body, and one in the URL.
    world.import_file("", b"", &json!({})).problem(400, "invalid_request");
    world
        .import_file("", b"hello", &json!({}))
        .problem(400, "invalid_request");
    world
        .import_file("?password=qwerty", two.as_bytes(), &json!({}))
        .problem(400, "invalid_request");
    let many: String = (0..10_001).map(|number| format!("T{number},{number:040x}\n")).collect();
    let told = world.import_file("", format!("serial,seed\n{many}").as_bytes(), &json!({}));
    assert!(
        text(&told.problem(400, "invalid_request")["detail"]).contains("10000"),
        "{:?}",
        told.json()
    );
    drop(alice);
    world.assert_trail_holds();
}

#[test]
fn ten_thousand_tokens_come_in_at_once() {
    let world = World::new();
    let many: String = (1..=10_000)
        .map(|number| format!("T{number:06},{number:040x}\n"))
        .collect();
    let begun = std::time::Instant::now();
    let done = world
        .import_file("", format!("serial,seed\n{many}").as_bytes(), &json!({}))
        .expect(200);
    let came_in = begun.elapsed();
    assert_eq!(done["imported"], 10_000);
    let begun = std::time::Instant::now();
    assert!(serial_numbers(&world.find("desk-1", &["000000"])).len() <= 20);
    println!(
        "10,000 tokens came in after {came_in:?}, and were looked through in {:?}",
        begun.elapsed()
    );
}

#[test]
fn lists_come_in_pages() {
    let world = World::new();
    let fobs: Vec<Fob> = (1..=25).map(Fob::new).collect();
    world.import("odd", &fobs.iter().step_by(2).collect::<Vec<_>>());
    world.import("even", &fobs.iter().skip(1).step_by(2).collect::<Vec<_>>());
    let mut found = Vec::new();
    let mut path = String::from("/v1/tokens?limit=10");
    loop {
        let page = world.get(Role::Inventory, &path);
        found.extend(serial_numbers(&page));
        match page.json()["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/tokens?limit=10&cursor={cursor}"),
            None => break,
        }
    }
    let wanted: Vec<String> = fobs.iter().map(|fob| fob.serial_number.clone()).collect();
    assert_eq!(found, wanted);
    world
        .move_token(Role::Inventory, &fobs[1], "retired", &json!({}))
        .expect(200);
    let some = |query: &str| serial_numbers(&world.get(Role::Inventory, &format!("/v1/tokens?{query}"))).len();
    assert_eq!((some("batch=odd"), some("batch=even&state=imported")), (13, 11));
    assert_eq!(
        (some("state=retired"), some("batch=none"), some("drifting=true")),
        (1, 0, 0)
    );
    let refuse = |query: &str| {
        world
            .get(Role::Inventory, &format!("/v1/tokens?{query}"))
            .problem(400, "invalid_request");
    };
    for query in [
        "limit=0",
        "limit=1001",
        "state=new",
        "drifting=true&state=bound",
        "color=red",
    ] {
        refuse(query);
    }

    // Batches too; one has a name that a path would take amiss.
    let body = json!({"name": "a/b c", "note": "ordered", "open_to": {"kind": "accounts", "accounts": ["acme"]}, "actor": desk()});
    world.post(Role::Inventory, "/v1/batches", &body).expect(201);
    world.post(Role::Inventory, "/v1/batches", &body).expect(201);
    let mut other = body.clone();
    other["note"] = json!("another");
    world
        .post(Role::Inventory, "/v1/batches", &other)
        .problem(400, "invalid_request");
    let one = world.get(Role::Inventory, "/v1/batches/a%2Fb%20c").expect(200);
    assert_eq!((&one["note"], &one["open_to"]), (&json!("ordered"), &body["open_to"]));
    let page = world.get(Role::Inventory, "/v1/batches?limit=2").expect(200);
    assert_eq!(page["next_cursor"], "even");
    let rest = world
        .get(Role::Inventory, "/v1/batches?limit=2&cursor=even")
        .expect(200);
    assert_eq!(
        (&rest["items"][0]["name"], rest.get("next_cursor")),
        (&json!("odd"), None)
    );
}

#[test]
fn the_desk_moves_tokens_and_support_only_loses_them() {
    let world = World::new();
    let fob = Fob::new(1);
    world.stock(&[&fob]);
    let to_alice = json!({"account": "acme", "user": "alice"});
    for state in ["imported", "assigned", "returned", "retired"] {
        let also = if state == "assigned" { &to_alice } else { &json!({}) };
        world
            .move_token(Role::Support, &fob, state, also)
            .problem(403, "forbidden");
    }
    world
        .move_token(Role::Inventory, &fob, "assigned", &json!({}))
        .problem(400, "invalid_request");
    world
        .move_token(Role::Inventory, &fob, "lost", &to_alice)
        .problem(400, "invalid_request");
    world
        .move_token(Role::Inventory, &fob, "bound", &json!({}))
        .problem(400, "invalid_request");
    world
        .move_token(Role::Inventory, &fob, "imported", &json!({}))
        .problem(409, "token_state");
    world
        .move_token(Role::Inventory, &Fob::new(9), "lost", &json!({}))
        .problem(404, "not_found");
    let assigned = world
        .move_token(Role::Inventory, &fob, "assigned", &to_alice)
        .expect(200);
    assert_eq!(
        (&assigned["state"], &assigned["user"]),
        (&json!("assigned"), &json!("alice"))
    );
    assert_eq!(
        world
            .move_token(Role::Inventory, &fob, "imported", &json!({}))
            .expect(200)
            .get("user"),
        None
    );
    for (state, then) in [
        ("lost", 200),
        ("lost", 409),
        ("imported", 409),
        ("returned", 200),
        ("retired", 200),
        ("lost", 409),
    ] {
        assert_eq!(
            world.move_token(Role::Inventory, &fob, state, &json!({})).status,
            then,
            "{state}"
        );
    }
}

#[test]
fn support_finds_whose_token_it_is() {
    let mut world = World::new();
    let fobs: Vec<Fob> = (1..=30).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());
    let alice = world.user("acme", "alice");
    let lost = world.user("acme", "bob");
    fobs[0].drift(3 * STEP_MS);
    let bound = alice.bind_token(&fobs[0]);
    lost.bind_token(&fobs[1]);
    world
        .move_token(Role::Support, &fobs[1], "lost", &json!({}))
        .expect(200);

    // One code of one that nobody has bound, and of no other.
    let code = fobs[7].code_at(world.now_ms());
    assert_eq!(serial_numbers(&world.find("desk-1", &[&code])), ["CS-000008"]);
    let code = fobs[0].code_at(world.now_ms());
    assert!(
        serial_numbers(&world.find("desk-1", &[&code])).is_empty(),
        "A5: one code says nothing of a bound one"
    );

    // Two consecutive ones of a bound one, which are burned.
    let [first, second] = fobs[0].two_codes_at(world.now_ms());
    let found = world.find("desk-1", &[&first, &second]);
    assert_eq!(serial_numbers(&found), ["CS-000001"]);
    let token = &found.json()["items"][0];
    assert_eq!(
        (&token["user"], &token["device_id"]),
        (&json!("alice"), &json!(bound.device))
    );
    assert_eq!(alice.verify(&first), refused(), "A5: burned");
    assert_eq!(alice.verify(&second), refused(), "A5: burned");
    assert!(
        serial_numbers(&world.find("desk-1", &[&first, &second])).is_empty(),
        "A5: once"
    );
    world.pass(2 * STEP_MS);
    assert_eq!(alice.verify(&fobs[0].code_at(world.now_ms())), accepted(&bound.device));

    // A lost one too; and two codes of an unbound one are of nobody.
    let [first, second] = fobs[1].two_codes_at(world.now_ms());
    let found = world.find("desk-1", &[&first, &second]).expect(200);
    assert_eq!(
        (&found["items"][0]["state"], &found["items"][0]["user"]),
        (&json!("lost"), &json!("bob"))
    );
    let [first, second] = fobs[7].two_codes_at(world.now_ms());
    assert!(serial_numbers(&world.find("desk-1", &[&first, &second])).is_empty());
    world.find("desk-1", &["not a code"]).problem(400, "invalid_request");

    // A5: ten an hour for each actor, and a wrong one counts as a right one does.
    for _ in 6..10 {
        world.find("desk-1", &["000000"]).expect(200);
    }
    let told = world.find("desk-1", &["000000"]);
    told.problem(429, "rate_limited");
    assert!(told.retry_after.is_some());
    world.find("desk-2", &["000000"]).expect(200);
    drop((alice, lost));
    world.kill_and_start();
    world.find("desk-1", &["000000"]).problem(429, "rate_limited");
    world.pass(HOUR_MS);
    world.find("desk-1", &["000000"]).expect(200);

    let asked = world.events();
    let asked: Vec<_> = asked
        .iter()
        .filter(|event| event["action"] == "token.find_by_code")
        .collect();
    let (burned, asked): (Vec<&Value>, Vec<&Value>) =
        asked.into_iter().partition(|event| event["outcome"] == "recognised");
    assert_eq!(asked.len(), 12, "A3: each that was judged");
    let burned: Vec<_> = burned.iter().map(|event| &event["user"]).collect();
    assert_eq!(
        burned,
        ["alice", "bob"],
        "A3: each that was burned, where its user's trail is"
    );
    assert_eq!(asked[0]["actor"]["id"], "desk-1");
    world.assert_trail_holds();
}

/// Whoever writes the database can hide a token, and show no other one for it: a secret opens for its own record alone.
#[test]
fn a_token_that_is_spoiled_hides_no_other() {
    let mut world = World::new();
    let fobs: Vec<Fob> = (1..=5).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());
    world.stop();
    let database = rusqlite::Connection::open(world.home().join("countersign.sqlite")).expect("the database opens");
    for spoil in [
        "UPDATE summary SET text = 'spoiled' WHERE id = 'CS-000001'",
        "UPDATE summary SET text = (SELECT text FROM summary WHERE id = 'CS-000003') WHERE id = 'CS-000002'",
        "UPDATE summary SET secret = (SELECT secret FROM summary WHERE id = 'CS-000003') WHERE id = 'CS-000004'",
    ] {
        assert_eq!(database.execute(spoil, []), Ok(1), "{spoil}");
    }
    drop(database);
    world.start();
    for (number, fob) in (1..).zip(&fobs) {
        let found = serial_numbers(&world.find("desk-1", &[&fob.code_at(world.now_ms())]));
        match number {
            3 | 5 => assert_eq!(found, [format!("CS-{number:06}")]),
            _ => assert!(found.is_empty(), "{found:?}"),
        }
    }
}

#[test]
fn a_key_that_renames_its_actors_is_bounded_too() {
    let world = World::new();
    world.stock(&[&Fob::new(1)]);
    for number in 0..100 {
        world.find(&format!("desk-{}", number / 10), &["000000"]).expect(200);
    }
    world.find("desk-new", &["000000"]).problem(429, "rate_limited");
}

#[test]
fn tokens_about_to_drift_out_are_listed() {
    let world = World::new();
    let fobs: Vec<Fob> = (1..=3).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());
    let users: Vec<_> = ["a", "b", "c"].map(|name| world.user("acme", name)).into();
    let bound: Vec<_> = users
        .iter()
        .zip(&fobs)
        .map(|(user, fob)| user.bind_token(fob))
        .collect();
    let drifting = || serial_numbers(&world.get(Role::Inventory, "/v1/tokens?drifting=true&limit=1"));
    // The first runs fast and is used every day; the second runs slower and is then not used; the third is right.
    for day in 1..=9 {
        world.pass(24 * HOUR_MS);
        fobs[0].drift(STEP_MS);
        fobs[1].drift(STEP_MS / 3);
        for (user, (fob, bound)) in users.iter().zip(fobs.iter().zip(&bound)).take(2) {
            assert_eq!(
                user.verify(&fob.code_at(world.now_ms())),
                accepted(&bound.device),
                "day {day}"
            );
        }
        if day < 8 {
            assert!(drifting().is_empty(), "day {day}");
        }
    }
    assert_eq!(drifting(), ["CS-000001"], "what is learned comes near its limit");
    world.pass(9 * 24 * HOUR_MS);
    let page = world.get(Role::Inventory, "/v1/tokens?drifting=true").expect(200);
    let listed: Vec<_> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| text(&item["serial_number"]))
        .collect();
    assert_eq!(
        listed,
        ["CS-000001", "CS-000002"],
        "at its pace it has gone a window's width since"
    );
}
