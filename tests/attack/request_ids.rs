//! Door 1: a `request_id` is for a caller whose answer was lost, and no way to try codes for nothing.

use serde_json::{Value, json};

use super::service::{Bound, TestService, asked, wrong_codes};
use crate::support::{
    http::{Api, Reply, path},
    step_that_lasts,
};

/// 128 random bits.
const ID: &str = "Zm9yIGEgbG9zdCBhbnN3ZX";
const OTHER_ID: &str = "b5ZgYXJlIG5vIHNlY3JldHM";

#[track_caller]
fn ask(api: &Api, bound: &Bound, code: &str, also: &Value) -> Reply {
    let body = asked(&bound.user, code, ID, also);
    api.post("/v1/verify", &body).expect("an answer")
}

/// Accepted for the first time: the decision's id.
#[track_caller]
fn first(reply: &Reply) -> String {
    assert_eq!(reply.outcome(), "accepted", "{}", reply.body);
    assert!(reply.body.get("repeated").is_none(), "{}", reply.body);
    let id = reply.body["decision_id"].as_str().expect("a decision has an id");
    assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "a UUIDv7: {id}");
    id.to_owned()
}

#[track_caller]
fn assert_repeats(reply: &Reply, decision: &str) {
    assert_eq!(reply.outcome(), "accepted", "{}", reply.body);
    assert_eq!(reply.body["repeated"], true, "{}", reply.body);
    assert_eq!(reply.body["decision_id"], decision, "never a new grant");
}

#[test]
fn codes_under_a_remembered_id_are_guesses_like_any() {
    let mut service = TestService::open();
    let step = step_that_lasts(12);
    for (user, batched) in [("alice", false), ("bob", true)] {
        let bound = service.bind(user, step - 1);
        let right = bound.phone.code(step);
        first(&ask(&service.api, &bound, &right, &json!({})));
        let codes = wrong_codes(&bound.phone, step).take(if batched { 4_096 } else { 60 });
        let guesses: Vec<Value> = codes.map(|code| asked(user, &code, ID, &json!({}))).collect();
        let told: Vec<Value> = if batched {
            let body = service
                .post("/v1/verify/batch", &json!({"items": guesses}))
                .with_status(200)
                .body;
            body["results"].as_array().expect("results").clone()
        } else {
            guesses
                .iter()
                .map(|guess| service.post("/v1/verify", guess).with_status(200).body)
                .collect()
        };
        let with = |outcome: &str| told.iter().filter(|told| told["outcome"] == outcome).count();
        let judged = with("refused");
        assert_eq!(
            (judged, with("locked")),
            (10, told.len() - 10),
            "A1: {user}: ten guesses, then a lock"
        );
        assert_eq!(service.events(user, "verify", "refused").len(), 10, "A3: {user}");
        assert_eq!(
            ask(&service.api, &bound, &right, &json!({})).outcome(),
            "locked",
            "A1: while locked, right and wrong codes get the same answer"
        );
    }
    // What met the lock is counted.
    service.reopen();
    let met = service.events("alice", "verify", "locked");
    let met: u64 = met.iter().map(|event| event["count"].as_u64().expect("a count")).sum();
    assert_eq!(met, 51, "A3");
}

