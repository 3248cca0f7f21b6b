//! Login and operation protection: challenge, answer, grant, and its verification offline by PyJWT.

use serde_json::{Value, json};
use service::Role;

use crate::{
    judges::{STEP_MS, verify_grant},
    world::{Bound, MINUTE_MS, Reply, User, World, text},
};

pub(crate) const RESTART: &str = "cloud-virtual-machine/shutting-down-instances";

impl User<'_> {
    /// `POST /v1/challenges` about this user, with these fields.
    pub(crate) fn challenge(&self, also: &Value) -> Reply {
        let mut body = json!({"account": self.account, "user": self.user});
        for (name, value) in also.as_object().expect("fields") {
            body[name] = value.clone();
        }
        self.world.post(Role::Verify, "/v1/challenges", &body)
    }

    pub(crate) fn login(&self) -> Value {
        let login = json!({"purpose": "login", "first_factor": {"method": "password"}});
        self.challenge(&login).expect(201)
    }

    pub(crate) fn operation(&self, session: &str) -> Value {
        let operation =
            json!({"purpose": "operation", "session_id": session, "operation": RESTART, "resource": "ins-1"});
        self.challenge(&operation).expect(201)
    }

    pub(crate) fn answer(&self, challenge: &Value, method: &str, code: &str) -> Reply {
        let path = format!("/v1/challenges/{}/answer", text(&challenge["id"]));
        self.world
            .post(Role::Verify, &path, &json!({"method": method, "code": code}))
    }

    /// The grant of a challenge that is answered by the phone.
    pub(crate) fn granted(&self, challenge: &Value, bound: &Bound) -> String {
        let code = bound.phone.code_at(self.world.now_ms());
        let told = self.answer(challenge, "totp", &code).expect(200);
        assert_eq!(told["decision"], "allow", "{told}");
        self.world.pass(STEP_MS);
        text(&told["grant"])
    }
}

/// A service that verifies grants offline.
pub(crate) struct Verifier<'w> {
    world: &'w World,
    pub(crate) jwks: Value,
}

impl<'w> Verifier<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        let reply = world.call_as(None, "GET", "/.well-known/jwks.json", None);
        assert_eq!(reply.cache_control.as_deref(), Some("public, max-age=300"));
        Self {
            world,
            jwks: reply.expect(200),
        }
    }

    /// The claims, or why it is refused.
    pub(crate) fn verify(&self, grant: &str, at: &Value) -> Result<Value, String> {
        let mut asked = json!({
            "jwks": self.jwks, "grant": grant, "audience": "countersign", "issuer": "countersign",
            "now_s": self.world.now_ms().div_euclid(1_000),
        });
        for (name, value) in at.as_object().expect("fields") {
            asked[name] = value.clone();
        }
        verify_grant(&asked)
    }
}

/// P2: after the password, the code; the grant says so to a program that is not ours.
#[test]
fn p2_a_login_is_challenged_answered_and_its_grant_verified_offline() {
    let mut world = World::new();
    {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        let challenge = alice.login();
        assert_eq!(
            (&challenge["decision"], &challenge["ground"]),
            (&json!("challenge"), &json!("protected"))
        );
        let methods =
            json!([{"method": "totp", "alternative": false}, {"method": "recovery_code", "alternative": true}]);
        assert_eq!(challenge["methods"], methods, "P3a, P4: in their order of strength");
        assert_eq!(challenge["expires_at"], world.time(5 * MINUTE_MS));
        assert!(challenge.get("grant").is_none());

        let wrong = bound.phone.wrong_code_at(world.now_ms());
        let told = alice.answer(&challenge, "totp", &wrong).expect(200);
        assert_eq!(
            told,
            json!({"decision": "challenge", "method": "totp"}),
            "a wrong code leaves it open"
        );
        let code = bound.phone.code_at(world.now_ms());
        let told = alice.answer(&challenge, "totp", &code).expect(200);
        assert_eq!(
            (&told["decision"], &told["wrong_since_last_success"]),
            (&json!("allow"), &json!(1))
        );
        assert_eq!(told["grant_expires_at"], world.time(5 * MINUTE_MS));
        let grant = text(&told["grant"]);
        let path = format!("/v1/challenges/{}", text(&challenge["id"]));
        assert_eq!(world.get(Role::Verify, &path).expect(200)["state"], "answered");
        alice.answer(&challenge, "totp", &code).problem(410, "challenge_ended");

        let verifier = Verifier::new(&world);
        let claims = verifier
            .verify(&grant, &json!({"purpose": "login"}))
            .expect("PyJWT takes it");
        assert_eq!(
            (&claims["account"], &claims["user"], &claims["sub"]),
            (&json!("acme"), &json!("alice"), &json!("acme/alice"))
        );
        assert_eq!(claims["amr"], json!(["totp"]));
        let events = alice.events("challenge.answer", "accepted");
        assert_eq!(events[0]["decision_id"], claims["jti"], "the trail knows the grant");

        let code = bound.phone.code_at(world.now_ms());
        let refused = alice.verify(&code);
        assert_eq!(refused["accepted"], false, "D4: the answer burned its code");
    }
    world.assert_trail_holds();
}

