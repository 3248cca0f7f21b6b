//! Wrong codes and what they cost, in virtual time (A1, A2).

use serde_json::{Value, json};
use service::Role;

use crate::{
    judges::STEP_MS,
    world::{Bound, HOUR_MS, MINUTE_MS, User, World, accepted, locked, refused, text},
};

const NO_RECOVERY_CODE: &str = "AAAA AAAA AAAA AAAA";

/// Types this many different wrong codes at this moment; each is refused.
#[track_caller]
fn guess(user: &User<'_>, bound: &Bound, times: usize) {
    for wrong in bound.phone.wrong_codes_at(user.world.now_ms(), times) {
        assert_eq!(user.verify(&wrong), refused(), "{wrong}, one of {times}");
    }
}

/// Right and wrong codes get the same answer.
#[track_caller]
fn assert_locked(user: &User<'_>, bound: &Bound, answer: &Value) {
    let now_ms = user.world.now_ms();
    assert_eq!(user.verify(&bound.phone.wrong_code_at(now_ms)), *answer, "a wrong code");
    assert_eq!(
        user.verify(&bound.phone.code_at(now_ms)),
        *answer,
        "A1: the right code gets the same answer"
    );
}

#[track_caller]
fn assert_open(user: &User<'_>, bound: &Bound) {
    let code = bound.phone.code_at(user.world.now_ms());
    assert_eq!(user.verify(&code), accepted(&bound.device));
    user.world.pass(STEP_MS);
}

#[test]
fn ten_wrong_codes_lock_for_an_hour_and_each_lock_doubles_until_a_right_code() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();

    guess(&alice, &bound, 9);
    assert!(alice.get().get("locked_until").is_none(), "A1: nine are not ten");
    guess(&alice, &bound, 1);
    assert_locked(&alice, &bound, &locked(3_600));
    assert_eq!(alice.get()["locked_until"], world.time(HOUR_MS));
    assert_eq!(alice.device(&bound.device)["state"], "bound", "a lock is no suspension");
    world.pass(HOUR_MS - 1_000);
    assert_locked(&alice, &bound, &locked(1));
    world.pass(1_000);

    // Open again, and the next lock lasts twice as long.
    guess(&alice, &bound, 10);
    assert_locked(&alice, &bound, &locked(2 * 3_600));
    world.pass(2 * HOUR_MS);
    guess(&alice, &bound, 10);
    assert_locked(&alice, &bound, &locked(4 * 3_600));
    world.pass(4 * HOUR_MS);

    // A right code resets all of it.
    assert_open(&alice, &bound);
    guess(&alice, &bound, 9);
    assert_open(&alice, &bound);
    guess(&alice, &bound, 10);
    assert_locked(&alice, &bound, &locked(3_600));

    // A3: each judged code is in the trail; what met a lock is counted there.
    drop(alice);
    world.restart();
    let alice = world.user("acme", "alice");
    assert_eq!(alice.events("verify", "refused").len(), 49);
    let counts = alice.events("verify", "locked");
    let met: u64 = counts
        .iter()
        .map(|event| event["count"].as_u64().expect("a count"))
        .sum();
    assert_eq!(met, 10, "A3: every refusal while locked is counted: {counts:?}");
    assert_locked(&alice, &bound, &locked(3_600));
    drop(alice);
    world.assert_trail_holds();
}

#[test]
fn a_lock_counts_from_the_first_wrong_code_and_lasts_at_least_a_quarter_of_an_hour() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();

    guess(&alice, &bound, 1);
    world.pass(20 * MINUTE_MS);
    guess(&alice, &bound, 9);
    assert_locked(&alice, &bound, &locked(40 * 60));
    world.pass(40 * MINUTE_MS);
    assert_open(&alice, &bound);

    guess(&alice, &bound, 1);
    world.pass(59 * MINUTE_MS);
    guess(&alice, &bound, 9);
    assert_locked(&alice, &bound, &locked(15 * 60));
    world.pass(15 * MINUTE_MS);
    assert_open(&alice, &bound);

    // Nine of an hour ago do not count.
    guess(&alice, &bound, 9);
    world.pass(HOUR_MS);
    guess(&alice, &bound, 9);
    assert_open(&alice, &bound);
}

