//! Everything that is no request: the answer is a refusal, never a 5xx, and the next caller is served as ever.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use server::Limits;
use service::{Role, Settings};

use crate::{
    keys::routes,
    raw::{Answer, Line, PATIENCE, post, request},
    world::{World, accepted, alone, refused},
};

/// A die that falls the same way each time (xorshift64*).
struct Die(u64);

impl Die {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % bound as u64).expect("small")
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.roll().to_be_bytes()[0]).collect()
    }
}

const BODY_BYTES: usize = 1 << 20;

/// A server that loses its patience soon enough for a test.
fn impatient() -> World {
    let limits = Limits {
        header_timeout: Duration::from_secs(1),
        request_timeout: Duration::from_secs(2),
        drain: Duration::from_secs(1),
        body_bytes: BODY_BYTES,
        ..Limits::default()
    };
    World::with(Settings::default(), limits)
}

/// A key that may everything, so that nothing stops at the door.
fn everything(world: &World) -> String {
    world.new_key(&Role::ALL, None).1
}

/// The next caller, with a right code, is served as ever.
#[track_caller]
fn assert_serves(world: &World, name: &str) {
    assert_eq!(
        world.call_as(None, "GET", "/healthz", None).expect(200),
        json!({"status": "ok"})
    );
    assert_eq!(world.call_as(None, "GET", "/readyz", None).status, 200);
    let user = world.user("acme", name);
    let bound = user.bind();
    assert_eq!(
        user.verify(&bound.phone.code_at(world.now_ms())),
        accepted(&bound.device)
    );
}

#[track_caller]
fn assert_refused(answer: &Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
}

/// Sends bytes on a line of their own; `None` when the server hangs up without a word.
fn told(world: &World, bytes: &[u8]) -> Option<Answer> {
    let mut line = Line::to(world.address());
    line.send(bytes);
    line.answer()
}

#[test]
fn random_bytes_are_no_request() {
    let world = impatient();
    let key = everything(&world);
    let mut die = Die(1);
    for _throw in 0..300 {
        let length = 1 + die.below(2_000);
        let mut noise = die.bytes(length);
        // An end, so that nobody waits for the rest.
        noise.extend(b"\r\n\r\n");
        if let Some(answer) = told(&world, &noise) {
            assert_refused(&answer, "noise");
        }
    }
    // Noise where a body should be, on one line as long as it lives.
    let routes = routes(&world);
    let mut line = Line::to(world.address());
    for throw in 0..600 {
        let route = &routes[die.below(routes.len())];
        if route.body.is_null() {
            continue;
        }
        let length = die.below(3_000);
        let noise = match throw % 3 {
            0 => die.bytes(length),
            // Half a request and more.
            1 => {
                let mut body = route.body.to_string().into_bytes();
                body.truncate(1 + die.below(body.len() - 1));
                body
            }
            // A request with a few bytes changed: it may still be one.
            _ => {
                let mut body = route.body.to_string().into_bytes();
                for _change in 0..1 + die.below(4) {
                    let at = die.below(body.len());
                    body[at] = die.roll().to_be_bytes()[0];
                }
                body
            }
        };
        assert!(line.send(&request(route.method, &route.filled(), Some(&key), &noise)));
        let answer = line.answer().expect("a request gets an answer");
        assert!(answer.status < 500, "{} {}: {answer:?}", route.method, route.path);
        if throw % 3 < 2 {
            assert_refused(&answer, route.path);
        }
        if answer.head.to_ascii_lowercase().contains("connection: close") {
            line = Line::to(world.address());
        }
    }
    assert_serves(&world, "after");
}

