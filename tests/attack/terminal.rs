//! What reaches a terminal: no line, no colour and no secret of somebody else's; and nothing waits for a person who is not
//! there.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::process::{Ended, Running, Served, countersign, run, serve};

/// Clears the screen, turns the writing, begins a line of its own, and is a C1 control on top.
const HOSTILE: &str = "x\u{1b}[2J\u{202e}\u{9b}31m\u{7f}\nerror: y\u{200b}";
const ESCAPED: &str = "x\\u{1b}[2J\\u{202e}\\u{9b}31m\\u{7f}\\nerror: y\\u{200b}";

/// Nothing but what can be seen, and the ends of lines.
#[track_caller]
fn assert_seen(said: &str) {
    let unseen = |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}');
    assert_eq!(said.chars().find(unseen), None, "{}", said.escape_debug());
}

#[track_caller]
fn assert_escaped(ended: &Ended) {
    let all = format!("{}{}", ended.out, ended.err);
    assert_seen(&all);
    assert!(all.contains(ESCAPED), "{all}");
}

#[test]
fn names_of_others_are_shown_escaped() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    run(
        &mut service.beside(&["key", "create", "--role", "verify", "--owner", HOSTILE]),
        "",
    )
    .with_code(0);
    let listed = run(&mut service.beside(&["key", "list"]), "").with_code(0);
    assert_escaped(&listed);
    assert_eq!(listed.out.lines().count(), 2, "a key is a line: {}", listed.out);
    let listed = run(&mut service.beside(&["key", "list", "--json"]), "").with_code(0);
    assert_seen(&listed.out);
    let owners: Vec<_> = listed
        .json()
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| key["owner"].clone())
        .collect();
    assert!(
        owners.contains(&Value::from(HOSTILE)),
        "JSON is the same as ever: {owners:?}"
    );

    // Files and directories.
    let strange = home.path().join(HOSTILE);
    let name = strange.to_str().expect("UTF-8");
    assert_escaped(&run(countersign().args(["serve", "--config", name]), "").with_code(2));
    assert_escaped(&run(countersign().args(["key", "list", "--data-dir", name]), "").with_code(1));
    assert_escaped(&run(countersign().args(["audit", "verify", "--heads", name]), "").with_code(2));
    assert_escaped(
        &run(
            countersign().args(["user", "verify", "acme", "a", "--api-key-file", name]),
            "1\n",
        )
        .with_code(1),
    );
    assert_escaped(&run(countersign().args(["token", "info", "--port", name]), "").with_code(1));
    let vault = home.path().join("vault");
    let in_vault = ["--vault", vault.to_str().expect("UTF-8"), "--no-input"];
    assert_escaped(&run(
        countersign().args(["authenticator", "import", name]).args(in_vault),
        "",
    ));
    assert_escaped(&run(countersign().args(["authenticator", "list", "--vault", name]), ""));
    assert_escaped(&run(
        &mut service.beside(&["user", "--server", name, "verify", "acme", "a"]),
        "1\n",
    ));
    // What clap says of arguments.
    assert_seen(&run(countersign().arg(name), "").with_code(2).err);
    fs::create_dir(&strange).expect("a directory");
    let served = serve(&strange.join("data"));
    let strange_place = Served::greeting(
        crate::support::process::Running::start(&mut { served }),
        &strange.join("data"),
    );
    let said = strange_place.running.out();
    assert_seen(&said);
    assert!(said.contains(ESCAPED), "{said}");
}

