//! Sessions: one grant begins one, nobody makes up a token, and what was signed out everywhere stays out, whatever begins and
//! checks beside it.

use std::{
    collections::BTreeSet,
    sync::{
        Barrier, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use serde_json::{Value, json};

use super::service::{Bound, TestService};
use crate::support::{
    http::{Api, Reply, actor, path},
    step_that_lasts, until,
};

/// After the password, in a browser with this token.
fn login(api: &Api, user: &str, token: Option<&str>) -> Value {
    let mut login = json!({
        "account": "acme", "user": user, "purpose": "login", "first_factor": {"method": "password"},
    });
    if let Some(token) = token {
        login["trusted_device"] = json!(token);
    }
    let told = api.post("/v1/challenges", &login).expect("an answer");
    told.with_status(201).body
}

/// What comes of a login that the phone's code of this step answers, in a browser that is trusted from then on.
fn answered(api: &Api, bound: &Bound, step: u64) -> Value {
    let challenge = login(api, &bound.user, None);
    let path = format!("/v1/challenges/{}/answer", text(&challenge["id"]));
    let answer = json!({"method": "totp", "code": bound.phone.code(step), "trust_device": true});
    api.post(&path, &answer).expect("an answer").with_status(200).body
}

fn begin(api: &Api, user: &str, grant: Option<&str>) -> Reply {
    let mut body = json!({"actor": {"id": "login", "kind": "service"}});
    if let Some(grant) = grant {
        body["grant"] = json!(grant);
    }
    api.post(&path(user, "/sessions"), &body).expect("an answer")
}

fn check(api: &Api, token: &str) -> Value {
    let told = api.post("/v1/sessions/check", &json!({"token": token}));
    told.expect("an answer").with_status(200).body
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("text: {value}")).to_owned()
}

/// P2, P6: whoever steals a login's grant has a session if they are the first, and nobody has two.
#[test]
fn a_grant_that_twenty_present_at_once_begins_one_session() {
    let service = TestService::open();
    let api = &service.api;
    let step = step_that_lasts(15);
    let bound = service.bind("alice.stolen", step - 1);
    let grant = text(&answered(api, &bound, step)["grant"]);
    let start = Barrier::new(20);
    let told: Vec<Reply> = thread::scope(|scope| {
        let present = || {
            start.wait();
            begin(api, &bound.user, Some(&grant))
        };
        let thieves: Vec<_> = (0..20).map(|_| scope.spawn(present)).collect();
        thieves
            .into_iter()
            .map(|thief| thief.join().expect("an answer"))
            .collect()
    });
    let begun: Vec<_> = told.iter().filter(|told| told.status == 201).collect();
    assert_eq!(begun.len(), 1, "{told:?}");
    // One user's turn takes five at once; the others are told to come back.
    let refused = |told: &&Reply| told.status == 403 && told.body["code"] == "grant_required" || told.status == 429;
    assert_eq!(told.iter().filter(refused).count(), 19, "{told:?}");
    let late = begin(api, &bound.user, Some(&grant)).with_status(403);
    assert_eq!(late.body["code"], "grant_required");
    let listed = api
        .get(&path(&bound.user, "/sessions"))
        .expect("an answer")
        .with_status(200);
    assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1));
}

/// P6: no byte of a token can be another one, none be absent, and none be more.
#[test]
fn a_token_that_is_altered_in_any_byte_is_unknown() {
    let service = TestService::open();
    let api = &service.api;
    let [token, other] = [(); 2].map(|()| text(&begin(api, "bob.bearer", None).with_status(201).body["token"]));
    let mut altered: Vec<String> = Vec::new();
    for (place, byte) in token.char_indices() {
        for replacement in ['A', 'B', '_', ' ', '='] {
            let mut text = token.clone();
            text.replace_range(place..=place, &replacement.to_string());
            altered.extend((replacement != byte).then_some(text));
        }
        altered.push(token[..place].to_owned());
        // The beginning of one with the end of another.
        let mixed = format!("{}{}", &token[..place], &other[place..]);
        altered.extend((mixed != token && mixed != other).then_some(mixed));
    }
    altered.extend([format!("{token}A"), format!(" {token}"), token.to_uppercase()]);
    for text in altered.iter().filter(|text| !text.is_empty()) {
        let told = check(api, text);
        assert_eq!(told, json!({"active": false, "cause": "unknown"}), "{text}");
    }
    for token in [&token, &other] {
        assert_eq!(check(api, token)["active"], true);
    }
}

/// What beginners and checkers share while somebody signs out everywhere.
#[derive(Default)]
struct Storm {
    /// Tokens of sessions, and grants that nobody has used.
    tokens: Mutex<Vec<String>>,
    grants: Mutex<Vec<String>>,
    /// The sign-out was answered.
    is_over: AtomicBool,
    is_still: AtomicBool,
}

