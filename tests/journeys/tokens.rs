//! A token's life in a user's hands: bound by its serial number, followed as it drifts, lost (B3, B4, D6, U4).

use serde_json::{Value, json};
use service::{Role, Settings};

use crate::{
    binding::{assert_none, finds, sealed_in},
    fobs::{Fob, desk},
    judges::STEP_MS,
    world::{Reply, User, World, accepted, refused, text},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[test]
fn a_token_is_bound_followed_resynced_and_lost() {
    let mut world = World::new();
    let fob = Fob::new(42);
    fob.drift(7 * STEP_MS);
    assert_eq!(world.import("2026-11", &[&fob]).imported, 1);
    assert_eq!(world.token(&fob)["state"], "imported");
    let alice = world.user("acme", "alice");
    alice
        .start_token(&fob.serial_number, &json!({}))
        .problem(409, "token_unavailable");
    world.open_batch(
        "2026-11",
        &json!({"kind": "users", "users": [{"account": "acme", "user": "alice"}]}),
    );

    // B3, B4: the serial number, then two consecutive codes; its clock is 7 steps ahead.
    let shown = alice.start_token(&fob.serial_number, &json!({})).expect(201);
    assert_eq!(shown["codes_needed"], 2, "B4");
    assert_eq!(
        shown.as_object().expect("an object").keys().collect::<Vec<_>>(),
        ["codes_needed", "expires_at", "id", "otp_type"],
        "a token's secret is shown to nobody"
    );
    let id = text(&shown["id"]);
    world
        .get(Role::Enroll, &alice.path(&format!("/enrollments/{id}/qr.png")))
        .problem(404, "not_found");
    let [first, second] = fob.two_codes_at(world.now_ms());
    alice.confirm(&id, &[&first]).problem(400, "invalid_request");
    let problem = alice.confirm(&id, &[&second, &first]).problem(422, "code_refused");
    assert_eq!((&problem["attempts_left"], problem.get("hint")), (&json!(4), None));
    let done = alice.confirm(&id, &[&first, &second]).expect(200);
    let device = text(&done["device"]["id"]);
    assert_eq!(
        (
            &done["device"]["kind"],
            &done["device"]["serial_number"],
            &done["device"]["drift_steps"]
        ),
        (&json!("hardware"), &json!(fob.serial_number), &json!(8)),
        "B4: measured to the second of its codes"
    );
    let paper = text(&done["recovery_codes"][0]);
    let token = world.token(&fob);
    assert_eq!((&token["state"], &token["user"]), (&json!("bound"), &json!("alice")));
    assert_eq!(token["device_id"], device);

    // D4: each code once, and none of before.
    assert_eq!(alice.verify(&second), refused(), "D4: the binding burned it");
    world.pass(2 * STEP_MS);
    let code = fob.code_at(world.now_ms());
    assert_eq!(alice.verify(&code), accepted(&device));
    assert_eq!(alice.verify(&code), refused(), "D4");

    // D6: it runs 10 s a day too fast, for three weeks: 7 steps, followed day by day.
    for day in 1..=21 {
        world.pass(DAY_MS);
        fob.drift(10_000);
        assert_eq!(
            alice.verify(&fob.code_at(world.now_ms())),
            accepted(&device),
            "D6: day {day}"
        );
    }
    let followed = world.token(&fob)["drift_steps"].as_i64().expect("a number");
    assert!((13..=15).contains(&followed), "D6: {followed}");

    // It fell: out of the window. Two codes bring it back.
    fob.drift(20 * STEP_MS);
    assert_eq!(alice.verify(&fob.code_at(world.now_ms())), refused());
    let [first, second] = fob.two_codes_at(world.now_ms());
    let back = alice
        .change(&device, "resync", &json!({"codes": [first, second]}))
        .expect(200);
    assert!(back["drift_steps"].as_i64().expect("a number") > 30);
    assert_eq!(alice.verify(&second), refused(), "D6: both codes are burned");
    world.pass(2 * STEP_MS);
    assert_eq!(alice.verify(&fob.code_at(world.now_ms())), accepted(&device));

    // Lost: from this moment on nothing of it is judged, and nobody wakes it.
    world.pass(STEP_MS);
    assert_eq!(
        world.move_token(Role::Support, &fob, "lost", &json!({})).expect(200)["state"],
        "lost"
    );
    assert_eq!(alice.verify(&fob.code_at(world.now_ms()))["accepted"], false);
    assert_eq!(alice.device(&device)["state"], "lost");
    let body = json!({"actor": desk()});
    world
        .post(Role::Support, &alice.path(&format!("/devices/{device}/unlock")), &body)
        .problem(409, "token_state");
    let [first, second] = fob.two_codes_at(world.now_ms());
    let proven = json!({"codes": [first, second], "identity_proof": alice.proof(0)});
    alice.change(&device, "resync", &proven).problem(409, "token_state");
    world
        .move_token(Role::Inventory, &fob, "returned", &json!({}))
        .problem(409, "token_state");
    let bye = alice.change(&device, "unbind", &json!({"code": paper, "method": "recovery_code"}));
    assert_eq!(bye.status, 204, "a recovery code unbinds it");
    let token = world.token(&fob);
    assert_eq!((&token["state"], token.get("device_id")), (&json!("lost"), None));
    assert_eq!(alice.events("token.lose", "done").len(), 1, "A3");
    assert_eq!(alice.events("enrollment.confirm", "done").len(), 1, "A3");
    world.assert_trail_holds();
}

#[test]
fn every_token_that_cannot_be_bound_gets_the_same_answer() {
    let world = World::new();
    let (alice, bob) = (world.user("acme", "alice"), world.user("acme", "bob"));
    let fobs: Vec<Fob> = (1..=7).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());
    bob.bind_token(&fobs[0]);
    let to_bob = json!({"account": "acme", "user": "bob"});
    world
        .move_token(Role::Inventory, &fobs[1], "assigned", &to_bob)
        .expect(200);
    world
        .move_token(Role::Inventory, &fobs[2], "lost", &json!({}))
        .expect(200);
    world
        .move_token(Role::Inventory, &fobs[3], "returned", &json!({}))
        .expect(200);
    world
        .move_token(Role::Inventory, &fobs[4], "retired", &json!({}))
        .expect(200);
    let beta = Fob::new(21);
    world.import("beta", &[&beta]);
    world.open_batch(
        "beta",
        &json!({"kind": "users", "users": [{"account": "acme", "user": "bob"}]}),
    );
    let elsewhere = Fob::new(22);
    world.import("elsewhere", &[&elsewhere]);
    world.open_batch("elsewhere", &json!({"kind": "accounts", "accounts": ["globex"]}));
    let closed = Fob::new(23);
    world.import("closed", &[&closed]);
    let mut seeds = [Fob::new(24).seed(), Fob::new(25).seed()];
    seeds[0].expires_at_s = Some(world.now_ms() / 1_000 + 60);
    seeds[1].starts_at_s = Some(world.now_ms() / 1_000 + 3_600);
    assert_eq!(world.import_seeds("one", &seeds, false).imported, 2);
    world.pass(61_000);

    let cases = [
        ("CS-999999", "token_unknown"),
        ("CS-000001", "token_bound"),
        ("CS-000002", "token_assigned"),
        ("CS-000003", "token_without_secret"),
        ("CS-000004", "token_without_secret"),
        ("CS-000005", "token_without_secret"),
        ("CS-000021", "batch_not_open"),
        ("CS-000022", "batch_not_open"),
        ("CS-000023", "batch_not_open"),
        ("CS-000024", "token_expired"),
        ("CS-000025", "token_not_yet_valid"),
    ];
    let told = |reply: &Reply| {
        let mut problem = reply.problem(409, "token_unavailable");
        problem.as_object_mut().expect("a problem").remove("request_id");
        problem
    };
    let first = told(&alice.start_token(cases[0].0, &json!({})));
    for (serial_number, _) in cases {
        assert_eq!(
            told(&alice.start_token(serial_number, &json!({}))),
            first,
            "B3: {serial_number}"
        );
    }
    let causes: Vec<Value> = alice
        .events("enrollment.start", "refused")
        .iter()
        .map(|event| event["cause"].clone())
        .collect();
    let wanted: Vec<&str> = cases[..1].iter().chain(&cases).map(|(_, cause)| *cause).collect();
    assert_eq!(causes, wanted, "D5: support can look up why");

    // Whom it is meant for binds it; a number typed with blanks around it is the number.
    bob.world.pass(STEP_MS);
    alice.start_token(" CS-000006 ", &json!({})).expect(201);
    world
        .move_token(
            Role::Inventory,
            &fobs[5],
            "assigned",
            &json!({"account": "acme", "user": "carol"}),
        )
        .expect(200);
    world.user("acme", "carol").bind_token(&fobs[5]);
    world
        .move_token(Role::Inventory, &fobs[1], "imported", &json!({}))
        .expect(200);
    alice.bind_token(&fobs[1]);
}

