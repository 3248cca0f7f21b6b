//! Settings of protection: a user weakens them by a code, and their account requires what they would not choose.

use serde_json::{Value, json};
use service::Role;

use crate::{
    judges::STEP_MS,
    world::{Reply, User, World},
};

/// All settings, with these in place of the usual ones.
fn settings(also: &Value) -> Value {
    let mut settings = json!({
        "login_protection": "mfa", "operation_protection": "mfa", "suspicious_login_protection": "none",
        "allow_trusted_devices": true, "session_idle_minutes": 120, "session_total_hours": 48,
    });
    for (name, value) in also.as_object().expect("fields") {
        settings[name] = value.clone();
    }
    settings
}

impl User<'_> {
    fn settings(&self) -> Reply {
        self.world.get(Role::Enroll, &self.path("/protection"))
    }

    fn etag(&self) -> String {
        self.settings().etag.expect("settings have an ETag")
    }

    fn set(&self, also: &Value, etag: Option<&str>) -> Reply {
        let mut body = settings(also);
        body["actor"] = self.actor();
        self.world.put(Role::Enroll, &self.path("/protection"), &body, etag)
    }
}

fn require(world: &World, also: &Value, etag: Option<&str>) -> Reply {
    let mut body = json!({"alternatives": ["sms"], "actor": {"id": "root", "kind": "admin"}});
    for (name, value) in also.as_object().expect("fields") {
        body[name] = value.clone();
    }
    world.put(Role::Admin, "/v1/accounts/acme/requirements", &body, etag)
}

/// P1, U5: what is asked is the user's choice, and less of it takes a code that then is used up.
#[test]
fn u5_a_user_weakens_their_protection_by_a_code() {
    let mut world = World::new();
    {
        let alice = world.user("acme", "alice");
        let since = world.time(0);
        let bound = alice.bind();
        let read = alice.settings();
        let etag = read.etag.clone().expect("an ETag");
        let mut shown = settings(&json!({}));
        shown["in_force"] = json!({
            "login_protection": {"method": "mfa", "since": since, "ground": "own"},
            "operation_protection": {"method": "mfa", "since": since, "ground": "own"},
            "suspicious_login_protection": {"method": "none", "ground": "own"},
        });
        shown["takes_effect"] = json!("next_login");
        assert_eq!(read.expect(200), shown);

        let less = json!({"login_protection": "none"});
        let problem = alice.set(&less, None).problem(400, "invalid_request");
        assert!(
            problem["detail"].as_str().expect("words").contains("If-Match"),
            "{problem}"
        );
        alice.set(&less, Some("\"77\"")).problem(412, "precondition_failed");
        alice.set(&less, Some(&etag)).problem(403, "factor_required");
        let wrong = bound.phone.wrong_code_at(world.now_ms());
        let guess = json!({"login_protection": "none", "factor": {"code": wrong}});
        alice.set(&guess, Some(&etag)).problem(422, "code_refused");

        let code = bound.phone.code_at(world.now_ms());
        let right = json!({"login_protection": "none", "factor": {"code": code}});
        let done = alice.set(&right, Some(&etag));
        let next = done.etag.clone().expect("an ETag");
        assert_ne!(next, etag);
        let done = done.expect(200);
        let login = json!({"method": "none", "since": world.time(0), "ground": "own"});
        assert_eq!(done["in_force"]["login_protection"], login);
        assert_eq!((alice.etag(), alice.settings().expect(200)), (next.clone(), done));
        assert_eq!(alice.verify(&code)["accepted"], false, "D4: the change burned its code");
        alice.set(&json!({}), Some(&etag)).problem(412, "precondition_failed");
        alice.set(&json!({}), Some(&next)).expect(200);

        let told = alice.events("protection.change", "done");
        assert_eq!(told.len(), 2, "P8: each change is a row of the trail");
        assert_eq!(told[0]["cause"], "totp");
        assert_eq!(told[0]["detail"]["before"]["login_protection"], "mfa");
        assert_eq!(told[0]["detail"]["after"]["login_protection"], "none");
        assert_eq!(alice.events("protection.change", "refused").len(), 1);
    }
    world.assert_trail_holds();
}

