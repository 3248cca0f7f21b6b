//! Hardware tokens at the desk.

use std::fs;

use serde_json::json;

use crate::support::process::{Served, countersign, run};

#[test]
fn a_seed_file_comes_in_and_is_listed_and_found() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let key = run(&mut service.beside(&["key", "create", "--role", "inventory"]), "").with_code(0);
    let path = |name: &str| home.path().join(name).display().to_string();
    fs::write(path("key"), &key.out).expect("a file");
    let seeds = "serial,seed\nCS-000001,3132333435363738393031323334353637383930\n\
                 CS-000002,3132333435363738393031323334353637383931\n";
    fs::write(path("seeds.csv"), seeds).expect("a file");
    let token = |args: &[&str]| {
        let mut command = countersign();
        command.arg("token").args(args);
        command.args(["--server", &service.url, "--api-key-file", &path("key")]);
        command
    };

    let dry = run(
        &mut token(&["import", &path("seeds.csv"), "--batch", "2026-11", "--dry-run"]),
        "",
    )
    .with_code(0);
    assert!(
        dry.out
            .starts_with("serial,seed: 2 token(s), nothing was imported yet\n"),
        "{}",
        dry.out
    );
    assert!(dry.out.contains("note: "), "what was assumed is said: {}", dry.out);
    let done = run(&mut token(&["import", "-", "--batch", "2026-11", "--json"]), seeds)
        .with_code(0)
        .json();
    assert_eq!((&done["imported"], &done["duplicates"]), (&json!(2), &json!([])));
    let again = run(&mut token(&["import", &path("seeds.csv"), "--batch", "2026-11"]), "").with_code(1);
    assert!(
        again
            .out
            .contains("0 of 2 token(s) imported\n  CS-000001: there already"),
        "{}",
        again.out
    );

    let listed = run(&mut token(&["list", "--batch", "2026-11"]), "").with_code(0);
    assert_eq!(
        listed.out,
        "CS-000001  imported  2026-11\nCS-000002  imported  2026-11\n"
    );
    let listed = run(&mut token(&["list", "--state", "bound", "--json"]), "")
        .with_code(0)
        .json();
    assert_eq!(listed, json!([]));

    let none = run(&mut token(&["find", "--bound"]), "000000\n000001\n").with_code(1);
    assert_eq!(none.out, "no token shows this\n");
    run(&mut token(&["find", "--no-input"]), "").with_code(2);

    // The key of the first start may do other things.
    let told = run(&mut service.beside(&["key", "list"]), "").with_code(0);
    assert!(told.out.contains("inventory"));
}
