//! The services of `examples/`, which use the public API and the JWK set alone: whom they let in, and which grants they refuse.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use service::{Caller, NewKey, Role};

use crate::{
    faketime,
    judges::DEBIANS_PYTHON,
    protection::RESTART,
    world::{Bound, MINUTE_MS, User, World, text},
};

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Both clocks of a program show this time from now on.
fn set_clock(clock: &Path, now_ms: i64) {
    let real = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let ahead_s = now_ms / 1_000 - i64::try_from(real).expect("a time");
    let unfinished = clock.with_extension("new");
    fs::write(&unfinished, format!("{ahead_s:+}\n")).expect("a file");
    fs::rename(unfinished, clock).expect("ours");
}

/// One of the services, ended with the test.
struct Example {
    program: Child,
    /// The distance of its clock from this machine's.
    clock: PathBuf,
    url: String,
    agent: ureq::Agent,
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ended = self.program.kill();
        let _reaped = self.program.wait();
    }
}

impl Example {
    fn login_service(world: &World) -> Self {
        let mut program = Command::new(DEBIANS_PYTHON);
        program.arg(source("login_service.py"));
        Self::start(world, program, world.address())
    }

    fn operation_service(world: &World) -> Self {
        Self::operation_service_of(world, world.address())
    }

    fn operation_service_of(world: &World, server: SocketAddr) -> Self {
        let own = env::current_exe().expect("this program has a path");
        let built = own.ancestors().nth(2).expect("a target directory");
        let built = built.join("examples/operation_service");
        let age = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
        assert!(
            age(&built) >= age(&source("operation_service.rs")),
            "build it: cargo build --example operation_service"
        );
        Self::start(world, Command::new(built), server)
    }

    fn start(world: &World, mut program: Command, server: SocketAddr) -> Self {
        let key = world.home().join("example.key");
        fs::write(&key, world.key(Role::Verify)).expect("a file");
        // Free a moment ago; nobody else takes ports at random here.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a port")
            .port();
        let clock = world.home().join(format!("example-{port}.clock"));
        set_clock(&clock, world.now_ms());
        program
            .env("LD_PRELOAD", faketime::library())
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            .env("FAKETIME_NO_CACHE", "1")
            .arg(format!("http://{server}"))
            .arg(key)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let service = Self {
            program: program.spawn().expect("it starts"),
            clock,
            url: format!("http://127.0.0.1:{port}"),
            agent: config.into(),
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "it listens");
            thread::sleep(Duration::from_millis(20));
        }
        service
    }

    /// It is this long after the world's time.
    fn is_later(&self, world: &World, ms: i64) {
        set_clock(&self.clock, world.now_ms() + ms);
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request.header("Content-Type", "application/json");
        let mut response = request.send(body.to_string()).expect("an answer");
        let text = response.body_mut().read_to_string().expect("text");
        (response.status().as_u16(), serde_json::from_str(&text).expect("JSON"))
    }

    fn operate(&self, name: &str, session: &str, resource: &str, grant: Option<&str>) -> (u16, Value) {
        let body = json!({"session": session, "resource": resource, "grant": grant});
        self.post(&format!("/operations/{name}"), &body)
    }
}

/// The example is a login service that uses the public API and the JWK set alone.
#[test]
fn p2_the_example_login_service_lets_in_whoever_answers() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let service = Example::login_service(&world);
    let password = json!({"user": "alice", "password": "correct horse"});
    let (status, told) = service.post("/login", &password);
    assert_eq!(status, 200, "nothing protects her yet: {told}");
    let bound = alice.bind();
    assert_eq!(
        service.post("/login", &json!({"user": "alice", "password": "guess"})).0,
        403
    );
    let (status, told) = service.post("/login", &password);
    assert_eq!((status, &told["methods"][0]["method"]), (401, &json!("totp")), "{told}");
    let answer = |code: &str| json!({"user": "alice", "challenge": told["challenge"], "method": "totp", "code": code});
    let wrong = bound.phone.wrong_code_at(world.now_ms());
    assert_eq!(
        service.post("/login/answer", &answer(&wrong)),
        (401, json!({"again": true}))
    );
    let code = bound.phone.code_at(world.now_ms());
    let (status, let_in) = service.post("/login/answer", &answer(&code));
    assert!(status == 200 && let_in["session"].is_string(), "{status} {let_in}");
    let (status, again) = service.post("/login/answer", &answer(&code));
    assert_eq!(status, 403, "a challenge is answered once: {again}");
}

