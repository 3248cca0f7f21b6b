//! `request_id`: a caller whose answer was lost may ask again.

use std::thread;

use serde_json::{Value, json};
use service::Role;

use crate::{
    judges::STEP_MS,
    world::{MINUTE_MS, User, World, accepted, refused},
};

fn ask(user: &User<'_>, code: &str, request_id: &str) -> Value {
    user.ask(code, &json!({"request_id": request_id})).expect(200)
}

#[test]
fn a_repeat_gets_the_same_answer_and_costs_nothing() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(ask(&alice, &code, "login-1"), accepted(&bound.device));
    assert_eq!(
        ask(&alice, &code, "login-1"),
        accepted(&bound.device),
        "the answer that was lost"
    );
    assert_eq!(alice.events("verify", "accepted").len(), 1, "D4: it was judged once");
    assert_eq!(alice.verify(&code), refused(), "D4: without the id it is a used code");
    assert_eq!(ask(&alice, &code, "login-2"), refused(), "D4: and under another id too");

    // A wrong code that is repeated is one wrong code.
    let wrong = bound.phone.wrong_code_at(world.now_ms());
    for _repeat in 0..25 {
        assert_eq!(ask(&alice, &wrong, "login-3"), refused());
    }
    assert!(alice.get().get("locked_until").is_none(), "A1: counted once");

    // One id, two requests.
    world.pass(STEP_MS);
    let next = bound.phone.code_at(world.now_ms());
    alice
        .ask(&next, &json!({"request_id": "login-3"}))
        .problem(409, "request_id_reused");
    assert_eq!(
        ask(&alice, &next, "login-4"),
        accepted(&bound.device),
        "it was not judged, hence not burned"
    );

    // The memory is on disk with the decision.
    drop(alice);
    world.kill_and_start();
    let alice = world.user("acme", "alice");
    assert_eq!(ask(&alice, &next, "login-4"), accepted(&bound.device));
    world.pass(5 * MINUTE_MS - 1);
    assert_eq!(ask(&alice, &next, "login-4"), accepted(&bound.device));
    world.pass(1);
    assert_eq!(ask(&alice, &next, "login-4"), refused(), "forgotten after five minutes");
    assert_eq!(alice.events("verify", "accepted").len(), 2);
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
            "account": "acme", "user": "alice", "code": code, "first_factor": true, "request_id": "login-1",
        });
        world.call_as(Some(key), "POST", "/v1/verify", Some(&body)).expect(200)
    };
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(ask(&alice, &code, "login-1"), accepted(&bound.device));
    assert_eq!(
        ask_as(&second, &code),
        refused(),
        "D4: it does not learn what the first was told"
    );
    world.pass(STEP_MS);
    let next = bound.phone.code_at(world.now_ms());
    assert_eq!(
        ask_as(&third, &next),
        accepted(&bound.device),
        "nor is it told that its id was used"
    );
    assert_eq!(ask_as(&third, &next), accepted(&bound.device));

    // Nor is the id of one user the id of another.
    let bob = world.user("acme", "bob");
    let bobs = bob.bind();
    assert_eq!(
        ask(&bob, &bobs.phone.code_at(world.now_ms()), "login-1"),
        accepted(&bobs.device)
    );
}

#[test]
fn recovery_codes_are_repeated_the_same_way() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let ask =
        |code: &str, request_id: &str| alice.ask(code, &json!({"method": "recovery_code", "request_id": request_id}));
    let opened = json!({"accepted": true, "outcome": "accepted"});
    assert_eq!(ask(&bound.recovery_codes[0], "a").expect(200), opened);
    assert_eq!(ask(&bound.recovery_codes[0], "a").expect(200), opened);
    assert_eq!(ask(&bound.recovery_codes[0], "b").expect(200), refused(), "B6: once");
    ask(&bound.recovery_codes[1], "b").problem(409, "request_id_reused");
    world.pass(5 * MINUTE_MS);
    assert_eq!(ask(&bound.recovery_codes[1], "b").expect(200), opened);
    assert_eq!(alice.get()["recovery_codes_left"], 8);
}

#[test]
fn impatient_repeats_that_overtake_each_other_agree() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    for round in 0..20 {
        let code = bound.phone.code_at(world.now_ms());
        let id = format!("login-{round}");
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
        for answer in &answers {
            let waits = answer.status == 429 && answer.json()["code"] == "rate_limited";
            assert!(waits || answer.json() == accepted(&bound.device), "{}", answer.json());
        }
        assert!(answers.iter().any(|answer| answer.status == 200));
        world.pass(STEP_MS);
    }
    assert_eq!(alice.events("verify", "accepted").len(), 20, "D4: each was judged once");
}
