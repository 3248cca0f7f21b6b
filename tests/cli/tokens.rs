//! Hardware tokens at the desk.

use std::fs;

use serde_json::json;

use crate::support::process::{Served, bare, countersign, run};
use crate::support::write_private;

#[test]
fn a_seed_file_comes_in_and_is_listed_and_found() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let key = run(&mut service.beside(&["key", "create", "--role", "inventory"]), "").with_code(0);
    let path = |name: &str| home.path().join(name).display().to_string();
    write_private(path("key"), &key.out).expect("a file");
    let seeds = "serial,seed\nCS-000001,3132333435363738393031323334353637383930\n\
                 CS-000002,3132333435363738393031323334353637383931\n";
    fs::write(path("seeds.csv"), seeds).expect("a file");
    let token = |args: &[&str]| {
        let mut command = countersign();
        command.arg("token").args(args);
        command.args(["--server", &service.url, "--api-key-file", &path("key")]);
        command
    };

    // What is wrong is called as it was typed, not as it travels.
    fs::write(path("short.csv"), "serial,seed\nCS-000003,31323334353637383930\n").expect("a file");
    fs::write(path("hello.txt"), "hello world\n").expect("a file");
    for (name, words) in [("short.csv", "--allow-short-secrets"), ("hello.txt", "hello.txt: ")] {
        let refused = run(&mut token(&["import", &path(name), "--batch", "2026-11"]), "").with_code(1);
        let said = format!("{}{}", refused.out, refused.err);
        assert!(said.contains(words) && !said.contains("file_base64"), "{name}: {said}");
    }

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

#[test]
fn what_a_seed_file_leaves_open_is_said_by_flags() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let key = run(&mut service.beside(&["key", "create", "--role", "inventory"]), "").with_code(0);
    let key_file = home.path().join("key");
    write_private(&key_file, &key.out).expect("a file");
    let token = |args: &[&str]| {
        let mut command = countersign();
        command.arg("token").args(args);
        command
            .args(["--server", &service.url, "--api-key-file"])
            .arg(&key_file);
        command
    };
    let import = |seeds: &str, flags: &[&str], code: i32| {
        let args = ["import", "-", "--batch", "2026-11"];
        run(&mut token(&[&args, flags].concat()), seeds).with_code(code)
    };
    let seeds = "T-1,3132333435363738393031323334353637383930\n\
                 T-2,3132333435363738393031323334353637383931,totp,6\n";
    for (flags, said) in [
        (["--digits", "5"], "5 is not in 6..=8"),
        (["--period", "0"], "0 is not in 1..=3600"),
        (["--hash", "md5"], "sha1, sha256, sha512"),
    ] {
        let refused = import(seeds, &flags, 2).err;
        assert!(refused.contains(said), "{refused}");
    }
    let told = ["--hash", "sha512", "--digits", "8", "--period", "60"];
    let refused = import(seeds, &told, 1).out;
    let why = "the file says 6 digits, and the import was told 8 digits: leave --digits out";
    assert!(
        refused.contains("0 of 2 token(s) imported") && refused.contains(why),
        "{refused}"
    );
    let done = import(seeds, &[&told[..], &["--skip-unusable", "--json"]].concat(), 0).json();
    assert_eq!((&done["usable"], &done["imported"]), (&json!(1), &json!(1)));
    assert_eq!(done["refusals"][0]["serial_number"], "T-2");
    let listed = run(&mut token(&["list", "--json"]), "").with_code(0);
    let listed = &listed.json()[0];
    assert_eq!(
        (&listed["serial_number"], &listed["algorithm"]),
        (&json!("T-1"), &json!("SHA512"))
    );
    assert_eq!((&listed["digits"], &listed["period_s"]), (&json!(8), &json!(60)));
}