#[test]
fn what_happens_to_a_token_meanwhile_ends_its_enrollment() {
    let world = World::new();
    let fob = Fob::new(1);
    world.stock(&[&fob]);
    let alice = world.user("acme", "alice");
    let id = alice.enroll_token(&fob);
    world.open_batch("one", &json!({"kind": "nobody"}));
    let [first, second] = fob.two_codes_at(world.now_ms());
    alice.confirm(&id, &[&first, &second]).problem(409, "token_unavailable");
    world.open_batch("one", &json!({"kind": "everybody"}));
    alice.confirm(&id, &[&first, &second]).problem(410, "enrollment_ended");
    let id = alice.enroll_token(&fob);
    let newer = alice.enroll_token(&fob);
    alice.confirm(&id, &[&first, &second]).problem(410, "enrollment_ended");
    for attempts_left in (0..5).rev() {
        let problem = alice.confirm(&newer, &[&second, &first]).problem(422, "code_refused");
        assert_eq!(problem["attempts_left"], attempts_left, "B4");
    }
    alice
        .confirm(&newer, &[&first, &second])
        .problem(410, "enrollment_ended");
    alice.bind_token(&fob);
}

#[test]
fn two_users_race_for_one_token() {
    let world = World::lingering(Settings::default());
    let fobs: Vec<Fob> = (1..=6).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());
    for (round, fob) in fobs.iter().enumerate() {
        let (anna, bert) = (format!("anna-{round}"), format!("bert-{round}"));
        let users = [world.user("acme", &anna), world.user("globex", &bert)];
        let ids = [users[0].enroll_token(fob), users[1].enroll_token(fob)];
        let [first, second] = fob.two_codes_at(world.now_ms());
        let confirm = |user: &User<'_>, id: &str| user.confirm(id, &[&first, &second]);
        let mut replies = std::thread::scope(|scope| {
            let theirs = scope.spawn(|| confirm(&users[1], &ids[1]));
            let ours = confirm(&users[0], &ids[0]);
            [ours, theirs.join().expect("no panic")]
        });
        replies.sort_by_key(|reply| reply.status);
        replies[0].expect(200);
        replies[1].problem(409, "token_unavailable");
        let devices: usize = users
            .iter()
            .map(|user| user.get()["devices"].as_array().expect("devices").len())
            .sum();
        assert_eq!(devices, 1, "one of them has it");
        assert_eq!(world.token(fob)["state"], "bound");
    }
}