/// Every other use of a grant is refused offline, and by introspection.
#[test]
fn p3_p3b_a_grant_passes_for_nothing_else() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let login = alice.granted(&alice.login(), &bound);
    let pass = alice.granted(&alice.operation("s1"), &bound);
    let identity = json!({"purpose": "identity", "operation": "accounts/bind-mfa-token"});
    let identity = alice.granted(&alice.challenge(&identity).expect(201), &bound);
    let verifier = Verifier::new(&world);
    let own = json!({"purpose": "operation", "session_id": "s1", "operation": RESTART, "resource": "ins-1"});
    assert_eq!(verifier.verify(&pass, &own).expect("it passes")["sid"], "s1");
    let with = |field: &str, value: &str| {
        let mut at = own.clone();
        at[field] = value.into();
        at
    };
    for (what, grant, at, why) in [
        ("another session", &pass, with("session_id", "s2"), "session"),
        (
            "another operation",
            &pass,
            with("operation", "accounts/bind-mfa-token"),
            "operation",
        ),
        ("another resource", &pass, with("resource", "ins-2"), "resource"),
        ("login for operation", &login, own.clone(), "purpose"),
        ("identity for operation", &identity, own.clone(), "purpose"),
        (
            "another audience",
            &pass,
            with("audience", "bank"),
            "InvalidAudienceError",
        ),
        ("another issuer", &pass, with("issuer", "bank"), "InvalidIssuerError"),
    ] {
        assert_eq!(verifier.verify(grant, &at), Err(format!("refused: {why}")), "{what}");
    }
    let altered = {
        let (head, tail) = pass.split_once('.').expect("a JWT");
        let (claims, signature) = tail.split_once('.').expect("a JWT");
        let flipped = if claims.ends_with('A') { "B" } else { "A" };
        format!("{head}.{}{flipped}.{signature}", &claims[..claims.len() - 1])
    };
    let told = verifier.verify(&altered, &own).expect_err("it was altered");
    assert!(
        told == "refused: InvalidSignatureError" || told == "refused: DecodeError",
        "{told}"
    );

    let active = |grant: &str, at: &Value| {
        let mut body = json!({"grant": grant});
        for field in ["session_id", "operation", "resource"] {
            if let Some(value) = at.get(field) {
                body[field] = value.clone();
            }
        }
        world.post(Role::Verify, "/v1/grants/introspect", &body).expect(200)
    };
    let told = active(&pass, &own);
    assert_eq!((&told["active"], &told["amr"]), (&json!(true), &json!(["totp"])));
    for at in [
        with("session_id", "s2"),
        with("operation", "x/y"),
        with("resource", "ins-2"),
        json!({}),
    ] {
        assert_eq!(active(&pass, &at), json!({"active": false}), "{at}");
    }
    assert_eq!(active(&altered, &own), json!({"active": false}));

    world.pass(30 * MINUTE_MS);
    assert_eq!(
        verifier.verify(&pass, &own),
        Err("refused: expired".into()),
        "P3: 30 minutes"
    );
    assert_eq!(active(&pass, &own), json!({"active": false}));
}

/// P3: within half an hour, in the same session, for the same operation and resource, nothing is asked again.
#[test]
fn p3_a_pass_is_valid_for_half_an_hour_in_its_session() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let pass = alice.granted(&alice.operation("s1"), &bound);
    let again = alice.operation("s1");
    assert_eq!(
        (&again["decision"], &again["ground"]),
        (&json!("allow"), &json!("grant_alive"))
    );
    let verifier = Verifier::new(&world);
    let own = json!({"purpose": "operation", "session_id": "s1", "operation": RESTART, "resource": "ins-1"});
    let jti = |grant: &str| verifier.verify(grant, &own).expect("it passes")["jti"].clone();
    assert_eq!(jti(&text(&again["grant"])), jti(&pass), "it rests on the same check");
    assert_eq!(alice.operation("s2")["decision"], "challenge");
    let revoked = world.post(Role::Verify, "/v1/grants/revoke", &json!({"grant": pass}));
    assert_eq!(revoked.status, 204);
    assert_eq!(alice.operation("s1")["decision"], "challenge", "a revoked pass is none");
}

/// A3b: "unknown user" and "not protected" are different grounds; each decision is in the trail.
#[test]
fn a3_a3b_every_decision_has_one_ground_in_the_trail() {
    let world = World::new();
    let nobody = world.user("acme", "nobody");
    assert_eq!(nobody.login()["ground"], "unknown_user");
    let bob = world.user("acme", "bob");
    let offered = bob.enroll(&json!({}));
    let code = offered.phone.code_at(world.now_ms());
    let path = bob.path(&format!("/enrollments/{}/confirm", offered.id));
    let body = json!({"codes": [code], "scope": [], "actor": bob.actor()});
    world.post(Role::Enroll, &path, &body).expect(200);
    assert_eq!(bob.login()["ground"], "not_protected");
    let events = bob.events("challenge.decide", "allow");
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["cause"], &events[0]["detail"]["purpose"]),
        (&json!("not_protected"), &json!("login"))
    );
}

