//! External methods: proven by the console, performed and reported by the login service, kept while they serve, ended when a
//! number goes to somebody else.

use serde_json::{Value, json};
use service::{ExternalMethod, NoMethod, Role, Settings};

use crate::{
    binding::assert_none,
    world::{MINUTE_MS, Reply, SECOND_MS, User, World},
};

const NUMBER: &str = "+86 138 0013 8000";

impl User<'_> {
    /// The console proved a method now, and registers it.
    pub(crate) fn prove(&self, method: &str, identity: &str, code: Option<&str>) -> Reply {
        let mut body = json!({"identity": identity, "verified_at": self.world.time(0), "actor": self.actor()});
        if let Some(code) = code {
            body["factor"] = json!({"code": code});
        }
        let path = self.path(&format!("/methods/{method}"));
        self.world.call(Role::Enroll, "PUT", &path, Some(&body))
    }

    fn end_method(&self, method: &str, also: &str) -> Reply {
        let path = format!("/methods/{method}?actor_id=console&actor_kind=service{also}");
        self.world.call(Role::Enroll, "DELETE", &self.path(&path), None)
    }

    fn methods(&self) -> Value {
        self.world.get(Role::Enroll, &self.path("/methods")).expect(200)["items"].clone()
    }

    fn uses(&self, method: &str) -> Value {
        let path = format!("/v1/methods/{method}/uses?account={}&user={}", self.account, self.user);
        self.world.get(Role::Verify, &path).expect(200)
    }

    /// Login by this method, and nothing elsewhere.
    fn protect(&self, method: &str) -> Reply {
        self.protect_by(method, &Value::Null)
    }

    fn protect_by(&self, method: &str, factor: &Value) -> Reply {
        let read = self.world.get(Role::Enroll, &self.path("/protection"));
        let mut body = json!({
            "login_protection": method, "operation_protection": "none", "suspicious_login_protection": "none",
            "allow_trusted_devices": true, "session_idle_minutes": 120, "session_total_hours": 48,
            "actor": self.actor(),
        });
        if !factor.is_null() {
            body["factor"] = factor.clone();
        }
        self.world
            .put(Role::Enroll, &self.path("/protection"), &body, read.etag.as_deref())
    }

    fn asks(&self, first_factor: &str) -> Value {
        let body = json!({
            "account": self.account, "user": self.user, "purpose": "login", "first_factor": {"method": first_factor},
        });
        self.world.post(Role::Verify, "/v1/challenges", &body).expect(201)
    }

    /// The login service sent a message there, and the user answered it now.
    fn reports(&self, challenge: &Value, method: &str, identity: &str) -> Reply {
        let report = json!({"identity": identity, "reference": "sms-4711", "at": self.world.time(0)});
        let path = format!("/v1/challenges/{}/answer", challenge["id"].as_str().expect("an id"));
        self.world
            .post(Role::Verify, &path, &json!({"method": method, "report": report}))
    }
}

