//! The services of `examples/`, which use the public API and the JWK set alone: whom they let in, and which grants they refuse.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
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

/// One of the services, ended with the test.
struct Example {
    program: Child,
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
    fn login_service(world: &World, from_now_ms: i64) -> Self {
        let mut program = Command::new(DEBIANS_PYTHON);
        program.arg(source("login_service.py"));
        Self::start(world, from_now_ms, program)
    }

    fn operation_service(world: &World, from_now_ms: i64) -> Self {
        let own = env::current_exe().expect("this program has a path");
        let built = own.ancestors().nth(2).expect("a target directory");
        let built = built.join("examples/operation_service");
        let age = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
        assert!(
            age(&built) >= age(&source("operation_service.rs")),
            "build it: cargo build --example operation_service"
        );
        Self::start(world, from_now_ms, Command::new(built))
    }

    /// Started by a clock that is this far from the world's.
    fn start(world: &World, from_now_ms: i64, mut program: Command) -> Self {
        let key = world.home().join("example.key");
        fs::write(&key, world.key(Role::Verify)).expect("a file");
        // Free a moment ago; nobody else takes ports at random here.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a port")
            .port();
        let now = world.time(from_now_ms).replace('T', " ");
        program
            .env("TZ", "UTC")
            .env("LD_PRELOAD", faketime::library())
            .env("FAKETIME", format!("@{}", &now[..19]))
            .arg(format!("http://{}", world.address()))
            .arg(key)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let service = Self {
            program: program.spawn().expect("it starts"),
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
    let service = Example::login_service(&world, 0);
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
    let service = Example::operation_service(&world, 0);
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
    let service = Example::operation_service(&world, 0);
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
    let half_an_hour_on = Example::operation_service(&world, 31 * MINUTE_MS);
    assert_eq!(own(&half_an_hour_on), (403, json!({"refused": "ExpiredSignature"})));
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
    let service = Example::login_service(&world, 0);
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
    let later = Example::login_service(&world, 7 * MINUTE_MS);
    let (status, told) = login(&later, &grants.login);
    assert!(
        status == 403 && text(&told["refused"]).starts_with("ExpiredSignatureError"),
        "{told}"
    );
}