#[test]
fn an_exact_repeat_names_the_first_decision_and_anything_else_ends_the_memory() {
    let mut service = TestService::open();
    let client = |ip: &str| json!({"client": {"ip": ip, "user_agent": "Firefox"}});
    let home = client("203.0.113.7");
    let step = step_that_lasts(12);

    let alice = service.bind("alice", step - 1);
    let code = alice.phone.code(step);
    let decision = first(&ask(&service.api, &alice, &code, &home));
    for _ in 0..50 {
        assert_repeats(&ask(&service.api, &alice, &code, &home), &decision);
    }
    // From elsewhere it is another request: judged, counted, and the end of the memory.
    assert_eq!(
        ask(&service.api, &alice, &code, &client("198.51.100.1")).outcome(),
        "refused"
    );
    assert_eq!(
        ask(&service.api, &alice, &code, &home).outcome(),
        "refused",
        "D4: it is a used code now"
    );

    let bob = service.bind("bob", step - 1);
    let code = bob.phone.code(step);
    let decision = first(&ask(&service.api, &bob, &code, &json!({})));
    assert_repeats(&ask(&service.api, &bob, &code, &json!({})), &decision);
    assert_eq!(
        ask(&service.api, &bob, &code, &home).outcome(),
        "refused",
        "another client"
    );
    assert_eq!(ask(&service.api, &bob, &code, &json!({})).outcome(), "refused", "D4");

    let carol = service.bind("carol", step - 1);
    let code = carol.phone.code(step);
    first(&ask(&service.api, &carol, &code, &json!({})));
    let wrong = carol.phone.wrong_code(step);
    assert_eq!(
        ask(&service.api, &carol, &wrong, &json!({})).outcome(),
        "refused",
        "another code"
    );
    assert_eq!(ask(&service.api, &carol, &code, &json!({})).outcome(), "refused", "D4");

    service.reopen();
    let accepted = service.events("alice", "verify", "accepted");
    assert_eq!(accepted.len(), 1, "D4: one decision");
    assert!(accepted[0]["decision_id"].is_string(), "A3: and the trail names it");
    let repeated = service.events("alice", "verify", "repeated");
    assert!(repeated.len() <= 2, "A3: a record a minute, not a record a repeat");
    let count: u64 = repeated
        .iter()
        .map(|event| event["count"].as_u64().expect("a count"))
        .sum();
    assert_eq!(count, 50, "A3");
}

#[test]
fn another_key_neither_learns_of_it_nor_evicts_it() {
    let service = TestService::open();
    let second = service.caller("verify");
    let step = step_that_lasts(10);
    let alice = service.bind("alice", step - 1);
    let code = alice.phone.code(step);
    let decision = first(&ask(&service.api, &alice, &code, &json!({})));
    assert_eq!(ask(&second, &alice, &code, &json!({})).outcome(), "refused", "D4");
    for wrong in wrong_codes(&alice.phone, step).take(3) {
        assert_eq!(ask(&second, &alice, &wrong, &json!({})).outcome(), "refused");
    }
    assert_eq!(
        service.events("alice", "verify", "refused").len(),
        4,
        "A1: judged all the same"
    );
    assert_repeats(&ask(&service.api, &alice, &code, &json!({})), &decision);
    // Not even by being accepted.
    let next = alice.phone.code(step + 1);
    first(&ask(&second, &alice, &next, &json!({})));
    assert_repeats(&ask(&service.api, &alice, &code, &json!({})), &decision);
}

#[test]
fn nothing_is_repeated_of_a_device_that_is_locked_lost_or_unbound() {
    let service = TestService::open();
    service.stock(1);
    let step = step_that_lasts(12);

    let locked = service.bind("alice", step - 1);
    let code = locked.phone.code(step);
    first(&ask(&service.api, &locked, &code, &json!({})));
    for wrong in wrong_codes(&locked.phone, step).take(10) {
        assert_eq!(
            service.api.verify("alice", &wrong).expect("an answer").outcome(),
            "refused"
        );
    }
    assert_eq!(ask(&service.api, &locked, &code, &json!({})).outcome(), "locked");

    let lost = service.bind_token("bob", 0, step - 1);
    let code = lost.phone.code(step);
    first(&ask(&service.api, &lost, &code, &json!({})));
    let change = json!({"state": "lost", "actor": {"id": "desk-14", "kind": "support"}});
    service.patch("/v1/tokens/CS-000000", &change).with_status(200);
    assert_eq!(ask(&service.api, &lost, &code, &json!({})).outcome(), "locked");

    let ended = service.bind("carol", step - 1);
    let code = ended.phone.code(step);
    first(&ask(&service.api, &ended, &code, &json!({})));
    let next = ended.phone.code(step + 1);
    let unbound = service.api.unbind("carol", &ended.device, &next).expect("an answer");
    unbound.with_status(204);
    assert_eq!(ask(&service.api, &ended, &code, &json!({})).outcome(), "refused");
}

