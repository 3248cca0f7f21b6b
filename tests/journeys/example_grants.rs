//! Grants that the services of `examples/` refuse.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use service::{Caller, NewKey, Role};

use crate::{
    examples::Example,
    protection::RESTART,
    world::{Bound, MINUTE_MS, User, World, text},
};

/// The same grant with another header, or other claims.
pub(crate) fn altered(grant: &str, part: usize, change: impl FnOnce(&mut Value)) -> String {
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
        let bobs_phone = bob.bind();
        let bobs_login = bob.granted(&bob.login(), &bobs_phone);
        let identity = json!({"purpose": "identity", "operation": RESTART});
        let grants = Self {
            login: alice.granted(&alice.login(), bound),
            bobs_login,
            pass: alice.granted(&alice.operation("s1"), bound),
            identity: alice.granted(&alice.challenge(&identity).expect(201), bound),
            of_the_bank: grant_of_the_bank(alice),
        };
        assert_ne!(grants.pass, grants.of_the_bank);
        grants
    }
}

/// A pass for the same operation that another service asked for: the user's own is alive, so nothing is asked.
fn grant_of_the_bank(alice: &User<'_>) -> String {
    let world = alice.world;
    let bank = NewKey {
        roles: vec![Role::Verify],
        owner: "bank".into(),
        audiences: vec!["bank".into()],
        person: None,
        return_urls: Vec::new(),
        accounts: None,
    };
    let made = world.wait(world.service().create_key(&Caller::shell(), &bank, None));
    let (_, key) = made.expect("a key");
    let same = json!({
        "account": "acme", "user": "alice", "purpose": "operation", "session_id": "s1", "operation": RESTART,
        "resource": "ins-1",
    });
    let told = world.call_as(Some(&key), "POST", "/v1/challenges", Some(&same));
    text(&told.expect(201)["grant"])
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
        ("another session", pass, ("stop", "s2", "ins-1"), "sid"),
        ("another user", pass, ("stop", "s3", "ins-1"), "user"),
        ("another operation", pass, ("change-phone", "s1", "ins-1"), "op"),
        ("another resource", pass, ("stop", "s1", "ins-2"), "res"),
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
        ("another user", &grants.bobs_login, "InvalidTokenError: user"),
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
