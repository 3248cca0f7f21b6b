//! Races across every pair of calls that judge a code, by many threads over HTTP: a code is accepted at most once by all
//! of them together (D4).

use std::{collections::BTreeMap, sync::Barrier, thread};

use serde_json::{Value, json};

use super::service::{Bound, TestService};
use crate::support::{
    http::{Api, Reply, actor, identity_proof, path, question},
    soak, step_that_lasts,
};

/// Threads of each of the two calls; one user's turn takes five at once, the sixth is told to come back.
const RACERS: usize = 3;

/// A call that judges a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Verify,
    Batch,
    Unbind,
    Replace,
    Renew,
    Resync,
    Find,
    Confirm,
}

/// Those that judge the code of a device that is bound.
const OF_A_DEVICE: [Call; 7] = [
    Call::Verify,
    Call::Batch,
    Call::Unbind,
    Call::Replace,
    Call::Renew,
    Call::Resync,
    Call::Find,
];
/// Those that judge the code which completes a binding, or the same one just after it.
const OF_A_BINDING: [Call; 4] = [Call::Confirm, Call::Verify, Call::Batch, Call::Renew];

/// What all racers of a round have in hand.
struct Round<'a> {
    api: &'a Api,
    user: &'a str,
    device: &'a str,
    enrollment: &'a str,
    /// The code that may be accepted once.
    code: String,
    /// The one after it, for those that take two.
    next: String,
    /// Who asks whose code it is may do so ten times an hour.
    number: usize,
}

impl Round<'_> {
    fn post(&self, path: &str, body: &Value) -> Reply {
        self.api.post(path, body).expect("an answer")
    }

    /// Whether the code was accepted, as far as the caller can tell.
    fn make(&self, call: Call) -> bool {
        let (user, device, code) = (self.user, self.device, &*self.code);
        let one = || json!({"code": code, "actor": actor(user)});
        let two = [code, &self.next];
        let reply = match call {
            Call::Verify => self.post("/v1/verify", &question(user, code, None)),
            Call::Batch => {
                let items = json!({"items": [question(user, code, None), question(user, code, None)]});
                self.post("/v1/verify/batch", &items)
            }
            Call::Unbind => self.post(&path(user, &format!("/devices/{device}/unbind")), &one()),
            Call::Replace => {
                let body = json!({
                    "kind": "virtual", "identity_proof": identity_proof(), "actor": actor(user),
                    "replaces": {"device_id": device, "code": code},
                });
                self.post(&path(user, "/enrollments"), &body)
            }
            Call::Renew => self.post(&path(user, "/recovery-codes"), &one()),
            Call::Resync => {
                let body = json!({"codes": two, "actor": actor(user)});
                self.post(&path(user, &format!("/devices/{device}/resync")), &body)
            }
            Call::Find => {
                let support = json!({"id": format!("desk-{}", self.number), "kind": "support"});
                self.post("/v1/tokens/find-by-code", &json!({"codes": two, "actor": support}))
            }
            Call::Confirm => {
                let body = json!({"codes": [code], "scope": ["login_protection"], "actor": actor(user)});
                self.post(&path(user, &format!("/enrollments/{}/confirm", self.enrollment)), &body)
            }
        };
        assert!(reply.status < 500, "{call:?}: {}", reply.body);
        let body = &reply.body;
        match call {
            Call::Verify => body["accepted"] == true,
            Call::Batch => {
                let results = body["results"].as_array().map_or(&[][..], Vec::as_slice);
                let accepted = results.iter().filter(|result| result["accepted"] == true).count();
                assert!(accepted < 2, "D4: twice in one batch: {body}");
                accepted == 1
            }
            Call::Find => body["items"].as_array().is_some_and(|found| !found.is_empty()),
            Call::Unbind | Call::Renew | Call::Resync | Call::Confirm => (200..300).contains(&reply.status),
            // Beside no device any more it needs no code; the trail knows whether one was taken.
            Call::Replace => false,
        }
    }

    /// All at once, so many of each; how many were told that the code was accepted.
    fn race(&self, calls: &[Call]) -> usize {
        let start = Barrier::new(calls.len() * RACERS);
        thread::scope(|scope| {
            let racing: Vec<_> = calls
                .iter()
                .flat_map(|call| [*call; RACERS])
                .map(|call| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        self.make(call)
                    })
                })
                .collect();
            let told = racing
                .into_iter()
                .map(|racer| racer.join().expect("a racer does not panic"));
            told.filter(|accepted| *accepted).count()
        })
    }
}

