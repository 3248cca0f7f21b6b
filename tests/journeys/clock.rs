//! A clock that cannot be trusted judges nothing, and nothing that was used comes back with it (D4).

use serde_json::{Value, json};

use crate::{
    judges::STEP_MS,
    world::{Bound, HOUR_MS, MINUTE_MS, User, World, accepted, locked, refused},
};

fn assert_unreliable(user: &User<'_>, code: &str) {
    let problem = user.ask(code, &json!({})).problem(503, "clock_unreliable");
    assert_eq!(problem["title"], "The clock of this node cannot be trusted");
    let ready = user.world.call_as(None, "GET", "/readyz", None);
    ready.problem(503, "clock_unreliable");
    assert_eq!(
        user.world.call_as(None, "GET", "/healthz", None).status,
        200,
        "it lives, though"
    );
    let batch = json!({"items": [{"account": user.account, "user": user.user, "code": code, "first_factor": true}]});
    let results = user
        .world
        .post(service::Role::Verify, "/v1/verify/batch", &batch)
        .expect(200);
    assert_eq!(results["results"][0]["problem"]["code"], "clock_unreliable");
    assert_eq!(results["results"][0]["accepted"], false);
}

fn assert_ready(world: &World) {
    assert_eq!(
        world.call_as(None, "GET", "/readyz", None).expect(200),
        json!({"status": "ok"})
    );
}

/// A life of an hour: what was used at its beginning, and its device.
fn an_hour_of_use(user: &User<'_>) -> (Bound, Vec<String>) {
    let world = user.world;
    let bound = user.bind();
    let mut used = vec![bound.phone.code_at(world.now_ms() - STEP_MS)];
    for _login in 0..3 {
        let code = bound.phone.code_at(world.now_ms());
        assert_eq!(user.verify(&code), accepted(&bound.device));
        used.push(code);
        world.pass(STEP_MS);
    }
    world.pass(HOUR_MS - 3 * STEP_MS);
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(user.verify(&code), accepted(&bound.device));
    used.push(code);
    (bound, used)
}

#[test]
fn a_clock_set_back_an_hour_accepts_nothing_until_it_has_caught_up() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let (bound, used) = an_hour_of_use(&alice);
    world.clock.set(-HOUR_MS);
    for code in &used {
        assert_unreliable(&alice, code);
    }
    assert_unreliable(&alice, &bound.phone.code_at(world.now_ms()));
    let reply = alice.start(&json!({}));
    reply.problem(503, "clock_unreliable");

    // A new start does not forget what time it was.
    drop(alice);
    world.restart();
    let alice = world.user("acme", "alice");
    for code in &used {
        assert_unreliable(&alice, code);
    }
    drop(alice);
    world.kill_and_start();
    let alice = world.user("acme", "alice");
    world.pass(HOUR_MS / 2);
    assert_unreliable(&alice, &used[2]);
    world.pass(HOUR_MS / 2);

    // It has caught up.
    assert_ready(&world);
    for code in &used {
        assert_eq!(alice.verify(code), refused(), "D4: used is used");
    }
    world.pass(STEP_MS);
    assert_eq!(
        alice.verify(&bound.phone.code_at(world.now_ms())),
        accepted(&bound.device)
    );
    assert_eq!(alice.events("verify", "accepted").len(), 5);
    drop(alice);
    world.assert_trail_holds();
}

#[test]
fn a_lock_is_not_shortened_or_lengthened_by_setting_the_clock() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let wrong = bound.phone.wrong_codes_at(world.now_ms(), 10);
    for wrong in &wrong {
        assert_eq!(alice.verify(wrong), refused());
    }
    // Forward over the lock's end: not believed at once.
    world.clock.set(2 * HOUR_MS);
    assert_unreliable(&alice, &bound.phone.code_at(world.now_ms()));
    world.clock.set(-2 * HOUR_MS);
    assert_eq!(alice.verify(&wrong[0]), locked(3_600), "A1: as long as ever");
}

