//! The service over TLS, as it is served beyond this machine; and plain HTTP refused there.
#![allow(clippy::disallowed_methods, reason = "a test asks its own machine")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::ServerName};

/// Ended with the test, however it ends.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _already_ended = self.0.kill();
        let _ = self.0.wait();
    }
}

fn countersign() -> Command {
    Command::new(env!("CARGO_BIN_EXE_countersign"))
}

/// One request over `stream`, the whole answer back.
fn ask(mut stream: impl std::io::Read + std::io::Write) -> String {
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    // A peer that closes without TLS' own goodbye has still said what it said.
    let _end = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_certificate_serves_tls_alone() {
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let mut child = countersign()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path().join("data"))
        .arg("--tls-cert")
        .arg(&cert)
        .arg("--tls-key")
        .arg(&key)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let _served = Served(child);
    let greeting = said.next().unwrap().unwrap();
    let address = greeting.rsplit_once("https://").expect(&greeting).1.to_owned();

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let answer = ask(StreamOwned::new(connection, TcpStream::connect(&address).unwrap()));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let plain = ask(TcpStream::connect(&address).unwrap());
    assert!(
        !plain.starts_with("HTTP/1.1 200"),
        "plain HTTP on the TLS port: {plain}"
    );
}

#[test]
fn plain_http_beyond_this_machine_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let output = countersign()
        .args(["serve", "--listen", "0.0.0.0:0", "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("--tls-cert") && said.contains("--allow-plain-http"),
        "{said}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn a_certificate_that_is_none_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let garbage = dir.path().join("garbage.pem");
    fs::write(&garbage, "not PEM").unwrap();
    let output = countersign()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path().join("data"))
        .arg("--tls-cert")
        .arg(&garbage)
        .arg("--tls-key")
        .arg(&garbage)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("garbage.pem holds no certificate"), "{said}");
}