#[test]
fn a_lock_survives_restart_and_kill() {
    let mut world = World::new();
    let bound = world.user("acme", "alice").bind();
    guess(&world.user("acme", "alice"), &bound, 7);
    world.kill_and_start();
    guess(&world.user("acme", "alice"), &bound, 3);
    world.kill_and_start();
    assert_locked(&world.user("acme", "alice"), &bound, &locked(3_600));
    world.restart();
    assert_locked(&world.user("acme", "alice"), &bound, &locked(3_600));
    world.pass(HOUR_MS);
    assert_open(&world.user("acme", "alice"), &bound);
    world.assert_trail_holds();
}

/// Sixty wrong codes, spread over days, for they do not age in days; and then it is suspended.
fn suspend(user: &User<'_>, bound: &Bound) {
    for lock in 0..6 {
        guess(user, bound, 10);
        let device = user.device(&bound.device);
        if lock < 5 {
            assert_eq!(
                device["state"],
                "bound",
                "A1: {} wrong codes are not 60",
                10 * (lock + 1)
            );
            let hours = [1, 2, 4, 8, 16][lock];
            assert_eq!(
                device["locked_until"],
                user.world.time(hours * HOUR_MS),
                "A1: lock {lock}"
            );
            user.world.pass(hours * HOUR_MS);
        } else {
            assert_eq!(device["state"], "suspended", "A1: 60 wrong codes in all");
            assert_eq!(device["suspended"], json!(["verification"]), "A1: this road only");
        }
    }
}

/// Ten more, which is what a lifted suspension allows.
fn suspend_again(user: &User<'_>, bound: &Bound) {
    guess(user, bound, 9);
    assert_eq!(user.device(&bound.device)["state"], "bound", "A1: nine are not ten");
    user.world.pass(STEP_MS);
    guess(user, bound, 1);
    assert_eq!(
        user.device(&bound.device)["state"],
        "suspended",
        "A1: ten more and no more"
    );
}

#[test]
fn sixty_wrong_codes_suspend_until_support_or_a_resync_with_proof_and_then_only_a_new_password_helps() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();

    // Support lifts it.
    suspend(&alice, &bound);
    let answer = json!({"accepted": false, "outcome": "locked"});
    assert_locked(&alice, &bound, &answer);
    world.pass(HOUR_MS);
    assert_locked(&alice, &bound, &answer);
    assert_eq!(alice.unlock(&bound.device)["state"], "bound");
    assert_open(&alice, &bound);
    suspend_again(&alice, &bound);

    // A resync lifts it with proof of who asks, and not without, though it measures.
    let pair = bound.phone.codes_from(world.now_ms(), 2);
    let measured = alice
        .change(&bound.device, "resync", &json!({"codes": pair}))
        .expect(200);
    assert_eq!(
        measured["state"], "suspended",
        "A1: one road's suspension is its own, and so is its end"
    );
    world.pass(3 * STEP_MS);
    let pair = bound.phone.codes_from(world.now_ms(), 2);
    let swapped = json!({"codes": [pair[1], pair[0]], "identity_proof": alice.proof(0)});
    alice
        .change(&bound.device, "resync", &swapped)
        .problem(422, "code_refused");
    assert_eq!(alice.device(&bound.device)["state"], "suspended");
    let old = json!({"codes": pair, "identity_proof": alice.proof(-15 * MINUTE_MS - 1)});
    assert_eq!(
        alice
            .change(&bound.device, "resync", &old)
            .problem(400, "invalid_request")["field"],
        "identity_proof.at"
    );
    let proven = json!({"codes": pair, "identity_proof": alice.proof(0)});
    assert_eq!(
        alice.change(&bound.device, "resync", &proven).expect(200)["state"],
        "bound"
    );
    assert_eq!(alice.verify(&pair[1]), refused(), "D6: both codes are burned");
    world.pass(2 * STEP_MS);
    assert_open(&alice, &bound);

    // Twice within 13 weeks, over all roads: then somebody has the password.
    suspend_again(&alice, &bound);
    let unlock = |body: &Value| {
        let path = alice.path(&format!("/devices/{}/unlock", bound.device));
        world.post(Role::Support, &path, body)
    };
    let actor = json!({"id": "desk-14", "kind": "support"});
    unlock(&json!({"actor": actor})).problem(409, "first_factor_unchanged");
    assert_locked(&alice, &bound, &answer);
    let changed_at = |at: String| json!({"actor": actor, "first_factor_changed_at": at});
    unlock(&changed_at(world.time(-HOUR_MS))).problem(409, "first_factor_unchanged");
    assert_eq!(
        unlock(&changed_at(world.time(HOUR_MS))).problem(400, "invalid_request")["field"],
        "first_factor_changed_at"
    );
    world.pass(STEP_MS);
    assert_eq!(unlock(&changed_at(world.time(0))).expect(200)["state"], "bound");
    assert_open(&alice, &bound);
    guess(&alice, &bound, 9);
    assert_open(&alice, &bound);
    let lifted: Vec<_> = alice
        .events("device.unlock", "done")
        .iter()
        .map(|event| event["detail"].clone())
        .collect();
    assert_eq!(lifted.len(), 2, "A3: {lifted:?}");
    assert_eq!(lifted[0]["lifted"], json!(["verification"]), "A3");
}