/// P3: a pass goes on in its session, for its operation and resource; one that is always checked is good once.
#[test]
fn p3_the_example_operation_service_does_what_was_checked() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let service = Example::operation_service(&world);
    let checked = |name: &str, resource: &str| {
        let (status, told) = service.operate(name, "s1", resource, None);
        assert_eq!((status, &told["methods"][0]["method"]), (401, &json!("totp")), "{told}");
        let answer = |code: &str| json!({"challenge": told["challenge"], "method": "totp", "code": code});
        let wrong = bound.phone.wrong_code_at(world.now_ms());
        assert_eq!(service.post("/answer", &answer(&wrong)), (401, json!({"again": true})));
        let (status, answered) = service.post("/answer", &answer(&bound.phone.code_at(world.now_ms())));
        assert_eq!(status, 200, "{answered}");
        text(&answered["grant"])
    };
    let done = |name: &str| (200, json!({"done": name}));
    let refused = |why: &str| (403, json!({"refused": why}));
    let pass = checked("stop", "ins-1");
    for _time in 0..2 {
        assert_eq!(service.operate("stop", "s1", "ins-1", Some(&pass)), done("stop"));
        assert_eq!(
            service.operate("stop", "s1", "ins-1", None),
            done("stop"),
            "grant_alive"
        );
    }
    assert_eq!(service.operate("stop", "s2", "ins-1", None).0, 401, "another session");
    world.pass(MINUTE_MS / 2);
    let once = checked("change-phone", "alice");
    let change = || service.operate("change-phone", "s1", "alice", Some(&once));
    assert_eq!(change(), done("change-phone"));
    assert_eq!(change(), refused("used"), "replayed");
    assert_eq!(
        service.operate("change-phone", "s1", "alice", None).0,
        401,
        "P3b: no pass covers it"
    );
}

/// The same grant with another header, or other claims.
fn altered(grant: &str, part: usize, change: impl FnOnce(&mut Value)) -> String {
    let mut parts: Vec<String> = grant.split('.').map(str::to_owned).collect();
    let json = BASE64URL_NOPAD.decode(parts[part].as_bytes()).expect("base64");
    let mut json: Value = serde_json::from_slice(&json).expect("JSON");
    change(&mut json);
    parts[part] = BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    parts.join(".")
}

/// What somebody may hold who wants something else done.
struct Grants {
    login: String,
    bobs_login: String,
    pass: String,
    identity: String,
    of_the_bank: String,
}

impl Grants {
    fn of(alice: &User<'_>, bound: &Bound) -> Self {
        let world = alice.world;
        let bob = world.user("acme", "bob");
        let bobs_login = bob.granted(&bob.login(), &bob.bind());
        let identity = json!({"purpose": "identity", "operation": RESTART});
        let bank = NewKey {
            roles: vec![Role::Verify],
            owner: "bank".into(),
            audiences: vec!["bank".into()],
            accounts: None,
        };
        let made = world.wait(world.service().create_key(&Caller::shell(), &bank));
        let (_, bank) = made.expect("a key");
        let nobody = json!({
            "account": "acme", "user": "alice", "purpose": "operation", "session_id": "s1", "operation": RESTART,
            "resource": "ins-1",
        });
        let grants = Self {
            login: alice.granted(&alice.login(), bound),
            bobs_login,
            pass: alice.granted(&alice.operation("s1"), bound),
            identity: alice.granted(&alice.challenge(&identity).expect(201), bound),
            of_the_bank: {
                // The pass is alive, so nothing is asked.
                let told = world
                    .call_as(Some(&bank), "POST", "/v1/challenges", Some(&nobody))
                    .expect(201);
                text(&told["grant"])
            },
        };
        assert_ne!(grants.pass, grants.of_the_bank);
        grants
    }
}

