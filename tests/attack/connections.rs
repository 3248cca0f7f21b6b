//! Half-open, half-closed, idle and slow connections, floods from one peer and from many: another peer with a key is
//! answered meanwhile, and so is whoever watches the service.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::ServerName};
use serde_json::{Value, json};

use crate::{
    peers::{address, ask_from, configured, from, key, many_files, open, peer, try_from},
    raw::{Line, post, request},
    support::{
        http::question,
        now_step,
        process::{Running, Served, bare, countersign, run, serve},
        soak, step_that_lasts, until,
    },
};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A question about a user who is not there.
fn ask_about_nobody(key: &str) -> Vec<u8> {
    post("/v1/verify", key, &question("nobody", "123456", None))
}

#[track_caller]
fn assert_refused(body: &Value) {
    assert_eq!(*body, json!({"accepted": false, "outcome": "refused"}));
}

/// The probes of the admin listener, and a caller with a key from an address of its own, are answered soon.
#[track_caller]
fn assert_answers(service: &Served) {
    assert_refused(&ask_from(HERE, address(&service.url), &ask_about_nobody(&key(service))).json());
    let admin = address(service.admin.as_ref().expect("an admin listener"));
    for probe in ["/healthz", "/readyz"] {
        assert_eq!(ask_from(HERE, admin, &request("GET", probe, None, b"")).status, 200);
    }
}

#[test]
fn connections_without_a_key_stop_nobody() {
    many_files();
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let to = address(&service.url);
    // Who has shown a key before the flood is still there after it.
    let mut known = Line::over(from(HERE, to));
    assert!(known.send(&ask_about_nobody(&key(&service))));
    assert_refused(&known.answer().expect("an answer").json());

    for _round in 0..if soak() { 10 } else { 1 } {
        let mut flood = Vec::new();
        for number in 0..5_200 {
            if number % 400 == 0 {
                assert!(known.send(&ask_about_nobody(&key(&service))), "it is not dropped");
                assert_refused(&known.answer().expect("an answer").json());
            }
            let Some(mut stream) = try_from(peer(number), to) else {
                continue;
            };
            // Nothing; half a head; half a body; a key that is none; a request that anybody may make.
            let said = match number % 5 {
                0 => Vec::new(),
                1 => b"POST /v1/verify HTTP/1.1\r\nHost: x\r\n".to_vec(),
                2 => ask_about_nobody("nobody")[..150].to_vec(),
                3 => {
                    let nobodys = format!("cs_{number:032x}_{number:064x}");
                    request("GET", "/v1/audit/heads", Some(&nobodys), b"")
                }
                _ => request("GET", "/healthz", None, b""),
            };
            let _dropped = stream.write_all(&said);
            flood.push(stream);
        }
        assert_answers(&service);
        assert!(open(&flood) > 3_000, "as many as there is room for are held");
    }
    service.end().with_code(0);
}

