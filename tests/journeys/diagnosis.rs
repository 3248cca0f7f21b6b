//! Support asks why a code was refused (D5), and learns nothing that anybody could enter (A5); and whose clock leaves the window.

use serde_json::{Value, json};
use service::Role;

use crate::{
    fobs::Fob,
    judges::STEP_MS,
    world::{HOUR_MS, Reply, SECOND_MS, World, accepted, locked, refused, text},
};

fn asked(world: &World, user: &str, code: &str) -> Reply {
    let actor = json!({"id": "desk-14", "kind": "support"});
    let body = json!({"account": "acme", "user": user, "code": code, "actor": actor});
    world.post(Role::Support, "/v1/support/diagnose", &body)
}

fn cause(told: &Value) -> String {
    text(&told["cause"])
}

#[test]
fn d5_a_refused_code_and_why_in_words() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    world.pass(HOUR_MS);

    // The phone is 90 s slow.
    let slow = bound.phone.code_at(world.now_ms() - 90 * SECOND_MS);
    assert_eq!(alice.verify(&slow), refused());
    let told = asked(&world, "alice", &slow).expect(200);
    assert_eq!((cause(&told), &told["clock_off_s"]), ("clock_off".into(), &json!(-90)));
    assert_eq!(told["device_id"], bound.device.as_str());
    assert!(text(&told["text"]["en"]).contains("90 seconds"), "{told}");
    assert!(text(&told["text"]["zh"]).contains("90 秒"), "{told}");
    assert_eq!(alice.verify(&slow), refused(), "A5: what was told opens nothing");

    // The present one is not told, and stays good; once it was used, that is said.
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(cause(&asked(&world, "alice", &code).expect(200)), "wrong");
    let from = json!({"client": {"ip": "203.0.113.7"}});
    let used_at = world.time(0);
    assert_eq!(alice.ask(&code, &from).expect(200), accepted(&bound.device));
    let told = asked(&world, "alice", &code).expect(200);
    assert_eq!((cause(&told), text(&told["used_at"])), ("used".into(), used_at));
    assert!(text(&told["text"]["en"]).contains("from 203.0.113.7"), "{told}");

    let events = alice.events("support.diagnose", "done");
    let causes: Vec<_> = events.iter().map(|event| text(&event["cause"])).collect();
    assert_eq!(causes, ["clock_off", "wrong", "used"], "A3");
    assert_eq!(events[0]["actor"]["id"], "desk-14");
    world.assert_trail_holds();
}

#[test]
fn d5_right_but_locked_and_no_device() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    world.pass(HOUR_MS);
    (0..10).for_each(|number| drop(alice.verify(&format!("{:06}", 111_111 * (number % 10)))));
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&code), locked(3_600));
    assert_eq!(
        cause(&asked(&world, "alice", &code).expect(200)),
        "wrong",
        "A5: a lock is no oracle"
    );
    world.pass(3 * STEP_MS);
    let told = asked(&world, "alice", &code).expect(200);
    assert_eq!(cause(&told), "right_but_locked");
    assert_eq!(told["locked_until"], world.time(HOUR_MS - 3 * STEP_MS));
    let told = asked(&world, "bob", &code).expect(200);
    assert_eq!((cause(&told), &told["device_id"]), ("no_device".into(), &Value::Null));
}

#[test]
fn a5_twenty_an_hour_also_after_a_restart() {
    let mut world = World::new();
    world.user("acme", "alice").bind();
    for left in (0..20).rev() {
        assert_eq!(asked(&world, "alice", "000000").expect(200)["asks_left"], left);
        if left == 10 {
            world.restart();
        }
    }
    asked(&world, "alice", "000000").problem(429, "rate_limited");
    world.pass(HOUR_MS);
    asked(&world, "alice", "000000").expect(200);
    let none = asked(&world, "alice", "12").problem(400, "invalid_request");
    assert_eq!(none["field"], "code");
}

#[test]
fn d6_clocks_about_to_leave_the_window_are_counted_by_batch() {
    let world = World::new();
    let fobs: Vec<Fob> = (1..=2).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());
    let users = ["a", "b"].map(|name| world.user("acme", name));
    let bound: Vec<_> = users
        .iter()
        .zip(&fobs)
        .map(|(user, fob)| user.bind_token(fob))
        .collect();
    world.user("acme", "c").bind();
    let report = || world.get(Role::Inventory, "/v1/support/drift").expect(200);
    assert_eq!(report()["items"], json!([]));
    // The first runs fast.
    for day in 1..=9 {
        world.pass(24 * HOUR_MS);
        fobs[0].drift(STEP_MS);
        for (user, (fob, bound)) in users.iter().zip(fobs.iter().zip(&bound)) {
            assert_eq!(
                user.verify(&fob.code_at(world.now_ms())),
                accepted(&bound.device),
                "{day}"
            );
        }
    }
    let told = report();
    assert_eq!(told, world.get(Role::Support, "/v1/support/drift").expect(200));
    let listed: Vec<_> = told["items"].as_array().expect("items").iter().collect();
    assert_eq!(listed.len(), 1, "{told}");
    assert_eq!(listed[0]["serial_number"], "CS-000001");
    assert_eq!(
        (&listed[0]["user"], &listed[0]["learned_drift_steps"]),
        (&json!("a"), &json!(8))
    );
    let batches = told["batches"].as_array().expect("batches");
    assert_eq!(batches.len(), 2, "apps, which have none, and one batch: {told}");
    let counts = |batch: &Value| (batch["devices"].clone(), batch["about_to_leave"].clone());
    assert_eq!(counts(&batches[0]), (json!(1), json!(0)));
    assert_eq!(counts(&batches[1]), (json!(2), json!(1)));
    assert_eq!(batches[1]["drifts"][1], json!({"steps": 8, "devices": 1}));
    world
        .get(Role::Inventory, "/v1/support/drift?cursor=none")
        .problem(400, "invalid_request");
}
