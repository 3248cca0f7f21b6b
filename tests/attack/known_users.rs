//! What the service knows of users without reading it, and the queue that all of them share: whoever asks for names that
//! nobody has, for a whole flood of them, or hangs up on it, makes nobody be taken for somebody else (D4) and keeps nobody out.

use std::{
    io::Write as _,
    net::{Shutdown, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::{Value, json};

use super::service::TestService;
use crate::support::{
    http::{Api, question},
    step_that_lasts, until,
};

/// Guesses for names of one account that nobody has.
fn flood(account: &str, call: usize) -> Value {
    let of = |number: usize| json!({"account": account, "user": format!("nobody-{call}-{number}"), "code": "000000", "first_factor": true});
    json!({"items": (0..4_096).map(of).collect::<Vec<_>>()})
}

/// Somebody tries a name for days before its owner comes.
#[test]
fn a_name_that_was_tried_before_it_was_anybodys_logs_in() {
    let mut service = TestService::open();
    let step = step_that_lasts(25);
    for _ in 0..30 {
        let refused = service.post("/v1/verify", &question("newcomer", "123456", None));
        assert_eq!(refused.outcome(), "refused");
    }
    let newcomer = service.bind("newcomer", step - 1);
    let old = service.bind("old-hand", step - 1);
    let login = |service: &TestService, code: &str| {
        let reply = service.post("/v1/verify", &question("newcomer", code, None));
        reply.outcome().to_owned()
    };
    let code = newcomer.phone.code(step);
    assert_eq!(login(&service, &code), "accepted");
    assert_eq!(login(&service, &code), "refused", "D4");
    // A command beside the service writes, and the service starts anew: what was known is forgotten, then read.
    for again in [false, true] {
        if again {
            service.reopen();
        }
        service.caller("audit");
        assert_eq!(login(&service, &code), "refused", "D4");
        let nobody = service.post("/v1/verify", &question("nobody", &code, None));
        assert_eq!(nobody.outcome(), "refused");
    }
    let late = service.post("/v1/verify", &question("old-hand", &old.phone.code(step), None));
    assert_eq!(late.outcome(), "accepted", "whom nobody asked for since the start");
}

/// Calls of 4,096 guesses again and again, from connections that hang up before the answer, and others that wait for it.
#[test]
fn a_flood_that_hangs_up_keeps_nobody_out() {
    let service = TestService::open();
    let step = step_that_lasts(25);
    let alice = service.bind("alice", step - 1);
    let bob = service.bind("bob", step - 1);
    let (is_full, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        for call in 0..6 {
            let (api, is_full, is_over) = (&service.api, &is_full, &is_over);
            scope.spawn(move || {
                let questions = flood("flooded", call);
                while !is_over.load(Ordering::Relaxed) {
                    hang_up_on(api, &questions);
                    let told = api.post("/v1/verify/batch", &questions);
                    let told = told.expect("an answer").with_status(200).body;
                    for result in told["results"].as_array().expect("results") {
                        let is_limited = result["problem"]["code"] == "rate_limited";
                        is_full.fetch_or(is_limited, Ordering::Relaxed);
                        assert!(is_limited || result["outcome"] == "refused", "{result}");
                    }
                }
            });
        }
        let beside = catch_unwind(AssertUnwindSafe(|| {
            until("the account has all of its places", || is_full.load(Ordering::Relaxed));
            let login = service.post("/v1/verify", &question("alice", &alice.phone.code(step), None));
            assert_eq!(login.outcome(), "accepted");
            for number in 0..20 {
                let user = format!("nobody-{number}");
                let other = json!({"account": "umbrella", "user": user, "code": "111111", "first_factor": true});
                assert_eq!(service.post("/v1/verify", &other).outcome(), "refused");
            }
        }));
        is_over.store(true, Ordering::Relaxed);
        beside.unwrap_or_else(|panic| resume_unwind(panic));
    });
    // Its places are free again, also those of the ones who hung up.
    until("the flooded account is answered", || {
        let one = json!({"account": "flooded", "user": "nobody-0-0", "code": "111111", "first_factor": true});
        service.post("/v1/verify", &one).status == 200
    });
    let login = service.post("/v1/verify", &question("bob", &bob.phone.code(step), None));
    assert_eq!(login.outcome(), "accepted");
}

/// Asks, and is gone before the answer.
fn hang_up_on(api: &Api, questions: &Value) {
    let (address, key, body) = (api.address(), api.key(), questions.to_string());
    let head = format!(
        "POST /v1/verify/batch HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut line = TcpStream::connect(address).expect("the server listens");
    line.write_all(head.as_bytes()).expect("a head");
    line.write_all(body.as_bytes()).expect("a body");
    line.shutdown(Shutdown::Both).expect("it hangs up");
}