#[test]
fn a_peer_has_its_share_and_a_trusted_proxy_all_there_is() {
    let home = tempfile::tempdir().expect("a directory");
    let limits = "[limits]\nconnections_per_peer = 8\ntrusted_proxies = [\"127.0.0.64/26\"]\n";
    let service = configured(home.path(), limits);
    let to = address(&service.url);
    let other: Vec<_> = (0..8).map(|_| from(peer(1), to)).collect();
    let greedy: Vec<_> = (0..40).map(|_| from(peer(0), to)).collect();
    until("it has its share", || open(&greedy) == 8);
    assert_eq!(open(&greedy[32..]), 8, "the oldest idle ones went");
    assert_eq!(open(&other), 8, "of another peer none did");
    // Its own flood does not keep the same machine's caller with a key out, nor one that has shown it.
    let mut line = Line::over(from(peer(0), to));
    assert!(line.send(&ask_about_nobody(&key(&service))));
    assert_refused(&line.answer().expect("an answer").json());
    let more: Vec<_> = (0..40).map(|_| from(peer(0), to)).collect();
    until("it has its share", || open(&more) == 7);
    assert!(line.send(&ask_about_nobody(&key(&service))));
    assert_refused(&line.answer().expect("an answer").json());

    let proxied: Vec<_> = (0..40).map(|_| from(Ipv4Addr::new(127, 0, 0, 100), to)).collect();
    assert_answers(&service);
    assert_eq!(open(&proxied), 40);
    // What a client says of who it is counts for nothing.
    let claims: Vec<_> = (0..40)
        .map(|number| {
            let mut stream = from(peer(2), to);
            let head = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.{number}\r\nForwarded: for=192.0.2.{number}\r\n");
            let _dropped = stream.write_all(head.as_bytes());
            stream
        })
        .collect();
    until("it has its share", || open(&claims) == 8);
    drop(claims);
    // Whose own are all in use is turned away, and the log says what could be done.
    let asked = ask_about_nobody(&key(&service));
    let mut used: Vec<_> = (0..8).map(|_| Line::over(from(peer(3), to))).collect();
    for line in &mut used {
        assert!(line.send(&asked));
        assert_refused(&line.answer().expect("an answer").json());
    }
    let ninth = [from(peer(3), to)];
    until("the ninth is turned away", || open(&ninth) == 0);
    service.running.hear("limits.connections_per_peer");
}

#[test]
fn trusted_proxies_are_named_by_flags_too() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let config = home.path().join("config.toml");
    std::fs::write(&config, "[limits]\nconnections_per_peer = 2\n").expect("a file");
    let mut command = serve(&dir);
    command.arg("--config").arg(config);
    command.args(["--trusted-proxy", "127.0.0.2", "--trusted-proxy", "127.0.0.64/26"]);
    // The same kind of address as a machine with IPv6 writes it.
    command.args(["--trusted-proxy", "::ffff:127.0.0.4"]);
    let service = Served::greeting(Running::start(&mut command), &dir);
    let to = address(&service.url);
    for (peer, expected) in [
        ([127, 0, 0, 2], 9),
        ([127, 0, 0, 3], 2),
        ([127, 0, 0, 4], 9),
        ([127, 0, 0, 65], 9),
    ] {
        let lines: Vec<_> = (0..9).map(|_| from(peer.into(), to)).collect();
        until("each has what it may", || open(&lines) == expected);
        assert_answers(&service);
        assert_eq!(open(&lines), expected, "{peer:?}");
    }
}

/// Slow heads, slow bodies, slow readers; drips until it is dropped.
struct Slow {
    stop: Arc<AtomicBool>,
    drips: Vec<thread::JoinHandle<()>>,
}

impl Slow {
    fn at(to: std::net::SocketAddr, key: &str, count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let drips = (0..4).map(|part| {
            let mut lines: Vec<(TcpStream, Vec<u8>)> = (part..count)
                .step_by(4)
                .filter_map(|number| Some((try_from(peer(number), to)?, said_slowly(number, key))))
                .collect();
            let stop = stop.clone();
            thread::spawn(move || {
                let mut at = 0;
                while !stop.load(Relaxed) {
                    for (stream, said) in &mut lines {
                        let next = said.get(at..=at).unwrap_or(b"x");
                        let _ended = stream.write_all(next);
                    }
                    at += 1;
                    thread::sleep(Duration::from_millis(50));
                }
            })
        });
        let drips = drips.collect();
        Self { stop, drips }
    }
}

fn said_slowly(number: usize, key: &str) -> Vec<u8> {
    let head = "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let mut said = match number % 3 {
        0 => format!("{head}X-Long: "),
        1 => format!("{head}Authorization: Bearer {key}\r\nContent-Length: 2000000\r\n\r\n{{"),
        // Asks for what is long, again and again, and reads none of it.
        _ => "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200),
    };
    // All but its end comes at once.
    said.push(' ');
    said.into_bytes()
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for drip in self.drips.drain(..) {
            let _ended = drip.join();
        }
    }
}

