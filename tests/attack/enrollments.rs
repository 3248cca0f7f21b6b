//! Bindings begun too often, or on the ground of what is gone; and paper by the thousand.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    http::{Api, question},
    now_ms, now_step,
    process::Served,
    soak, step_that_lasts,
    tools::sqlite3,
};

fn served() -> (TempDir, Served, Api) {
    let home = tempfile::tempdir().expect("a directory");
    let served = Served::start(&home.path().join("data"));
    let api = served.api();
    (home, served, api)
}

fn started(user: &str, also: &Value) -> Value {
    let at = api::Timestamp::from_unix_ms(i64::try_from(now_ms()).expect("a time")).to_string();
    let mut body = json!({
        "kind": "virtual",
        "identity_proof": {"method": "password", "at": at, "by": "console"},
        "actor": {"id": user, "kind": "user"},
    });
    for (name, value) in also.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

fn rows(served: &Served) -> u64 {
    let count = sqlite3(&served.dir, "SELECT sum(json_array_length(events)) FROM audit");
    count.parse().expect("a number")
}

#[test]
fn enrollments_started_in_a_loop_cost_no_row_beyond_the_hours_allowance() {
    let (_home, served, api) = served();
    let flood = if soak() { 20_000 } else { 300 };
    for (user, also) in [
        ("alice", json!({})),
        ("bob", json!({"kind": "hardware", "serial_number": "CS-000042"})),
    ] {
        let path = format!("/v1/accounts/acme/users/{user}/enrollments");
        let before = rows(&served);
        let mut limited = 0;
        for _start in 0..flood {
            let reply = api.post(&path, &started(user, &also)).expect("an answer");
            if reply.status == 429 {
                limited += 1;
                let wait = reply.body["retry_after_s"].as_u64();
                assert!(
                    wait.is_some_and(|wait| (3_000..=3_600).contains(&wait)),
                    "{}",
                    reply.body
                );
            }
        }
        assert_eq!(limited, flood - 20, "{user}: twenty an hour");
        assert_eq!(rows(&served) - before, 20, "{user}: a row each");
    }
    // Nobody else waits for them.
    api.bind("carol", step_that_lasts(10));
}

#[test]
fn a_dead_device_is_not_replaced_by_a_code_that_nobody_judged() {
    let (_home, _served, api) = served();
    let step = step_that_lasts(15);
    let (device, phone) = api.bind("alice", step - 1);
    let gone = api.unbind("alice", &device, &phone.code(step)).expect("an answer");
    gone.with_status(204);
    let path = "/v1/accounts/acme/users/alice/enrollments";
    for also in [
        json!({"replaces": {"device_id": device, "code": phone.code(step + 1)}}),
        json!({"replaces": {"device_id": device, "code": "000000"}}),
        json!({"factor": {"code": phone.code(step + 1)}}),
        json!({"factor": {"code": "AAAA BBBB CCCC DDDD", "method": "recovery_code"}}),
    ] {
        let reply = api.post(path, &started("alice", &also)).expect("an answer");
        assert_eq!(
            (reply.status, reply.body["code"].as_str()),
            (404, Some("not_found")),
            "B8: {also}"
        );
    }
    let offered = api.start_binding("alice");
    assert!(offered.is_ok(), "without a code it is a first binding");
}

/// A code that was told right is burned, whatever else is wrong with the question.
#[test]
fn a_right_code_is_not_told_beside_a_label_that_no_app_takes() {
    let (_home, served, api) = served();
    let step = step_that_lasts(15);
    let (device, phone) = api.bind("alice", step - 1);
    let path = "/v1/accounts/acme/users/alice/enrollments";
    let before = rows(&served);
    let told: Vec<_> = [phone.code(step), "000000".into()]
        .iter()
        .map(|code| {
            let also = json!({"label": "a:b", "replaces": {"device_id": device, "code": code}});
            let reply = api.post(path, &started("alice", &also)).expect("an answer");
            (reply.status, reply.body["field"].clone())
        })
        .collect();
    assert_eq!(
        told,
        [(400, json!("label")), (400, json!("label"))],
        "right and wrong alike"
    );
    assert_eq!(rows(&served), before, "nothing was judged");
    let verified = api
        .post("/v1/verify", &question("alice", &phone.code(step), None))
        .expect("an answer");
    assert_eq!(verified.body["accepted"], true, "{}", verified.body);
}

/// How long a batch of these takes.
fn timed(api: &Api, items: &[Value]) -> (Duration, Vec<Value>) {
    let begun = Instant::now();
    let reply = api
        .post("/v1/verify/batch", &json!({"items": items}))
        .expect("an answer");
    let took = begun.elapsed();
    let results = reply.with_status(200).body["results"]
        .as_array()
        .expect("results")
        .clone();
    assert_eq!(results.len(), items.len());
    (took, results)
}

#[test]
fn a_batch_full_of_recovery_codes_takes_no_commit_each() {
    let (_home, served, api) = served();
    let size = 4_096;
    let items = |user: &dyn Fn(usize) -> String, paper: bool| -> Vec<Value> {
        let item = |place| {
            let mut item = question(&user(place), "000000", None);
            if paper {
                item["code"] = "AAAA BBBB CCCC DDDD".into();
                item["method"] = "recovery_code".into();
            }
            item
        };
        (0..size).map(item).collect()
    };
    let many = |place: usize| format!("user-{place}");
    let one = |_: usize| "user".to_owned();
    let (codes, _) = timed(&api, &items(&many, false));
    let before = rows(&served);
    for users in [&many as &dyn Fn(usize) -> String, &one] {
        let (papers, results) = timed(&api, &items(users, true));
        assert!(
            results.iter().all(|result| result["outcome"] == "refused"),
            "{}",
            results[0]
        );
        println!("{size} codes: {codes:?}; {size} recovery codes: {papers:?}");
        assert!(
            papers < 6 * codes + Duration::from_secs(1),
            "{papers:?} beside {codes:?}"
        );
    }
    // Of the first 4,096 users that a key names each has a record; whom it names beyond is counted, not written down.
    assert_eq!(rows(&served) - before, size as u64, "A3");

    // In their order: each is spent once, whatever stands around it.
    let step = step_that_lasts(10);
    let (enrollment, phone) = api.start_binding("alice").expect("an answer");
    let body = json!({
        "codes": [phone.code(step)], "scope": [], "recovery_codes": true, "actor": {"id": "alice", "kind": "user"},
    });
    let path = format!("/v1/accounts/acme/users/alice/enrollments/{enrollment}/confirm");
    let bound = api.post(&path, &body).expect("an answer").with_status(200);
    let paper = |code: &Value| {
        let mut item = question("alice", code.as_str().expect("a code"), None);
        item["method"] = "recovery_code".into();
        item
    };
    let shown = bound.body["recovery_codes"].as_array().expect("ten codes").clone();
    // Different ones: the same again is one guess.
    let wrong = ["AAAA", "BBBB", "CCCC", "DDDD", "EEEE", "FFFF"].map(|end| json!(format!("AAAA BBBB CCCC {end}")));
    let asked = [
        &shown[0], &shown[0], &wrong[0], &shown[1], &wrong[1], &wrong[2], &wrong[3], &wrong[4], &wrong[5], &shown[2],
    ];
    let (_, results) = timed(&api, &asked.map(paper));
    let outcomes: Vec<_> = results
        .iter()
        .map(|result| result["outcome"].as_str().expect("one"))
        .collect();
    let [yes, no, locked] = ["accepted", "refused", "locked"];
    assert_eq!(outcomes, [yes, no, no, yes, no, no, no, no, no, locked], "B6, A1");
    assert!(now_step() >= step);
}
