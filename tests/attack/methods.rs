//! A report is the caller's word, and still one word is one grant, for the identity that was proven alone.

use std::thread;

use serde_json::{Value, json};

use super::service::TestService;
use crate::support::{
    http::{Api, Reply, actor, path},
    now_ms,
};

fn now() -> String {
    api::Timestamp::from_unix_ms(i64::try_from(now_ms()).expect("a time")).to_string()
}

/// A user who is asked for a message at an identity check: nothing has to be set for that.
fn asked(api: &Api, user: &str, number: &str) -> String {
    let proven = json!({"identity": number, "verified_at": now(), "actor": actor(user)});
    let proven = api.put(&path(user, "/methods/sms"), &proven).expect("an answer");
    assert_eq!(proven.status, 200, "{}", proven.body);
    let wanted =
        json!({"account": "acme", "user": user, "purpose": "identity", "operation": "accounts/bind-mfa-token"});
    let asked = api.post("/v1/challenges", &wanted).expect("an answer").with_status(201);
    assert_eq!(asked.body["methods"], json!([{"method": "sms", "alternative": false}]));
    asked.body["id"].as_str().expect("an id").to_owned()
}

fn report(api: &Api, challenge: &str, identity: &str) -> Reply {
    let report = json!({"identity": identity, "reference": "4711", "at": now()});
    let path = format!("/v1/challenges/{challenge}/answer");
    let told = api.post(&path, &json!({"method": "sms", "report": report}));
    told.expect("an answer")
}

/// P2: a stolen key that answers for other numbers has no grant by it, fills no trail, and locks nobody out.
#[test]
fn reports_of_other_identities_grant_nothing_fill_nothing_and_lock_nobody_out() {
    let service = TestService::open();
    let api = &service.api;
    let challenge = asked(api, "alice.reported", "+86 138 0013 8000");
    for number in 0..40 {
        let told = report(api, &challenge, &format!("+86 138 0013 81{number:02}"));
        assert_eq!((told.status, &told.body["code"]), (409, &json!("other_identity")));
        assert!(told.body.get("grant").is_none());
    }
    let trail = api.get("/v1/audit?limit=1000").expect("an answer").with_status(200);
    let items = trail.body["items"].as_array().expect("items").iter();
    let refused = items.filter(|item| item["event"]["cause"] == "other_identity").count();
    assert_eq!(refused, 10, "an hour has ten records");
    let told = report(api, &challenge, "+86 138 0013 8000");
    assert_eq!(
        told.body["decision"], "allow",
        "the owner is not locked out: {}",
        told.body
    );
}

/// D4: one challenge is answered once, however many report it at the same moment.
#[test]
fn one_challenge_gives_one_grant_to_reports_at_once() {
    let service = TestService::open();
    let number = "+86 138 0013 8000";
    let challenge = asked(&service.api, "alice.twice", number);
    let told: Vec<Value> = thread::scope(|scope| {
        let racing: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| report(&service.api, &challenge, number).body))
            .collect();
        let told = racing.into_iter().map(|racer| racer.join().expect("an answer"));
        told.collect()
    });
    let granted = told.iter().filter(|told| told.get("grant").is_some()).count();
    assert_eq!(granted, 1, "{told:?}");
}