#[test]
fn slow_heads_bodies_and_readers_hold_up_nobody() {
    many_files();
    let home = tempfile::tempdir().expect("a directory");
    // So few places that they are all taken.
    let service = configured(home.path(), "[limits]\nconnections = 64\nconnections_per_peer = 64\n");
    let to = address(&service.url);
    let slow = Slow::at(to, "nobody", 600);
    let until = Instant::now() + Duration::from_secs(if soak() { 120 } else { 2 });
    while Instant::now() < until {
        assert_answers(&service);
    }
    drop(slow);
    service.end().with_code(0);
}

/// Made-up keys on as many connections as each of five addresses may have, again and again; ends when dropped.
struct Strangers {
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Strangers {
    fn at(to: std::net::SocketAddr, connections_per_peer: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..5 * connections_per_peer).map(|number| {
            let stop = stop.clone();
            thread::spawn(move || {
                let mut line = None;
                for asked in (0_u64..).take_while(|_| !stop.load(Relaxed)) {
                    let nobodys = format!("cs_{number:08x}{asked:04x}7000a00000000000000f_{asked:064x}");
                    let asked = request("GET", "/v1/accounts/acme/users/x", Some(&nobodys), b"");
                    let asking = line.take().or_else(|| try_from(peer(1 + number % 5), to));
                    let answered = asking.filter(|mut stream| stream.write_all(&asked).is_ok());
                    line = answered.filter(|mut stream| stream.read(&mut [0; 4_096]).is_ok_and(|count| count > 0));
                }
            })
        });
        let threads = threads.collect();
        Self { stop, threads }
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ended = thread.join();
        }
    }
}

/// Each code that was accepted, by the trail.
fn accepted_users(service: &Served) -> Vec<String> {
    let key = run(&mut service.beside(&["key", "create", "--role", "audit"]), "")
        .with_code(0)
        .out;
    let auditor = service.api().with_key(key.trim());
    let mut accepted = Vec::new();
    let mut path = String::from("/v1/audit?limit=1000");
    loop {
        let page = auditor.get(&path).expect("an answer").with_status(200).body;
        let events = page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| &item["event"]);
        let verified = events.filter(|event| event["action"] == "verify" && event["outcome"] == "accepted");
        accepted.extend(verified.map(|event| event["user"].as_str().expect("a user").to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/audit?limit=1000&cursor={cursor}"),
            None => return accepted,
        }
    }
}

/// A newcomer's request lies in its socket while the places are fought for.
#[test]
fn a_flood_of_made_up_keys_burns_no_code_unheard_and_turns_nobody_with_a_key_away() {
    let home = tempfile::tempdir().expect("a directory");
    let service = configured(home.path(), "[limits]\nconnections = 64\nconnections_per_peer = 16\n");
    let to = address(&service.url);
    let (api, key) = (service.api(), key(&service));
    let users: Vec<_> = (0..300)
        .map(|number| {
            let user = format!("user-{number}");
            let (_, phone) = api.bind(&user, now_step() - 1);
            (user, phone)
        })
        .collect();
    let flood = Strangers::at(to, 16);
    thread::sleep(Duration::from_millis(500));
    let (mut heard, mut slow) = (Vec::new(), 0);
    for round in 0..if soak() { 10 } else { 1 } {
        if round > 0 {
            // Each code is right once.
            let last = now_step();
            until("there is another code", || now_step() > last);
        }
        for (user, phone) in &users {
            let began = Instant::now();
            let asked = post("/v1/verify", &key, &question(user, &phone.code(now_step()), None));
            let Some(mut line) = try_from(HERE, to).map(Line::over) else {
                continue;
            };
            let answer = line.send(&asked).then(|| line.answer()).flatten();
            if answer.is_some_and(|answer| answer.json()["accepted"] == json!(true)) {
                heard.push(user.clone());
            }
            slow += usize::from(began.elapsed() > Duration::from_secs(2));
        }
    }
    drop(flood);
    let mut accepted = accepted_users(&service);
    accepted.sort();
    let asked = if soak() { 3_000 } else { 300 };
    println!("{} of {asked} were answered, {slow} after more than 2 s", heard.len());
    heard.sort();
    assert_eq!(accepted, heard, "whose code is used was told so");
    assert!(
        heard.len() >= asked * 99 / 100,
        "{} of {asked} were answered",
        heard.len()
    );
    assert!(slow <= asked / 100, "{slow} of {asked} waited more than 2 s");
    service.end().with_code(0);
}