#[test]
fn a_client_that_repeats_itself_locks_nobody() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let wrong = bound.phone.wrong_code_at(world.now_ms());
    for _again in 0..30 {
        assert_eq!(alice.verify(&wrong), refused());
    }
    assert!(
        alice.get().get("locked_until").is_none(),
        "A1: one guess, however often it is sent"
    );
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&code), accepted(&bound.device));
    for _again in 0..30 {
        assert_eq!(alice.verify(&code), refused(), "D4");
    }
    assert!(alice.get().get("locked_until").is_none(), "A1: a used code too");
}

#[test]
fn a_hundred_wrong_codes_at_unbinding_leave_the_login_alone() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let unbind = |code: &str| alice.change(&bound.device, "unbind", &json!({"code": code}));
    let (mut judged, mut number) = (0, 0);
    while number < 100 {
        for wrong in bound.phone.wrong_codes_at(world.now_ms(), 10) {
            number += 1;
            let told = unbind(&wrong).json();
            judged += usize::from(told["code"] == "code_refused");
        }
        world.pass(24 * HOUR_MS);
    }
    assert_eq!(judged, 20, "A1: this road is suspended after twenty");
    let device = alice.device(&bound.device);
    assert_eq!(
        (&device["state"], &device["suspended"]),
        (&json!("bound"), &json!(["unbinding"]))
    );
    assert_open(&alice, &bound);
    let code = bound.phone.code_at(world.now_ms());
    let refusal = unbind(&code);
    assert_eq!(
        refusal.problem(429, "rate_limited").get("retry_after_s"),
        None,
        "A1: the right code too"
    );
    // Support opens the road again, for ten more.
    alice.unlock(&bound.device);
    assert_eq!(unbind(&code).status, 204);
}

#[test]
fn a_drifted_phone_comes_back_by_two_codes() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let ahead_ms = 40 * STEP_MS;
    let code = |steps: i64| bound.phone.code_at(world.now_ms() + ahead_ms + steps * STEP_MS);
    assert_eq!(alice.verify(&code(0)), refused(), "D6: far outside the window");
    let cause = &alice.events("verify", "refused")[0];
    assert_eq!(cause["cause"], "wrong", "a check looks only near");
    let device = alice
        .change(&bound.device, "resync", &json!({"codes": [code(0), code(1)]}))
        .expect(200);
    assert_eq!(device["drift_steps"], 41, "D6: measured at the second code");
    assert_eq!(alice.verify(&code(1)), refused(), "D6: burned");
    assert_eq!(alice.verify(&code(2)), accepted(&bound.device));
    let again = json!({"codes": [code(0), code(1)]});
    alice
        .change(&bound.device, "resync", &again)
        .problem(422, "code_refused");
    let far = json!({"codes": [code(200), code(201)]});
    alice.change(&bound.device, "resync", &far).problem(422, "code_refused");
}