#[test]
fn a_clock_set_forward_is_believed_once_it_keeps_its_word() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let (bound, used) = an_hour_of_use(&alice);

    // A short mistake leaves no trace.
    world.clock.set(HOUR_MS);
    let ahead = bound.phone.code_at(world.now_ms());
    assert_unreliable(&alice, &ahead);
    world.clock.set(-HOUR_MS);
    assert_ready(&world);
    world.pass(STEP_MS);
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&code), accepted(&bound.device));

    // One that stays is a fact.
    world.clock.set(HOUR_MS);
    assert_unreliable(&alice, &bound.phone.code_at(world.now_ms()));
    world.pass(MINUTE_MS - 1_000);
    assert_unreliable(&alice, &bound.phone.code_at(world.now_ms()));
    world.pass(2_000);
    assert_ready(&world);
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&code), accepted(&bound.device));
    for code in &used {
        assert_eq!(alice.verify(code), refused(), "D4");
    }

    // And back from there: the hour has to pass again.
    world.clock.set(-HOUR_MS);
    assert_unreliable(&alice, &code);
    world.pass(HOUR_MS);
    assert_eq!(alice.verify(&code), refused(), "D4");
    world.pass(STEP_MS);
    assert_eq!(
        alice.verify(&bound.phone.code_at(world.now_ms())),
        accepted(&bound.device)
    );
}

#[test]
fn a_clock_that_was_wrong_while_nobody_ran_lets_nothing_used_in() {
    let mut world = World::new();
    let bound = {
        let alice = world.user("acme", "alice");
        an_hour_of_use(&alice).0
    };
    world.stop();
    let last = bound.phone.code_at(world.now_ms());
    world.clock.set(-10 * MINUTE_MS);
    world.start();
    let alice = world.user("acme", "alice");
    assert_unreliable(&alice, &bound.phone.code_at(world.now_ms()));
    world.pass(10 * MINUTE_MS);
    assert_ready(&world);
    assert_eq!(alice.verify(&last), refused(), "D4");
    let refusals: Vec<Value> = alice.events("verify", "refused");
    assert_eq!(
        refusals.len(),
        1,
        "what was not judged is not in the trail: {refusals:?}"
    );
}

#[test]
fn a_quiet_service_marks_the_time_so_that_it_is_believed_when_it_starts_again() {
    let mut world = World::new();
    for _hour in 0..100 {
        world.pass(HOUR_MS);
        world
            .wait(world.service().run_housekeeping(&service::Caller::system()))
            .expect("housekeeping");
    }
    let marks = world.events();
    let marks = marks.iter().filter(|event| event["action"] == "clock.mark").count();
    assert_eq!(marks, 8, "one in twelve hours");
    world.stop();
    world.pass(10 * HOUR_MS);
    world.start();
    assert_ready(&world);
    world
        .wait(world.service().run_housekeeping(&service::Caller::system()))
        .expect("housekeeping");

    // One that did not run is not.
    world.stop();
    world.pass(30 * HOUR_MS);
    world.start();
    world
        .call_as(None, "GET", "/readyz", None)
        .problem(503, "clock_unreliable");
    world.clock.set(-10 * HOUR_MS);
    assert_ready(&world);
}

#[test]
fn a_login_while_the_clock_was_ahead_is_refused_until_then_and_shown() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    world.clock.set(HOUR_MS);
    assert_unreliable(&alice, &bound.phone.code_at(world.now_ms()));
    world.pass(MINUTE_MS);
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&code), accepted(&bound.device));
    assert_eq!(alice.device(&bound.device).get("refused_until"), None);
    let offered = world.user("acme", "bob").enroll(&json!({}));

    // Set right, by the kernel's word.
    drop(alice);
    world.clock.set(-HOUR_MS);
    world
        .clock
        .synchronised
        .store(true, std::sync::atomic::Ordering::SeqCst);
    world.restart();
    assert_ready(&world);
    let alice = world.user("acme", "alice");
    assert_eq!(alice.verify(&code), refused(), "D4");
    let now = bound.phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&now), refused(), "D4: never lowered");
    let until = alice.device(&bound.device)["refused_until"].clone();
    assert_eq!(
        until,
        world.time(HOUR_MS),
        "the step after the last one comes into the window"
    );
    let bob = world.user("acme", "bob");
    let code = offered.phone.code_at(world.now_ms());
    bob.confirm(&offered.id, &[&code]).problem(410, "enrollment_expired");
    bob.bind();
    world.pass(HOUR_MS - STEP_MS);
    assert_eq!(alice.device(&bound.device).get("refused_until"), None);
    let now = bound.phone.code_at(world.now_ms() + STEP_MS);
    assert_eq!(alice.verify(&now), accepted(&bound.device));
}
