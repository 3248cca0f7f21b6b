//! Bindings that do not go straight: late, superseded, mistyped, and explained (B1, B2, B4, B7).

use serde_json::{Value, json};
use service::{Role, Settings};

use crate::{
    judges::{Phone, STEP_MS, read_qr},
    world::{HOUR_MS, MINUTE_MS, Offered, Reply, User, World, refused, text},
};

fn picture(user: &User<'_>, enrollment: &str) -> Reply {
    user.world
        .get(Role::Enroll, &user.path(&format!("/enrollments/{enrollment}/qr.png")))
}

#[test]
fn an_enrollment_lives_for_ten_minutes() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let late = alice.enroll(&json!({}));
    world.pass(10 * MINUTE_MS - 1);
    assert_eq!(
        read_qr(&picture(&alice, &late.id).body),
        text(&late.shown["otpauth_uri"])
    );
    world.pass(1);
    picture(&alice, &late.id).problem(410, "enrollment_expired");
    let code = late.phone.code_at(world.now_ms());
    alice.confirm(&late.id, &[&code]).problem(410, "enrollment_expired");
    assert_eq!(alice.get()["devices"], json!([]), "B2: nothing was bound");

    // Housekeeping makes an end of it; in the last millisecond it is not too late.
    let timely = alice.enroll(&json!({}));
    world.pass(10 * MINUTE_MS - 1);
    assert_eq!(
        world.wait(world.service().run_housekeeping(&service::Caller::system())),
        Ok(1),
        "the one that expired, and not the other"
    );
    alice.confirm(&late.id, &[&code]).problem(410, "enrollment_ended");
    alice.complete(timely);
}

#[test]
fn a_new_enrollment_ends_the_old_one_and_its_codes_are_recognised() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let first = alice.enroll(&json!({}));
    let second = alice.enroll(&json!({}));
    assert_ne!(first.phone.secret, second.phone.secret);
    picture(&alice, &first.id).problem(410, "enrollment_ended");
    let code = first.phone.code_at(world.now_ms());
    alice.confirm(&first.id, &[&code]).problem(410, "enrollment_ended");
    let problem = alice.confirm(&second.id, &[&code]).problem(422, "code_refused");
    assert_eq!(
        problem["hint"],
        json!({"kind": "other_entry"}),
        "B7: the code is from another entry"
    );
    assert_eq!(problem["attempts_left"], 4);

    // Somebody else's enrollment is nobody's business.
    let bob = world.user("acme", "bob");
    picture(&bob, &second.id).problem(404, "not_found");
    bob.confirm(&second.id, &[&second.phone.code_at(world.now_ms())])
        .problem(404, "not_found");
    world
        .user("other", "alice")
        .confirm(&second.id, &["000000"])
        .problem(404, "not_found");

    // It outlives a restart, and so does what was counted.
    let Offered { id, phone, .. } = second;
    drop((alice, bob));
    world.kill_and_start();
    let alice = world.user("acme", "alice");
    let wrong = phone.wrong_code_at(world.now_ms());
    let problem = alice.confirm(&id, &[&wrong]).problem(422, "code_refused");
    assert_eq!(
        (&problem["attempts_left"], problem.get("hint")),
        (&json!(3), None),
        "B7: nothing to mend"
    );
    alice.confirm(&id, &[&phone.code_at(world.now_ms())]).expect(200);
}

#[test]
fn the_fifth_wrong_code_ends_an_enrollment() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let offered = alice.enroll(&json!({}));
    let wrong = offered.phone.wrong_code_at(world.now_ms());
    for (typed, attempts_left) in [(&*wrong, 4), ("", 3), ("not a code", 2), ("12345", 1), (&*wrong, 0)] {
        let problem = alice.confirm(&offered.id, &[typed]).problem(422, "code_refused");
        assert_eq!(problem["attempts_left"], attempts_left, "B4: after {typed:?}");
    }
    let right = offered.phone.code_at(world.now_ms());
    alice.confirm(&offered.id, &[&right]).problem(410, "enrollment_ended");
    picture(&alice, &offered.id).problem(410, "enrollment_ended");
    assert_eq!(alice.verify(&right), refused());
    // B4: the user begins again.
    alice.complete(alice.enroll(&json!({})));
}

/// Steps from now at which the phone shows a code that it shows at no other time near.
fn lone_steps(phone: &Phone, now_ms: i64, from: i64) -> (i64, String) {
    let near = phone.codes_from(now_ms - 120 * STEP_MS, 241);
    let lone = |steps: &i64| {
        let code = &near[usize::try_from(steps + 120).expect("near")];
        near.iter().filter(|other| *other == code).count() == 1
    };
    let steps = (from..120).find(lone).expect("most codes are alone");
    (steps, near[usize::try_from(steps + 120).expect("near")].clone())
}