#[test]
fn a_parser_never_repeats_what_stands_in_a_file() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    Served::start(&dir).end().with_code(0);
    let key = fs::read_to_string(dir.join("admin.key")).expect("the first key");
    let key = key.trim();
    let file = home.path().join("file");
    let path = file.to_str().expect("UTF-8");
    let tls = ["--tls-cert", path, "--tls-key", path];
    let as_heads = ["audit", "verify", "--heads", path];
    let config = ["serve", "--config", path];
    let as_tls = [&["serve", "--listen", "127.0.0.1:0"][..], &tls].concat();
    let lines = [
        key.to_owned(),
        format!("{key} = 1"),
        format!("\"{key}\" = 1"),
        format!("\"x`, expected `{key}\" = 1"),
        format!("listen = \"{key}\""),
        format!("listen = {key}"),
        format!("[policy]\nwindow_steps = \"{key}\""),
        format!("[policy]\nwindow_steps = \"x, expected {key}\""),
        format!("[{key}]\nx = 1"),
        format!("policy = \"{key}\""),
        format!("[limits]\ntrusted_proxies = [\"{key}\"]"),
        format!("[limits]\ntrusted_proxies = \"{key}\""),
        format!("# fine\n\n  {key}"),
        format!("-----BEGIN {key}"),
        format!("-----BEGIN PRIVATE KEY-----\n{key}"),
        format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----"),
        format!("{{\"chain\": \"{key}\"}}"),
        format!("{{\"{key}\": 1}}"),
    ];
    for text in &lines {
        fs::write(&file, text).expect("a file");
        for args in [&config[..], &as_heads, &as_tls] {
            let mut command = countersign();
            let ended = run(command.args(args).env("COUNTERSIGN_DATA_DIR", &dir), "");
            assert!(
                ended.code() == 1 || ended.code() == 2,
                "{args:?} with {text}: {}{}",
                ended.out,
                ended.err
            );
            for secret in [key, &key[10..40]] {
                assert!(
                    !ended.err.contains(secret) && !ended.out.contains(secret),
                    "{args:?} with {text}: {}",
                    ended.err
                );
            }
            let says_where = ended.err.contains(path) || ended.err.contains("limits.trusted_proxies, entry 1");
            assert!(says_where, "{}", ended.err);
        }
    }
    // It still says where, and what would be right.
    fs::write(&file, "listen = \"127.0.0.1:0\"\n[policy]\nwindow = 1\n").expect("a file");
    let ended = run(countersign().args(config), "").with_code(2);
    let says = ["line 3, column 1: there is no such setting", "`window_steps`"];
    assert!(says.iter().all(|words| ended.err.contains(words)), "{}", ended.err);
    // The keyring and the database are files too.
    for name in ["keyring", "audit.heads"] {
        let before = fs::read(dir.join(name)).expect("a file");
        fs::write(dir.join(name), format!("{key}\n")).expect("a file");
        let ended = run(&mut serve(&dir), "").with_code(1);
        assert!(!ended.err.contains(&key[10..40]), "{}", ended.err);
        fs::write(dir.join(name), before).expect("a file");
    }
}

#[test]
fn under_no_input_nothing_waits_for_anybody() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let service = Served::start(&dir);
    let secret = home.path().join("seeds.key");
    fs::write(&secret, "00".repeat(32)).expect("a file");
    std::process::Command::new("chmod")
        .arg("600")
        .arg(&secret)
        .status()
        .expect("chmod");
    let batch = home.path().join("batch");
    let provision = |more: &[&str]| {
        let mut command = countersign();
        command.args([
            "token",
            "provision",
            "--serial",
            "CS-0001",
            "--port",
            "/dev/ttyNONE",
            "--no-input",
        ]);
        command
            .arg("--key-file")
            .arg(&secret)
            .arg("--batch")
            .arg(&batch)
            .args(more);
        let began = Instant::now();
        let ended = run(&mut command, "");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        ended
    };
    let nobody = provision(&[]).with_code(2);
    assert!(nobody.err.contains("--no-compare"), "{}", nobody.err);
    let no_port = provision(&["--no-compare"]).with_code(1);
    assert!(
        no_port.err.contains("/dev/ttyNONE") && no_port.err.contains("--no-input"),
        "{}",
        no_port.err
    );

    // Stdin is a terminal at which nobody sits.
    let there = |args: &[&str]| {
        let mut command = countersign();
        command
            .args(args)
            .args(["--no-input", "--server", &service.url, "--data-dir"])
            .arg(&dir);
        Running::on_a_terminal(&command).wait()
    };
    for args in [
        &["user", "verify", "acme", "alice"][..],
        &["user", "verify", "acme", "alice", "--code-file", "-"],
        &["user", "unbind", "acme", "alice", "--yes", "--device", "x"],
        &["user", "resync", "acme", "alice", "--device", "x"],
        &["token", "find"],
        &["token", "import", "-", "--batch", "x"],
    ] {
        there(args).with_code(2);
    }
}