/// How often a code of each user was accepted, as the trail says; the codes that made the binding are not counted.
fn acceptances(service: &TestService) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in service.records() {
        let event = &record["event"];
        let (action, outcome) = (
            event["action"].as_str().unwrap_or(""),
            event["outcome"].as_str().unwrap_or(""),
        );
        let taken = match action {
            "verify" => outcome == "accepted",
            "device.unbind" | "recovery_codes.renew" => outcome == "done" && event["cause"] == "totp",
            "device.resync" => outcome == "done",
            "enrollment.start" => outcome == "done" && event["detail"]["factor"] == "totp",
            "token.find_by_code" => outcome == "done",
            _ => false,
        };
        if taken {
            let user = match action {
                // Tokens are numbered as their users are.
                "token.find_by_code" => {
                    let serial_number = event["detail"]["serial_numbers"][0].as_str().expect("a serial number");
                    format!(
                        "user-{}",
                        serial_number
                            .trim_start_matches("CS-")
                            .parse::<u32>()
                            .expect("a number")
                    )
                }
                _ => event["user"].as_str().expect("a user").to_owned(),
            };
            found.entry(user).or_default().push(action.to_owned());
        }
    }
    found
}

/// Every pair of these, each call with itself too.
fn pairs(calls: &[Call]) -> Vec<[Call; 2]> {
    let from = |(place, &first): (usize, &Call)| {
        calls[place..]
            .iter()
            .map(move |&second| [first, second])
            .collect::<Vec<_>>()
    };
    calls.iter().enumerate().flat_map(from).collect()
}

#[test]
fn a_code_of_a_bound_device_is_accepted_once_by_all_calls_together() {
    let service = TestService::open();
    let times = if soak() { 20 } else { 1 };
    let mut races: Vec<Vec<Call>> = pairs(&OF_A_DEVICE).into_iter().map(Vec::from).collect();
    races.push(OF_A_DEVICE.to_vec());
    let races: Vec<Vec<Call>> = (0..times).flat_map(|_| races.clone()).collect();
    service.stock(u32::try_from(races.len()).expect("a few"));
    // A key asks whose token it is a hundred times an hour.
    let keys: Vec<Api> = (0..races.len().div_ceil(16))
        .map(|_| service.caller("verify,enroll,support"))
        .collect();
    for (number, calls) in races.iter().enumerate() {
        let user = format!("user-{number}");
        let step = step_that_lasts(4);
        let Bound { device, phone, .. } = service.bind_token(&user, u32::try_from(number).expect("a few"), step - 1);
        let round = Round {
            api: &keys[number / 16],
            user: &user,
            device: &device,
            enrollment: "",
            code: phone.code(step),
            next: phone.code(step + 1),
            number,
        };
        let told = round.race(calls);
        assert!(told <= 1, "D4: {calls:?}: {told} were told that it was accepted");
        // Nor is it taken afterwards, by any of them.
        for call in OF_A_DEVICE {
            assert!(!round.make(call), "D4: {calls:?}, then {call:?}");
        }
    }
    let accepted = acceptances(&service);
    for (number, calls) in races.iter().enumerate() {
        let taken = accepted.get(&format!("user-{number}")).map_or(&[][..], Vec::as_slice);
        assert_eq!(taken.len(), 1, "D4: {calls:?}: {taken:?}");
    }
}

