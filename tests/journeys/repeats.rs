//! `request_id`: a caller whose answer was lost may ask again, and learns nothing else by it.

use std::thread;

use serde_json::{Value, json};
use server::Limits;
use service::{Role, Settings};

use crate::{
    fobs::Fob,
    judges::STEP_MS,
    raw::{self, Answer, Line},
    world::{Bound, MINUTE_MS, User, World, accepted, accepted_on_paper, locked, refused},
};

/// 128 random bits each.
const FIRST: &str = "q8Zr2nTVx0uYbWkJ4mPdSg";
const SECOND: &str = "Hc1fK7yLwEo3aVtN9iQxRA";
const THIRD: &str = "m5DjUe0sB2gZpXq6rTkGvw";

fn ask(user: &User<'_>, code: &str, request_id: &str) -> Value {
    user.ask(code, &json!({"request_id": request_id})).expect(200)
}

/// What is told once more of this answer.
fn again(first: &Value) -> Value {
    let mut again = first.clone();
    again["repeated"] = true.into();
    again
}

/// So many wrong codes, none of them twice.
fn guess(user: &User<'_>, bound: &Bound, times: usize) {
    let near = bound.phone.codes_from(user.world.now_ms() - 2 * STEP_MS, 5);
    let before = user.events("verify", "refused").len();
    let wrong = (0..)
        .map(|number| format!("{number:06}"))
        .filter(|code| !near.contains(code));
    for code in wrong.skip(before).take(times) {
        assert_eq!(user.verify(&code), refused());
    }
}

#[test]
fn a_repeat_names_the_first_decision_and_costs_nothing() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let code = bound.phone.code_at(world.now_ms());
    let first = ask(&alice, &code, FIRST);
    assert_eq!(first, accepted(&bound.device));
    assert_eq!(ask(&alice, &code, FIRST), again(&first), "the answer that was lost");
    let decided = alice.events("verify", "accepted");
    assert_eq!(decided.len(), 1, "D4: it was judged once");
    assert_eq!(decided[0]["decision_id"], first["decision_id"], "A3");
    assert_eq!(alice.verify(&code), refused(), "D4: without the id it is a used code");
    assert_eq!(ask(&alice, &code, SECOND), refused(), "D4: and under another id too");
    assert_eq!(
        ask(&alice, &code, FIRST),
        again(&first),
        "which another id does not end"
    );

    // The memory is on disk with the decision.
    drop(alice);
    world.kill_and_start();
    let alice = world.user("acme", "alice");
    assert_eq!(ask(&alice, &code, FIRST), again(&first));
    world.pass(5 * MINUTE_MS - 1);
    assert_eq!(ask(&alice, &code, FIRST), again(&first));
    world.pass(1);
    assert_eq!(ask(&alice, &code, FIRST), refused(), "forgotten after five minutes");
    assert_eq!(alice.events("verify", "accepted").len(), 1);

    // A3: the repeats are one record.
    drop(alice);
    world.restart();
    let repeated = world.user("acme", "alice").events("verify", "repeated");
    assert_eq!(
        (repeated.len(), &repeated[0]["count"]),
        (1, &json!(2)),
        "those before the crash are gone with it"
    );
    assert_eq!(repeated[0]["device"], bound.device);
    world.assert_trail_holds();
}

#[test]
fn one_id_and_another_code_is_a_guess_like_any() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(ask(&alice, &code, FIRST), accepted(&bound.device));
    let wrong = bound.phone.wrong_code_at(world.now_ms());
    assert_eq!(ask(&alice, &wrong, FIRST), refused(), "A1");
    assert_eq!(
        alice.events("verify", "refused").len(),
        1,
        "A3: judged, and in the trail"
    );
    assert_eq!(ask(&alice, &code, FIRST), refused(), "D4: it ended the memory");
    world.pass(STEP_MS);
    let next = bound.phone.code_at(world.now_ms());
    let answer = ask(&alice, &next, FIRST);
    assert_eq!(
        answer,
        accepted(&bound.device),
        "what was never accepted is judged under any id"
    );
    assert_eq!(answer["wrong_since_last_success"], 2, "A1");
    assert_eq!(ask(&alice, &next, FIRST), again(&answer));
}

#[test]
fn nothing_is_repeated_while_nothing_is_judged() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let code = bound.phone.code_at(world.now_ms());
    let first = ask(&alice, &code, FIRST);
    assert_eq!(first, accepted(&bound.device));
    guess(&alice, &bound, 9);
    assert_eq!(ask(&alice, &code, FIRST), again(&first));
    guess(&alice, &bound, 1);
    assert_eq!(
        ask(&alice, &code, FIRST),
        locked(60 * 60),
        "while locked, right and wrong codes get the same answer"
    );

    // Lost, and unbound.
    let fob = Fob::new(1);
    world.stock(&[&fob]);
    let bob = world.user("acme", "bob");
    bob.bind_token(&fob);
    let code = fob.code_at(world.now_ms());
    assert_eq!(ask(&bob, &code, FIRST)["accepted"], true);
    world.move_token(Role::Support, &fob, "lost", &json!({})).expect(200);
    assert_eq!(ask(&bob, &code, FIRST), json!({"accepted": false, "outcome": "locked"}));
    let carol = world.user("acme", "carol");
    let bound = carol.bind();
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(ask(&carol, &code, FIRST), accepted(&bound.device));
    world.pass(STEP_MS);
    let next = bound.phone.code_at(world.now_ms());
    assert_eq!(
        carol.change(&bound.device, "unbind", &json!({"code": next})).status,
        204
    );
    assert_eq!(ask(&carol, &code, FIRST), refused());
}

