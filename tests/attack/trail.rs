//! What the trail tells, and what it costs: no cause of it says which code will be right (D5), and nobody makes it grow
//! by refusals that cost them nothing (door 10).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, thread,
    time::Duration,
};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::service::{Bound, TestService, asked, token, wrong_codes};
use crate::support::{
    http::{actor, identity_proof, path, question},
    phone::Phone,
    process::{countersign, run},
    soak, step_that_lasts, until,
};

/// Codes that a guesser might hit: none of them can be entered now, and each is right later.
fn still_to_come(phone: &Phone, step: u64) -> Vec<String> {
    let now: Vec<_> = (step - 12..=step + 1).map(|step| phone.code(step)).collect();
    let later = (step + 3..=step + 9).map(|step| phone.code(step));
    later.filter(|code| !now.contains(code)).collect()
}

/// Tries a code by every road that judges one, and gives the names of those roads in the trail.
fn try_everywhere(service: &TestService, bound: &Bound, code: &str, second: &str) -> Vec<&'static str> {
    let (user, device) = (&*bound.user, &*bound.device);
    let told = service.post("/v1/verify", &question(user, code, None));
    assert_eq!(told.outcome(), "refused");
    let items = json!({"items": [question(user, code, None)]});
    assert_eq!(
        service.post("/v1/verify/batch", &items).with_status(200).body["results"][0]["outcome"],
        "refused"
    );
    let refused = |call: &str, body: &Value| {
        let problem = service.post(&path(user, call), body).with_status(422).body;
        assert_eq!(problem["code"], "code_refused", "{problem}");
        assert!(problem.get("hint").is_none(), "{problem}");
    };
    refused(
        &format!("/devices/{device}/unbind"),
        &json!({"code": code, "actor": actor(user)}),
    );
    refused("/recovery-codes", &json!({"code": code, "actor": actor(user)}));
    let replacing = json!({
        "kind": "virtual", "identity_proof": identity_proof(), "actor": actor(user),
        "replaces": {"device_id": device, "code": code},
    });
    refused("/enrollments", &replacing);
    // Swapped, so that it is no pair.
    let pair = json!({"codes": [second, code], "actor": actor(user)});
    refused(&format!("/devices/{device}/resync"), &pair);
    vec![
        "verify",
        "verify",
        "device.unbind",
        "recovery_codes.renew",
        "enrollment.start",
        "device.resync",
    ]
}

/// A record without what is of its time and place alone.
fn shape(record: &Value) -> Value {
    let mut record = record.clone();
    for of_its_own in ["id", "position", "at", "hash"] {
        record.as_object_mut().expect("a record").remove(of_its_own);
    }
    let event = record["event"].as_object_mut().expect("an event");
    for of_its_own in ["request", "person", "user", "actor", "device", "detail"] {
        event.remove(of_its_own);
    }
    record
}

#[test]
fn the_trail_does_not_tell_a_code_that_comes_from_one_that_never_comes() {
    let service = TestService::open();
    let step = step_that_lasts(15);
    let alice = service.bind("alice", step - 1);
    let bob = service.bind("bob", step - 1);
    let coming = still_to_come(&alice.phone, step);
    let wrong: Vec<String> = wrong_codes(&bob.phone, step).take(2).collect();
    let roads = try_everywhere(&service, &alice, &coming[0], &coming[1]);
    assert_eq!(try_everywhere(&service, &bob, &wrong[0], &wrong[1]), roads);

    let records = service.records();
    let refusals = |user: &str| -> Vec<&Value> {
        let of = |record: &&Value| record["event"]["user"] == user && record["event"]["outcome"] == "refused";
        records.iter().filter(of).collect()
    };
    let (coming, wrong) = (refusals("alice"), refusals("bob"));
    let actions: Vec<&Value> = coming.iter().map(|record| &record["event"]["action"]).collect();
    assert_eq!(actions, roads, "A3: each of them has a record");
    for (coming, wrong) in coming.iter().zip(&wrong) {
        let event = &coming["event"];
        assert_eq!(event["cause"], "wrong", "D5: {event}");
        assert!(event.get("steps").is_none(), "D5: {event}");
        assert_eq!(coming["masked"], true, "{coming}");
        assert!(
            coming.get("salt").is_none(),
            "D5: with its salt a cause could be tried out: {coming}"
        );
        assert_eq!(shape(coming), shape(wrong), "D5");
    }
    let log = service.log();
    assert!(
        !log.contains("too_early") && !log.contains("TooEarly") && !log.contains("ClockOff"),
        "D5: {log}"
    );
}