#[test]
fn a_recovery_code_is_repeated_and_guessed_at_in_the_same_way() {
    let mut service = TestService::open();
    let step = step_that_lasts(12);
    let alice = service.bind("alice", step - 1);
    let renew = json!({"code": alice.phone.code(step), "actor": {"id": "alice", "kind": "user"}});
    let made = service
        .post(&path("alice", "/recovery-codes"), &renew)
        .with_status(200)
        .body;
    let codes: Vec<&str> = made["recovery_codes"]
        .as_array()
        .expect("codes")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let recovery = json!({"method": "recovery_code"});

    let decision = first(&ask(&service.api, &alice, codes[0], &recovery));
    assert_repeats(&ask(&service.api, &alice, codes[0], &recovery), &decision);
    let elsewhere = json!({"method": "recovery_code", "client": {"ip": "198.51.100.1"}});
    assert_eq!(
        ask(&service.api, &alice, codes[0], &elsewhere).outcome(),
        "refused",
        "another client"
    );
    assert_eq!(
        ask(&service.api, &alice, codes[0], &recovery).outcome(),
        "refused",
        "B6: once"
    );

    first(&ask(&service.api, &alice, codes[1], &recovery));
    let guesses: Vec<String> = (0..12)
        .map(|number| {
            ask(
                &service.api,
                &alice,
                &format!("AAAA AAAA AAAA AA{number:02}"),
                &recovery,
            )
        })
        .map(|reply| reply.outcome().to_owned())
        .collect();
    let refused = guesses.iter().filter(|outcome| *outcome == "refused").count();
    assert_eq!(refused, 5, "B6: five attempts an hour: {guesses:?}");
    assert_eq!(
        ask(&service.api, &alice, codes[1], &recovery).outcome(),
        "locked",
        "void while locked"
    );

    service.reopen();
    let decisions = service.events("alice", "verify", "accepted");
    assert_eq!(decisions.len(), 2);
    assert_eq!(decisions[0]["decision_id"], decision, "A3");
    assert_eq!(service.events("alice", "verify", "repeated")[0]["count"], 1, "A3");
}

#[test]
fn an_id_that_can_be_guessed_is_refused_before_anything_is_judged() {
    let service = TestService::open();
    let step = step_that_lasts(8);
    let alice = service.bind("alice", step - 1);
    let code = alice.phone.code(step);
    let too_short = "云".repeat(21);
    for short in ["", "login-7f3a", &ID[..21], &too_short] {
        let body = asked("alice", &code, short, &json!({}));
        let problem = service.post("/v1/verify", &body).with_status(400).body;
        assert_eq!(
            (&problem["code"], &problem["field"]),
            (&json!("invalid_request"), &json!("request_id")),
            "{problem}"
        );
        let detail = problem["detail"].as_str().expect("words");
        assert!(
            detail.contains("22 characters") && detail.contains("128 random bits"),
            "{detail}"
        );
        let problem = service
            .post("/v1/verify/batch", &json!({"items": [body]}))
            .with_status(400)
            .body;
        assert_eq!(problem["field"], "items[0].request_id", "{problem}");
    }
    assert!(service.events("alice", "verify", "refused").is_empty());
    let body = asked("alice", &code, OTHER_ID, &json!({}));
    assert_eq!(service.post("/v1/verify", &body).outcome(), "accepted");
}

#[test]
fn a_success_tells_how_many_wrong_codes_came_before_it() {
    let service = TestService::open();
    let step = step_that_lasts(10);
    let alice = service.bind("alice", step - 1);
    for wrong in wrong_codes(&alice.phone, step).take(4) {
        let told = service.api.verify("alice", &wrong).expect("an answer");
        assert!(told.body.get("wrong_since_last_success").is_none(), "{}", told.body);
    }
    let code = alice.phone.code(step);
    let told = ask(&service.api, &alice, &code, &json!({}));
    first(&told);
    assert_eq!(told.body["wrong_since_last_success"], 4, "A1: {}", told.body);
    let repeated = ask(&service.api, &alice, &code, &json!({}));
    assert_eq!(
        repeated.body["wrong_since_last_success"], 4,
        "the same answer once more"
    );
    let next = service
        .api
        .verify("alice", &alice.phone.code(step + 1))
        .expect("an answer");
    assert_eq!(next.body["wrong_since_last_success"], 0, "{}", next.body);
}
