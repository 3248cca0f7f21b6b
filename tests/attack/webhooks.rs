//! Addresses that whoever makes a webhook may name: nothing is sent where the operator did not say so, and no receiver
//! keeps the others' notices.

use std::{fs, path::Path, sync::Arc, thread, time::Duration};

use rustls::{ServerConfig, ServerConnection, pki_types::PrivateKeyDer};
use serde_json::{Value, json};

use crate::support::{
    http::{Api, actor},
    process::{Running, Served, serve},
    receiver::Receiver,
    step_that_lasts, until,
};

const TAKEN: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn served(home: &Path, allowed: &str) -> Served {
    let config = home.join("countersign.toml");
    fs::write(&config, format!("[webhooks]\nallow_networks = [{allowed}]\n")).expect("a file");
    let dir = home.join("data");
    Served::greeting(Running::start(serve(&dir).arg("--config").arg(&config)), &dir)
}

fn make(api: &Api, url: &str) -> (u16, Value) {
    let body = json!({"url": url, "events": ["device.bound"], "actor": actor("ops-1")});
    let made = api.post("/v1/webhooks", &body).expect("an answer");
    (made.status, made.body)
}

fn id_of(made: &(u16, Value)) -> String {
    assert_eq!(made.0, 201, "{}", made.1);
    made.1["id"].as_str().expect("an id").to_owned()
}

/// Waits until the first delivery of this webhook was tried, and gives it.
fn tried(api: &Api, webhook: &str) -> Value {
    let path = format!("/v1/webhooks/{webhook}/deliveries");
    let first = || api.get(&path).expect("an answer").with_status(200).body["items"][0].clone();
    until("it was tried", || first()["attempts"].as_u64().unwrap_or(0) > 0);
    first()
}

#[test]
fn p8_nothing_is_sent_to_this_machine_where_nobody_allows_it() {
    let home = tempfile::tempdir().expect("a directory");
    let service = served(home.path(), "\"192.0.2.0/24\"");
    let api = service.api();
    let inside = Receiver::answering(TAKEN);
    let port = inside.address.port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
    ];
    let mut made = Vec::new();
    for host in hosts {
        for scheme in ["http", "https"] {
            made.push(id_of(&make(&api, &format!("{scheme}://{host}:{port}/"))));
        }
    }
    api.bind("alice", step_that_lasts(5));
    for webhook in &made {
        let tried = tried(&api, webhook);
        assert_eq!(
            (&tried["state"], &tried["last_status"]),
            (&json!("pending"), &Value::Null)
        );
    }
    assert_eq!(inside.connections(), 0, "not even a connection");
}

#[test]
fn p8_without_an_own_network_there_is_no_address_in_the_clear() {
    let home = tempfile::tempdir().expect("a directory");
    let service = served(home.path(), "");
    for url in [
        "http://127.0.0.1/",
        "http://console.example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ] {
        let (status, problem) = make(&service.api(), url);
        assert_eq!((status, &problem["field"]), (400, &json!("url")), "{url}: {problem}");
    }
}

#[test]
fn p8_a_redirect_is_not_followed_and_a_lie_costs_the_liar_alone() {
    let home = tempfile::tempdir().expect("a directory");
    let service = served(home.path(), "\"127.0.0.0/8\"");
    let api = service.api();
    let inside = Receiver::answering(TAKEN);
    let redirects = [301, 302, 303, 307, 308].map(|status| {
        let answer = format!(
            "HTTP/1.1 {status} There\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
            inside.url()
        );
        Receiver::answering(&answer)
    });
    let made: Vec<String> = redirects.iter().map(|one| id_of(&make(&api, &one.url()))).collect();
    let lying = Receiver::lying();
    id_of(&make(&api, &lying.url()));
    let silent = Receiver::silent();
    id_of(&make(&api, &silent.url()));
    let good = Receiver::answering(TAKEN);
    id_of(&make(&api, &good.url()));
    api.bind("alice", step_that_lasts(5));
    until("the good one has it", || good.delivered().len() == 1);
    for (webhook, status) in made.iter().zip([301, 302, 303, 307, 308]) {
        let tried = tried(&api, webhook);
        assert_eq!(
            (&tried["state"], &tried["last_status"]),
            (&json!("pending"), &json!(status))
        );
    }
    assert_eq!(inside.connections(), 0);
    api.bind("bob", step_that_lasts(5));
    until("the next notice is in nobody's way", || good.delivered().len() == 2);
}

#[test]
fn p8_a_certificate_that_nobody_vouches_for_is_not_believed() {
    let home = tempfile::tempdir().expect("a directory");
    let service = served(home.path(), "\"127.0.0.0/8\"");
    let api = service.api();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let config = Arc::new(config);
    let (heard, hears) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut tls = ServerConnection::new(config.clone()).expect("a connection");
            stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
            while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
            heard.send(tls.is_handshaking()).expect("the test listens");
        }
    });
    let webhook = id_of(&make(&api, &format!("https://localhost:{port}/")));
    api.bind("alice", step_that_lasts(5));
    let tried = tried(&api, &webhook);
    assert_eq!(
        (&tried["state"], &tried["last_status"]),
        (&json!("pending"), &Value::Null)
    );
    let unfinished = hears.recv_timeout(Duration::from_secs(20)).expect("somebody asked");
    assert!(unfinished, "no notice goes to whoever cannot prove its name");
}