#[test]
fn a_batch_that_was_closed_binds_no_token_any_more() {
    let world = World::lingering(Settings::default());
    let fobs: Vec<Fob> = (1..=12).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());
    for (round, fob) in fobs.iter().enumerate() {
        world.open_batch("one", &json!({"kind": "everybody"}));
        let name = format!("anna-{round}");
        let anna = world.user("acme", &name);
        let id = anna.enroll_token(fob);
        let [first, second] = fob.two_codes_at(world.now_ms());
        std::thread::scope(|scope| {
            scope.spawn(|| anna.confirm(&id, &[&first, &second]));
            world.open_batch("one", &json!({"kind": "nobody"}));
        });
    }
    // Whoever closes a batch, because its seeds were seen, relies on the answer: what is bound was bound before.
    let mut open = false;
    for event in world.events() {
        match event["action"].as_str() {
            Some("batch.create" | "batch.change") => open = event["detail"]["open_to"] == "everybody",
            Some("enrollment.confirm") if event["outcome"] == "done" => assert!(open, "{event}"),
            _ => {}
        }
    }
}

#[test]
fn an_unbound_token_comes_back_with_a_new_secret_only() {
    let mut world = World::new();
    let fob = Fob::new(1);
    world.stock(&[&fob]);
    let alice = world.user("acme", "alice");
    let bound = alice.bind_token(&fob);
    world
        .move_token(Role::Inventory, &fob, "retired", &json!({}))
        .problem(409, "token_state");
    let code = fob.code_at(world.now_ms());
    assert_eq!(
        alice.change(&bound.device, "unbind", &json!({"code": code})).status,
        204
    );
    assert_eq!(world.token(&fob)["state"], "returned", "U4");
    alice
        .start_token(&fob.serial_number, &json!({}))
        .problem(409, "token_unavailable");
    let again = world.import("one", &[&fob]);
    assert_eq!(
        (again.imported, again.refusals.len()),
        (0, 1),
        "U4: not with its old secret"
    );

    let anew = Fob::anew(1, 1);
    assert_eq!(world.import("two", &[&anew]).imported, 1, "U4: with a new one");
    world.open_batch("two", &json!({"kind": "everybody"}));
    let id = alice.enroll_token(&anew);
    let [first, second] = fob.two_codes_at(world.now_ms());
    alice.confirm(&id, &[&first, &second]).problem(422, "code_refused");
    let [first, second] = anew.two_codes_at(world.now_ms());
    let done = alice.confirm(&id, &[&first, &second]).expect(200);
    world.pass(2 * STEP_MS);
    assert_eq!(alice.verify(&fob.code_at(world.now_ms())), refused(), "U4: never again");
    let device = text(&done["device"]["id"]);
    assert_eq!(alice.verify(&anew.code_at(world.now_ms())), accepted(&device));
    world.assert_trail_holds();
}