/// P1, P2, P4: a login by a message that the caller sends, with what stands in for it.
#[test]
fn p1_p2_p4_a_login_by_what_the_caller_performs_itself() {
    let mut world = World::new();
    {
        let alice = world.user("acme", "alice");
        assert_eq!(alice.methods(), json!([]));
        alice.protect("sms").problem(409, "method_not_proven");
        alice.prove("carrier-pigeon", "a roof", None).problem(404, "not_found");
        let proven = alice.prove("sms", NUMBER, None).expect(200);
        let expected = json!({"method": "sms", "identity": NUMBER, "verified_at": world.time(0)});
        assert_eq!(proven, expected);
        alice.prove("wechat", "openid-4711", None).expect(200);
        let done = alice.protect("sms").expect(200);
        assert_eq!(done["in_force"]["login_protection"]["ground"], "own", "{done}");

        world.pass(MINUTE_MS);
        let challenge = alice.asks("password");
        let offered = json!([{"method": "sms", "alternative": false}, {"method": "wechat", "alternative": true}]);
        assert_eq!(challenge["methods"], offered);
        assert_eq!(
            alice.asks("wechat")["methods"],
            json!([offered[0]]),
            "P2: not the first factor again"
        );
        alice
            .reports(&challenge, "sms", "+86 138 0013 8001")
            .problem(409, "other_identity");
        let problem = alice
            .reports(&challenge, "totp", NUMBER)
            .problem(400, "invalid_request");
        assert_eq!(problem["field"], "method");
        let path = format!("/v1/challenges/{}/answer", challenge["id"].as_str().expect("an id"));
        for body in [json!({"method": "sms"}), json!({"method": "sms", "code": "123456"})] {
            world.post(Role::Verify, &path, &body).problem(400, "invalid_request");
        }
        let told = alice.reports(&challenge, "sms", NUMBER).expect(200);
        assert_eq!((&told["decision"], &told["method"]), (&json!("allow"), &json!("sms")));
        let active = world.post(Role::Verify, "/v1/grants/introspect", &json!({"grant": told["grant"]}));
        let active = active.expect(200);
        assert_eq!(
            (&active["active"], &active["amr"]),
            (&json!(true), &json!(["sms"])),
            "P4: it says by what"
        );
        alice.reports(&challenge, "sms", NUMBER).problem(410, "challenge_ended");
        assert_eq!(alice.methods()[0]["last_used_at"], world.time(0));
        let events = alice.events("challenge.answer", "accepted");
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["detail"]["reference"], "sms-4711");
        assert_eq!(
            alice.events("challenge.answer", "refused")[0]["cause"],
            "other_identity"
        );
        assert_eq!(alice.events("method.prove", "done").len(), 2);
    }
    world.assert_trail_holds();
    world.stop();
    let needles = [NUMBER, "openid-4711"].map(|text| text.as_bytes().to_vec());
    assert_none(world.home(), &needles, "an identity is sealed wherever it stands");
    world.start();
    let alice = world.user("acme", "alice");
    assert_eq!(
        alice.methods()[1]["identity"],
        "openid-4711",
        "and opens for those who enroll"
    );
    let path = alice.path("?actor_id=desk&actor_kind=support&erase=true");
    assert_eq!(world.call(Role::Admin, "DELETE", &path, None).status, 204);
    assert_eq!(alice.methods(), json!([]), "it is erased with the person");
}

/// P7: what serves a protection is kept, and says what it serves.
#[test]
fn p7_a_method_that_serves_a_protection_cannot_be_removed() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    alice.prove("sms", NUMBER, None).expect(200);
    assert_eq!(alice.uses("sms"), json!({"uses": [], "removable": true}));
    alice.protect("sms").expect(200);
    assert_eq!(
        alice.uses("sms"),
        json!({"uses": ["login_protection"], "removable": false})
    );
    let problem = alice.end_method("sms", "").problem(409, "method_in_use");
    let detail = problem["detail"].as_str().expect("words");
    assert!(detail.contains("login_protection"), "{detail}");
    assert_eq!(alice.methods()[0]["method"], "sms");
    alice.protect("none").problem(403, "factor_required");
    let row = "accounts/set-user-s-login-protection-and-sensitive-operation-verification-methods";
    let check = json!({"account": "acme", "user": "alice", "purpose": "identity", "operation": row});
    let check = world.post(Role::Verify, "/v1/challenges", &check).expect(201);
    let checked = alice.reports(&check, "sms", NUMBER).expect(200);
    alice
        .protect_by("none", &json!({"grant": checked["grant"]}))
        .expect(200);
    let ended = alice.end_method("sms", "").expect(200);
    assert_eq!(ended, json!({"method": "sms", "ended": []}));
    alice.end_method("sms", "").problem(404, "not_found");
    assert_eq!(alice.events("method.end", "done").len(), 1);
}

