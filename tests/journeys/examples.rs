//! The services of `examples/`, which use the public API and the JWK set alone: whom they let in, and what they ask of us.

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

use serde_json::{Value, json};
use service::Role;

use crate::{
    example_grants::altered,
    faketime,
    judges::DEBIANS_PYTHON,
    world::{MINUTE_MS, World, text},
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
pub(crate) struct Example {
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
    pub(crate) fn login_service(world: &World) -> Self {
        let mut program = Command::new(DEBIANS_PYTHON);
        program.arg(source("login_service.py"));
        Self::start(world, program, world.address())
    }

    pub(crate) fn operation_service(world: &World) -> Self {
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
    pub(crate) fn is_later(&self, world: &World, ms: i64) {
        set_clock(&self.clock, world.now_ms() + ms);
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_text(path, &body.to_string())
    }

    fn post_text(&self, path: &str, body: &str) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request.header("Content-Type", "application/json");
        let mut response = request.send(body).expect("an answer");
        let text = response.body_mut().read_to_string().expect("text");
        (response.status().as_u16(), serde_json::from_str(&text).expect("JSON"))
    }

    pub(crate) fn operate(&self, name: &str, session: &str, resource: &str, grant: Option<&str>) -> (u16, Value) {
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

/// Whom it does not know it lets in with no password, and what it does not understand is a no, not a dropped connection.
#[test]
fn the_example_login_service_refuses_whatever_it_doubts() {
    let world = World::new();
    let service = Example::login_service(&world);
    for (user, password) in [
        ("mallory", ""),
        ("mallory", "correct horse"),
        ("", ""),
        ("alice", ""),
        ("alice", "пароль"),
        ("alice", "correct horse "),
    ] {
        let told = service.post("/login", &json!({"user": user, "password": password}));
        let refused = (403, json!({"refused": "password"}));
        assert_eq!(told, refused, "{user:?} with {password:?}");
    }
    for body in [
        r#"{"user": "alice", "password": null}"#,
        r#"{"user": "alice", "password": ["correct horse"]}"#,
        r#"{"user": ["alice"], "password": "correct horse"}"#,
        r#"{"user": "alice", "password": "\ud800"}"#,
        r#"{"user": "alice", "password": "correct horse", "grant": 7}"#,
        r#"{"user": "alice", "password": "correct horse", "grant": ""}"#,
        r#"{"user": "alice"}"#,
        r#"["alice", "correct horse"]"#,
        "alice",
        "",
    ] {
        for path in ["/login", "/login/answer", "/elsewhere"] {
            let (status, told) = service.post_text(path, body);
            assert!(
                status == 403 && told["refused"].is_string(),
                "{path} {body}: {status} {told}"
            );
        }
    }
    let let_in = service.post("/login", &json!({"user": "alice", "password": "correct horse"}));
    assert_eq!(let_in.0, 200, "it goes on: {}", let_in.1);
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
