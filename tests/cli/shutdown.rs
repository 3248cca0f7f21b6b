//! The end of a service, and what is in the way of its beginning.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use crate::support::{
    process::{Running, Served, bare, countersign, run, serve},
    step_that_lasts, until,
};

#[test]
fn a_signal_ends_it_once_open_requests_are_answered() {
    for signal in ["TERM", "INT", "QUIT"] {
        let home = tempfile::tempdir().expect("a directory");
        let dir = home.path().join("data");
        let service = Served::start(&dir);
        let step = step_that_lasts(15);
        let api = service.api();
        let (_, phone) = api.bind("alice", step);
        let key = std::fs::read_to_string(dir.join("admin.key")).expect("the first key");
        let address = service.url.strip_prefix("http://").expect("plain").to_owned();

        let body = format!(
            r#"{{"account":"acme","user":"alice","code":"{}","first_factor":true}}"#,
            phone.code(step + 1)
        );
        let (first, second) = body.split_at(20);
        let mut open = TcpStream::connect(&address).expect("it listens");
        let head = "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue";
        write!(
            open,
            "{head}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
            key.trim(),
            body.len()
        )
        .expect("it reads");
        // By then the handler runs.
        let mut go_on = [0; 25];
        open.read_exact(&mut go_on).expect("100 Continue");
        open.write_all(first.as_bytes()).expect("it reads");
        service.running.ask_to_end(signal);
        until("nobody is let in", || TcpStream::connect(&address).is_err());
        open.write_all(second.as_bytes()).expect("it still reads");
        let mut answer = String::new();
        open.read_to_string(&mut answer).expect("an answer, and the end");
        assert!(answer.contains(r#""accepted":true"#), "{answer}");

        service.running.wait().with_code(0);
        let log = dir.join("countersign.sqlite-wal").metadata();
        assert!(log.map_or(true, |log| log.len() == 0), "everything is in the database");
        run(countersign().args(["audit", "verify", "--data-dir"]).arg(&dir), "").with_code(0);
        let again = Served::start(&dir);
        let refused = again.api().verify("alice", &phone.code(step + 1)).expect("an answer");
        assert_eq!(refused.outcome(), "refused");
    }
}

/// Other programs read their configuration again, or open their log anew, when they are told so.
#[test]
fn a_signal_that_is_not_listened_to_is_logged_and_ends_nothing() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    for signal in ["HUP", "USR1", "USR2", "ALRM", "PIPE", "WINCH", "CHLD", "URG"] {
        service.running.ask_to_end(signal);
        if !["PIPE", "WINCH", "CHLD", "URG"].contains(&signal) {
            service.running.hear(&format!("SIG{signal} is not listened to"));
        }
        let answer = service.api().verify("alice", "123456").expect("an answer");
        assert_eq!(answer.outcome(), "refused", "after SIG{signal}");
    }
    service.end().with_code(0);
}

#[test]
fn a_second_service_on_the_directory_names_the_first() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let service = Served::start(&dir);
    let ended = run(&mut serve(&dir), "").with_code(1);
    assert!(
        ended
            .err
            .contains(&format!("is in use by process {}", service.running.pid())),
        "{}",
        ended.err
    );
    assert_eq!(ended.out, "");
    assert_eq!(
        service.api().user("alice").expect("an answer").status,
        200,
        "the first goes on"
    );
    // The lock ends with its holder, however that ends.
    service.running.kill();
    Served::start(&dir).end().with_code(0);
}

#[test]
fn a_port_in_use_is_said_before_anything_is_made() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let ended = run(
        countersign()
            .args(["serve", "--listen", &address, "--data-dir"])
            .arg(&dir),
        "",
    )
    .with_code(1);
    assert!(
        ended.err.contains(&format!("{address} cannot be listened on")),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("--listen"), "what to do: {}", ended.err);
    assert!(!dir.exists());
}

#[test]
fn a_service_that_is_not_there_is_said() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let mut devices = service.user(&["devices", "acme", "alice"]);
    service.end().with_code(0);
    let ended = run(&mut devices, "").with_code(1);
    assert!(
        ended.err.contains("does not answer") && ended.err.contains("countersign serve"),
        "{}",
        ended.err
    );
}

#[test]
fn a_log_that_nobody_can_write_ends_no_service() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let service = serve(&dir);
    let mut shell = bare("sh");
    shell.args(["-c", "exec \"$0\" \"$@\" 2> /dev/full"]);
    shell.arg(service.get_program()).args(service.get_args());
    let served = Served::greeting(Running::start(&mut shell), &dir);
    assert_eq!(served.api().verify("alice", "123456").expect("an answer").status, 200);
    served.end().with_code(0);
}
