//! Names that are folded later, with the real program: refused at the start, set by the command, and everybody is who they were.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::{
    process::{Running, Served, countersign, run, serve},
    step_that_lasts,
};

fn user_names(dir: &Path, args: &[&str]) -> std::process::Command {
    let mut command = countersign();
    command.arg("user-names").args(args).arg("--data-dir").arg(dir);
    command
}

#[test]
fn a3b_names_are_folded_by_a_command_while_no_service_runs() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let config = home.path().join("config.toml");
    fs::write(&config, "[policy]\nuser_names = \"case_insensitive\"\n").expect("a file");
    let step = step_that_lasts(10);
    let service = Served::start(&dir);
    let (device, phone) = service.api().bind("Joe", step - 1);
    let shown = run(&mut user_names(&dir, &["show"]), "").with_code(0);
    assert_eq!(shown.out, "exact\n");
    let set = &["set", "case_insensitive", "--yes", "--json"];
    let refused = run(&mut user_names(&dir, set), "").with_code(1);
    assert!(refused.err.contains("error: "), "a service runs: {}", refused.err);
    service.end().with_code(0);

    let refused = run(serve(&dir).arg("--config").arg(&config), "").with_code(1);
    assert!(
        refused.err.contains("countersign user-names set case_insensitive"),
        "{}",
        refused.err
    );
    let unasked = run(&mut user_names(&dir, &["set", "case_insensitive"]), "").with_code(2);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    let done = run(&mut user_names(&dir, set), "").with_code(0).json();
    assert_eq!(
        (&done["user_names"], &done["renamed"]),
        (&json!("case_insensitive"), &json!(1))
    );

    let service = Served::greeting(Running::start(serve(&dir).arg("--config").arg(&config)), &dir);
    let told = service.api().verify("JOE", &phone.code(step)).expect("an answer");
    assert_eq!((told.outcome(), &told.body["device_id"]), ("accepted", &json!(device)));
    service.end().with_code(0);
    let verified = run(countersign().args(["audit", "verify", "--data-dir"]).arg(&dir), "");
    verified.with_code(0);
}

/// As a service that is killed, the command is one that the next start asks for.
#[test]
fn a3b_a_command_that_is_killed_goes_on_where_it_was() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let step = step_that_lasts(60);
    let service = Served::start(&dir);
    let (device, phone) = service.api().bind("Joe", step - 1);
    for number in 0..120 {
        service.api().bind(&format!("Jo-{number}"), step - 1);
    }
    service.end().with_code(0);
    let set = &["set", "case_insensitive", "--yes", "--json"];
    let mut setting = Running::start(&mut user_names(&dir, set));
    let is_under_way = || {
        let shown = run(&mut user_names(&dir, &["show", "--json"]), "");
        shown.status.success() && shown.json()["renaming"] == json!(true)
    };
    // It stands still while it is looked at: a look takes longer than many a renaming.
    setting.ask_to_end("STOP");
    while !is_under_way() {
        setting.ask_to_end("CONT");
        assert!(!setting.ended(), "it is killed while it renames");
        setting.ask_to_end("STOP");
    }
    setting.kill();
    let refused = run(&mut serve(&dir), "").with_code(1);
    assert!(refused.err.contains("countersign user-names set"), "{}", refused.err);
    let done = run(&mut user_names(&dir, set), "").with_code(0).json();
    assert_eq!(done["user_names"], "case_insensitive");
    let service = Served::start(&dir);
    let told = service.api().verify("jOE", &phone.code(step)).expect("an answer");
    assert_eq!((told.outcome(), &told.body["device_id"]), ("accepted", &json!(device)));
    service.end().with_code(0);
    run(countersign().args(["audit", "verify", "--data-dir"]).arg(&dir), "").with_code(0);
}

#[test]
fn a3b_users_who_would_have_one_name_are_listed() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let step = step_that_lasts(10);
    let service = Served::start(&dir);
    for name in ["Joe", "joe"] {
        service.api().bind(name, step - 1);
    }
    service.end().with_code(0);
    let told = run(&mut user_names(&dir, &["set", "case_insensitive", "--yes"]), "").with_code(1);
    assert_eq!(told.out, "acme: Joe and joe would both be joe\n");
    assert!(told.err.contains("nothing was changed"), "{}", told.err);
    Served::start(&dir).end().with_code(0);
}
