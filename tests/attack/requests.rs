//! Requests that are none, and requests that are too much: refused in words, and never at the cost of others.

use std::{
    fs,
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    peers::{address, ask_from, from, key},
    raw::{Answer, Line, post},
    support::{
        http::{Api, question},
        process::{Served, run},
        soak, step_that_lasts, until,
    },
};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn served() -> (tempfile::TempDir, Served) {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    (home, service)
}

fn ask(service: &Served, request: &str) -> Answer {
    ask_from(HERE, address(&service.url), request.as_bytes())
}

#[track_caller]
fn assert_invalid(answer: &Answer, what: &str) {
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (400, &json!("invalid_request")),
        "{what}: {answer:?}"
    );
}

/// A question about alice, with these lines in its head beside what belongs there.
fn verify(key: &str, code: &str, target: &str, lines: &str) -> String {
    let body = question("alice", code, None).to_string();
    format!(
        "POST {target} HTTP/1.1\r\n{lines}Authorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// RFC 9112, 3.2; RFC 3986, 2.1; RFC 9110, 15.5.16: what two readers could take for two things is nothing, and no code
/// is judged for it.
#[test]
fn a_request_that_could_be_two_is_refused_and_burns_no_code() {
    let (_home, service) = served();
    let step = step_that_lasts(20);
    let (device, phone) = service.api().bind("alice", step);
    let (key, code) = (key(&service), phone.code(step + 1));
    for (target, lines) in [
        ("/v1/verify", ""),
        ("/v1/verify", "Host: a\r\nHost: a\r\n"),
        ("/v1/verify", "Host: a\r\nhost: b\r\n"),
        ("/v1/verify", "Host: a b\r\n"),
        ("/v1/verify", "Host: me@a\r\n"),
        ("/v1/verify", "Host: a/v1\r\n"),
        ("/v1/verify?x=%zz", "Host: a\r\n"),
        ("/v1/verify?%", "Host: a\r\n"),
        ("/v1/verify%z", "Host: a\r\n"),
        ("/v1/verify#x", "Host: a\r\n"),
        ("http://b/v1/verify", "Host: a\r\n"),
        ("http://me@a/v1/verify", "Host: a\r\n"),
        ("/v1/verify", "Host: a\r\nAuthorization: Bearer nobody\r\n"),
        ("/v1/verify", "Host: a\r\nContent-Type: application/json\r\n"),
        ("/v1/verify", "Host: a\nX-Other: b\r\n"),
    ] {
        assert_invalid(&ask(&service, &verify(&key, &code, target, lines)), lines);
    }
    for path in [
        "/v1/accounts/acme/users/%zz",
        "/v1/accounts/a%2/users/alice",
        "/v1/accounts/%/users/alice",
    ] {
        let asked = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n");
        assert_invalid(&ask(&service, &asked), path);
    }
    // What is not decoded is refused, and the answer says what would be taken.
    for coding in ["gzip", "deflate", "br", "identity, gzip", "x-unknown", ""] {
        let lines = format!("Host: a\r\nContent-Encoding: {coding}\r\n");
        let answer = ask(&service, &verify(&key, &code, "/v1/verify", &lines));
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (415, &json!("unsupported_media_type")),
            "{coding}"
        );
        assert!(
            answer.head.to_ascii_lowercase().contains("accept-encoding: identity"),
            "{}",
            answer.head
        );
    }
    for coding in ["gzip, chunked", "gzip", "identity", "chunked, chunked"] {
        let asked = format!(
            "POST /v1/verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: {coding}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
        );
        let answer = ask(&service, &asked);
        assert_eq!(answer.status, 400, "{coding}: {answer:?}");
    }
    // All that came before judged nothing: the code is still good. Who says what is usual is understood.
    let lines = "Host: [::1]:8700\r\nContent-Encoding: identity\r\n";
    let answer = ask(&service, &verify(&key, &code, "/v1/verify?", lines));
    assert_eq!(
        (&answer.json()["accepted"], &answer.json()["device_id"]),
        (&json!(true), &json!(device))
    );
    let old = format!("GET /healthz HTTP/1.0\r\nAuthorization: Bearer {key}\r\n\r\n");
    assert!(
        ask_old(&service, &old).starts_with("HTTP/1.0 200"),
        "HTTP/1.0 knows no Host"
    );
}

/// RFC 9112, 6.1 and 6.3: where a body ends is said once. The HTTP library takes such a request, and takes out what it
/// did not follow.
#[test]
fn a_body_that_could_end_in_two_places_is_refused_and_burns_no_code() {
    let (_home, service) = served();
    let step = step_that_lasts(20);
    let (device, phone) = service.api().bind("alice", step);
    let key = key(&service);
    let head = |lines: &str| {
        format!(
            "POST http://a/v1/verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\n{lines}\r\n"
        )
    };
    let body = question("alice", &phone.code(step + 1), None).to_string();
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let length = format!("Content-Length: {}\r\n", body.len());
    let chunked = "Transfer-Encoding: chunked\r\n";
    let ambiguous = [
        head(&format!("{length}{chunked}")) + &chunks,
        head(&format!("{chunked}{length}")) + &chunks,
        head(&format!("{chunked}Content-Length: 4\r\n")) + &chunks,
        head(&format!("{length}{length}")) + &body,
        (head(&length) + &body).replace("\r\n", "\n"),
        head(&length).replace("\r\n\r\n", "\r\n\n") + &body,
    ];
    for request in &ambiguous {
        assert_invalid(&ask(&service, request), request);
        // Behind another one it is no better, and what stands behind it is nothing.
        let nobodys = question("nobody", "123456", None).to_string();
        let good = head(&format!("Content-Length: {}\r\n", nobodys.len())) + &nobodys;
        let mut line = Line::over(from(HERE, address(&service.url)));
        assert!(line.send(format!("{good}{request}{good}").as_bytes()));
        assert_eq!(line.answer().expect("an answer").status, 200);
        assert_invalid(&line.answer().expect("an answer"), request);
        assert_eq!(line.drain(), b"");
    }
    // All that came before judged nothing. What comes in pieces is whole at its end, and what stands behind it is read.
    let mut line = Line::over(from(HERE, address(&service.url)));
    for piece in format!("{}{chunks}", head(chunked)).as_bytes().chunks(40) {
        assert!(line.send(piece));
        thread::sleep(Duration::from_millis(5));
    }
    let answer = line.answer().expect("an answer");
    assert_eq!(
        (&answer.json()["accepted"], &answer.json()["device_id"]),
        (&json!(true), &json!(device))
    );
    assert!(line.send((head(chunked) + &chunks).as_bytes()));
    assert_eq!(
        line.answer().expect("an answer").json()["accepted"],
        json!(false),
        "each is right once"
    );
}

/// The whole answer to whoever asks in HTTP/1.0.
fn ask_old(service: &Served, request: &str) -> String {
    let mut line = Line::over(from(HERE, address(&service.url)));
    assert!(line.send(request.as_bytes()));
    String::from_utf8_lossy(&line.drain()).into_owned()
}

/// A line of what the kernel knows of a process, in KiB.
fn memory_kib(service: &Served, line: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", service.running.pid())).expect("it runs");
    let found = status.lines().find_map(|found| found.strip_prefix(line));
    let number = found.and_then(|found| found.split_ascii_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no {line} in {status}"))
}

/// A seed file of so many bytes that makes work: tables and XML, of many short tokens and of fewer long ones.
fn long_file(kind: usize, bytes: usize) -> Vec<u8> {
    let long = "x".repeat(2_200);
    let row = |number: usize| match kind % 4 {
        0 => format!("CS-{number:06},{number:040x}\n"),
        1 => format!("CS-{number:06},{number:040x} # {long}\n"),
        2 => format!("<KeyPackage><DeviceInfo><SerialNo>CS-{number:06}</SerialNo></DeviceInfo></KeyPackage>\n"),
        _ => format!("<KeyPackage><DeviceInfo><SerialNo>{long}</SerialNo></DeviceInfo></KeyPackage>\n"),
    };
    let mut file = String::new();
    if kind % 4 >= 2 {
        file += "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\" Version=\"1.0\">";
    }
    for number in 0.. {
        if file.len() >= bytes {
            break;
        }
        file += &row(number);
    }
    if kind % 4 >= 2 {
        file += "</KeyContainer>";
    }
    file.into_bytes()
}

#[test]
fn long_imports_at_once_are_bounded_and_their_memory_given_back() {
    const MIB: usize = 1 << 10;
    let (_home, service) = served();
    let key = run(
        &mut service.beside(&["key", "create", "--role", "inventory,verify"]),
        "",
    )
    .with_code(0)
    .out;
    let api = Api::new(&service.url, key.trim());
    let import = |file: &[u8]| {
        let file = data_encoding::BASE64.encode(file);
        let body = json!({"batch": "x", "file_base64": file, "actor": {"id": "desk", "kind": "admin"}});
        api.post("/v1/tokens/import?dry_run=true", &body).expect("an answer")
    };
    // Code and caches are warm before anything counts.
    for kind in 0..4 {
        import(&long_file(kind, 10_000));
    }
    let before = memory_kib(&service, "VmRSS:");
    for round in 0..if soak() { 10 } else { 2 } {
        thread::scope(|scope| {
            for number in 0..8 {
                let import = &import;
                scope.spawn(move || {
                    let answer = import(&long_file(number + round, 23_000_000));
                    assert!(matches!(answer.status, 200 | 400 | 429), "{}", answer.body);
                });
            }
            // Meanwhile others are served.
            let began = Instant::now();
            let asked = post("/v1/verify", key.trim(), &question("nobody", "123456", None));
            let answer = ask_from(HERE, address(&service.url), &asked);
            assert_eq!(answer.status, 200);
            assert!(began.elapsed() < Duration::from_secs(5));
        });
    }
    let peak = memory_kib(&service, "VmHWM:");
    let mut after = 0;
    until("memory is given back", || {
        after = memory_kib(&service, "VmRSS:");
        after < before + 32 * MIB
    });
    println!("{before} KiB before, {peak} KiB at most, {after} KiB after");
    assert!(peak < before + 220 * MIB, "{before} KiB before, {peak} KiB at most");
    service.end().with_code(0);
}
