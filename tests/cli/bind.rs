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

fn authenticator(home: &Path, args: &[&str]) -> Command {
    fs::write(home.join("passphrase"), "correct horse battery\n").expect("a file");
    let mut command = countersign();
    command.arg("authenticator").args(args);
    command.arg("--vault").arg(home.join("vault"));
    command.arg("--passphrase-file").arg(home.join("passphrase"));
    command
}

#[test]
fn it_is_bound_in_one_step_and_logs_in() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let key = home.path().join("data/admin.key").display().to_string();
    let bind = [
        "bind",
        "acme",
        "alice",
        "--server",
        &service.url,
        "--api-key-file",
        &key,
    ];
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

/// A service that answers the first call and hangs up on the second.
#[test]
fn where_nobody_knows_whether_it_is_bound_the_entry_stays() {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(home.path().join("key"), "cs_key").expect("a file");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let service = thread::spawn(move || {
        let offer =
            r#"{"id":"1","otpauth_uri":"otpauth://totp/C:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=C"}"#;
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
    let bind = ["bind", "acme", "alice", "--server", &url, "--api-key-file", &key];
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
