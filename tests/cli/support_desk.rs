//! What support asks at the desk.

use std::fs;

use serde_json::json;

use crate::support::process::{Served, countersign, run};
use crate::support::write_private;

#[test]
fn support_asks_why_a_code_was_refused_and_whose_clock_leaves() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let made = run(&mut service.beside(&["key", "create", "--role", "support"]), "").with_code(0);
    let key = home.path().join("key").display().to_string();
    write_private(&key, &made.out).expect("a file");
    let asked = |args: &[&str]| {
        let mut command = countersign();
        command
            .args(args)
            .args(["--server", &service.url, "--api-key-file", &key]);
        command
    };
    let told = run(
        &mut asked(&["support", "diagnose", "acme", "alice", "--json"]),
        "492 039\n",
    )
    .with_code(0)
    .json();
    assert_eq!((&told["cause"], &told["asks_left"]), (&json!("no_device"), &json!(19)));
    let told = run(&mut asked(&["support", "diagnose", "acme", "alice"]), "492 039\n").with_code(0);
    assert!(
        told.out.starts_with("no_device\nThe user has no device"),
        "{}",
        told.out
    );
    assert!(told.out.contains("该用户没有设备"), "{}", told.out);
    let refused = run(&mut asked(&["support", "diagnose", "acme", "alice", "492039"]), "").with_code(2);
    assert!(
        refused.err.contains("codes are not given on the command line"),
        "{}",
        refused.err
    );

    let told = run(&mut asked(&["token", "drift"]), "").with_code(0);
    assert_eq!(told.out, "no device is bound\n");
    let picture = home.path().join("drift.svg");
    let svg = picture.display().to_string();
    let told = run(&mut asked(&["token", "drift", "--json", "--svg", &svg]), "")
        .with_code(0)
        .json();
    assert_eq!(told, json!({"batches": [], "items": []}));
    let svg = fs::read_to_string(picture).expect("a picture");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
}