#[test]
fn a_token_replaces_a_phone_and_a_phone_a_token() {
    let world = World::new();
    let fob = Fob::new(1);
    world.stock(&[&fob]);
    let alice = world.user("acme", "alice");
    let phone = alice.bind();
    alice
        .start_token(&fob.serial_number, &json!({}))
        .problem(409, "device_limit");
    let code = phone.phone.code_at(world.now_ms());
    let replaces = |device: &str, code: &str| json!({"replaces": {"device_id": device, "code": code}});

    // B3: a right code is burned though the token is none.
    alice
        .start_token("CS-999999", &replaces(&phone.device, &code))
        .problem(409, "token_unavailable");
    alice
        .start_token(&fob.serial_number, &replaces(&phone.device, &code))
        .problem(422, "code_refused");
    world.pass(STEP_MS);
    let code = phone.phone.code_at(world.now_ms());
    let started = alice
        .start_token(&fob.serial_number, &replaces(&phone.device, &code))
        .expect(201);
    let [first, second] = fob.two_codes_at(world.now_ms());
    let done = alice.confirm(&text(&started["id"]), &[&first, &second]).expect(200);
    assert_eq!(
        alice.get()["devices"],
        json!([done["device"]]),
        "B8: swapped in one moment"
    );
    world.pass(2 * STEP_MS);

    let device = text(&done["device"]["id"]);
    let offered = alice.enroll(&replaces(&device, &fob.code_at(world.now_ms())));
    alice.complete(offered);
    assert_eq!(world.token(&fob)["state"], "returned", "U4: replaced is unbound");
}

#[test]
fn a_closed_account_gives_its_token_back() {
    let world = World::new();
    let fob = Fob::new(1);
    world.stock(&[&fob]);
    let alice = world.user("acme", "alice");
    alice.bind_token(&fob);
    let path = alice.path("?actor_id=closing&actor_kind=service");
    let closed = world.call(Role::Admin, "DELETE", &path, None);
    assert_eq!(closed.status, 204);
    assert_eq!(world.token(&fob)["state"], "returned");
}

#[test]
fn what_ends_in_the_inventory_leaves_no_secret_in_any_file() {
    let mut world = World::new();
    let fobs: Vec<Fob> = (1..=5).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());
    let mut sealed = sealed_in(world.snapshot().path());
    assert_eq!(sealed.len(), 10, "five secrets, and five keys to set their clocks");
    let copy = world.snapshot();
    for bytes in &sealed {
        assert_ne!(finds(copy.path(), bytes), 0, "the search finds what is there");
    }
    // One of each way to end: bound and unbound, lost, returned, retired; one is bound and stays.
    let alice = world.user("acme", "alice");
    let bound = alice.bind_token(&fobs[0]);
    sealed.extend(sealed_in(world.snapshot().path()));
    let code = fobs[0].code_at(world.now_ms());
    assert_eq!(
        alice.change(&bound.device, "unbind", &json!({"code": code})).status,
        204
    );
    for (fob, state) in fobs[1..4].iter().zip(["lost", "returned", "retired"]) {
        world.move_token(Role::Inventory, fob, state, &json!({})).expect(200);
    }
    for fob in &fobs[..3] {
        if world.token(fob)["state"] != "retired" {
            world
                .move_token(Role::Inventory, fob, "retired", &json!({}))
                .expect(200);
        }
    }
    world.user("acme", "bob").bind_token(&fobs[4]);
    world.stop();
    let left = sealed_in(world.home());
    assert_eq!(
        left.len(),
        2,
        "of the one that is bound: its device's, and its clock's key"
    );
    sealed.retain(|bytes| !left.contains(bytes));
    assert!(sealed.len() >= 10, "the token's own copy went when its device took it");
    assert_none(world.home(), &sealed, "a token that ends leaves no secret");
    let clear: Vec<Vec<u8>> = fobs
        .iter()
        .flat_map(|fob| {
            let secret = &fob.phone.secret;
            [secret.clone().into_bytes(), crate::binding::unbase32(secret)]
        })
        .collect();
    assert_none(world.home(), &clear, "invariant 5: a secret lies nowhere in the clear");
}
