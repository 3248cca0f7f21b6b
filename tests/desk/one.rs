use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;
use simulator::{Pty, TornStorage};

use crate::support::write_private;
use crate::{
    hall::{Bench, powered},
    support::process::{Running, Served, run},
};

/// `countersign token simulate`, and the port it says.
struct Simulated {
    process: Running,
    port: String,
}

fn simulated(bench: &Bench) -> Simulated {
    let process = bench.token(&["simulate", "--storage", "token"]);
    let port = process.hear("\n").trim().to_owned();
    Simulated { process, port }
}

/// What `countersign token …` comes to with this token.
fn asked(bench: &Bench, token: &Simulated, args: &[&str], code: i32) -> (String, String) {
    let mut all = args.to_vec();
    all.extend(["--port", &token.port]);
    let ended = bench.token(&all).wait().with_code(code);
    (ended.out, ended.err)
}

#[test]
fn a_simulated_token_lives_a_life() {
    let bench = Bench::new();
    let token = simulated(&bench);
    assert_eq!(
        asked(&bench, &token, &["info"], 0).0,
        "CS-1 0.1.0, no serial number, blank\n"
    );

    // The digits are on both sides; the button is pressed.
    let mut args = vec![
        "provision",
        "--serial",
        "CS-000017",
        "--batch",
        "B1",
        "--key-file",
        "key",
    ];
    args.extend(["--label", "Cloud console", "--port", &token.port]);
    let desk = bench.token(&args);
    desk.hear("press the token's button if it shows the same");
    let mut token = token;
    token.process.type_in("\n");
    let ended = desk.wait().with_code(0);
    assert_eq!(ended.out, "B1/tokens.pskc\n");
    assert!(ended.err.contains("CS-000017  done in"), "{}", ended.err);
    let label = fs::read_to_string(bench.path("B1/labels/CS-000017.svg")).expect("a label");
    assert!(label.contains(">CS-000017</text>"));

    let (out, _) = asked(&bench, &token, &["info", "--json"], 0);
    let info: Value = serde_json::from_str(&out).expect("an object");
    assert_eq!(
        (&info["serial_number"], &info["state"]),
        (&"CS-000017".into(), &"sealed".into())
    );
    let (out, _) = asked(&bench, &token, &["status", "--json"], 0);
    let status: Value = serde_json::from_str(&out).expect("an object");
    assert_eq!(
        (&status["label"], &status["digits"]),
        (&"Cloud console".into(), &6.into())
    );
    assert!(
        status["clock_ahead_s"].as_i64().expect("a number").abs() <= 1,
        "{status}"
    );

    let seeds = ["--seeds", "B1/tokens.pskc", "--key-file", "key"];
    let with = |command: &[&'static str]| [command, &seeds[..]].concat();
    let (out, _) = asked(&bench, &token, &with(&["verify"]), 0);
    assert_eq!(out, "CS-000017: the token has the secret of the file\n");
    let (out, _) = asked(&bench, &token, &with(&["set-time"]), 0);
    assert!(out.starts_with("CS-000017: the clock was set by "), "{out}");
    // Nobody is asked where nobody could answer.
    let (_, err) = asked(&bench, &token, &with(&["wipe"]), 2);
    assert!(err.contains("say so with --yes"), "{err}");

    // It keeps all of it without power.
    drop(token);
    let token = simulated(&bench);
    asked(&bench, &token, &with(&["verify"]), 0);
    asked(&bench, &token, &with(&["wipe", "--yes"]), 0);
    assert_eq!(
        asked(&bench, &token, &["info"], 0).0,
        "CS-1 0.1.0, no serial number, wiped\n"
    );
    let (_, err) = asked(&bench, &token, &with(&["verify"]), 1);
    assert!(err.contains("the token has no secret"), "{err}");
}

#[test]
fn a_batch_is_repeated_for_nothing_and_not_begun_otherwise() {
    let bench = Bench::new();
    let token = simulated(&bench);
    let provision = |more: &[&str], code| {
        let mut args = vec![
            "provision",
            "--batch",
            "B1",
            "--key-file",
            "key",
            "--no-compare",
            "--json",
        ];
        args.extend(more);
        asked(&bench, &token, &args, code)
    };
    provision(&["--serial", "CS-1"], 0);
    let (out, _) = provision(&["--serial", "CS-1"], 0);
    let again: Value = serde_json::from_str(&out).expect("an object");
    assert_eq!((&again["tokens"], &again["now"]), (&1.into(), &0.into()));
    let (_, err) = provision(&["--serial", "CS-1", "--digits", "8"], 2);
    assert!(err.contains("the batch was begun otherwise"), "{err}");
    let (_, err) = provision(&["--serial", "CS-1", "--void", "CS-1"], 2);
    assert!(err.contains("CS-1 is done: its token is sealed"), "{err}");
}

#[test]
fn the_seeds_of_a_batch_outlive_the_file_of_another_in_their_directory() {
    let bench = Bench::new();
    let provision = [
        "provision",
        "--serial",
        "CS-1",
        "--batch",
        "B1",
        "--key-file",
        "key",
        "--no-compare",
    ];
    asked(&bench, &simulated(&bench), &provision, 0);
    // Somebody begins anew in the same directory, with the same numbers and another token.
    fs::remove_file(bench.path("B1/manifest.jsonl")).expect("a manifest");
    fs::remove_file(bench.path("token")).expect("a token");
    let token = simulated(&bench);
    let (_, err) = asked(&bench, &token, &provision, 1);
    assert!(err.contains("B1/tokens.pskc holds another secret of CS-1"), "{err}");
    fs::rename(bench.path("B1/tokens.pskc"), bench.path("before.pskc")).expect("a file");
    asked(&bench, &token, &provision, 0);
    let verify = ["verify", "--seeds", "B1/tokens.pskc", "--key-file", "key"];
    asked(&bench, &token, &verify, 0);
}

#[test]
fn a_port_that_another_program_has_is_busy() {
    let bench = Bench::new();
    let token = simulated(&bench);
    let held = link::open(&token.port).expect("it is there");
    let (_, err) = asked(&bench, &token, &["info"], 1);
    assert_eq!(
        err,
        format!(
            "error: {} is in use by another program\n help: end the program that has it, such as a terminal or another \
             desk\n",
            token.port
        )
    );
    drop(held);
    asked(&bench, &token, &["info"], 0);
}

#[test]
fn a_batch_goes_straight_into_the_inventory() {
    let bench = Bench::new();
    let token = simulated(&bench);
    let service = Served::start(&bench.path("data"));
    let key = run(&mut service.beside(&["key", "create", "--role", "inventory"]), "").with_code(0);
    write_private(bench.path("api.key"), &key.out).expect("a file");
    write_private(bench.path("other.key"), "cs_unknown").expect("a file");
    let provision = [
        "provision",
        "--serial",
        "CS-000001",
        "--batch",
        "B1",
        "--key-file",
        "key",
        "--no-compare",
        "--into",
        "2026-11",
    ];
    let at = |key| ["--server", &service.url, "--api-key-file", key];
    let early = asked(&bench, &token, &[&provision[..], &at("other.key")].concat(), 1);
    assert!(
        !bench.path("B1").exists(),
        "no token is programmed that could not be taken in: {}",
        early.1
    );
    let done = asked(&bench, &token, &[&provision[..], &at("api.key")].concat(), 0);
    assert!(done.1.contains("1 of 1 token(s) imported"), "{}", done.1);
    let again = asked(&bench, &token, &[&provision[..], &at("api.key")].concat(), 0);
    assert!(again.1.contains("in the inventory already"), "{}", again.1);
}

#[test]
fn what_the_desk_made_comes_into_the_inventory() {
    let bench = Bench::new();
    let token = simulated(&bench);
    let provision = [
        "provision",
        "--serial",
        "CS-000001",
        "--batch",
        "B1",
        "--key-file",
        "key",
    ];
    asked(&bench, &token, &[&provision[..], &["--no-compare"]].concat(), 0);
    let service = Served::start(&bench.path("data"));
    let key = run(&mut service.beside(&["key", "create", "--role", "inventory"]), "").with_code(0);
    write_private(bench.path("api.key"), &key.out).expect("a file");
    let at = ["--server", &service.url, "--api-key-file", "api.key", "--json"];
    let import = ["import", "B1/tokens.pskc", "--batch", "B1", "--key-file", "key"];
    let imported = bench.token(&[&import[..], &at].concat()).wait().with_code(0);
    let told: Value = serde_json::from_str(&imported.out).expect("an object");
    assert_eq!(told["imported"], 1, "{told}");
    let listed = bench.token(&[&["list"][..], &at].concat()).wait().with_code(0);
    assert!(listed.out.contains("CS-000001"), "{}", listed.out);
}

#[test]
fn the_desk_gives_nobody_digits_to_choose_from() {
    let bench = Bench::new();
    let mut pty = Pty::open().expect("a pseudo-terminal");
    let port = pty.path().to_string_lossy().into_owned();
    let mut args = vec!["provision", "--serial", "CS-1", "--batch", "B1", "--key-file", "key"];
    args.extend(["--port", &port]);
    let desk = bench.token(&args);
    // Whoever is in the middle ends each session whose digits do not suit him; as a plug that is pulled would.
    let mut token = powered(TornStorage::blank(&[7; 32]));
    let mut sessions = 0;
    let until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        pty.serve(&mut token, Duration::from_millis(4))
            .expect("a pseudo-terminal");
        if !token.screen().is_dark() {
            sessions += 1;
            token = powered(token.power_off());
        }
    }
    assert_eq!(sessions, 1, "and then it waits");
    assert!(desk.err().contains("the token ended the session"), "{}", desk.err());
    desk.kill();
}
