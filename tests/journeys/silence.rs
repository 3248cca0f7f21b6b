//! What a check does not say (D5, invariant 6): whether there is such a user, a device, and why it was refused.

use serde_json::{Value, json};
use service::Role;

use crate::{
    fobs::Fob,
    judges::STEP_MS,
    raw::{self, Line},
    world::{HOUR_MS, World, refused},
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
        (json!({"request_id": "too-short"}), 400, "invalid_request"),
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

#[test]
fn a_cause_that_names_a_step_to_come_is_masked_until_no_code_of_it_is_accepted() {
    for hardware in [false, true] {
        let world = World::new();
        let alice = world.user("acme", "alice");
        let fob = Fob::new(1);
        let bound = if hardware {
            world.stock(&[&fob]);
            alice.bind_token(&fob)
        } else {
            alice.bind()
        };
        let began_ms = world.now_ms();
        // The farthest that a check looks ahead, and a code of nobody: nobody can tell which is which.
        // A token is measured at its second code, a step ahead.
        let farthest = bound.phone.code_at(began_ms + (10 + i64::from(hardware)) * STEP_MS);
        let wrong = bound.phone.wrong_code_at(began_ms);
        let used = bound.phone.code_at(began_ms);
        for code in [&farthest, &wrong] {
            assert_eq!(alice.verify(code), refused());
        }
        assert_eq!(alice.verify(&used)["accepted"], true);
        assert_eq!(alice.verify(&used), refused());
        let records = || -> Vec<Value> {
            let page = world.get(Role::Audit, "/v1/audit?limit=1000").expect(200);
            let items = page["items"].as_array().expect("items").clone();
            let refused = |item: &Value| item["event"]["action"] == "verify" && item["event"]["outcome"] == "refused";
            items.into_iter().filter(refused).collect()
        };
        let cause = |record: &Value| (record["event"]["cause"].clone(), record["event"].get("steps").cloned());
        let hidden = (json!("wrong"), None);
        for seconds in [0, 30, 60, 240, 300, 330] {
            world.pass(began_ms + seconds * 1_000 - world.now_ms());
            let records = records();
            for record in &records[..2] {
                assert_eq!(cause(record), hidden, "D5: after {seconds} s: {record}");
                assert_eq!(
                    (&record["masked"], record.get("salt")),
                    (&json!(true), None),
                    "D5: {record}"
                );
            }
            assert_eq!(cause(&records[2]).0, "used", "D5: what is past is told at once");
            assert_eq!(records[2].get("masked"), None);
        }
        // At its last moment the code of that step is accepted.
        world.pass(STEP_MS - 1);
        assert_eq!(records()[0]["masked"], true, "D5");
        assert_eq!(
            alice.verify(&farthest)["accepted"],
            true,
            "it was right, and could still be entered"
        );
        world.pass(1);
        let wait_s = records()[0]["event"]["masked_s"].as_i64().expect("it says how long");
        assert_eq!(
            records()[1]["event"]["masked_s"],
            wait_s,
            "D5: a wrong one says the same"
        );
        assert!(wait_s <= 450, "minutes, not hours: {wait_s}");
        world.pass(began_ms + wait_s * 1_000 - world.now_ms());
        let records = records();
        assert_eq!(
            cause(&records[0]),
            (json!("too_early"), Some(json!(10))),
            "D5: support can look up why"
        );
        assert_eq!(cause(&records[1]), hidden);
        for record in &records {
            assert!(record.get("masked").is_none() && record["salt"].is_string(), "{record}");
        }
    }
}

#[test]
fn what_costs_nothing_to_ask_is_ten_records_an_hour_and_a_count() {
    let mut world = World::new();
    let nobody = world.user("acme", "nobody");
    let records = |world: &World| world.user("acme", "nobody").events("verify", "refused").len();
    for number in 0..200 {
        assert_eq!(nobody.verify(&format!("{number:06}")), refused());
        world.pass(15_000);
    }
    // Fifty minutes: ten, and none of them twice.
    assert_eq!(records(&world), 10, "A3");
    // The hour counts from the last of them.
    world.pass(10 * 60_000 + 9 * 15_000);
    assert_eq!(nobody.verify("000000"), refused());
    assert_eq!(records(&world), 11, "A3: a new hour has records of its own");
    for _hour in 0..30 {
        world.pass(HOUR_MS / 2);
        assert_eq!(nobody.verify("000000"), refused());
    }
    assert!(
        records(&world) <= 11 + 28,
        "A3: never more than ten in an hour: {}",
        records(&world)
    );
    drop(nobody);
    world.restart();
    let counted = world.user("acme", "nobody").events("verify", "refused");
    let all: u64 = counted.iter().map(|event| event["count"].as_u64().unwrap_or(1)).sum();
    assert_eq!(all, 231, "A3: every one is in the trail");
    assert!(
        counted.iter().all(|event| event["cause"] == "no_device"),
        "D5: {counted:?}"
    );
    world.assert_trail_holds();
}