#[test]
fn few_file_descriptors_are_enough_for_whoever_has_a_key() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let command = serve(&dir);
    let mut few = bare("sh");
    few.args(["-c", "ulimit -n 300; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .env("COUNTERSIGN_ADMIN_LISTEN", "127.0.0.1:0");
    let service = Served::greeting(Running::start(&mut few), &dir);
    let flood: Vec<_> = (0..600)
        .filter_map(|number| try_from(peer(number), address(&service.url)))
        .collect();
    assert_answers(&service);
    assert!(flood.len() > 100);
    assert_answers(&service);
    drop(flood);
    service.end().with_code(0);
}

#[test]
fn whoever_closes_its_half_after_a_request_is_answered() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let to = address(&service.url);
    let ask = |bytes: &[u8]| {
        let mut line = Line::over(from(HERE, to));
        assert!(line.send(bytes));
        line.stream.shutdown(Shutdown::Write).expect("it is open");
        let answer = line.answer();
        assert_eq!(line.drain(), b"", "and then the other half is closed");
        answer
    };
    let step = step_that_lasts(20);
    let (device, phone) = service.api().bind("alice", step);
    let right = post(
        "/v1/verify",
        &key(&service),
        &question("alice", &phone.code(step + 1), None),
    );
    let accepted = ask(&right)
        .expect("a right code is answered, and not only burned")
        .json();
    assert_eq!(
        (&accepted["accepted"], &accepted["device_id"]),
        (&json!(true), &json!(device))
    );
    for number in 0..20 {
        let user = format!("user-{number}");
        let asked = post("/v1/verify", &key(&service), &question(&user, "123456", None));
        assert_refused(&ask(&asked).unwrap_or_else(|| panic!("try {number} of 20")).json());
    }
    let two = [ask_about_nobody(&key(&service)), ask_about_nobody(&key(&service))].concat();
    let mut line = Line::over(from(HERE, to));
    assert!(line.send(&two));
    line.stream.shutdown(Shutdown::Write).expect("it is open");
    for _each in 0..2 {
        assert_refused(&line.answer().expect("each is answered").json());
    }
    // Half a request is none, and is told so where it says whose it is.
    let whole = ask_about_nobody(&key(&service));
    assert_eq!(ask(&whole[..whole.len() - 5]).expect("an answer").status, 400);
    assert_answers(&service);
}

#[test]
fn whoever_closes_its_half_of_tls_is_answered() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (cert, secret) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).expect("a file");
    std::fs::write(&secret, made.signing_key.serialize_pem()).expect("a file");
    Command::new("chmod").arg("600").arg(&secret).status().expect("chmod");
    let mut command = serve(&dir);
    command.arg("--tls-cert").arg(&cert).arg("--tls-key").arg(&secret);
    let service = Served::greeting(Running::start(&mut command), &dir);

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    for says_goodbye in [true, false] {
        for _try in 0..10 {
            let name = ServerName::try_from("localhost").expect("a name");
            let connection = ClientConnection::new(config.clone(), name).expect("a connection");
            let mut stream = StreamOwned::new(connection, from(HERE, address(&service.url)));
            stream.write_all(&ask_about_nobody(&key(&service))).expect("it reads");
            if says_goodbye {
                stream.conn.send_close_notify();
            }
            stream.flush().expect("it reads");
            stream.sock.shutdown(Shutdown::Write).expect("it is open");
            let mut answer = Vec::new();
            let _its_end = stream.read_to_end(&mut answer);
            let answer = String::from_utf8_lossy(&answer);
            assert!(
                answer.ends_with(r#"{"accepted":false,"outcome":"refused"}"#),
                "{answer}"
            );
        }
    }
}

