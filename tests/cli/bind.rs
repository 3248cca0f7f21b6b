//! `countersign authenticator bind`: an authenticator of ours becomes a device of ours.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use crate::support::process::{Served, countersign, run};
use crate::support::write_private;

fn authenticator(home: &Path, args: &[&str]) -> Command {
    write_private(home.join("passphrase"), "correct horse battery\n").expect("a file");
    let mut command = countersign();
    command.arg("authenticator").args(args);
    command.arg("--vault").arg(home.join("vault"));
    command.arg("--passphrase-file").arg(home.join("passphrase"));
    command
}

/// Alice's device at the service there.
fn bind_at<'a>(url: &'a str, key: &'a str) -> [&'a str; 7] {
    ["bind", "acme", "alice", "--server", url, "--api-key-file", key]
}

/// A service that gives these answers to the calls that come, and hangs up on those after them.
fn answering(answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for answer in answers {
            let (mut call, _) = listener.accept().expect("a call");
            // Head and body come as they like; the body of each of these calls ends with its object, and a GET has none.
            let mut request = Vec::new();
            while !(request.ends_with(b"}") || request.starts_with(b"GET") && request.ends_with(b"\r\n\r\n")) {
                let mut bytes = [0; 8_192];
                let read = call.read(&mut bytes).expect("a request");
                request.extend_from_slice(&bytes[..read]);
            }
            let (status, body) = answer.split_once('|').expect("a status");
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            call.write_all((head + body).as_bytes()).expect("an answer");
        }
    });
    url
}

/// What moves a cursor, sets a title, turns the writing.
#[track_caller]
fn is_harmless(said: &str) {
    let is_odd = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    assert!(!said.contains(is_odd), "{said:?}");
}

#[test]
fn a_service_that_means_harm_does_not_drive_the_terminal() {
    const OFFER: &str = r#"201|{"id":"019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11","expires_at":"2026-11-21T04:45:00.000Z","codes_needed":1,"otpauth_uri":"otpauth://totp/C:al%E2%80%AEice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=C"}"#;
    const BOUND: &str = r#"200|{"device":{"id":"\u001b[2Jone\u202e"},"recovery_codes":["\u001b]0;two\u0007"],"\u001b[31m":"\u009b31m"}"#;
    const PROBLEM: &str =
        r#"403|{"status":403,"code":"no","detail":"\u001b]52;c;AAAA\u0007three\u202e\nand\u009b2J four"}"#;
    const USER: &str = r#"200|{"devices":[{"id":"019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11","kind":"virtual","label":"\u001b[2Jfive\u202e","state":"bound","bound_at":"2026-11-21T04:45:00Z","drift_steps":0}],"recovery_codes_left":0,"protection":{"login_protection":"mfa","operation_protection":"none"},"newer":{"six":"\u009b31m"}}"#;
    let home = tempfile::tempdir().expect("a directory");
    write_private(home.path().join("key"), "cs_key").expect("a file");
    let key = home.path().join("key").display().to_string();
    let bind = |url: &str, more: &[&str]| {
        let args = bind_at(url, &key);
        run(&mut authenticator(home.path(), &[&args[..], more].concat()), "")
    };
    let bound = bind(&answering(&[OFFER, BOUND]), &[]).with_code(0);
    is_harmless(&(bound.out.clone() + &bound.err));
    assert!(
        bound.out.contains("device \\u{1b}[2Jone\\u{202e}\n") && bound.out.contains("  \\u{1b}]0;two\\u{7}\n"),
        "{}",
        bound.out
    );
    let bound = bind(&answering(&[OFFER, BOUND]), &["--json"]).with_code(0);
    is_harmless(&(bound.out.clone() + &bound.err));
    let refused = bind(&answering(&[PROBLEM]), &[]).with_code(1);
    is_harmless(&refused.err);
    assert!(
        refused.err.contains("three\\u{202e}\\nand\\u{9b}2J four"),
        "{}",
        refused.err
    );
    let devices = |answer: &'static [&'static str], more: &[&str]| {
        let mut devices = countersign();
        devices.args(["user", "devices", "acme", "alice", "--server", &answering(answer)]);
        devices.args(["--api-key-file", &key]).args(more);
        run(&mut devices, "")
    };
    let refused = devices(&[PROBLEM], &[]).with_code(1);
    is_harmless(&refused.err);
    assert!(
        refused.err.contains("three\\u{202e}\\nand\\u{9b}2J four"),
        "{}",
        refused.err
    );
    let listed = devices(&[USER], &[]).with_code(0).out;
    is_harmless(&listed);
    assert!(listed.contains("\\u{1b}[2Jfive\\u{202e}"), "{listed}");
    // What only a newer service knows is printed too.
    let listed = devices(&[USER], &["--json"]).with_code(0);
    is_harmless(&listed.out);
    assert_eq!(listed.json()["newer"]["six"], "\u{9b}31m", "JSON's own escapes keep it");
    let odd = devices(&["200|[\"\u{9b}31m\"]"], &[]).with_code(1);
    is_harmless(&odd.err);
    assert!(odd.err.contains("does not understand"), "{}", odd.err);
}