/// Whoever passes a DELETE on may drop its body, and the effect would be another: it is refused instead.
#[test]
fn a_delete_takes_no_body_and_names_what_is_wrong_with_its_query() {
    let world = World::new();
    let key = everything(&world);
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let body = json!({"actor": {"id": "alice", "kind": "user"}, "erase": true});
    for query in ["", "?actor_id=alice&actor_kind=user"] {
        for path in [
            alice.path(query),
            alice.path(&format!("/enrollments/{}{query}", bound.device)),
        ] {
            let problem = world
                .call_as(Some(&key), "DELETE", &path, Some(&body))
                .problem(400, "invalid_request");
            let detail = "DELETE takes no body: actor_id and actor_kind go into the query";
            assert_eq!(problem["detail"], detail, "{path}");
        }
    }
    for (query, field, detail) in [
        ("", "actor_id", "missing field `actor_id`"),
        ("?actor_id=alice", "actor_kind", "missing field `actor_kind`"),
        ("?actor_id=&actor_kind=user", "actor_id", "actor_id is empty"),
        (
            "?actor_id=alice&actor_kind=492039",
            "actor_kind",
            "actor_kind is unknown, expected one of `user`, `admin`, `support`, `service`",
        ),
        (
            "?actor_id=alice&actor_kind=user&actor_ip=492039",
            "actor_ip",
            "actor_ip is not an IP address",
        ),
        (
            "?actor_id=alice&actor_kind=user&erase=yes",
            "erase",
            "erase is neither true nor false",
        ),
    ] {
        let problem = world
            .call_as(Some(&key), "DELETE", &alice.path(query), None)
            .problem(400, "invalid_request");
        assert_eq!(problem["field"], field, "{query}");
        assert_eq!(problem["detail"], detail, "{query}");
    }
    let more = "?actor_id=alice&actor_kind=user&code=492039";
    let problem = world
        .call_as(Some(&key), "DELETE", &alice.path(more), None)
        .problem(400, "invalid_request");
    assert!(!problem.to_string().contains("492039"), "{problem}");
    assert_eq!(alice.get()["devices"][0]["id"], *bound.device, "nothing happened");
}

/// Every place in a value, as paths of keys.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| places(field, &format!("{here}/{name}"), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, item)| places(item, &format!("{here}/{at}"), found)),
        _ => {}
    }
}

#[test]
fn a_wrong_type_anywhere_is_named_and_nothing_happens() {
    let world = World::new();
    let key = everything(&world);
    let deep = |depth: usize| -> Value { (0..depth).fold(Value::Null, |inner, _| json!([inner])) };
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0.5),
        json!(1.0e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}"),
        json!("x".repeat(200)),
        json!("\u{202e}\u{feff}🙂"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"kind": "virtual"}),
        deep(120),
    ];
    for route in routes(&world).iter().filter(|route| !route.body.is_null()) {
        let mut found = Vec::new();
        places(&route.body, "", &mut found);
        assert!(found.len() > 1, "there is something to spoil");
        for place in &found {
            for wrong in &wrong {
                let mut body = route.body.clone();
                *body.pointer_mut(place).expect("the place is there") = wrong.clone();
                let reply = world.call_as(Some(&key), route.method, &route.filled(), Some(&body));
                assert!(
                    reply.status < 500,
                    "{} {} with {wrong} at {place}: {}",
                    route.method,
                    route.path,
                    reply.json()
                );
                if reply.status == 400 {
                    let code = &reply.json()["code"];
                    assert!(
                        code == "invalid_request" || code == "first_factor_required",
                        "{place}: {code}"
                    );
                }
                // What was spoilt is not repeated; a text that is one is told as it is kept.
                let said = String::from_utf8_lossy(&reply.body).into_owned();
                assert!(reply.status < 400 || !said.contains("xxxxxxxx"), "{said}");
            }
        }
        // A field too many is refused (and its name is not repeated when it looks like a code), one too few as well.
        let mut body = route.body.clone();
        body["492039"] = json!(1);
        let problem = world
            .call_as(Some(&key), route.method, &route.filled(), Some(&body))
            .problem(400, "invalid_request");
        assert!(!problem.to_string().contains("492039"), "{problem}");
        for name in route.body.as_object().expect("bodies are objects").keys() {
            let mut body = route.body.clone();
            body.as_object_mut().expect("an object").remove(name);
            let reply = world.call_as(Some(&key), route.method, &route.filled(), Some(&body));
            let wanted = if name == "first_factor" && route.path.starts_with("/v1/verify") {
                "first_factor_required"
            } else {
                "invalid_request"
            };
            let problem = reply.problem(400, wanted);
            assert!(
                problem.to_string().contains(name.as_str()),
                "{name} is missing: {problem}"
            );
        }
    }
    assert_serves(&world, "after");
}