#[test]
fn codes_recovery_codes_and_unbinding_have_budgets_of_their_own() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();

    // B6: five wrong recovery codes an hour.
    for guess in ["AAAA", "AAAB", "AAAC", "AAAD"] {
        assert_eq!(alice.verify_recovery(&format!("{guess} AAAA AAAA AAAA")), refused());
        let again = alice.verify_recovery(&format!("{guess} aaaa aaaa aaaa"));
        assert_eq!(again, refused(), "A1: one guess");
    }
    assert_eq!(alice.verify_recovery("AAAE AAAA AAAA AAAA"), refused());
    assert_eq!(alice.verify_recovery(NO_RECOVERY_CODE), locked(3_600));
    assert_eq!(
        alice.verify_recovery(&bound.recovery_codes[0]),
        locked(3_600),
        "A1: the right one gets the same answer"
    );
    assert_open(&alice, &bound);
    world.pass(HOUR_MS);
    assert_eq!(
        alice.verify_recovery(&bound.recovery_codes[0])["accepted"],
        true,
        "it was not spent by the lock"
    );

    // A2: whoever locks the codes does not lock out the paper, nor unbinding.
    guess(&alice, &bound, 10);
    assert_locked(&alice, &bound, &locked(3_600));
    assert_eq!(alice.verify_recovery(&bound.recovery_codes[1])["accepted"], true);
    for wrong in bound.phone.wrong_codes_at(world.now_ms(), 10) {
        alice
            .change(&bound.device, "unbind", &json!({"code": wrong}))
            .problem(422, "code_refused");
    }
    let code = bound.phone.code_at(world.now_ms());
    let reply = alice.change(&bound.device, "unbind", &json!({"code": code}));
    assert_eq!(
        reply.problem(429, "rate_limited")["retry_after_s"],
        3_600,
        "A1: unbinding counts for itself"
    );
    assert_eq!(reply.retry_after.as_deref(), Some("3600"));
    let paper = json!({"code": bound.recovery_codes[2], "method": "recovery_code"});
    assert_eq!(
        alice.change(&bound.device, "unbind", &paper).status,
        204,
        "paper ends it"
    );
    assert_eq!(alice.device(&bound.device)["state"], "unbound");
}

#[test]
fn each_recovery_code_opens_once_and_a_new_set_ends_the_old() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let path = alice.path("/recovery-codes");
    let renew = |fields: Value| {
        let mut body = fields;
        body["actor"] = alice.actor();
        world.post(Role::Enroll, &path, &body)
    };

    // U5: a new set needs a fresh factor.
    let used = bound.phone.code_at(world.now_ms() - STEP_MS);
    renew(json!({"code": used})).problem(422, "code_refused");
    let code = bound.phone.code_at(world.now_ms());
    let reply = renew(json!({"code": code}));
    assert_eq!(reply.cache_control.as_deref(), Some("no-store"));
    let set: Vec<String> = reply.expect(200)["recovery_codes"]
        .as_array()
        .expect("a set")
        .iter()
        .map(text)
        .collect();
    assert_eq!(set.len(), 10);
    assert_eq!(
        alice.verify(&code),
        refused(),
        "D4: the code that paid for it is burned"
    );

    for old in &bound.recovery_codes[..4] {
        assert_eq!(alice.verify_recovery(old), refused(), "the old set is dead");
    }
    // As people type it: lower case, without blanks.
    for (place, code) in set.iter().enumerate() {
        let typed = code.replace(' ', "").to_lowercase();
        assert_eq!(alice.verify_recovery(&typed)["accepted"], true, "B6: code {place}");
        assert_eq!(alice.verify_recovery(code), refused(), "B6: code {place}, once");
        assert_eq!(alice.get()["recovery_codes_left"], 9 - place);
    }

    // A recovery code pays for a new set too, once.
    let code = bound.phone.code_at(world.now_ms() + STEP_MS);
    let set = renew(json!({"code": code})).expect(200)["recovery_codes"].clone();
    let paper = json!({"code": set[0], "method": "recovery_code"});
    assert_eq!(renew(paper.clone()).status, 200);
    renew(paper).problem(422, "code_refused");
}