/// B5: a box that is not ticked leaves that protection as it was.
#[test]
fn b5_what_is_not_ticked_stays_as_it_was() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let code = bound.phone.code_at(world.now_ms());
    let replaced = alice.enroll(&json!({"replaces": {"device_id": bound.device, "code": code}}));
    let code = replaced.phone.code_at(world.now_ms());
    let path = alice.path(&format!("/enrollments/{}/confirm", replaced.id));
    let body = json!({"codes": [code], "scope": [], "actor": alice.actor()});
    world.post(Role::Enroll, &path, &body).expect(200);
    let protection = json!({"login_protection": "mfa", "operation_protection": "mfa"});
    assert_eq!(alice.get()["protection"], protection);
}

/// P2, P3, P3b: what a request of a purpose should not have is refused by its name, and a key that is none as well.
#[test]
fn p2_p3_p3b_a_challenge_has_what_its_purpose_means_and_a_lock_is_told_at_once() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let asked = |body: Value| world.post(Role::Verify, "/v1/challenges", &body);
    let login = || {
        json!({
            "account": "acme", "user": "alice", "purpose": "login", "first_factor": {"method": "password"},
        })
    };
    let operation = |key: &str| json!({"account": "acme", "user": "alice", "purpose": "operation", "session_id": "s1", "operation": key});
    let identity = || json!({"account": "acme", "user": "alice", "purpose": "identity", "operation": RESTART});
    for (mut body, field, value) in [
        (login(), "operation", json!(RESTART)),
        (login(), "resource", json!("ins-1")),
        (login(), "session_id", json!("s1")),
        (operation(RESTART), "trusted_device", json!("AQAAAAEB")),
        (operation(RESTART), "risk", json!("high")),
        (operation(RESTART), "operation", json!("Billing/Refund_X")),
        (identity(), "risk", json!("high")),
        (identity(), "trusted_device", json!("AQAAAAEB")),
        (identity(), "operation", json!("Billing/Refund_X")),
    ] {
        body[field] = value;
        assert_eq!(asked(body).problem(400, "invalid_request")["field"], field);
    }
    let told = asked(operation("accounts/unbinding-mfa-tokens")).expect(201);
    assert_eq!(told["unknown_operation"], true, "misspelt: {told}");
    let told = asked(operation(RESTART)).expect(201);
    assert!(told.get("unknown_operation").is_none(), "{told}");

    let challenge = asked(login()).expect(201);
    let wrong = bound.phone.wrong_codes_at(world.now_ms(), 10);
    for (place, code) in wrong.iter().enumerate() {
        let told = alice.answer(&challenge, "totp", code).expect(200);
        assert_eq!(told["decision"], "challenge");
        assert_eq!(told["locked_until"].is_string(), place == 9, "A1: {place} {told}");
    }
}

/// P3b, B1, U5: an identity grant is a fresh factor of one change, and of nothing else.
#[test]
fn p3b_an_identity_grant_pays_for_the_one_change_that_it_names() {
    const SETTINGS: &str = "accounts/set-user-s-login-protection-and-sensitive-operation-verification-methods";
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let identity = |operation: &str| {
        let wanted = json!({"purpose": "identity", "operation": operation});
        alice.granted(&alice.challenge(&wanted).expect(201), &bound)
    };
    let weaken = |grant: &str| {
        let path = alice.path("/protection");
        let body = json!({
            "login_protection": "none", "operation_protection": "mfa", "suspicious_login_protection": "none",
            "allow_trusted_devices": true, "session_idle_minutes": 120, "session_total_hours": 48,
            "factor": {"grant": grant}, "actor": alice.actor(),
        });
        let etag = world.get(Role::Enroll, &path).etag;
        world.put(Role::Enroll, &path, &body, etag.as_deref())
    };
    let other = identity("accounts/bind-mfa-token");
    let told = weaken(&other).expect(403);
    assert_eq!(told["code"], "grant_refused");
    assert!(
        text(&told["detail"]).contains(SETTINGS),
        "it says what would do: {told}"
    );
    let own = identity(SETTINGS);
    weaken(&own).expect(200);
    let told = world.post(
        Role::Verify,
        "/v1/grants/introspect",
        &json!({"grant": own, "operation": SETTINGS}),
    );
    assert_eq!(told.expect(200), json!({"active": false}), "it is used up");
    // Its own thing it still does: it names the binding, and proves who binds.
    let told = alice.start(&json!({"identity_proof": {"grant": own}})).expect(403);
    assert_eq!(told["code"], "grant_refused");
    let told = alice.start(&json!({"identity_proof": {"grant": other}})).expect(409);
    assert_eq!(
        told["code"], "device_limit",
        "B8: there is a device, which is to be named"
    );
    let replaces = json!({"device_id": bound.device, "code": bound.phone.code_at(world.now_ms())});
    let told = alice.start(&json!({"identity_proof": {"grant": other}, "replaces": replaces}));
    told.expect(201);
    let told = alice.start(&json!({"identity_proof": {"grant": other}})).expect(403);
    assert_eq!(told["code"], "grant_refused", "once");
}
