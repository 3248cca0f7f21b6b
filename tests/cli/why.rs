//! Support at a terminal: why a code was refused, what the trail says, and a device that an administrator ends.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{
    process::{Served, run},
    step_that_lasts, write_private,
};

/// A file with a key of this role.
fn key(service: &Served, home: &Path, role: &str) -> PathBuf {
    let made = run(
        &mut service.beside(&["key", "create", "--role", role, "--owner", "desk"]),
        "",
    )
    .with_code(0);
    let file = home.join(role);
    write_private(&file, made.out.trim()).expect("a file");
    file
}

/// D5: the refusal, its cause in words, what stands in the way, and what to tell the user.
#[test]
fn d5_user_why_says_why_the_last_code_was_refused() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let support = key(&service, home.path(), "support");
    let why = |more: &[&str]| {
        let args = [&["why", "acme", "alice"], more].concat();
        run(service.user(&args).arg("--api-key-file").arg(&support), "").with_code(0)
    };
    let nothing = why(&[]).out;
    assert!(
        nothing.contains("nothing was refused") && nothing.contains("no device is bound"),
        "{nothing}"
    );

    let step = step_that_lasts(15);
    let (device, phone) = service.api().bind("alice", step - 1);
    for _ in 0..2 {
        service.api().verify("alice", &phone.code(step)).expect("an answer");
    }
    let said = why(&[]).out;
    for words in [
        "verify refused: used",
        "The code was right, and had been used",
        "Tell the user: Type the next code, once the app or the token shows it",
        &device,
        "clock right",
        "recovery codes left: ",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    service
        .api()
        .verify("alice", &phone.wrong_code(step))
        .expect("an answer");
    let said = why(&["--last", "1"]).out;
    assert!(
        said.contains("verify refused: wrong") && said.contains("More may be known after"),
        "{said}"
    );
    assert!(!said.contains("refused: used"), "the last alone: {said}");
    let object = why(&["--json"]).json();
    assert_eq!(object["refusals"].as_array().map(Vec::len), Some(2));
    assert_eq!(object["refusals"][1]["event"]["cause"], "used");
    assert_eq!(object["user"]["devices"][0]["id"], device);
    assert!(object["tell"][0].is_string());
}

/// A lock is lifted, what happened is listed, and what support was asked for is said.
#[test]
fn a1_user_unlock_lifts_a_lock_and_user_why_says_what_is_open() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let support = key(&service, home.path(), "support");
    let said = |args: &[&str]| {
        let mut command = service.user(args);
        run(command.arg("--api-key-file").arg(&support), "").with_code(0).out
    };
    let step = step_that_lasts(15);
    let (device, phone) = service.api().bind("alice", step - 1);
    for wrong in phone.wrong_codes(step, 10) {
        service.api().verify("alice", &wrong).expect("an answer");
    }
    assert!(said(&["why", "acme", "alice"]).contains("locked until"), "A1");
    let lifted = said(&["unlock", "acme", "alice"]);
    assert_eq!(lifted, format!("{device}: bound, its codes are judged again\n"));
    assert_eq!(
        service
            .api()
            .verify("alice", &phone.code(step))
            .expect("an answer")
            .body["accepted"],
        true
    );

    let history = said(&["history", "acme", "alice", "--last", "3"]);
    let lines: Vec<&str> = history.lines().collect();
    assert_eq!(lines.len(), 4, "{history}");
    assert!(
        lines[1].contains("  verify ") && lines[1].contains("accepted"),
        "{history}"
    );
    assert!(history.contains("  device.unlock "), "{history}");

    let why = said(&["why", "acme", "alice"]);
    assert!(!why.contains("passcode"), "{why}");
    let mut request = service.beside(&["support", "passcode", "request", "acme", "alice"]);
    request.args(["--reason", "her phone is at home", "--actor", "anna"]);
    request.args(["--server", &service.url, "--api-key-file"]).arg(&support);
    run(&mut request, "").with_code(0);
    let why = said(&["why", "acme", "alice"]);
    assert!(
        why.contains("passcode ") && why.contains(": requested, until "),
        "{why}"
    );
}

/// A3: the newest first, by filters, as a table and as JSON.
#[test]
fn a3_audit_list_shows_the_trail_by_filters() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let step = step_that_lasts(15);
    let (device, phone) = service.api().bind("alice", step - 1);
    for _ in 0..2 {
        service.api().verify("alice", &phone.code(step)).expect("an answer");
    }
    let audit = key(&service, home.path(), "audit");
    let list = |more: &[&str]| {
        let mut command = service.beside(&[&["audit", "list"], more].concat());
        run(
            command.args(["--server", &service.url, "--api-key-file"]).arg(&audit),
            "",
        )
    };
    let table = list(&["--account", "acme", "--user", "alice"]).with_code(0).out;
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("time ") && lines[1].contains("refused     used"),
        "{table}"
    );
    assert!(lines[1].ends_with("acme/alice"), "{table}");
    let all = list(&["--device", &device, "--json", "--order", "asc"])
        .with_code(0)
        .json();
    let actions: Vec<&Value> = all
        .as_array()
        .expect("a list")
        .iter()
        .map(|record| &record["event"]["action"])
        .collect();
    assert_eq!(actions, ["enrollment.confirm", "verify", "verify"]);
    let one = list(&["--action", "verify", "--limit", "1", "--json"])
        .with_code(0)
        .json();
    assert_eq!(one.as_array().map(Vec::len), Some(1));
    assert_eq!(one[0]["event"]["outcome"], "refused");
    let none = list(&["--until", "2020-01-01T00:00:00Z", "--json"]).with_code(0).json();
    assert_eq!(none, json!([]));
    list(&["--user", "alice"]).with_code(2);
}
