//! Challenges are no further road for guesses, and no way to have one right code count twice.

use std::thread;

use serde_json::{Value, json};

use super::service::{Bound, TestService};
use crate::support::{
    http::{Api, Reply, path},
    step_that_lasts,
};

fn challenge(api: &Api, bound: &Bound) -> String {
    let user = api.user(&bound.user).expect("an answer");
    assert_eq!(user.status, 200);
    let login = json!({
        "account": "acme", "user": bound.user, "purpose": "login", "first_factor": {"method": "password"},
    });
    let asked = api.post("/v1/challenges", &login).expect("an answer");
    assert_eq!(
        (asked.status, &asked.body["decision"]),
        (201, &json!("challenge")),
        "{}",
        asked.body
    );
    asked.body["id"].as_str().expect("an id").to_owned()
}

fn answer(api: &Api, challenge: &str, code: &str) -> Reply {
    let answer = json!({"method": "totp", "code": code});
    let path = format!("/v1/challenges/{challenge}/answer");
    api.post(&path, &answer).expect("an answer")
}

/// A1, A2: ten wrong codes lock, however many challenges and roads they are spread over.
#[test]
fn guesses_are_counted_over_challenges_and_verify_together() {
    let service = TestService::open();
    let step = step_that_lasts(15);
    let bound = service.bind("alice.guessed", step - 1);
    let right = bound.phone.code(step);
    for (place, wrong) in bound.phone.wrong_codes(step, 10).iter().enumerate() {
        let told = if place % 2 == 0 {
            answer(&service.api, &challenge(&service.api, &bound), wrong)
        } else {
            service.api.verify(&bound.user, wrong).expect("an answer")
        };
        assert!(told.status == 200 && told.body.get("grant").is_none(), "{}", told.body);
    }
    let locked = answer(&service.api, &challenge(&service.api, &bound), &right);
    assert!(
        locked.body["locked_until"].is_string(),
        "a right code, too: {}",
        locked.body
    );
    assert!(locked.body.get("grant").is_none());
    let user = service.api.get(&path(&bound.user, "")).expect("an answer");
    assert!(user.body["locked_until"].is_string(), "{}", user.body);
}

/// A2: whoever has no password asks for checks of identity, and locks nobody's login by wrong answers.
#[test]
fn whoever_forgot_somebody_s_password_locks_no_login() {
    let service = TestService::open();
    let step = step_that_lasts(15);
    let bound = service.bind("alice.forgot", step - 1);
    let identity = json!({
        "account": "acme", "user": bound.user, "purpose": "identity", "operation": "console/set-a-new-password",
    });
    let ask = || service.api.post("/v1/challenges", &identity).expect("an answer").body;
    let id = |asked: &Value| asked["id"].as_str().expect("an id").to_owned();
    let wrong = bound.phone.wrong_codes(step, 30);
    let api = &service.api;
    let refused: usize = thread::scope(|scope| {
        let guess = |codes| {
            let challenge = id(&ask());
            let is_judged = |told: &Reply| told.status == 200 && told.body.get("locked_until").is_none();
            let told = move |code: &String| answer(api, &challenge, code);
            scope.spawn(move || <[String]>::iter(codes).map(told).filter(is_judged).count())
        };
        let guessers: Vec<_> = wrong.chunks(10).map(guess).collect();
        guessers
            .into_iter()
            .map(|guesser| guesser.join().expect("answers"))
            .sum()
    });
    assert!((9..=12).contains(&refused), "A1: {refused} were judged");
    let right = bound.phone.code(step);
    let told = answer(&service.api, &id(&ask()), &right);
    assert!(
        told.status == 429 || told.body["locked_until"].is_string(),
        "their own road: {}",
        told.body
    );
    let told = answer(&service.api, &challenge(&service.api, &bound), &right);
    assert_eq!(told.body["decision"], "allow", "A2: the owner logs in: {}", told.body);
}

/// D4: one right code gives one grant, by all challenges and `verify` together, at once.
#[test]
fn one_right_code_gives_one_grant() {
    let service = TestService::open();
    let step = step_that_lasts(15);
    let bound = service.bind("alice.raced", step - 1);
    let right = bound.phone.code(step);
    let challenges: Vec<String> = (0..4).map(|_| challenge(&service.api, &bound)).collect();
    let told: Vec<Value> = thread::scope(|scope| {
        let racing: Vec<_> = challenges
            .iter()
            .map(|id| scope.spawn(|| answer(&service.api, id, &right).body))
            .collect();
        let verified = service.api.verify(&bound.user, &right).expect("an answer").body;
        let answers = racing.into_iter().map(|racer| racer.join().expect("an answer"));
        answers.chain([verified]).collect()
    });
    let accepted = |told: &&Value| told["decision"] == "allow" || told["accepted"] == true;
    assert_eq!(told.iter().filter(accepted).count(), 1, "{told:?}");
    let granted = told.iter().filter(|told| told.get("grant").is_some()).count();
    assert!(granted <= 1, "{told:?}");
}