/// P3, P3b: replayed, altered, expired, or made for something else.
#[test]
fn p3_p3b_the_example_operation_service_refuses_every_other_grant() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let grants = Grants::of(&alice, &alice.bind());
    let pass = &*grants.pass;
    let later = altered(pass, 1, |claims| claims["exp"] = 4_000_000_000_u64.into());
    let as_bob = altered(pass, 1, |claims| claims["user"] = "bob".into());
    let typ = altered(pass, 0, |header| header["typ"] = "JWT".into());
    let alg = altered(pass, 0, |header| header["alg"] = "HS256".into());
    let kid = altered(pass, 0, |header| header["kid"] = "mine".into());
    let none = altered(pass, 0, |header| header["alg"] = "none".into());
    let service = Example::operation_service(&world);
    for (what, grant, (name, session, resource), why) in [
        ("another session", pass, ("stop", "s2", "ins-1"), "session"),
        ("another account", pass, ("stop", "s3", "ins-1"), "account"),
        ("another operation", pass, ("change-phone", "s1", "ins-1"), "operation"),
        ("another resource", pass, ("stop", "s1", "ins-2"), "resource"),
        ("login for operation", &grants.login, ("stop", "s1", "ins-1"), "purpose"),
        (
            "identity for operation",
            &grants.identity,
            ("stop", "s1", "ins-1"),
            "purpose",
        ),
        (
            "another audience",
            &grants.of_the_bank,
            ("stop", "s1", "ins-1"),
            "InvalidAudience",
        ),
        ("longer", &later, ("stop", "s1", "ins-1"), "InvalidSignature"),
        ("another's", &as_bob, ("stop", "s3", "ins-1"), "InvalidSignature"),
        ("no grant", &typ, ("stop", "s1", "ins-1"), "typ"),
        ("another algorithm", &alg, ("stop", "s1", "ins-1"), "InvalidAlgorithm"),
        ("no algorithm", &none, ("stop", "s1", "ins-1"), "JSON error"),
        ("another key", &kid, ("stop", "s1", "ins-1"), "kid"),
    ] {
        let (status, told) = service.operate(name, session, resource, Some(grant));
        assert_eq!(status, 403, "{what}: {told}");
        assert!(text(&told["refused"]).starts_with(why), "{what}: {told}");
    }
    let own = |service: &Example| service.operate("stop", "s1", "ins-1", Some(pass));
    assert_eq!(own(&service).0, 200, "what it was made for");
    service.is_later(&world, 29 * MINUTE_MS);
    assert_eq!(own(&service).0, 200, "P3: half an hour");
    service.is_later(&world, 32 * MINUTE_MS);
    assert_eq!(own(&service), (403, json!({"refused": "ExpiredSignature"})));
}

