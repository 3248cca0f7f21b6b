//! What a check does not say (D5, invariant 6): whether there is such a user, a device, and why it was refused.

use serde_json::json;
use service::Role;

use crate::{
    judges::STEP_MS,
    raw::{self, Line},
    world::World,
};

/// The whole answer as bytes, less what names the request and the second.
fn answer(world: &World, account: &str, user: &str, code: &str, method: &str) -> (String, Vec<u8>) {
    let body = json!({"account": account, "user": user, "code": code, "first_factor": true, "method": method});
    let mut line = Line::to(world.address());
    assert!(line.send(&raw::post("/v1/verify", world.key(Role::Verify), &body)));
    let answer = line.answer().expect("an answer");
    let mut named = answer.head.lines().filter(|line| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("x-request-id:") && !line.starts_with("date:")
    });
    let first = named.next().map(str::to_owned).unwrap_or_default();
    (named.fold(first, |head, line| head + "\n" + line), answer.body)
}

#[test]
fn an_unknown_user_a_user_without_a_device_and_a_wrong_code_get_the_same_answer() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let dana = world.user("acme", "dana");
    let ended = dana.bind();
    let code = ended.phone.code_at(world.now_ms());
    assert_eq!(dana.change(&ended.device, "unbind", &json!({"code": code})).status, 204);
    let erin = world.user("acme", "erin");
    let under_way = erin.enroll(&json!({}));

    world.pass(STEP_MS);
    let now_ms = world.now_ms();
    let wrong = bound.phone.wrong_code_at(now_ms);
    let right = bound.phone.code_at(now_ms);
    let expected = answer(&world, "acme", "alice", &wrong, "totp");
    assert_eq!(expected.1, br#"{"accepted":false,"outcome":"refused"}"#);
    assert!(expected.0.contains("200 OK") && expected.0.to_ascii_lowercase().contains("cache-control: no-store"));
    let used = bound.phone.code_at(now_ms - 3 * STEP_MS);
    let late = bound.phone.code_at(now_ms - 2 * STEP_MS);
    for (account, user, code, what) in [
        ("acme", "nobody", &*wrong, "an unknown user"),
        ("elsewhere", "alice", &right, "the same name under another account"),
        ("Acme", "alice", &right, "another spelling of the account"),
        ("acme", "alice ", &right, "another spelling of the user"),
        (
            "acme",
            "dana",
            &ended.phone.code_at(now_ms),
            "a device that was unbound",
        ),
        (
            "acme",
            "erin",
            &under_way.phone.code_at(now_ms),
            "a device that is not bound yet",
        ),
        ("acme", "alice", &used, "a used code"),
        ("acme", "alice", &late, "an old code"),
        ("acme", "alice", "", "no code"),
        ("acme", "alice", "12345678", "another number of digits"),
        ("acme", "alice", "hunter", "no code at all"),
    ] {
        assert_eq!(answer(&world, account, user, code, "totp"), expected, "{what}");
    }
    for (user, code, what) in [
        ("alice", "AAAA AAAA AAAA AAAA", "a wrong recovery code"),
        ("alice", "", "no recovery code"),
        ("nobody", "AAAA AAAA AAAA AAAA", "an unknown user's"),
        ("dana", &ended.recovery_codes[0], "one that ended with its device"),
    ] {
        assert_eq!(answer(&world, "acme", user, code, "recovery_code"), expected, "{what}");
    }
    // The right one was never burned by all this.
    assert_eq!(alice.verify(&right)["accepted"], true);
    // Support sees what the caller does not.
    let causes: Vec<_> = alice
        .events("verify", "refused")
        .iter()
        .map(|event| event["cause"].clone())
        .collect();
    let told = [
        "wrong",
        "used",
        "too_late",
        "malformed",
        "other_digits",
        "malformed",
        "wrong_recovery_code",
        "wrong_recovery_code",
    ];
    assert_eq!(causes, told, "D5");
}

#[test]
fn the_same_problems_are_told_of_users_who_are_and_who_are_not() {
    let world = World::new();
    let bound = world.user("acme", "alice").bind();
    let code = bound.phone.code_at(world.now_ms());
    for (fields, status, problem) in [
        (json!({"first_factor": false}), 400, "first_factor_required"),
        (json!({"method": "passcode"}), 400, "invalid_request"),
        (json!({"method": "sms"}), 400, "invalid_request"),
        (json!({"code": 123_456}), 400, "invalid_request"),
        (json!({"request_id": ""}), 400, "invalid_request"),
    ] {
        let told = |user: &str| world.user("acme", user).ask(&code, &fields).problem(status, problem);
        assert_eq!(told("alice"), told("nobody"), "{fields}");
    }
    assert_eq!(
        world.user("acme", "alice").verify(&code)["accepted"],
        true,
        "none of it judged the code"
    );
}