#[test]
fn a_failure_that_the_user_can_mend_is_explained() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let hint = |also: &dyn Fn(&Phone) -> (String, Value)| {
        let offered = alice.enroll(&json!({}));
        let (code, expected) = also(&offered.phone);
        let problem = alice.confirm(&offered.id, &[&code]).problem(422, "code_refused");
        assert_eq!(problem["hint"], expected, "B7");
        // B7: mended, it goes on.
        alice
            .confirm(&offered.id, &[&offered.phone.wrong_code_at(world.now_ms())])
            .problem(422, "code_refused");
    };
    let now_ms = world.now_ms();
    let off = |phone: &Phone, from: i64| {
        let (steps, code) = lone_steps(phone, now_ms, from);
        (code, json!({"kind": "clock_off", "seconds": steps * 30}))
    };
    hint(&|phone| off(phone, 2));
    hint(&|phone| off(phone, -110));
    hint(&|phone| off(phone, -5));
    hint(&|phone| off(phone, 110));
    hint(&|phone| {
        let code = phone.odd_codes_from(&["--totp=sha256"], now_ms, 1).remove(0);
        (code, json!({"kind": "other_algorithm", "algorithm": "SHA256"}))
    });
    hint(&|phone| {
        let code = phone.odd_codes_from(&["--totp=sha512"], now_ms, 1).remove(0);
        (code, json!({"kind": "other_algorithm", "algorithm": "SHA512"}))
    });
    hint(&|phone| {
        let code = phone.odd_codes_from(&["--totp", "-s", "60s"], now_ms, 1).remove(0);
        (code, json!({"kind": "other_period", "period_s": 60}))
    });
    let causes = || -> Vec<Value> {
        let refused = alice.events("enrollment.confirm", "refused");
        refused.iter().map(|event| event["cause"].clone()).collect()
    };
    assert_eq!(
        causes()[0],
        "wrong",
        "D5: nobody reads of a step that is still to come: {:?}",
        causes()
    );
    world.pass(3 * HOUR_MS);
    assert_eq!(
        causes()[0],
        "too_early",
        "D5: and support sees it later: {:?}",
        causes()
    );

    // A clock that is half a minute off is no failure at all.
    let offered = alice.enroll(&json!({}));
    let early = offered.phone.code_at(world.now_ms() + STEP_MS);
    alice.confirm(&offered.id, &[&early]).expect(200);
    assert_eq!(alice.verify(&early), refused(), "D4");
    assert_eq!(
        alice.verify(&offered.phone.code_at(world.now_ms())),
        refused(),
        "D4: nor anything before it"
    );
}

#[test]
fn hints_are_no_way_to_try_a_bound_phones_codes() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let old = alice.bind();
    let used = old.phone.code_at(world.now_ms());
    let offered = alice.enroll(&json!({"replaces": {"device_id": old.device, "code": used}}));
    let problem = alice.confirm(&offered.id, &[&used]).problem(422, "code_refused");
    assert_eq!(
        problem["hint"],
        json!({"kind": "other_entry"}),
        "B7: the old phone's code that was used"
    );
    world.pass(STEP_MS);
    let fresh = old.phone.code_at(world.now_ms());
    let problem = alice.confirm(&offered.id, &[&fresh]).problem(422, "code_refused");
    assert_eq!(
        problem.get("hint"),
        None,
        "A5: whether a living code is right is said by /verify alone"
    );
    assert_eq!(alice.verify(&fresh)["accepted"], true);
}

#[test]
fn the_proof_of_identity_is_fresh_and_whole() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    for from_now_ms in [
        -15 * MINUTE_MS - 1,
        -24 * 60 * MINUTE_MS,
        MINUTE_MS + 1,
        24 * 60 * MINUTE_MS,
    ] {
        let problem = alice
            .start(&json!({"identity_proof": alice.proof(from_now_ms)}))
            .problem(400, "invalid_request");
        assert_eq!(problem["field"], "identity_proof.at", "B1: {from_now_ms} ms from now");
    }
    for (proof, field) in [
        (json!(null), "identity_proof"),
        (json!({}), "identity_proof"),
        (
            json!({"method": "password", "at": "yesterday", "by": "login"}),
            "identity_proof.at",
        ),
        (
            json!({"method": "password", "at": 1_800_000_000, "by": "login"}),
            "identity_proof.at",
        ),
        (
            json!({"method": "", "at": world.time(0), "by": "login"}),
            "identity_proof.method",
        ),
        (
            json!({"method": "password", "at": world.time(0), "by": "x".repeat(129)}),
            "identity_proof.by",
        ),
    ] {
        let problem = alice
            .start(&json!({"identity_proof": proof}))
            .problem(400, "invalid_request");
        let named = text(&problem["field"]);
        assert!(named.starts_with(field), "B1: {named} for {proof}");
    }
    assert_eq!(alice.events("enrollment.start", "done"), [] as [Value; 0]);
    alice
        .start(&json!({"identity_proof": alice.proof(-15 * MINUTE_MS)}))
        .expect(201);
    alice
        .start(&json!({"identity_proof": alice.proof(MINUTE_MS)}))
        .expect(201);
}