#[test]
fn nobody_makes_a_vault_for_a_service_that_is_not_there() {
    let home = tempfile::tempdir().expect("a directory");
    let key = home.path().join("key").display().to_string();
    let bind = |url: &str| {
        let args = bind_at(url, &key);
        let refused = run(&mut authenticator(home.path(), &args), "").with_code(1);
        assert!(!home.path().join("vault").exists(), "{}", refused.err);
        refused.err
    };
    let no_key = bind("http://127.0.0.1:9");
    assert!(no_key.contains("there is no API key"), "{no_key}");
    write_private(&key, "cs_key").expect("a file");
    let nobody = bind("http://127.0.0.1:9");
    assert!(nobody.contains("does not answer"), "{nobody}");
}

#[test]
fn it_is_bound_in_one_step_and_logs_in() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let key = home.path().join("data/admin.key").display().to_string();
    let bind = bind_at(&service.url, &key);
    let bound = run(&mut authenticator(home.path(), &bind), "").with_code(0);
    assert!(bound.out.contains("Recovery codes"), "{}", bound.out);
    assert!(bound.out.starts_with("device "), "{}", bound.out);

    let shown = run(&mut authenticator(home.path(), &["code", "alice", "--json"]), "")
        .with_code(0)
        .json();
    let code = |name: &str| shown[name].as_str().expect("a code").to_owned();
    let verify = |code: &str| run(&mut service.user(&["verify", "acme", "alice"]), code);
    assert_eq!(verify(&code("next_code")).with_code(0).out, "accepted\n");
    verify(&code("next_code")).with_code(1);

    // The service says no: nothing of it stays, and the one before does.
    let again = run(&mut authenticator(home.path(), &bind), "").with_code(1);
    assert!(again.err.contains("bound device"), "{}", again.err);
    let listed = run(&mut authenticator(home.path(), &["list", "--json"]), "")
        .with_code(0)
        .json();
    assert_eq!(listed.as_array().expect("entries").len(), 1, "{listed}");
}

#[test]
fn a_new_laptop_takes_the_place_of_the_old_one() {
    let [old, new] = [(), ()].map(|()| tempfile::tempdir().expect("a directory"));
    let service = Served::start(&old.path().join("data"));
    let key = old.path().join("data/admin.key").display().to_string();
    let bind = bind_at(&service.url, &key);
    let bound = run(&mut authenticator(old.path(), &bind), "").with_code(0);
    let device = bound.out.lines().next().and_then(|line| line.strip_prefix("device "));
    let next_code = |home: &Path| {
        let shown = run(&mut authenticator(home, &["code", "alice", "--json"]), "").with_code(0);
        shown.json()["next_code"].as_str().expect("a code").to_owned()
    };
    let code = new.path().join("code");
    fs::write(&code, next_code(old.path())).expect("a file");
    let replace = [
        "--replaces",
        device.expect("its id"),
        "--code-file",
        code.to_str().expect("UTF-8"),
    ];
    run(&mut authenticator(new.path(), &[&bind[..], &replace].concat()), "").with_code(0);
    let devices = run(&mut service.user(&["devices", "acme", "alice", "--json"]), "").with_code(0);
    assert_eq!(
        devices.json()["devices"].as_array().map(Vec::len),
        Some(1),
        "{}",
        devices.out
    );
    let verify = |code: &str| run(&mut service.user(&["verify", "acme", "alice"]), code);
    assert_eq!(verify(&next_code(new.path())).with_code(0).out, "accepted\n");
}

/// A service that answers the first call and hangs up on the second.
#[test]
fn where_nobody_knows_whether_it_is_bound_the_entry_stays() {
    let home = tempfile::tempdir().expect("a directory");
    write_private(home.path().join("key"), "cs_key").expect("a file");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let service = thread::spawn(move || {
        let offer = r#"{"id":"019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11","expires_at":"2026-11-21T04:45:00.000Z","codes_needed":1,"otpauth_uri":"otpauth://totp/C:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=C"}"#;
        let (mut begun, _) = listener.accept().expect("a call");
        let _request = begun.read(&mut [0; 8_192]);
        let head = format!(
            "HTTP/1.1 201 Created\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            offer.len()
        );
        begun.write_all((head + offer).as_bytes()).expect("an answer");
        drop(begun);
        let (mut confirming, _) = listener.accept().expect("another call");
        let _request = confirming.read(&mut [0; 8_192]);
    });
    let key = home.path().join("key").display().to_string();
    let bind = bind_at(&url, &key);
    let unclear = run(&mut authenticator(home.path(), &bind), "").with_code(1);
    assert!(
        unclear.err.contains("is not known, so its entry stays"),
        "{}",
        unclear.err
    );
    service.join().expect("both calls came");
    let listed = run(&mut authenticator(home.path(), &["list", "--json"]), "")
        .with_code(0)
        .json();
    assert_eq!(listed.as_array().expect("entries").len(), 1, "{listed}");
}