/// P2, P3b: a login's grant opens one session of its user, and nothing else opens one.
#[test]
fn p2_p3b_the_example_login_service_refuses_every_other_grant() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let grants = Grants::of(&alice, &alice.bind());
    let later = altered(&grants.login, 1, |claims| claims["exp"] = 4_000_000_000_u64.into());
    let typ = altered(&grants.login, 0, |header| header["typ"] = "JWT".into());
    let alg = altered(&grants.login, 0, |header| header["alg"] = "HS256".into());
    let service = Example::login_service(&world);
    let login = |service: &Example, grant: &str| {
        let body = json!({"user": "alice", "password": "correct horse", "grant": grant});
        service.post("/login", &body)
    };
    for (what, grant, why) in [
        ("another account", &grants.bobs_login, "InvalidTokenError: account"),
        ("operation for login", &grants.pass, "InvalidTokenError: purpose"),
        ("identity for login", &grants.identity, "InvalidTokenError: purpose"),
        ("another audience", &grants.of_the_bank, "InvalidAudienceError: "),
        ("longer", &later, "InvalidSignatureError: "),
        ("no grant", &typ, "InvalidTokenError: typ"),
        ("another algorithm", &alg, "InvalidAlgorithmError: "),
    ] {
        let (status, told) = login(&service, grant);
        assert_eq!(status, 403, "{what}: {told}");
        assert!(text(&told["refused"]).starts_with(why), "{what}: {told}");
    }
    assert_eq!(login(&service, &grants.login).0, 200, "what it was made for");
    let replayed = (403, json!({"refused": "InvalidTokenError: used"}));
    assert_eq!(login(&service, &grants.login), replayed);
    service.is_later(&world, 7 * MINUTE_MS);
    let (status, told) = login(&service, &grants.login);
    assert!(
        status == 403 && text(&told["refused"]).starts_with("ExpiredSignatureError"),
        "{told}"
    );
}

/// A server that has nothing but a key set, and counts who asks for it.
struct KeySet {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    served: Arc<Mutex<Option<String>>>,
}

impl KeySet {
    fn of(world: &World) -> Self {
        let set = world.call_as(None, "GET", "/.well-known/jwks.json", None).expect(200);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let key_set = Self {
            address: listener.local_addr().expect("an address"),
            asked: Arc::default(),
            served: Arc::new(Mutex::new(Some(set.to_string()))),
        };
        let (asked, served) = (key_set.asked.clone(), key_set.served.clone());
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let mut lines = BufReader::new(&caller).lines().map_while(Result::ok);
                lines.find(String::is_empty);
                asked.fetch_add(1, SeqCst);
                let served = served.lock().expect("no panic").clone();
                let status = if served.is_some() {
                    "200 OK"
                } else {
                    "503 Service Unavailable"
                };
                let body = served.unwrap_or_default();
                let head = format!(
                    "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}",
                    body.len()
                );
                let _gone = write!(&caller, "{head}\r\n\r\n{body}");
            }
        });
        key_set
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

/// Made-up ids of keys cost one question a minute, and old keys are none.
#[test]
fn the_example_reads_the_keys_every_five_minutes_and_for_new_ids_once_a_minute() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let pass = alice.granted(&alice.operation("s1"), &bound);
    let keys = KeySet::of(&world);
    let service = Example::operation_service_of(&world, keys.address);
    let shown = |grant: &str| service.operate("stop", "s1", "ins-1", Some(grant));
    let with_made_up_ids = || {
        for number in 0..5 {
            let made_up = altered(&pass, 0, |header| header["kid"] = format!("mine {number}").into());
            assert_eq!(shown(&made_up), (403, json!({"refused": "kid"})));
        }
    };
    assert_eq!((shown(&pass).0, keys.asked()), (200, 1));
    with_made_up_ids();
    assert_eq!(keys.asked(), 1, "within the minute");
    service.is_later(&world, 2 * MINUTE_MS);
    with_made_up_ids();
    assert_eq!((shown(&pass).0, keys.asked()), (200, 2));
    service.is_later(&world, 6 * MINUTE_MS);
    assert_eq!((shown(&pass).0, keys.asked()), (200, 2), "not five minutes old");
    service.is_later(&world, 8 * MINUTE_MS);
    assert_eq!((shown(&pass).0, keys.asked()), (200, 3));
    keys.served.lock().expect("no panic").take();
    service.is_later(&world, 14 * MINUTE_MS);
    for _time in 0..3 {
        assert_eq!(shown(&pass), (403, json!({"refused": "no keys"})));
    }
    assert_eq!(keys.asked(), 4, "nor is a server that is down asked more often");
}