#[test]
fn two_codes_are_asked_for_where_the_setting_says_so() {
    let settings = Settings {
        virtual_codes: 2,
        ..Settings::default()
    };
    let world = World::with(settings, server::Limits::default());
    let alice = world.user("acme", "alice");
    let offered = alice.enroll(&json!({}));
    assert_eq!(offered.shown["codes_needed"], 2, "B4");
    let codes = offered.phone.codes_from(world.now_ms() - STEP_MS, 3);
    let [first, second, third] = [&*codes[0], &*codes[1], &*codes[2]];
    assert_eq!(
        alice.confirm(&offered.id, &[second]).problem(400, "invalid_request")["field"],
        "codes"
    );
    alice.confirm(&offered.id, &[first, third]).problem(422, "code_refused");
    alice
        .confirm(&offered.id, &[second, first])
        .problem(422, "code_refused");
    alice.confirm(&offered.id, &[first, second]).expect(200);
    assert_eq!(alice.verify(second), refused(), "D4: both are used");
    assert_eq!(alice.verify(third)["accepted"], true);
}

#[test]
fn a_dead_device_is_not_replaced_and_no_code_passes_unjudged() {
    let world = World::with(
        Settings {
            devices_max: 2,
            ..Settings::default()
        },
        server::Limits::default(),
    );
    let alice = world.user("acme", "alice");
    let old = alice.bind();
    let unbound = alice.change(
        &old.device,
        "unbind",
        &json!({"code": old.phone.code_at(world.now_ms())}),
    );
    unbound.expect(204);
    world.pass(STEP_MS);
    let code = old.phone.code_at(world.now_ms());
    alice
        .start(&json!({"replaces": {"device_id": old.device, "code": code}}))
        .problem(404, "not_found");
    alice
        .start(&json!({"factor": {"code": code}}))
        .problem(404, "not_found");
    alice
        .start(&json!({"factor": {"code": old.recovery_codes[0], "method": "recovery_code"}}))
        .problem(404, "not_found");
    assert_eq!(
        alice.events("enrollment.start", "done").len(),
        1,
        "B8: nothing was begun"
    );

    // The same when it dies while the new one is under way: its code stands for nothing any more.
    let first = alice.bind();
    let extra = alice.enroll(&json!({"factor": {"code": first.phone.code_at(world.now_ms())}}));
    let extra = alice.complete(extra);
    world.pass(STEP_MS);
    let code = first.phone.code_at(world.now_ms());
    let offered = alice.enroll(&json!({"replaces": {"device_id": first.device, "code": code}}));
    world.pass(STEP_MS);
    let code = first.phone.code_at(world.now_ms());
    alice
        .change(&first.device, "unbind", &json!({"code": code}))
        .expect(204);
    let code = offered.phone.code_at(world.now_ms());
    alice.confirm(&offered.id, &[&code]).problem(410, "enrollment_ended");
    alice.confirm(&offered.id, &[&code]).problem(410, "enrollment_ended");
    let devices = alice.get()["devices"].clone();
    assert_eq!(devices.as_array().map(Vec::len), Some(1), "B8: {devices}");
    assert_eq!(devices[0]["id"], extra.device);
}

#[test]
fn enrollments_are_started_so_often_an_hour_for_a_user_and_with_a_key() {
    let settings = Settings {
        enrollments_per_key: 30,
        ..Settings::default()
    };
    let world = World::with(settings, server::Limits::default());
    let alice = world.user("acme", "alice");
    let rows = || world.events().len();
    for _start in 0..20 {
        alice.start(&json!({})).expect(201);
    }
    let before = rows();
    for _start in 0..5 {
        let reply = alice.start(&json!({}));
        let problem = reply.problem(429, "rate_limited");
        assert_eq!(problem["retry_after_s"], 3_600);
        assert_eq!(reply.retry_after.as_deref(), Some("3600"));
    }
    // Whether the token is there or not: the trail is spared too.
    let missing = json!({"kind": "hardware", "serial_number": "CS-000042"});
    alice.start(&missing).problem(429, "rate_limited");
    let bob = world.user("acme", "bob");
    let last = json!({"kind": "hardware", "serial_number": "CS-000042"});
    for _start in 0..10 {
        bob.start(&last).problem(409, "token_unavailable");
    }
    assert_eq!(
        rows(),
        before + 10,
        "a row for each that was judged, and none for the rest"
    );
    world
        .user("acme", "carol")
        .start(&json!({}))
        .problem(429, "rate_limited");
    world.pass(60 * MINUTE_MS);
    alice.complete(alice.enroll(&json!({})));
    world.user("acme", "carol").start(&json!({})).expect(201);
}