#[test]
fn the_admin_listener_answers_probes_and_nothing_else() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    assert_answers(&service);
    let admin = address(service.admin.as_ref().expect("an admin listener"));
    for path in ["/v1/verify", "/v1/audit/heads", "/docs", "/openapi.json", "/"] {
        let asked = request("GET", path, Some(&key(&service)), b"");
        assert_eq!(ask_from(HERE, admin, &asked).status, 404, "{path}");
    }
    // Those who hold it hold each other up and nobody else.
    let idle: Vec<_> = (0..500).map(|number| from(peer(number), admin)).collect();
    assert_answers(&service);
    assert!(open(&idle) <= 64);
    service.end().with_code(0);
}

#[test]
fn an_admin_listener_that_was_asked_for_has_its_address_or_nothing_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let config = home.path().join("config.toml");
    std::fs::write(&config, format!("admin_listen = \"{address}\"\n")).expect("a file");
    let by_flag = ["--admin-listen", &address];
    let by_file = ["--config", config.to_str().expect("UTF-8")];
    for asked in [by_flag, by_file] {
        let mut command = serve(&dir);
        let ended = run(command.env_remove("COUNTERSIGN_ADMIN_LISTEN").args(asked), "").with_code(1);
        assert!(
            ended.err.contains(&format!("{address} cannot be listened on")),
            "{}",
            ended.err
        );
        assert!(ended.err.contains("--admin-listen"), "what to do: {}", ended.err);
        assert!(!dir.exists(), "nothing was made");
    }
    let ended = run(serve(&dir).env("COUNTERSIGN_ADMIN_LISTEN", &address), "").with_code(1);
    assert!(ended.err.contains(&address), "{}", ended.err);
}

#[test]
fn two_services_on_one_machine_share_no_admin_listener_and_both_serve() {
    let home = tempfile::tempdir().expect("a directory");
    let start = |name: &str| {
        let dir = home.path().join(name);
        let mut command = countersign();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&dir);
        Served::greeting(Running::start(&mut command), &dir)
    };
    let (first, second) = (start("first"), start("second"));
    for service in [&first, &second] {
        assert_refused(&ask_from(HERE, address(&service.url), &ask_about_nobody(&key(service))).json());
    }
    // Whoever else may have it, the second has not, and says so.
    assert_eq!(second.admin.as_ref(), Some(&second.url));
    second.running.hear("127.0.0.1:8701");
    assert!(
        second.running.err().contains("--admin-listen"),
        "{}",
        second.running.err()
    );
    second.end().with_code(0);
    first.end().with_code(0);
}

/// What is half open stays so: bytes lost, or a machine switched off.
#[test]
fn a_peer_that_is_gone_without_a_word_is_forgotten() {
    let home = tempfile::tempdir().expect("a directory");
    let service = configured(home.path(), "[limits]\nconnections = 16\nconnections_per_peer = 16\n");
    let to = address(&service.url);
    let gone: Vec<_> = (0..64)
        .map(|number| {
            let mut stream = from(peer(number), to);
            // With a key, and half a body that never comes whole.
            let asked = ask_about_nobody(&key(&service));
            let _dropped = stream.write_all(&asked[..asked.len() - 5]);
            stream
        })
        .collect();
    // Sixteen callers with a key that are being heard keep their places; until they are given up, there is none.
    let began = Instant::now();
    let admin = address(service.admin.as_ref().expect("an admin listener"));
    assert_eq!(
        ask_from(HERE, admin, &request("GET", "/healthz", None, b"")).status,
        200
    );
    if soak() {
        until("they are given up", || {
            try_from(HERE, to).is_some_and(|stream| {
                let mut line = Line::over(stream);
                line.send(&ask_about_nobody(&key(&service))) && line.answer().is_some()
            })
        });
        assert!(began.elapsed() < Duration::from_secs(40));
    }
    drop(gone);
    until("their places are free", || {
        let mut line = Line::over(from(HERE, to));
        line.send(&ask_about_nobody(&key(&service))) && line.answer().is_some()
    });
}