#[test]
fn a_batch_is_opened_and_a_token_goes_its_way() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let key = run(&mut service.beside(&["key", "create", "--role", "inventory"]), "").with_code(0);
    let key_file = home.path().join("key");
    write_private(&key_file, &key.out).expect("a file");
    let token = |args: &[&str], code: i32| {
        let mut command = countersign();
        command
            .arg("token")
            .args(args)
            .args(["--server", &service.url, "--api-key-file"]);
        let ended = run(
            command.arg(&key_file),
            "serial,seed\nCS-1,3132333435363738393031323334353637383930\n",
        );
        ended.with_code(code)
    };
    token(&["import", "-", "--batch", "beta"], 0);
    assert_eq!(token(&["batch", "list"], 0).out, "beta  open to nobody\n");
    let beta = [
        "batch", "open", "beta", "--user", "acme", "alice", "--user", "acme", "bob",
    ];
    assert_eq!(token(&beta, 0).out, "beta  open to users acme/alice, acme/bob\n");
    let accounts = ["batch", "open", "beta", "--account", "acme"];
    assert_eq!(token(&accounts, 0).out, "beta  open to accounts acme\n");
    assert_eq!(
        token(&["batch", "open", "beta", "--everybody"], 0).out,
        "beta  open to everybody\n"
    );
    token(&["batch", "open", "beta"], 2);
    token(&["batch", "open", "gamma", "--nobody"], 1);

    assert_eq!(
        token(&["assign", "CS-1", "acme", "alice"], 0).out,
        "CS-1  assigned  beta  acme/alice\n"
    );
    assert_eq!(token(&["mark", "CS-1", "unassigned"], 0).out, "CS-1  imported  beta\n");
    assert_eq!(token(&["mark", "CS-1", "lost"], 0).out, "CS-1  lost  beta\n");
    let refused = token(&["assign", "CS-1", "acme", "alice"], 1);
    assert!(refused.err.contains("the token is lost"), "{}", refused.err);
    token(&["mark", "CS-1", "returned"], 0);
    token(&["mark", "CS-1", "retired"], 0);
    let ended = token(&["mark", "CS-1", "returned"], 1);
    assert!(ended.err.contains("no further life"), "{}", ended.err);
}

#[test]
fn seeds_leave_by_two_people_and_pskc2pskc_reads_them() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let path = |name: &str| home.path().join(name).display().to_string();
    for (name, role, owner) in [
        ("desk", "inventory", "Desk"),
        ("ada", "admin", "Ada"),
        ("ben", "admin", "Ben"),
    ] {
        let mut command = service.beside(&["key", "create", "--role", role, "--owner", owner]);
        write_private(path(name), run(&mut command, "").with_code(0).out).expect("a file");
    }
    write_private(path("seed.key"), "00112233445566778899aabbccddeeff\n").expect("a file");
    let seeds = "serial,seed\nCS-000001,3132333435363738393031323334353637383930\n";
    let token = |who: &str, args: &[&str]| {
        let mut command = countersign();
        command.arg("token").args(args);
        command.args(["--server", &service.url, "--api-key-file", &path(who)]);
        command
    };
    run(&mut token("desk", &["import", "-", "--batch", "2026-11"]), seeds).with_code(0);

    let (key, out) = (path("seed.key"), path("out.pskc"));
    let request = [
        "export",
        "request",
        "CS-000001",
        "--recipient",
        "Branch",
        "--key-file",
        &key,
        "--actor",
        "ada",
    ];
    let asked = run(&mut token("ada", &[&request[..], &["--json"]].concat()), "")
        .with_code(0)
        .json();
    let id = asked["id"].as_str().expect("an id").to_owned();
    let fetch = [
        "export",
        "fetch",
        &id,
        "--out",
        &out,
        "--key-file",
        &key,
        "--actor",
        "ada",
    ];
    let early = run(&mut token("ada", &fetch), "").with_code(1);
    assert!(early.err.contains("another person approves first"), "{}", early.err);
    assert!(
        !home.path().join("out.pskc").exists(),
        "nothing is left of a fetch that failed"
    );
    run(&mut token("ada", &["export", "approve", &id, "--actor", "ada"]), "").with_code(1);
    let shown = run(&mut token("ben", &["export", "show", &id]), "").with_code(0);
    assert_eq!(
        shown.out,
        format!("export {id}: 1 token(s) for Branch, requested; asked for by ada\n  CS-000001\n")
    );
    let approved = run(&mut token("ben", &["export", "approve", &id, "--actor", "ben"]), "").with_code(0);
    assert!(approved.out.contains("approved by ben"), "{}", approved.out);
    run(&mut token("ada", &fetch), "").with_code(0);
    run(&mut token("ada", &fetch), "").with_code(2);

    // A program of others reads it.
    let mut judge = bare("pskc2pskc");
    judge.args([
        "--secret",
        "00112233445566778899aabbccddeeff",
        &out,
        "-o",
        &path("plain.pskc"),
    ]);
    run(&mut judge, "").with_code(0);
    let plain = fs::read_to_string(home.path().join("plain.pskc")).expect("a file");
    let secret = data_encoding::BASE64.encode(b"12345678901234567890");
    assert!(plain.contains("CS-000001") && plain.contains(&secret), "{plain}");

    let second = run(&mut token("ada", &[&request[..], &["--json"]].concat()), "")
        .with_code(0)
        .json();
    let second = second["id"].as_str().expect("an id");
    let gone = run(&mut token("ben", &["export", "withdraw", second, "--actor", "ben"]), "").with_code(0);
    assert!(gone.out.contains("withdrawn"), "{}", gone.out);
}