#[test]
fn nor_while_the_device_is_suspended() {
    let mut settings = Settings::default();
    settings.policy.verification.suspend_after = 5;
    let world = World::with(settings, Limits::default());
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(ask(&alice, &code, FIRST), accepted(&bound.device));
    guess(&alice, &bound, 5);
    assert_eq!(alice.device(&bound.device)["state"], "suspended");
    assert_eq!(
        ask(&alice, &code, FIRST),
        json!({"accepted": false, "outcome": "locked"})
    );
}

#[test]
fn another_callers_id_is_another_id() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let (_, second) = world.new_key(&[Role::Verify], None);
    let (_, third) = world.new_key(&[Role::Verify], None);
    let ask_as = |key: &str, code: &str| {
        let body = json!({
            "account": "acme", "user": "alice", "code": code, "first_factor": true, "request_id": FIRST,
        });
        world.call_as(Some(key), "POST", "/v1/verify", Some(&body)).expect(200)
    };
    let code = bound.phone.code_at(world.now_ms());
    let first = ask(&alice, &code, FIRST);
    assert_eq!(first, accepted(&bound.device));
    assert_eq!(
        ask_as(&second, &code),
        refused(),
        "D4: it does not learn what the first was told"
    );
    assert_eq!(
        ask(&alice, &code, FIRST),
        again(&first),
        "nor does it end what the first is told"
    );
    world.pass(STEP_MS);
    let next = bound.phone.code_at(world.now_ms());
    assert_eq!(
        ask_as(&third, &next),
        accepted(&bound.device),
        "nor is it told that its id was used"
    );
    assert_eq!(ask(&alice, &code, FIRST), again(&first), "whatever another key asks");
    assert_eq!(
        ask_as(&third, &next),
        refused(),
        "D4: one memory, and it is the first one's"
    );

    // It is free again when it is old.
    world.pass(5 * MINUTE_MS);
    let next = bound.phone.code_at(world.now_ms());
    let told = ask_as(&third, &next);
    assert_eq!(told, accepted(&bound.device));
    assert_eq!(ask_as(&third, &next), again(&told));

    // Nor is the id of one user the id of another.
    let bob = world.user("acme", "bob");
    let bobs = bob.bind();
    assert_eq!(
        ask(&bob, &bobs.phone.code_at(world.now_ms()), FIRST),
        accepted(&bobs.device)
    );
}

#[test]
fn another_clients_request_is_another_request() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let clients = [
        json!({"ip": "203.0.113.7", "user_agent": "Firefox"}),
        json!({"ip": "203.0.113.8", "user_agent": "Firefox"}),
        json!({"ip": "203.0.113.7", "user_agent": "Chrome"}),
        json!({"ip": "203.0.113.7"}),
        json!({"user_agent": "203.0.113.7"}),
        Value::Null,
    ];
    let bound = alice.bind();
    for (of, client) in clients.iter().enumerate() {
        for (from, other) in clients.iter().enumerate() {
            let code = bound.phone.code_at(world.now_ms());
            let ask = |client: &Value| {
                alice
                    .ask(&code, &json!({"request_id": FIRST, "client": client}))
                    .expect(200)
            };
            let first = ask(client);
            assert_eq!(first, accepted(&bound.device));
            let told = ask(other);
            if of == from {
                assert_eq!(told, again(&first), "{client}");
            } else {
                assert_eq!(told, refused(), "{client}, then {other}");
                assert_eq!(ask(client), refused(), "and the memory is gone: {client}, then {other}");
            }
            world.pass(STEP_MS);
        }
    }
}

#[test]
fn recovery_codes_are_repeated_the_same_way() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let ask = |code: &str, request_id: &str| {
        alice
            .ask(code, &json!({"method": "recovery_code", "request_id": request_id}))
            .expect(200)
    };
    let first = ask(&bound.recovery_codes[0], FIRST);
    assert_eq!(first, accepted_on_paper());
    assert_eq!(ask(&bound.recovery_codes[0], FIRST), again(&first));
    assert_eq!(ask(&bound.recovery_codes[0], SECOND), refused(), "B6: once");
    let second = ask(&bound.recovery_codes[1], SECOND);
    assert_eq!(second, accepted_on_paper());
    assert_eq!(second["wrong_since_last_success"], 1);
    assert_eq!(
        ask(&bound.recovery_codes[0], FIRST),
        refused(),
        "the last one is remembered"
    );
    assert_eq!(
        ask("AAAA AAAA AAAA AAAA", SECOND),
        refused(),
        "and another code ends that"
    );
    assert_eq!(ask(&bound.recovery_codes[1], SECOND), refused());
    let third = ask(&bound.recovery_codes[2], THIRD);
    world.pass(5 * MINUTE_MS - 1);
    assert_eq!(ask(&bound.recovery_codes[2], THIRD), again(&third));
    world.pass(1);
    assert_eq!(ask(&bound.recovery_codes[2], THIRD), refused());
    assert_eq!(alice.get()["recovery_codes_left"], 7);
    assert_eq!(alice.events("verify", "accepted").len(), 3);
}