/// P9: a number that went to somebody else opens nothing, and switches nothing off either.
#[test]
fn p9_a_number_that_went_to_somebody_else() {
    let settings = Settings {
        contact: Some("Call 400-000-0000.".into()),
        ..Settings::default()
    };
    let world = World::with(settings, server::Limits::default());
    let alice = world.user("acme", "alice");
    alice.prove("sms", NUMBER, None).expect(200);
    alice.protect("sms").expect(200);
    let granted = alice.reports(&alice.asks("password"), "sms", NUMBER).expect(200);
    let open = alice.asks("password");
    world.pass(SECOND_MS);
    let ended = alice.end_method("sms", "&reassigned=true").expect(200);
    let one = &ended["ended"][0];
    assert_eq!(one["protection"], "login_protection");
    assert_eq!(
        (&one["in_force"]["method"], &one["in_force"]["ground"]),
        (&json!("sms"), &json!("no_method"))
    );
    let grant = json!({"grant": granted["grant"]});
    let active = world.post(Role::Verify, "/v1/grants/introspect", &grant).expect(200);
    assert_eq!(active, json!({"active": false}), "what it opened is closed");
    alice.reports(&open, "sms", NUMBER).problem(409, "method_not_proven");
    let stuck = alice.asks("password");
    assert_eq!(
        (&stuck["decision"], &stuck["ground"]),
        (&json!("deny"), &json!("no_method"))
    );
    assert_eq!(stuck["contact"], "Call 400-000-0000.", "P4: the operator's words");
    alice.prove("sms", "+86 138 0013 8002", None).expect(200);
    alice.reports(&open, "sms", NUMBER).problem(409, "other_identity");
    alice.reports(&open, "sms", "+86 138 0013 8002").expect(200);
}

/// U5, P3a: where a device is bound another way in takes its code, and no message is one.
#[test]
fn u5_p3a_another_way_in_takes_a_code_of_the_device() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    alice.prove("sms", NUMBER, None).problem(403, "factor_required");
    let wrong = bound.phone.wrong_code_at(world.now_ms());
    alice.prove("sms", NUMBER, Some(&wrong)).problem(422, "code_refused");
    let code = bound.phone.code_at(world.now_ms());
    alice.prove("sms", NUMBER, Some(&code)).expect(200);
    assert_eq!(alice.verify(&code)["accepted"], false, "D4: it was burned");
    let challenge = alice.asks("password");
    let offered: Vec<&Value> = challenge["methods"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|offered| &offered["method"])
        .collect();
    assert_eq!(offered, ["totp", "recovery_code", "sms"], "P3a: in their order");
    let told = alice.reports(&challenge, "sms", NUMBER).expect(200);
    assert_eq!(told["decision"], "allow", "P4: it stands in for the device");
    alice
        .prove("sms", "+86 138 0013 8003", None)
        .problem(403, "factor_required");
}

/// P1, P4: methods and what becomes of the stuck are the operator's.
#[test]
fn p1_p4_the_operators_own_methods() {
    let badge = ExternalMethod {
        name: "badge".into(),
        en: "Badge".into(),
        zh: "工牌".into(),
        is_main: true,
        is_alternative: true,
    };
    let settings = Settings {
        external_methods: vec![badge],
        no_method: NoMethod::Allow,
        ..Settings::default()
    };
    let world = World::with(settings, server::Limits::default());
    let alice = world.user("acme", "alice");
    alice.prove("sms", NUMBER, None).problem(404, "not_found");
    alice.prove("badge", "4711", None).expect(200);
    alice.protect("badge").expect(200);
    assert_eq!(
        alice.asks("password")["methods"],
        json!([{"method": "badge", "alternative": false}])
    );
    let told = alice.asks("badge");
    assert_eq!(
        (&told["decision"], &told["ground"]),
        (&json!("allow"), &json!("no_method"))
    );
    assert_eq!(alice.events("challenge.decide", "allow")[0]["cause"], "no_method");
}