#[test]
fn the_code_that_completes_a_binding_is_accepted_once_by_all_calls_together() {
    let service = TestService::open();
    let times = if soak() { 40 } else { 2 };
    let mut races: Vec<Vec<Call>> = pairs(&OF_A_BINDING).into_iter().map(Vec::from).collect();
    races.retain(|calls| calls.contains(&Call::Confirm));
    races.push(OF_A_BINDING.to_vec());
    let races: Vec<Vec<Call>> = (0..times).flat_map(|_| races.clone()).collect();
    for (number, calls) in races.iter().enumerate() {
        let user = format!("user-{number}");
        let step = step_that_lasts(4);
        let (enrollment, phone) = service.api.start_binding(&user).expect("an answer");
        let round = Round {
            api: &service.api,
            user: &user,
            device: "",
            enrollment: &enrollment,
            code: phone.code(step),
            next: phone.code(step + 1),
            number,
        };
        let told = round.race(calls);
        assert_eq!(told, 1, "D4: {calls:?}");
        for call in OF_A_BINDING {
            assert!(!round.make(call), "D4: {calls:?}, then {call:?}");
        }
    }
    assert_eq!(
        acceptances(&service),
        BTreeMap::new(),
        "D4: the code that completed the binding counts as used"
    );
}

#[test]
fn a_recovery_code_is_accepted_once_by_all_calls_together() {
    let service = TestService::open();
    let times = if soak() { 40 } else { 2 };
    let calls = ["verify", "unbind", "replace", "renew"];
    let pairs: Vec<[&str; 2]> = (0..calls.len())
        .flat_map(|first| (first..calls.len()).map(move |second| [calls[first], calls[second]]))
        .collect();
    for number in 0..times * pairs.len() {
        let pair = pairs[number % pairs.len()];
        let user = format!("user-{number}");
        let step = step_that_lasts(4);
        let bound = service.bind(&user, step - 1);
        let renew = json!({"code": bound.phone.code(step), "actor": actor(&user)});
        let made = service
            .post(&path(&user, "/recovery-codes"), &renew)
            .with_status(200)
            .body;
        let code = made["recovery_codes"][0].as_str().expect("a code").to_owned();
        let make = |call: &str| -> bool {
            let mut body = json!({"code": code, "method": "recovery_code", "actor": actor(&user)});
            let to = match call {
                "verify" => {
                    body = question(&user, &code, None);
                    body["method"] = "recovery_code".into();
                    "/v1/verify".into()
                }
                "unbind" => path(&user, &format!("/devices/{}/unbind", bound.device)),
                "renew" => path(&user, "/recovery-codes"),
                _ => {
                    body = json!({
                        "kind": "virtual", "identity_proof": identity_proof(), "actor": actor(&user),
                        "replaces": {"device_id": bound.device, "code": code, "method": "recovery_code"},
                    });
                    path(&user, "/enrollments")
                }
            };
            let reply = service.post(&to, &body);
            assert!(reply.status < 500, "{call}: {}", reply.body);
            // What a start beside no device took is in the trail.
            call != "replace"
                && (reply.body["accepted"] == true || [200, 204].contains(&reply.status) && call != "verify")
        };
        let start = Barrier::new(2 * RACERS);
        let told = thread::scope(|scope| {
            let racers = pair.iter().flat_map(|call| [*call; RACERS]);
            let racing: Vec<_> = racers
                .map(|call| {
                    let (start, make) = (&start, &make);
                    scope.spawn(move || {
                        start.wait();
                        make(call)
                    })
                })
                .collect();
            let told = racing
                .into_iter()
                .map(|racer| racer.join().expect("a racer does not panic"));
            told.filter(|accepted| *accepted).count()
        });
        assert!(told <= 1, "B6: {pair:?}: {told}");
        for call in calls {
            assert!(!make(call), "B6: {pair:?}, then {call}");
        }
        let events = service.records().into_iter().map(|record| record["event"].clone());
        let taken = events.filter(|event| {
            let by_it = event["cause"] == "recovery_code" || event["detail"]["factor"] == "recovery_code";
            event["user"] == user.as_str() && by_it && event["outcome"] != "refused"
        });
        assert_eq!(taken.count(), 1, "B6: {pair:?}");
    }
}