/// A set that ended answers nothing more, however it ended: here by the next one that comes with another device.
#[test]
fn a_repeat_of_a_recovery_code_ends_with_its_set() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let ask = || {
        alice
            .ask(
                &bound.recovery_codes[0],
                &json!({"method": "recovery_code", "request_id": FIRST}),
            )
            .expect(200)
    };
    let first = ask();
    assert_eq!(ask(), again(&first));
    let code = bound.phone.code_at(world.now_ms());
    let next = alice.enroll(&json!({"replaces": {"device_id": bound.device, "code": code}}));
    assert_eq!(ask(), again(&first), "nothing is bound yet");
    alice.complete(next);
    assert_eq!(ask(), refused());
}

#[test]
fn impatient_repeats_that_overtake_each_other_agree() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    for round in 0..20 {
        let code = bound.phone.code_at(world.now_ms());
        let id = format!("{FIRST}-{round}");
        let answers: Vec<_> = thread::scope(|scope| {
            let fields = json!({"request_id": id});
            let asks: Vec<_> = (0..8)
                .map(|_| {
                    let (alice, code, fields) = (alice.clone(), &code, fields.clone());
                    scope.spawn(move || alice.ask(code, &fields))
                })
                .collect();
            asks.into_iter().map(|ask| ask.join().expect("an answer")).collect()
        });
        let told: Vec<Value> = answers
            .iter()
            .filter(|answer| !(answer.status == 429 && answer.json()["code"] == "rate_limited"))
            .map(|answer| answer.expect(200))
            .collect();
        let first: Vec<&Value> = told.iter().filter(|told| **told == accepted(&bound.device)).collect();
        assert_eq!(first.len(), 1, "one is the first: {told:?}");
        let others = told.iter().filter(|told| *told != first[0]);
        others.for_each(|told| assert_eq!(*told, again(first[0])));
        world.pass(STEP_MS);
    }
    assert_eq!(alice.events("verify", "accepted").len(), 20, "D4: each was judged once");
}

/// A request that creates something, with this key.
fn creating(world: &World, role: Role, path: &str, body: &Value, key: &str) -> Answer {
    let plain = raw::post(path, world.key(role), body);
    let head = format!("POST {path} HTTP/1.1\r\nIdempotency-Key: {key}\r\n");
    let line_end = plain
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .expect("a request line");
    let mut line = Line::to(world.address());
    assert!(line.send(&[head.as_bytes(), &plain[line_end + 2..]].concat()));
    line.answer().expect("an answer")
}

/// An app's secret is shown to whoever created it, once: its repeat is told which enrollment that is.
#[test]
fn a_repeat_of_what_created_something_creates_nothing() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let path = alice.path("/enrollments");
    let body = json!({"kind": "virtual", "identity_proof": alice.proof(0), "actor": alice.actor()});
    let first = creating(&world, Role::Enroll, &path, &body, "k-1");
    assert_eq!(first.status, 201);
    world.pass(5 * MINUTE_MS);
    for _repeat in 0..30 {
        let again = creating(&world, Role::Enroll, &path, &body, "k-1");
        let told = again.json();
        assert_eq!((again.status, &told["code"]), (409, &json!("already_created")));
        assert_eq!(told["id"], first.json()["id"]);
        assert!(!again.head.contains("otpauth") && told.get("secret_text").is_none());
    }
    let mut other = body.clone();
    other["label"] = "another".into();
    let reused = creating(&world, Role::Enroll, &path, &other, "k-1");
    assert_eq!(
        (reused.status, &reused.json()["code"]),
        (409, &json!("idempotency_key_reused"))
    );
    assert_eq!(alice.events("enrollment.start", "done").len(), 1);

    let batch = json!({"name": "pilot", "actor": {"id": "desk-3", "kind": "admin"}});
    let made = creating(&world, Role::Inventory, "/v1/batches", &batch, "k-2");
    let again = creating(&world, Role::Inventory, "/v1/batches", &batch, "k-2");
    assert_eq!((made.status, again.status), (201, 201));
    assert_eq!(made.json(), again.json());
    let wrong = creating(&world, Role::Inventory, "/v1/batches", &batch, &"x".repeat(256));
    assert_eq!((wrong.status, &wrong.json()["code"]), (400, &json!("invalid_request")));
}