#[test]
fn nor_at_a_binding() {
    let service = TestService::open();
    service.stock(2);
    let step = step_that_lasts(12);
    // Of a token the next hour is searched; who holds none of it may type its number and two guesses.
    let phone = token(0);
    let [coming, wrong] = [("alice", phone.code(step + 40)), ("bob", phone.wrong_code(step))];
    let mut shapes = BTreeSet::new();
    for (user, code) in [&coming, &wrong] {
        let enrollment = service.start_token(user, 0);
        let body = json!({"codes": ["000000", code], "scope": [], "actor": actor(user)});
        let problem = service
            .post(&path(user, &format!("/enrollments/{enrollment}/confirm")), &body)
            .with_status(422)
            .body;
        assert!(problem.get("hint").is_none(), "D5: {problem}");
        let records = service.records();
        let record = records.last().expect("a record");
        assert_eq!(
            (&record["event"]["action"], &record["event"]["user"]),
            (&json!("enrollment.confirm"), &json!(user))
        );
        assert_eq!(record["event"]["cause"], "wrong", "D5: {record}");
        assert_eq!(record["event"]["detail"]["hint"], Value::Null, "D5: {record}");
        shapes.insert(shape(record).to_string());
    }
    assert_eq!(shapes.len(), 1, "D5: {shapes:?}");
}

/// How often each of these was refused, and by how many records.
fn refusals(service: &TestService, outcome: &str) -> BTreeMap<String, (u64, u64)> {
    let mut found: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for record in service.records() {
        let event = &record["event"];
        if event["action"] == "verify" && event["outcome"] == outcome {
            let (records, count) = found
                .entry(event["user"].as_str().unwrap_or("-").to_owned())
                .or_default();
            *records += 1;
            *count += event["count"].as_u64().unwrap_or(1);
        }
    }
    found
}

#[test]
fn refusals_of_a_user_without_a_device_are_ten_records_an_hour_and_a_count() {
    let mut service = TestService::open();
    let most = if soak() { 20_000 } else { 400 };
    let step = step_that_lasts(5);
    service.bind("alice", step - 1);
    let refused = json!({"accepted": false, "outcome": "refused"});
    for number in 0..most {
        let told = service
            .api
            .verify("nobody", &format!("{number:06}"))
            .expect("an answer");
        assert_eq!(told.body, refused, "to the caller they are all the same");
    }
    for _ in 0..40 {
        for user in ["alice", "no-paper"] {
            let body = asked(
                user,
                "AAAA AAAA AAAA AAAA",
                "an-id-of-22-characters",
                &json!({"method": "recovery_code"}),
            );
            assert_eq!(
                service.post("/v1/verify", &body).body,
                refused,
                "nobody has recovery codes"
            );
        }
    }
    service.reopen();
    let told = refusals(&service, "refused");
    let (records, count) = told["nobody"];
    // A minute may have passed twice.
    assert!(
        records <= 10 + 2 + most / 10_000,
        "{records} records of one user's {most} refusals"
    );
    assert_eq!(count, most, "A3: and none of them is forgotten");
    for user in ["alice", "no-paper"] {
        assert!(told[user].0 <= 12 && told[user].1 == 40, "{user}: {:?}", told[user]);
    }
}