impl Storm {
    /// Logs in over and over in a trusted browser, which takes no code, and begins a session by every second grant.
    fn begin(&self, api: &Api, user: &str, trusted: &str) {
        for number in 0.. {
            if self.is_still.load(SeqCst) {
                return;
            }
            let Some(grant) = login(api, user, Some(trusted))["grant"].as_str().map(str::to_owned) else {
                continue;
            };
            if number % 2 == 0 {
                self.grants.lock().expect("no panic").push(grant);
                continue;
            }
            let begun = begin(api, user, Some(&grant));
            assert!([201, 403, 429].contains(&begun.status), "{begun:?}");
            let token = begun.body["token"].as_str().map(str::to_owned);
            self.tokens.lock().expect("no panic").extend(token);
        }
    }

    /// Checks the sessions that there are, over and over. The number of checks after the sign-out.
    fn check(&self, api: &Api) -> usize {
        let mut after = 0;
        for number in 0_usize.. {
            if self.is_still.load(SeqCst) {
                break;
            }
            let token = {
                let tokens = self.tokens.lock().expect("no panic");
                tokens.get(number * 7 % tokens.len().max(1)).cloned()
            };
            let is_over = self.is_over.load(SeqCst);
            let Some(token) = token else { continue };
            let told = check(api, &token);
            assert!(!(is_over && told["active"] == true), "after the sign-out: {told}");
            after += usize::from(is_over);
        }
        after
    }
}

/// P6, P2: after the answer to a sign-out everywhere no check of a session of before is active, no grant of before begins one, and
/// no browser of before is trusted, though many begin and check all the while.
#[test]
fn what_is_signed_out_everywhere_stays_out_while_many_begin_and_check() {
    let service = TestService::open();
    let api = &service.api;
    let step = step_that_lasts(25);
    let bound = service.bind("alice.storm", step - 1);
    let trusted = text(&answered(api, &bound, step)["trusted_device"]);
    let storm = Storm::default();
    let checked_after = thread::scope(|scope| {
        let beginning: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| storm.begin(api, &bound.user, &trusted)))
            .collect();
        let checking: Vec<_> = (0..4).map(|_| scope.spawn(|| storm.check(api))).collect();
        until("sessions have begun", || {
            storm.tokens.lock().expect("no panic").len() >= 30
        });
        let code = bound.phone.code(step + 1);
        let body = json!({"factor": {"code": code}, "actor": actor(&bound.user)});
        until("there is a turn for the sign-out", || {
            let told = api
                .post(&path(&bound.user, "/sessions/end-all"), &body)
                .expect("an answer");
            assert!([200, 429].contains(&told.status), "{told:?}");
            told.status == 200
        });
        storm.is_over.store(true, SeqCst);
        thread::sleep(std::time::Duration::from_millis(500));
        storm.is_still.store(true, SeqCst);
        for thread in beginning {
            thread.join().expect("no promise was broken");
        }
        checking
            .into_iter()
            .map(|thread| thread.join().expect("no promise was broken"))
            .sum::<usize>()
    });
    assert!(checked_after > 0);
    // All of them: whoever was granted a login before begins nothing after, and nobody is granted one.
    for token in storm.tokens.lock().expect("no panic").iter() {
        assert_eq!(check(api, token), json!({"active": false, "cause": "ended"}));
    }
    for grant in storm.grants.lock().expect("no panic").iter().rev().take(20) {
        assert_eq!(
            begin(api, &bound.user, Some(grant)).with_status(403).body["code"],
            "grant_required"
        );
    }
    assert_eq!(login(api, &bound.user, Some(&trusted))["decision"], "challenge");
}

/// P6: sessions without end cost as much as a hundred: of more the oldest end, and are forgotten.
#[test]
fn sessions_that_are_begun_without_end_stay_a_hundred() {
    let service = TestService::open();
    let api = &service.api;
    let begin_many = || {
        let begun = (0..75).map(|_| {
            loop {
                let begun = begin(api, "bob.endless", None);
                if begun.status != 429 {
                    break text(&begun.with_status(201).body["token"]);
                }
            }
        });
        begun.collect::<Vec<_>>()
    };
    let tokens: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(begin_many)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("sessions"))
            .collect()
    });
    let told: Vec<Value> = tokens.iter().map(|token| check(api, token)).collect();
    let active: BTreeSet<String> = told
        .iter()
        .filter_map(|told| told["session_id"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(active.len(), 100);
    let ended = told
        .iter()
        .filter(|told| **told == json!({"active": false, "cause": "ended"}))
        .count();
    assert_eq!(ended, 200);
    let listed = api
        .get(&path("bob.endless", "/sessions?limit=1000"))
        .expect("an answer")
        .with_status(200);
    let listed = listed.body["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| text(&item["id"]));
    assert_eq!(listed.collect::<BTreeSet<_>>(), active);
    let ends = service.events("bob.endless", "session.end", "done");
    assert_eq!(ends.iter().filter(|event| event["cause"] == "too_many").count(), 200);
}