/// P1, P6: what no user can choose, and what a user without a device cannot.
#[test]
fn p1_p6_what_no_setting_can_be_is_refused_by_its_name() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    alice.bind();
    let etag = alice.etag();
    for (field, value) in [
        ("login_protection", json!("email")),
        ("operation_protection", json!("carrier-pigeon")),
        ("suspicious_login_protection", json!("face")),
        ("session_idle_minutes", json!(14)),
        ("session_total_hours", json!(49)),
    ] {
        let problem = alice
            .set(&json!({field: value}), Some(&etag))
            .problem(400, "invalid_request");
        assert_eq!(problem["field"], field, "{problem}");
    }
    let bob = world.user("acme", "bob");
    assert_eq!(bob.etag(), "\"0\"");
    bob.set(&json!({}), Some("\"0\"")).problem(409, "no_device");
}

/// P1: an administrator requires it of users who chose nothing, and it holds until it is lifted.
#[test]
fn p1_an_account_requires_protection_of_its_users() {
    let mut world = World::new();
    {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        let code = bound.phone.code_at(world.now_ms());
        let nothing = json!({"login_protection": "none", "factor": {"code": code}});
        alice.set(&nothing, Some(&alice.etag())).expect(200);
        world.pass(STEP_MS);

        let read = world.get(Role::Admin, "/v1/accounts/acme/requirements");
        assert_eq!(read.etag.as_deref(), Some("\"0\""));
        let all = json!({"alternatives": ["email", "face", "qq", "sms", "wechat"]});
        assert_eq!(
            read.expect(200),
            all,
            "nothing is required, and everything may stand in"
        );
        let mfa = json!({"login_protection": "mfa"});
        require(&world, &mfa, None).problem(400, "invalid_request");
        let done = require(&world, &mfa, Some("\"0\""));
        assert_eq!(done.etag.as_deref(), Some("\"1\""));
        let required = json!({"login_protection": "mfa", "alternatives": ["sms"]});
        assert_eq!(done.expect(200), required);
        require(&world, &json!({}), Some("\"0\"")).problem(412, "precondition_failed");

        let shown = alice.settings().expect(200);
        assert_eq!(shown["login_protection"], "none", "the choice stays the user's");
        let login = json!({"method": "mfa", "since": world.time(0), "ground": "required_by_account"});
        assert_eq!(shown["in_force"]["login_protection"], login);
        let asked = json!({
            "account": "acme", "user": "alice", "purpose": "login", "first_factor": {"method": "password"},
        });
        let challenge = world.post(Role::Verify, "/v1/challenges", &asked).expect(201);
        assert_eq!(
            (&challenge["decision"], &challenge["ground"]),
            (&json!("challenge"), &json!("required_by_account"))
        );
        let unbind = || {
            let code = bound.phone.code_at(world.now_ms());
            alice.change(&bound.device, "unbind", &json!({"code": code}))
        };
        unbind().problem(409, "required_by_account");
        require(&world, &json!({}), Some("\"1\"")).expect(200);
        let challenge = world.post(Role::Verify, "/v1/challenges", &asked).expect(201);
        assert_eq!(challenge["ground"], "not_protected");
        unbind().expect(204);
        let told = world.events();
        let told = told.iter().filter(|event| event["action"] == "requirements.change");
        let accounts: Vec<&Value> = told.map(|event| &event["detail"]["account"]).collect();
        assert_eq!(accounts, ["acme", "acme"]);
    }
    world.assert_trail_holds();
}

/// P1: whoever looks after an account sees who of its users is protected.
#[test]
fn p1_an_administrator_sees_the_state_of_an_accounts_users() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    alice.bind();
    let sms = json!({"login_protection": "sms", "operation_protection": "none"});
    let bob = world.user("acme", "bob");
    bob.set(&sms, Some("\"0\"")).problem(409, "method_not_proven");
    bob.prove("sms", "+86 138 0013 8001", None).expect(200);
    bob.set(&sms, Some("\"0\"")).expect(200);
    world.user("globex", "alice").bind();
    let page = |query: &str| {
        let path = format!("/v1/accounts/acme/users{query}");
        world.get(Role::Support, &path).expect(200)
    };
    let bound_at = world.time(-2 * STEP_MS);
    let first = json!({
        "user": "alice", "devices": 1, "suspended": false, "recovery_codes_left": 10, "last_success_at": bound_at,
        "login_protection": "mfa", "operation_protection": "mfa",
    });
    let second = json!({
        "user": "bob", "devices": 0, "suspended": false, "recovery_codes_left": 0,
        "login_protection": "sms", "operation_protection": "none",
    });
    assert_eq!(page(""), json!({"items": [first, second]}));
    assert_eq!(page("?limit=1"), json!({"items": [first], "next_cursor": "alice"}));
    let rest = page("?limit=1&cursor=alice");
    assert_eq!(rest["items"], json!([second]));
}