#[test]
fn a_refusal_that_is_only_counted_is_on_disk_before_its_answer_like_any_other() {
    let service = TestService::open();
    let refuse =
        |user: &str, code: &str| assert_eq!(service.api.verify(user, code).expect("an answer").outcome(), "refused");
    (0..10).for_each(|_| refuse("nobody", "123456"));
    let step = step_that_lasts(5);
    let bound = service.bind("alice", step - 1);
    for wrong in wrong_codes(&bound.phone, step).take(8) {
        for (user, code) in [("nobody", "123456"), ("alice", &wrong)] {
            let before = service.written();
            refuse(user, code);
            assert!(
                before != service.written(),
                "invariant 4: and the time tells nothing about {user}"
            );
        }
    }
    assert_eq!(
        service.events("nobody", "verify", "refused").len(),
        10,
        "it has no record"
    );
}

#[test]
fn refusals_of_made_up_users_do_not_fill_the_trail() {
    let mut service = TestService::open();
    let batches = if soak() { 50 } else { 5 };
    for batch in 0..batches {
        let names = (0..4_096).map(|number| format!("made-up-{batch}-{number}"));
        let items: Vec<Value> = names.map(|name| question(&name, "123456", None)).collect();
        let told = service
            .post("/v1/verify/batch", &json!({"items": items}))
            .with_status(200)
            .body;
        let told = told["results"].as_array().expect("results");
        assert!(
            told.iter()
                .all(|told| *told == json!({"accepted": false, "outcome": "refused"}))
        );
    }
    // Another caller's users still have records of their own.
    let second = service.caller("verify");
    assert_eq!(
        second.verify("somebody", "123456").expect("an answer").outcome(),
        "refused"
    );
    service.reopen();
    let told = refusals(&service, "refused");
    let records: u64 = told.values().map(|(records, _)| records).sum();
    let count: u64 = told.values().map(|(_, count)| count).sum();
    assert_eq!(count, batches * 4_096 + 1, "A3: none is forgotten");
    assert!(records < 8_192, "{records} records of {count} refusals");
    assert_eq!(told["somebody"], (1, 1));
}

/// Whoever can write to the database takes out all that a command beside the service said, its chain's opening too. What
/// is left follows: only the head outside knows better, and the service has to have kept it.
#[test]
fn what_a_command_beside_the_service_wrote_cannot_be_taken_out_unseen() {
    let service = TestService::open();
    // Long enough after the change of a key, which makes the service look.
    thread::sleep(Duration::from_secs(3));
    for _time in 0..2 {
        service.beside(&["clock", "accept", "--yes", "--actor", "mallory"]);
        let copy = service.copied();
        let written = Connection::open(copy.path().join("countersign.sqlite")).expect("a database");
        let newest = written.query_row("SELECT max(chain) FROM audit_chain", [], |row| row.get(0));
        let chain: i64 = newest.expect("a chain");
        let head = format!("\"chain\":{chain},");
        until("its head is kept", || {
            fs::read_to_string(service.file("audit.heads")).is_ok_and(|heads| heads.contains(&head))
        });
        service.beside(&["audit", "verify"]);

        let copy = service.copied();
        let database = Connection::open(copy.path().join("countersign.sqlite")).expect("a database");
        for table in ["audit", "audit_chain"] {
            let taken = database.execute(&format!("DELETE FROM {table} WHERE chain = ?"), [chain]);
            assert_eq!(taken.expect("a change"), 1, "{table}");
        }
        drop(database);
        let mut verify = countersign();
        verify.args(["audit", "verify", "--data-dir"]).arg(copy.path());
        let found = run(&mut verify, "").with_code(1);
        let line = format!("chain {chain}, position 1: a head kept outside knows it, the register does not");
        assert!(
            found.out.lines().any(|said| said == line),
            "{line}\n{}{}",
            found.out,
            found.err
        );
    }
}