#[test]
fn no_depth_and_no_length_of_json_hurts() {
    let world = World::new();
    let key = everything(&world);
    for (what, body) in [
        ("arrays in arrays", "[".repeat(500_000)),
        ("objects in objects", r#"{"a":"#.repeat(100_000)),
        (
            "deep in a known field",
            format!(r#"{{"actor":{}"#, r#"{"actor":"#.repeat(100_000)),
        ),
        ("a long number", format!(r#"{{"code":{}}}"#, "9".repeat(900_000))),
        ("a long string", format!(r#"{{"code":"{}"}}"#, "9".repeat(900_000))),
        ("a long name", format!(r#"{{"{}":1}}"#, "a".repeat(900_000))),
        (
            "many names",
            format!(
                "{{{}\"z\":1}}",
                (0..60_000).map(|n| format!("\"a{n}\":1,")).collect::<String>()
            ),
        ),
        (
            "the same name again",
            format!("{{{}\"code\":\"1\"}}", r#""code":"1","#.repeat(60_000)),
        ),
        ("many escapes", format!(r#"{{"code":"{}"}}"#, r"\ud83d".repeat(100_000))),
        ("blanks", " ".repeat(900_000)),
        (
            "too many items",
            format!(r#"{{"items":[{}{{}}]}}"#, "{},".repeat(300_000)),
        ),
    ] {
        for path in [
            "/v1/verify",
            "/v1/verify/batch",
            "/v1/accounts/acme/users/alice/enrollments",
        ] {
            let began = Instant::now();
            let answer = told(&world, &request("POST", path, Some(&key), body.as_bytes())).expect("an answer");
            assert_eq!(
                (answer.status, &answer.json()["code"]),
                (400, &json!("invalid_request")),
                "{what} to {path}"
            );
            assert!(answer.body.len() < 2_000, "{what}: short answers to long questions");
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{what} takes {:?}",
                began.elapsed()
            );
        }
    }
    // 4,096 are a batch and 4,097 are none.
    let item = json!({"account": "acme", "user": "alice", "code": "123456", "first_factor": true});
    let batch = |count: usize| json!({"items": vec![item.clone(); count]});
    let most = world.post(Role::Verify, "/v1/verify/batch", &batch(4_096)).expect(200);
    assert_eq!(most["results"].as_array().map(Vec::len), Some(4_096));
    world
        .post(Role::Verify, "/v1/verify/batch", &batch(4_097))
        .problem(400, "invalid_request");
    assert_serves(&world, "after");
}

#[test]
fn a_body_that_is_too_long_is_refused_before_it_is_read() {
    let world = impatient();
    let key = everything(&world);
    let head = |more: &str| {
        format!(
            "POST /v1/verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n{more}\r\n\r\n"
        )
    };
    // Announced: refused by the announcement.
    let one_more = (BODY_BYTES + 1).to_string();
    for length in ["10485760", &one_more, "4294967296", "9223372036854775807"] {
        let mut line = Line::to(world.address());
        assert!(line.send(head(&format!("Content-Length: {length}")).as_bytes()));
        assert!(line.send(&[b' '; 4_096]));
        let answer = line.answer().expect("an answer before the body");
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (413, &json!("payload_too_large")),
            "{length}"
        );
    }
    // Not announced: refused when it gets too long.
    let mut line = Line::to(world.address());
    assert!(line.send(head("Transfer-Encoding: chunked").as_bytes()));
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(vec![b' '; 0x10000]);
    chunk.extend(b"\r\n");
    for _chunk in 0..17 {
        line.send(&chunk);
    }
    assert_eq!(line.answer().expect("an answer").status, 413);
    // Whoever goes on sending all the same is hung up on, or gets an answer; nobody else notices.
    for _caller in 0..4 {
        let mut line = Line::to(world.address());
        line.send(head("Content-Length: 10485760").as_bytes());
        let megabyte = vec![b'x'; 1 << 20];
        for _megabyte in 0..10 {
            if !line.send(&megabyte) {
                break;
            }
        }
        if let Some(answer) = line.answer() {
            assert_eq!(answer.status, 413);
        }
    }
    // As long as is allowed is not too long.
    let mut body = json!({"account": "acme", "user": "nobody", "code": "123456", "first_factor": true}).to_string();
    body += &" ".repeat(BODY_BYTES - body.len());
    assert_eq!(
        told(&world, &request("POST", "/v1/verify", Some(&key), body.as_bytes()))
            .expect("an answer")
            .json(),
        refused()
    );
    body.push(' ');
    assert_eq!(
        told(&world, &request("POST", "/v1/verify", Some(&key), body.as_bytes()))
            .expect("an answer")
            .status,
        413
    );
    assert_serves(&world, "after");
}

#[test]
fn a_refusal_before_the_body_leaves_the_line_in_order_or_says_that_it_ends() {
    let world = impatient();
    let key = everything(&world);
    let body = json!({"account": "acme", "user": "nobody", "code": "123456", "first_factor": true}).to_string();
    let json = "application/json";
    for (path, key, kind, length, status) in [
        ("/v1/verify", "nobody", json, body.len(), 401),
        ("/v1/nowhere", &*key, json, body.len(), 404),
        ("/v1/audit", &key, json, body.len(), 405),
        (
            "/v1/accounts/acme/users/alice/devices/x/unbind",
            &key,
            json,
            body.len(),
            404,
        ),
        ("/v1/verify", &key, "text/plain", body.len(), 415),
        ("/v1/verify", &key, json, 10 << 20, 413),
    ] {
        let mut line = Line::to(world.address());
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        assert!(line.send(head.as_bytes()));
        let answer = line.answer().expect("an answer before the body");
        assert_eq!(answer.status, status, "{path}");
        if answer.head.to_ascii_lowercase().contains("connection: close") {
            continue;
        }
        // It did not say so, hence a client sends the rest, and its next request on the same line.
        let rest = " ".repeat(length - body.len()) + &body;
        let next = "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n";
        let answered = line.send(rest.as_bytes()) && line.send(next.as_bytes()) && line.answer().is_some();
        assert!(
            answered,
            "RFC 9112, 9.6: after {status} for {path} the line ended without a word"
        );
    }
}

#[test]
fn lengths_that_contradict_each_other_are_not_guessed_at() {
    let world = impatient();
    let key = everything(&world);
    let body = json!({"account": "acme", "user": "nobody", "code": "123456", "first_factor": true}).to_string();
    let length = body.len();
    for headers in [
        "Content-Length: -1".to_owned(),
        "Content-Length: 0x10".into(),
        "Content-Length: 99999999999999999999999".into(),
        "Content-Length: abc".into(),
        format!("Content-Length: {length}\r\nContent-Length: {}", length + 1),
        format!("Content-Length: {length}, {length}0"),
        "Transfer-Encoding: gzip".into(),
        "Transfer-Encoding: chunked, identity".into(),
    ] {
        let head = format!(
            "POST /v1/verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{body}"
        );
        if let Some(answer) = told(&world, head.as_bytes()) {
            assert_refused(&answer, &headers);
        }
    }
    // Both at once is how requests are smuggled: whatever the first is taken for, nothing after it is a request.
    let smuggled = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"
    );
    let mut line = Line::to(world.address());
    assert!(line.send(smuggled.as_bytes()));
    let said = line.drain();
    let answers = String::from_utf8_lossy(&said).matches("HTTP/1.1 ").count();
    assert!(
        answers <= 1,
        "one answer at most, then the line ends: {}",
        String::from_utf8_lossy(&said)
    );
    assert_serves(&world, "after");
}

#[test]
fn who_drips_is_cut_off_and_who_is_silent_too() {
    let world = impatient();
    let key = everything(&world);
    // A byte at a time, for ever.
    let mut line = Line::to(world.address());
    let began = Instant::now();
    let mut drops = 0;
    let drip = b"GET /healthz HTTP/1.1\r\nHost: test\r\nX-Slow: "
        .iter()
        .chain(std::iter::repeat(&b'x'));
    for byte in drip {
        if began.elapsed() > PATIENCE || !line.send(&[*byte]) {
            break;
        }
        drops += 1;
        thread::sleep(Duration::from_millis(50));
    }
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(5),
        "cut off by the header time limit: {took:?}, {drops} bytes"
    );
    assert!(took > Duration::from_millis(900), "and not before: {took:?}");

    // Nothing at all; nothing more after a request; half a body; half a body and gone.
    let began = Instant::now();
    let mut silent = Line::to(world.address());
    let mut idle = Line::to(world.address());
    assert!(idle.send(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_eq!(idle.answer().expect("an answer").status, 200);
    let mut half = Line::to(world.address());
    let whole = post("/v1/verify", &key, &json!({"account": "acme"}));
    assert!(half.send(&whole[..whole.len() - 3]));
    let mut gone = Line::to(world.address());
    assert!(gone.send(&whole[..whole.len() - 3]));
    drop(gone);
    let mut endless = Line::to(world.address());
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    );
    assert!(endless.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n").as_bytes()));
    assert_eq!(silent.drain(), b"", "silence is answered by silence");
    assert_eq!(idle.drain(), b"");
    for line in [&mut half, &mut endless] {
        let answer = line.answer().expect("an answer");
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (408, &json!("request_timeout"))
        );
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_serves(&world, "after");
}

#[test]
fn names_in_paths_and_bodies_are_the_same_names_or_none() {
    let world = World::new();
    let key = everything(&world);
    let get = |path: &[u8]| {
        let mut bytes = b"GET ".to_vec();
        bytes.extend(path);
        bytes.extend(format!(" HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {key}\r\n\r\n").into_bytes());
        told(&world, &bytes)
    };
    for path in [
        &b"/v1/accounts/%ff/users/alice"[..],
        b"/v1/accounts/acme/users/%c3%28",
        b"/v1/accounts/acme/users/%ed%a0%80",
        b"/v1/accounts/acme/users/a%00b",
        b"/v1/accounts/acme/users/%0a",
        b"/v1/accounts/acme/users/%c2%85",
        b"/v1/accounts/acme/users/%7f",
    ] {
        let answer = get(path).expect("an answer");
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!("invalid_request")),
            "{}",
            path.escape_ascii()
        );
    }
    for path in [
        &b"/v1/accounts/\xff/users/alice"[..],
        b"/v1/accounts/a b/users/c",
        b"/v1/accounts/\x00/users/a",
        b"\\",
        b"v1",
    ] {
        if let Some(answer) = get(path) {
            assert_refused(&answer, &path.escape_ascii().to_string());
        }
    }
    let mut long = b"/v1/accounts/acme/users/".to_vec();
    long.extend([b'u'; 128]);
    assert_eq!(get(&long).expect("an answer").status, 200, "128 bytes are a name");
    long.push(b'u');
    assert_eq!(get(&long).expect("an answer").status, 400, "129 are none");
    assert_eq!(
        get(b"/v1/accounts//users/alice").expect("an answer").json()["field"],
        "account",
        "nothing is no name"
    );
    for path in [
        "/v1/accounts/acme/users/",
        "/v1/accounts/acme/users/alice/devices/../..",
        "/v1/accounts/acme/users/alice/devices/x",
    ] {
        assert_eq!(get(path.as_bytes()).expect("an answer").status, 404, "{path}");
    }
    let cursor = get(b"/v1/audit?cursor=%ff&limit=1").expect("an answer");
    assert_refused(&cursor, "cursor");
    let number = "limit is not a number from 1 to 1000";
    let cursor = "cursor is none that this service gave";
    let none_here = "the query has a field that is none here, or is no name=value&name=value";
    for (query, field, detail) in [
        ("limit=0", "limit", number),
        ("limit=1001", "limit", number),
        ("limit=-1", "limit", number),
        ("limit=x", "limit", number),
        ("limit=", "limit", number),
        ("cursor=x", "cursor", cursor),
        ("cursor=99999999999999999999", "cursor", cursor),
        ("cursor=1.1.99999999999999999999", "cursor", cursor),
        ("cursor=9.9.9", "cursor", cursor),
        (
            "nonsense=1",
            "nonsense",
            "unknown field `nonsense`, expected one of `account`, `user`, `device`, `serial_number`, `action`, `since`, `until`, `order`, `limit`, `cursor`",
        ),
        ("493817=1", "", none_here),
        ("limit=1&limit=2", "", "duplicate field `limit`"),
    ] {
        let answer = get(format!("/v1/audit?{query}").as_bytes()).expect("an answer");
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        let problem = answer.json();
        assert_eq!(problem["detail"], detail, "{query}");
        assert_eq!(problem["field"].as_str().unwrap_or_default(), field, "{query}");
    }
    // Strange names that are names: the path and the body mean the same user.
    for (account, in_path) in [
        ("a/b", "a%2Fb"),
        ("100 %", "100%20%25"),
        ("..", "%2e%2e"),
        ("云", "%E4%BA%91"),
        ("a'--", "a'--"),
        ("a?b#c", "a%3Fb%23c"),
    ] {
        let user = world.user(in_path, "alice");
        let bound = user.bind();
        let body = json!({"account": account, "user": "alice", "code": bound.phone.code_at(world.now_ms()), "first_factor": true});
        assert_eq!(
            world.post(Role::Verify, "/v1/verify", &body).expect(200),
            accepted(&bound.device),
            "{account}"
        );
    }
    let raw = format!(
        "{{\"account\":\"acme\",\"user\":\"ali{}ce\",\"code\":\"123456\",\"first_factor\":true}}",
        "\u{1}"
    );
    assert_eq!(
        told(&world, &request("POST", "/v1/verify", Some(&key), raw.as_bytes()))
            .expect("an answer")
            .status,
        400
    );
    let not_utf8 = b"{\"account\":\"\xff\xfe\",\"user\":\"alice\",\"code\":\"123456\",\"first_factor\":true}";
    assert_eq!(
        told(&world, &request("POST", "/v1/verify", Some(&key), not_utf8))
            .expect("an answer")
            .status,
        400
    );
    assert_serves(&world, "after");
}

#[test]
fn whatever_is_typed_as_a_code_is_refused_and_counted() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let mut typed: Vec<String> = (0..=100).map(|length| "7".repeat(length)).collect();
    typed.extend((0..=100).map(|length| "界".repeat(length % 42)));
    typed.extend(
        [
            "\u{0}",
            "12345\u{0}",
            "１２３４５",
            "-12345",
            "+12345",
            "1e5",
            "123456789",
            "      ",
            "\u{202e}123456",
            "'; DROP TABLE device; --",
        ]
        .map(str::to_owned),
    );
    // `777777` may be right one day; it is not today.
    let near = bound.phone.codes_from(world.now_ms() - 60_000, 5);
    typed.retain(|code| !near.contains(code));
    for (at, code) in typed.iter().enumerate() {
        let answer = alice.verify(code);
        assert!(
            answer == refused() || answer["outcome"] == "locked",
            "{code:?}: {answer}"
        );
        let paper = alice.verify_recovery(code);
        assert!(paper == refused() || paper["outcome"] == "locked", "{code:?}: {paper}");
        if at == 8 {
            assert!(alice.get().get("locked_until").is_none());
        } else if at == 9 {
            assert!(
                alice.get().get("locked_until").is_some(),
                "A1: no code at all is a wrong code too"
            );
        }
    }
    for length in [129, 1_000, 100_000] {
        alice
            .ask(&"7".repeat(length), &json!({}))
            .problem(400, "invalid_request");
    }
    alice.unlock(&bound.device);
    // The same digits as other keyboards write them are the same code.
    let wide: String = bound
        .phone
        .code_at(world.now_ms())
        .chars()
        .map(|digit| char::from_u32(u32::from(digit) + 0xfee0).expect("full width"))
        .collect();
    assert_eq!(alice.verify(&wide), accepted(&bound.device));
}

#[test]
fn headers_without_measure_are_refused() {
    let world = impatient();
    let key = everything(&world);
    let with = |headers: &str| {
        let mut line = Line::to(world.address());
        line.send(
            format!("GET /v1/audit/heads HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {key}\r\n{headers}\r\n")
                .as_bytes(),
        );
        line.answer()
    };
    for headers in [
        format!("X-Long: {}\r\n", "x".repeat(1 << 20)),
        (0..10_000).map(|n| format!("X-{n}: 1\r\n")).collect(),
        format!("{}: 1\r\n", "X".repeat(200_000)),
    ] {
        if let Some(answer) = with(&headers) {
            assert_eq!(answer.status, 431, "{}", answer.head);
        }
    }
    for headers in ["X Y: 1\r\n", ": 1\r\n", "X\r\n", "X: \u{0}\r\n", "X: a\rb\r\n"] {
        if let Some(answer) = with(headers) {
            assert_refused(&answer, headers);
        }
    }
    // A request id of the caller's that is too long or not plain is not taken over.
    let plain = with("X-Request-Id: order-66\r\n").expect("an answer");
    assert!(
        plain.head.to_ascii_lowercase().contains("x-request-id: order-66"),
        "{}",
        plain.head
    );
    let long = "r".repeat(129);
    let answer = with(&format!("X-Request-Id: {long}\r\n")).expect("an answer");
    assert!(answer.status == 200 && !answer.head.contains(&long), "{}", answer.head);
    for line in [
        "BREW /pot HTTP/1.1",
        "GET /healthz HTTP/3.0",
        "GET /healthz",
        "PRI * HTTP/2.0",
        "\u{16}\u{3}\u{1}\u{2}",
        "CONNECT example.com:443 HTTP/1.1",
        "GET http://elsewhere/v1/audit HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "TRACE /healthz HTTP/1.1",
    ] {
        if let Some(answer) = told(&world, format!("{line}\r\nHost: t\r\n\r\n").as_bytes()) {
            assert_refused(&answer, line);
        }
    }
    // Only JSON that says so.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
        "multipart/form-data; boundary=x",
    ] {
        let bytes = format!(
            "POST /v1/verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        assert_eq!(told(&world, bytes.as_bytes()).expect("an answer").status, 415, "{kind}");
    }
    assert_serves(&world, "after");
}

#[test]
fn a_thousand_lines_left_open_are_in_nobodys_way() {
    let world = World::new();
    let key = everything(&world);
    let mut left: Vec<Line> = (0..1_000).map(|_| Line::to(world.address())).collect();
    for (at, line) in left.iter_mut().enumerate() {
        match at % 4 {
            0 => {}
            1 => drop(line.send(b"POST /v1/verify HTTP/1.1\r\nHost")),
            2 => drop(line.send(&request("POST", "/v1/verify", Some(&key), b"{}")[..150])),
            _ => drop(line.send(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n")),
        }
    }
    assert_serves(&world, "meanwhile");
    drop(left);
    assert_serves(&world, "after");
}

#[test]
fn more_lines_than_there_are_places_push_out_the_oldest_idle() {
    let limits = Limits {
        connections: 8,
        header_timeout: PATIENCE,
        ..Limits::default()
    };
    let world = World::with(Settings::default(), limits);
    let mut idle: Vec<Line> = (0..32).map(|_| Line::to(world.address())).collect();
    let mut line = Line::to(world.address());
    assert!(line.send(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_eq!(line.answer().expect("a place").status, 200);
    for line in &mut idle[..25] {
        assert_eq!(line.drain(), b"");
    }
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let world = World::new();
    let key = world.key(Role::Verify).to_owned();
    let bound = world.user("acme", "alice").bind();
    let code = bound.phone.code_at(world.now_ms());
    let mut bytes = Vec::new();
    for at in 0..200 {
        let user = if at == 100 { "alice" } else { "nobody" };
        let body = json!({"account": "acme", "user": user, "code": code, "first_factor": true}).to_string();
        bytes.extend(
            format!(
                "POST /v1/verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {key}\r\nX-Request-Id: number-{at}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes(),
        );
    }
    let mut line = Line::to(world.address());
    assert!(line.send(&bytes));
    for at in 0..200 {
        let answer = line.answer().expect("an answer to each");
        assert!(answer.head.contains(&format!("number-{at}\r\n")), "{}", answer.head);
        if at == 100 {
            assert_eq!(answer.json(), accepted(&bound.device), "request {at}");
        } else {
            assert_eq!(answer.json(), refused(), "request {at}");
        }
    }
}

/// What this process keeps in memory.
fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("a line about memory");
    line.split_ascii_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// How much more a server may hold after thousands of bad callers than after hundreds.
const GROWTH_KIB: usize = 24 * 1_024;

#[test]
fn bad_callers_leave_nothing_behind_in_memory() {
    alone("hostile::bad_callers_leave_nothing_behind_in_memory", || {
        let world = impatient();
        let key = everything(&world);
        let mut die = Die(7);
        let mut round = |number: usize| {
            let mut lines: Vec<Line> = (0..40).map(|_| Line::to(world.address())).collect();
            for (at, line) in lines.iter_mut().enumerate() {
                let user = format!("user-{number}-{at}");
                let body = json!({"account": "acme", "user": user, "code": "123456", "first_factor": true, "request_id": format!("{user:0>22}")});
                let sent = match at % 8 {
                    0 => die.bytes(4_000),
                    1 => request("POST", "/v1/verify", Some(&key), "[".repeat(900_000).as_bytes()),
                    2 => request("POST", "/v1/verify/batch", Some(&key), &die.bytes(100_000)),
                    3 => format!("GET /v1/{} HTTP/1.1\r\nHost: t\r\n\r\n", "x".repeat(30_000)).into_bytes(),
                    4 => request(
                        "POST",
                        &format!("/v1/accounts/acme/users/{user}/enrollments"),
                        Some(&key),
                        b"{}",
                    ),
                    5 => post("/v1/verify", &key, &body),
                    // A key that nobody has, each time another.
                    6 => post(
                        "/v1/verify",
                        &format!("cs_{:032x}_{:064x}", die.roll(), die.roll()),
                        &body,
                    ),
                    // Asks, and never reads the answers.
                    _ => post("/v1/verify", &key, &body).repeat(20),
                };
                line.send(&sent);
            }
            for line in lines.iter_mut().filter(|_| number.is_multiple_of(2)) {
                // Half of them wait for an answer; the others are gone at once.
                if let Some(answer) = line.answer() {
                    assert!(answer.status < 500, "{answer:?}");
                }
            }
        };
        (0..40).for_each(&mut round);
        let before = resident_kib();
        (40..240).for_each(&mut round);
        let after = resident_kib();
        println!("{before} KiB before, {after} KiB after");
        assert!(
            after < before + GROWTH_KIB,
            "8,000 bad callers cost {before} -> {after} KiB"
        );
        assert_serves(&world, "after");
    });
}
