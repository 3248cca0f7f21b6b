//! Trusted browsers: a token is no second factor for others, and what is typed in one no further road for guesses.

use std::thread;

use serde_json::{Value, json};

use super::service::{Bound, TestService};
use crate::support::{http::Api, step_that_lasts};

/// A login in a browser with this token, that the caller calls risky or not.
fn login(api: &Api, bound: &Bound, token: Option<&str>, is_risky: bool) -> Value {
    let mut login = json!({
        "account": "acme", "user": bound.user, "purpose": "login", "first_factor": {"method": "password"},
    });
    if let Some(token) = token {
        login["trusted_device"] = json!(token);
    }
    if is_risky {
        login["risk"] = json!("high");
    }
    let asked = api.post("/v1/challenges", &login).expect("an answer");
    assert_eq!(asked.status, 201, "{}", asked.body);
    asked.body
}

fn answer(api: &Api, challenge: &Value, code: &str) -> Value {
    let path = format!("/v1/challenges/{}/answer", challenge["id"].as_str().expect("an id"));
    let answer = json!({"method": "totp", "code": code, "trust_device": true});
    api.post(&path, &answer).expect("an answer").body
}

fn trusted(api: &Api, bound: &Bound, step: u64) -> String {
    let told = answer(api, &login(api, bound, None, false), &bound.phone.code(step));
    told["trusted_device"].as_str().expect("a token").to_owned()
}

/// P2: tabs that open together send one token, and are given one next token; none is called a thief.
#[test]
fn a_token_that_many_present_at_once_is_one_browsers() {
    let service = TestService::open();
    let step = step_that_lasts(15);
    let bound = service.bind("alice.tabs", step - 1);
    let first = trusted(&service.api, &bound, step);
    let told: Vec<Value> = thread::scope(|scope| {
        let tabs: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| login(&service.api, &bound, Some(&first), false)))
            .collect();
        tabs.into_iter().map(|tab| tab.join().expect("an answer")).collect()
    });
    for one in &told {
        assert_eq!(one["ground"], "trusted_device", "{one}");
        assert!(one["trusted_device"].is_string());
        assert_eq!(one["trusted_device"], told[0]["trusted_device"]);
    }
}

/// A2, A1: ten wrong codes of somebody with the password lock the user, and not the browser that they trust; of those who
/// have that browser, ten more are judged.
#[test]
fn a_trusted_browser_is_judged_though_others_locked_the_user_and_its_guesses_are_bounded() {
    let service = TestService::open();
    let api = &service.api;
    let step = step_that_lasts(25);
    // Its codes of this step and of the one before are used up by now.
    let bound = service.bind("alice.botnet", step - 1);
    let token = trusted(api, &bound, step);
    for wrong in bound.phone.wrong_codes(step, 10) {
        api.verify(&bound.user, &wrong).expect("an answer");
    }
    assert!(login(api, &bound, None, false)["locked_until"].is_string());
    let asked = login(api, &bound, Some(&token), true);
    assert_eq!(
        (&asked["decision"], asked.get("locked_until")),
        (&json!("challenge"), None)
    );
    let told = answer(api, &asked, &bound.phone.code(step + 1));
    assert_eq!(told["decision"], "allow", "a code of the window: {told}");
    let token = told["trusted_device"].as_str().expect("a token");
    for wrong in bound.phone.wrong_codes(step, 10) {
        let told = answer(api, &login(api, &bound, Some(token), true), &wrong);
        assert_eq!(told["decision"], "challenge", "{told}");
    }
    let told = answer(api, &login(api, &bound, Some(token), true), &bound.phone.code(step + 1));
    assert!(
        told["locked_until"].is_string() && told.get("grant").is_none(),
        "{told}"
    );
}
