//! Who may call what: every route, every role (A4).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use service::{Caller, Role};

use crate::{
    raw::{self, Line},
    world::{World, accepted, text},
};

/// A call, who may make it, and what it then comes to on a user without anything.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) roles: &'static [Role],
    pub(crate) body: Value,
    status: u16,
}

const ID: &str = "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11";

pub(crate) fn routes(world: &World) -> Vec<Route> {
    const USER: &[Role] = &[Role::Enroll, Role::Support];
    const DESK: &[Role] = &[Role::Inventory, Role::Support];
    let actor = json!({"id": "alice", "kind": "user"});
    let proof = world.user("acme", "alice").proof(0);
    let acting = |fields: Value| {
        let mut body = fields;
        body["actor"] = actor.clone();
        body
    };
    let ask = json!({"account": "acme", "user": "alice", "code": "123456", "first_factor": true});
    let route = |method, path, roles, body, status| Route {
        method,
        path,
        roles,
        body,
        status,
    };
    vec![
        route("POST", "/v1/verify", &[Role::Verify], ask.clone(), 200),
        route(
            "POST",
            "/v1/verify/batch",
            &[Role::Verify],
            json!({"items": [ask]}),
            200,
        ),
        route("GET", "/v1/accounts/{account}/users/{user}", USER, Value::Null, 200),
        route(
            "DELETE",
            "/v1/accounts/{account}/users/{user}",
            &[Role::Admin],
            Value::Null,
            204,
        ),
        route(
            "GET",
            "/v1/accounts/{account}/users/{user}/protection",
            &[Role::Enroll],
            Value::Null,
            200,
        ),
        route(
            "PUT",
            "/v1/accounts/{account}/users/{user}/protection",
            &[Role::Enroll],
            acting(json!({
                "login_protection": "none", "operation_protection": "none", "suspicious_login_protection": "none",
                "allow_trusted_devices": true, "session_idle_minutes": 120, "session_total_hours": 48,
            })),
            200,
        ),
        route(
            "GET",
            "/v1/accounts/{account}/users/{user}/history",
            USER,
            Value::Null,
            200,
        ),
        route("GET", "/v1/accounts/{account}/users", USER, Value::Null, 200),
        route(
            "GET",
            "/v1/accounts/{account}/users/{user}/methods",
            &[Role::Enroll],
            Value::Null,
            200,
        ),
        route(
            "PUT",
            "/v1/accounts/{account}/users/{user}/methods/{method}",
            &[Role::Enroll],
            acting(json!({"identity": "+86 138 0013 8000", "verified_at": world.time(0)})),
            200,
        ),
        route(
            "DELETE",
            "/v1/accounts/{account}/users/{user}/methods/{method}",
            &[Role::Enroll],
            Value::Null,
            404,
        ),
        route("GET", "/v1/methods/{method}/uses", &[Role::Verify], Value::Null, 200),
        route(
            "GET",
            "/v1/accounts/{account}/requirements",
            &[Role::Admin],
            Value::Null,
            200,
        ),
        route(
            "PUT",
            "/v1/accounts/{account}/requirements",
            &[Role::Admin],
            acting(json!({"alternatives": ["email", "face", "qq", "sms", "wechat"]})),
            200,
        ),
        route(
            "GET",
            "/v1/accounts/{account}/administrators",
            &[Role::Admin],
            Value::Null,
            404,
        ),
        route(
            "PUT",
            "/v1/accounts/{account}/administrators",
            &[Role::Admin],
            acting(json!({"root": "root", "administrators": ["root"]})),
            400,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/closing/withdraw",
            &[Role::Admin],
            acting(json!({})),
            404,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/closing",
            &[Role::Admin],
            acting(json!({})),
            200,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/leave",
            &[Role::Admin],
            acting(json!({})),
            200,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/handover",
            &[Role::Admin],
            acting(json!({"enrollment_id": ID})),
            404,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/recovery-codes",
            &[Role::Enroll],
            acting(json!({"code": "123456"})),
            409,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/enrollments",
            &[Role::Enroll],
            acting(json!({"kind": "virtual", "identity_proof": proof})),
            201,
        ),
        route(
            "DELETE",
            "/v1/accounts/{account}/users/{user}/enrollments/{id}",
            &[Role::Enroll],
            Value::Null,
            404,
        ),
        route(
            "GET",
            "/v1/accounts/{account}/users/{user}/enrollments/{id}/qr.png",
            &[Role::Enroll],
            Value::Null,
            404,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/enrollments/{id}/confirm",
            &[Role::Enroll],
            acting(json!({"codes": ["123456"], "scope": []})),
            404,
        ),
        route(
            "GET",
            "/v1/accounts/{account}/users/{user}/devices/{id}",
            USER,
            Value::Null,
            404,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/devices/{id}/unbind",
            &[Role::Enroll],
            acting(json!({"code": "123456"})),
            404,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/devices/{id}/resync",
            &[Role::Enroll],
            acting(json!({"codes": ["123456", "654321"]})),
            404,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/devices/{id}/unlock",
            &[Role::Support],
            acting(json!({})),
            404,
        ),
        route("GET", "/v1/tokens", &[Role::Inventory], Value::Null, 200),
        route("GET", "/v1/tokens/{serial_number}", DESK, Value::Null, 404),
        route(
            "PATCH",
            "/v1/tokens/{serial_number}",
            DESK,
            acting(json!({"state": "lost"})),
            404,
        ),
        route(
            "POST",
            "/v1/tokens/import",
            &[Role::Inventory],
            acting(json!({"batch": "2026-10", "file_base64": "aGVsbG8="})),
            400,
        ),
        route(
            "POST",
            "/v1/tokens/find-by-code",
            DESK,
            acting(json!({"codes": ["123456"]})),
            200,
        ),
        route(
            "POST",
            "/v1/support/diagnose",
            &[Role::Support],
            acting(json!({"account": "acme", "user": "alice", "code": "123456"})),
            200,
        ),
        route("GET", "/v1/support/drift", DESK, Value::Null, 200),
        route("GET", "/v1/batches", &[Role::Inventory], Value::Null, 200),
        route(
            "POST",
            "/v1/batches",
            &[Role::Inventory],
            acting(json!({"name": "beta"})),
            201,
        ),
        route("GET", "/v1/batches/{name}", &[Role::Inventory], Value::Null, 404),
        route(
            "PATCH",
            "/v1/batches/{name}",
            &[Role::Inventory],
            acting(json!({})),
            404,
        ),
        route(
            "POST",
            "/v1/exports",
            &[Role::Admin],
            acting(
                json!({"serial_numbers": ["CS-1"], "recipient": "Branch", "key_base64": "AAAAAAAAAAAAAAAAAAAAAA=="}),
            ),
            400,
        ),
        route("GET", "/v1/exports/{id}", &[Role::Admin], Value::Null, 404),
        route(
            "POST",
            "/v1/exports/{id}/approve",
            &[Role::Admin],
            acting(json!({})),
            404,
        ),
        route(
            "POST",
            "/v1/exports/{id}/file",
            &[Role::Admin],
            acting(json!({"key_base64": "AAAAAAAAAAAAAAAAAAAAAA=="})),
            404,
        ),
        route(
            "POST",
            "/v1/exports/{id}/withdraw",
            &[Role::Admin],
            acting(json!({})),
            404,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/page-links",
            &[Role::Enroll],
            acting(json!({"page": "security", "return_url": "https://nobody.example/", "state": "s"})),
            400,
        ),
        route(
            "POST",
            "/v1/support/passcodes",
            &[Role::Support],
            acting(json!({"account": "acme", "user": "alice", "reason": "lost"})),
            201,
        ),
        route("GET", "/v1/support/passcodes/{id}", &[Role::Support], Value::Null, 404),
        route(
            "POST",
            "/v1/support/passcodes/{id}/approve",
            &[Role::Support],
            acting(json!({"approver": {"account": "staff", "user": "anna", "code": "123456"}})),
            404,
        ),
        route(
            "POST",
            "/v1/support/passcodes/{id}/reveal",
            &[Role::Support],
            acting(json!({})),
            404,
        ),
        route(
            "POST",
            "/v1/support/unbind-requests",
            &[Role::Support],
            acting(
                json!({"account": "acme", "user": "alice", "outcome": {"kind": "unbind"}, "evidence": [], "reason": "lost"}),
            ),
            400,
        ),
        route("GET", "/v1/support/unbind-requests", &[Role::Support], Value::Null, 200),
        route(
            "GET",
            "/v1/support/unbind-requests/{id}",
            &[Role::Support],
            Value::Null,
            404,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/unbind-applications",
            &[Role::Enroll],
            acting(json!({"reason": "lost"})),
            409,
        ),
        route(
            "POST",
            "/v1/support/unbind-requests/{id}/open",
            &[Role::Support],
            acting(json!({"evidence": [], "reason": "seen"})),
            404,
        ),
        route(
            "POST",
            "/v1/support/unbind-requests/{id}/approve",
            &[Role::Support],
            acting(json!({"approver": {"account": "staff", "user": "anna", "code": "123456"}})),
            404,
        ),
        route(
            "POST",
            "/v1/support/unbind-requests/{id}/reject",
            &[Role::Support],
            acting(json!({"reason": "no"})),
            404,
        ),
        route(
            "POST",
            "/v1/support/unbind-requests/{id}/withdraw",
            &[Role::Support],
            acting(json!({"reason": "no"})),
            404,
        ),
        route(
            "POST",
            "/v1/support/unbind-requests/complete",
            &[Role::Enroll],
            acting(json!({"applicant_token": "ut_1_1"})),
            404,
        ),
        route(
            "POST",
            "/v1/challenges",
            &[Role::Verify],
            json!({"account": "acme", "user": "alice", "purpose": "login", "first_factor": {"method": "password"}}),
            201,
        ),
        route(
            "GET",
            "/v1/accounts/{account}/users/{user}/trusted-devices",
            &[Role::Enroll],
            Value::Null,
            200,
        ),
        route(
            "DELETE",
            "/v1/accounts/{account}/users/{user}/trusted-devices",
            &[Role::Enroll],
            Value::Null,
            204,
        ),
        route(
            "DELETE",
            "/v1/accounts/{account}/users/{user}/trusted-devices/{id}",
            &[Role::Enroll],
            Value::Null,
            404,
        ),
        route("GET", "/v1/challenges/{id}", &[Role::Verify], Value::Null, 404),
        route(
            "POST",
            "/v1/challenges/{id}/answer",
            &[Role::Verify],
            json!({"method": "totp", "code": "123456"}),
            404,
        ),
        route(
            "POST",
            "/v1/challenges/{id}/page-link",
            &[Role::Verify],
            json!({
                "return_url": "https://nobody.example/", "state": "s",
                "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            }),
            404,
        ),
        route(
            "POST",
            "/v1/prompt/exchange",
            &[Role::Verify],
            json!({"code": "none", "code_verifier": "none"}),
            404,
        ),
        route(
            "POST",
            "/v1/grants/introspect",
            &[Role::Verify],
            json!({"grant": "a.b.c"}),
            200,
        ),
        route(
            "POST",
            "/v1/grants/revoke",
            &[Role::Verify],
            json!({"account": "acme", "user": "alice"}),
            204,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/sessions",
            &[Role::Verify],
            acting(json!({})),
            201,
        ),
        route(
            "GET",
            "/v1/accounts/{account}/users/{user}/sessions",
            USER,
            Value::Null,
            200,
        ),
        route(
            "DELETE",
            "/v1/accounts/{account}/users/{user}/sessions/{id}",
            &[Role::Enroll],
            Value::Null,
            404,
        ),
        route(
            "POST",
            "/v1/accounts/{account}/users/{user}/sessions/end-all",
            &[Role::Enroll],
            acting(json!({})),
            200,
        ),
        route(
            "POST",
            "/v1/sessions/check",
            &[Role::Verify],
            json!({"token": "css_AQ"}),
            200,
        ),
        route("GET", "/v1/operations", &[Role::Verify], Value::Null, 200),
        route(
            "GET",
            "/v1/operations/{product}/{operation}",
            &[Role::Verify],
            Value::Null,
            200,
        ),
        route(
            "PUT",
            "/v1/operations/{product}/{operation}",
            &[Role::Admin],
            acting(json!({
                "category": {"en": "Compute", "zh": "计算"}, "product": {"en": "Machines", "zh": "云服务器"},
                "operation": {"en": "Shut down", "zh": "关机"}, "identity_always": false, "protected": true,
            })),
            200,
        ),
        route(
            "POST",
            "/v1/webhooks",
            &[Role::Admin],
            acting(json!({"url": "https://console.example.org/", "events": ["device.bound"]})),
            201,
        ),
        route("GET", "/v1/webhooks", &[Role::Admin], Value::Null, 200),
        route("DELETE", "/v1/webhooks/{id}", &[Role::Admin], Value::Null, 404),
        route(
            "POST",
            "/v1/webhooks/{id}/rotate",
            &[Role::Admin],
            acting(json!({"overlap_hours": 1})),
            404,
        ),
        route("GET", "/v1/webhooks/{id}/deliveries", &[Role::Admin], Value::Null, 404),
        route(
            "POST",
            "/v1/webhooks/{id}/deliveries/{delivery}/replay",
            &[Role::Admin],
            acting(json!({})),
            404,
        ),
        route("GET", "/.well-known/jwks.json", &[], Value::Null, 200),
        route("GET", "/v1/audit", &[Role::Audit], Value::Null, 200),
        route("GET", "/v1/audit/heads", &[Role::Audit], Value::Null, 200),
        route("GET", "/healthz", &[], Value::Null, 200),
        route("GET", "/readyz", &[], Value::Null, 200),
    ]
}

impl Route {
    pub(crate) fn open(&self) -> bool {
        self.roles.is_empty()
    }

    pub(crate) fn filled(&self) -> String {
        let query = match self.method {
            "DELETE" => "?actor_id=alice&actor_kind=user",
            "GET" if self.path.ends_with("/uses") => "?account=acme&user=alice",
            "GET" if self.path == "/v1/support/unbind-requests" => "?state=requested",
            _ => "",
        };
        // Nobody proves what is taken away, so that each caller is told the same.
        let method = if self.method == "DELETE" { "wechat" } else { "sms" };
        let path = self
            .path
            .replace("{account}", "acme")
            .replace("{user}", "alice")
            .replace("{id}", ID)
            .replace("{delivery}", ID)
            .replace("{method}", method)
            .replace("{serial_number}", "CS-000042")
            .replace("{name}", "2026-11")
            .replace("{product}", "cloud-virtual-machine")
            .replace("{operation}", "shutting-down-instances");
        path + query
    }

    /// The whole request in one piece: a refusal at the door does not wait for a body.
    fn call(&self, world: &World, key: Option<&str>) -> (u16, Value) {
        self.call_at(world, key, &self.filled(), &self.body)
    }

    /// The same at another path, with another body.
    pub(crate) fn call_at(&self, world: &World, key: Option<&str>, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut line = Line::to(world.address());
        assert!(line.send(&raw::request(self.method, path, key, body.as_bytes())));
        let answer = line.answer().expect("an answer");
        if answer.status == 401 {
            let head = answer.head.to_ascii_lowercase();
            assert!(
                head.contains("www-authenticate: bearer\r\n"),
                "RFC 9110: 401 says how: {head}"
            );
        }
        (answer.status, answer.json())
    }

    /// What a caller without the right is told, wherever the lack shows.
    fn assert_forbidden(&self, told: &(u16, Value), who: &str) {
        let told = format!("{told:?}");
        assert!(
            told.starts_with("(403") && told.contains("\"forbidden\""),
            "A4: {} {} by {who}: {told}",
            self.method,
            self.path
        );
    }
}

#[test]
fn each_role_may_do_what_it_is_for_and_nothing_else() {
    let world = World::new();
    for route in routes(&world).iter().filter(|route| !route.open()) {
        for role in Role::ALL {
            let told = route.call(&world, Some(world.key(role)));
            if route.roles.contains(&role) {
                assert_eq!(
                    told.0, route.status,
                    "A4: {} {} by {role:?}: {}",
                    route.method, route.path, told.1
                );
                assert_ne!(told.1["code"], "forbidden");
            } else {
                route.assert_forbidden(&told, role.name());
            }
        }
        let others: Vec<Role> = Role::ALL
            .into_iter()
            .filter(|role| !route.roles.contains(role))
            .collect();
        let told = route.call(&world, Some(&world.new_key(&others, None).1));
        route.assert_forbidden(&told, "all other roles together");
        let told = route.call(&world, Some(&world.new_key(&Role::ALL, None).1));
        assert_eq!(
            told.0, route.status,
            "A4: {} {} by all roles: {}",
            route.method, route.path, told.1
        );
    }
}

#[test]
fn a_key_that_is_limited_to_accounts_reaches_no_other() {
    let world = World::new();
    let (_, within) = world.new_key(&Role::ALL, Some(&["globex", "acme"]));
    let (_, without) = world.new_key(&Role::ALL, Some(&["globex", "acm", "acme2", "ACME", "*", ""]));
    for route in routes(&world).iter().filter(|route| !route.open()) {
        if [
            "/v1/audit/heads",
            "/v1/tokens",
            "/v1/batches",
            "/v1/exports",
            "/v1/support/drift",
        ]
        .iter()
        .any(|path| route.path.starts_with(path))
        {
            // The chain of the trail and the inventory are everybody's.
            route.assert_forbidden(&route.call(&world, Some(&within)), "a limited key");
            continue;
        }
        if route.path.starts_with("/v1/operations") && route.method == "PUT" {
            // So is the catalogue, which all may read.
            route.assert_forbidden(&route.call(&world, Some(&within)), "a limited key");
            continue;
        }
        if route.path == "/v1/audit" {
            // Each reads its own.
            for key in [&within, &without] {
                assert_eq!(route.call(&world, Some(key)).0, route.status, "A4: of nobody else");
            }
            continue;
        }
        // Whom a challenge or a grant is about is known once it opens, and these open for nobody.
        let is_about_nobody = [
            "/v1/operations",
            "/v1/challenges/",
            "/v1/grants/introspect",
            "/v1/prompt/exchange",
            "/v1/sessions/check",
            // A webhook is of the accounts that the key reaches, and others' are not there.
            "/v1/webhooks",
            "/v1/support/passcodes/",
            "/v1/support/unbind-requests/",
        ];
        let is_list = route.method == "GET" && route.path == "/v1/support/unbind-requests";
        if is_list || is_about_nobody.iter().any(|path| route.path.starts_with(path)) {
            let told = route.call(&world, Some(&without));
            assert_eq!(told.0, route.status, "{} {}: {}", route.method, route.path, told.1);
            continue;
        }
        let told = route.call(&world, Some(&within));
        assert_eq!(told.0, route.status, "A4: {} {}: {}", route.method, route.path, told.1);
        let told = route.call(&world, Some(&without));
        if route.path.ends_with("/batch") {
            assert_eq!(told.1["results"][0]["problem"]["code"], "forbidden", "A4: item by item");
            assert_eq!(told.1["results"][0]["accepted"], false);
        } else {
            route.assert_forbidden(&told, "a key of another account");
        }
    }
    // A mixed batch is decided where the key reaches.
    let bound = world.user("acme", "bob").bind();
    let code = bound.phone.code_at(world.now_ms());
    let item = |account: &str| json!({"account": account, "user": "bob", "code": code, "first_factor": true});
    let body = json!({"items": [item("initech"), item("acme"), item("globex")]});
    let results = world
        .call_as(Some(&within), "POST", "/v1/verify/batch", Some(&body))
        .expect(200)["results"]
        .clone();
    assert_eq!(results[0]["problem"]["code"], "forbidden");
    assert_eq!(results[1], accepted(&bound.device));
    assert_eq!(results[2]["outcome"], "refused");
}

#[test]
fn nobody_gets_in_without_a_living_key() {
    let mut world = World::new();
    let (id, revoked) = world.new_key(&Role::ALL, None);
    let (_, living) = world.new_key(&Role::ALL, None);
    let bound = world.user("acme", "alice").bind();
    assert_eq!(world.call_as(Some(&revoked), "GET", "/v1/audit", None).status, 200);
    world
        .wait(world.service().revoke_key(&Caller::shell(), id))
        .expect("a key can be revoked");
    let other_secret = format!("{}{}", &living[..living.len() - 64], "0".repeat(64));
    let swapped = format!("{}{}", &living[..living.len() - 64], &revoked[revoked.len() - 64..]);
    let upper = living.to_uppercase();
    let cut = &living[..living.len() - 1];
    let long = format!("{living}0");
    let garbled = [
        None,
        Some(""),
        Some("cs_"),
        Some("cs__"),
        Some(cut),
        Some(&long),
        Some(&upper),
        Some(&other_secret),
        Some(&swapped),
        Some(&revoked),
        Some("admin"),
        Some("cs_00000000000000000000000000000000_0000000000000000000000000000000000000000000000000000000000000000"),
    ];
    for route in &routes(&world) {
        for key in garbled {
            let (status, problem) = route.call(&world, key);
            if route.open() {
                assert_eq!(status, 200, "{} is for those who watch", route.path);
            } else {
                let told = (status, &problem["code"]);
                assert_eq!(
                    told,
                    (401, &json!("unauthorized")),
                    "A4: {} {} by {key:?}",
                    route.method,
                    route.path
                );
            }
        }
    }
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(
        world.user("acme", "alice").verify(&code),
        accepted(&bound.device),
        "none of it judged a code"
    );

    // The scheme matters, its case does not, and a key in the wrong place is none.
    let mut line = Line::to(world.address());
    for (header, status) in [
        (format!("Authorization: bearer {living}"), 200),
        (format!("authorization: BEARER   {living}"), 200),
        (format!("Authorization: Basic {living}"), 401),
        (format!("Authorization: {living}"), 401),
        (format!("Authorization: Bearer{living}"), 401),
        (format!("X-Api-Key: {living}"), 401),
    ] {
        assert!(line.send(format!("GET /v1/audit/heads HTTP/1.1\r\nHost: test\r\n{header}\r\n\r\n").as_bytes()));
        let answer = line.answer().expect("an answer");
        assert_eq!(answer.status, status, "{header}");
        if status == 401 {
            let problem = answer.json();
            let detail = problem["detail"].as_str().expect("words");
            assert!(detail.contains("`Authorization: Bearer KEY`"), "{header}: {detail}");
        }
    }
    assert!(line.send(format!("GET /v1/audit/heads?key={living} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()));
    assert_eq!(line.answer().expect("an answer").status, 401);

    // Before anything else is looked at: no key, no hint about the body.
    assert!(line.send(&raw::request("POST", "/v1/verify", Some("nobody"), b"{\"code\": 1")));
    assert_eq!(line.answer().expect("an answer").status, 401);

    // What is dead stays dead.
    world.restart();
    assert_eq!(world.call_as(Some(&revoked), "GET", "/v1/audit", None).status, 401);
    assert_eq!(world.call_as(Some(&living), "GET", "/v1/audit", None).status, 200);
}

/// `(method, path)` of every operation in the document.
fn documented() -> BTreeSet<(String, String)> {
    let document = serde_json::to_value(server::openapi()).expect("the document is JSON");
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            found.insert((method.to_uppercase(), path.clone()));
        }
    }
    found
}

#[test]
fn the_document_the_server_and_this_table_know_the_same_routes() {
    let world = World::new();
    let table: BTreeSet<_> = routes(&world)
        .iter()
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    assert_eq!(table, documented(), "the table of roles is whole");

    // The router prints its paths.
    let printed = format!(
        "{:?}",
        server::router(world.service(), server::Limits::default(), server::Brand::default())
    );
    let mut served: BTreeSet<String> = printed
        .split('"')
        .filter(|part| part.starts_with('/'))
        .map(str::to_owned)
        .collect();
    assert!(
        served.contains("/v1/verify"),
        "axum prints its routes otherwise by now: {printed}"
    );
    // The document itself, its page, and axum's way to the fallback, which is asked for below.
    let about = [
        "/openapi.json",
        "/docs",
        "/docs/",
        "/docs/{*rest}",
        "/",
        "/{*__private__axum_fallback}",
    ];
    // Pages are for people, and the document is for programs.
    let is_page = |path: &str| path.starts_with("/pages/") || path == "/staff" || path.starts_with("/staff/");
    served.retain(|path| !about.contains(&&**path) && !is_page(path));
    let served: BTreeSet<String> = served
        .iter()
        .map(|path| {
            if path.len() > 1 {
                path.trim_end_matches('/')
            } else {
                path
            }
            .to_owned()
        })
        .collect();
    let paths: BTreeSet<String> = documented().into_iter().map(|(_, path)| path).collect();
    assert_eq!(served, paths, "nothing is served that the document does not say");

    let everything = world.new_key(&Role::ALL, None).1;
    for path in &paths {
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            let filled = path
                .replace("{account}", "acme")
                .replace("{user}", "alice")
                .replace("{id}", ID)
                .replace("{method}", "sms")
                .replace("{serial_number}", "CS-000042")
                .replace("{name}", "2026-11");
            let reply = world.call_as(Some(&everything), method, &filled, None);
            let code = text_or_none(&reply.json()["code"]);
            if table.contains(&(method.to_owned(), path.clone())) {
                assert_ne!(reply.status, 405, "{method} {path}");
                let nowhere = reply.json()["detail"] == "there is no such path: see /docs";
                assert!(!nowhere, "{method} {path}");
            } else {
                assert_eq!(
                    (reply.status, code.as_deref()),
                    (405, Some("method_not_allowed")),
                    "{method} {path}"
                );
            }
        }
    }
    for path in [
        "/v1",
        "/v1/",
        "/v1/verify/",
        "/v2/verify",
        "/v1/accounts/acme",
        "/admin",
        "/v1/verify/batch/x",
    ] {
        world
            .call_as(Some(&everything), "GET", path, None)
            .problem(404, "not_found");
    }
    assert_eq!(
        world.call_as(None, "GET", "/openapi.json", None).expect(200),
        serde_json::to_value(server::openapi()).expect("JSON")
    );
    assert_eq!(world.call_as(None, "GET", "/docs/", None).status, 200);
    assert_eq!(
        world.call_as(None, "GET", "/", None).status,
        307,
        "whoever knocks is shown the page"
    );
}

fn text_or_none(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| text(value))
}

#[test]
fn the_document_names_the_roles_that_the_server_asks_for() {
    let world = World::new();
    let document = serde_json::to_value(server::openapi()).expect("the document is JSON");
    for route in &routes(&world) {
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        let said = operation["description"].as_str().unwrap_or_default();
        let names: Vec<_> = route.roles.iter().map(|role| role.name()).collect();
        let expected = format!("Role: {}.", names.join(" or "));
        if route.open() {
            assert!(
                !said.contains("Role:") && operation["security"] == json!([]),
                "{}: {said}",
                route.path
            );
        } else {
            assert!(
                said.contains(&expected),
                "{} {}: {said:?} does not say {expected:?}",
                route.method,
                route.path
            );
        }
    }
}
