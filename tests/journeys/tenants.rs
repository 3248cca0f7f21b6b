//! What a key reaches: one that is limited to an account cannot tell another account from none, at any call that the OpenAPI
//! document has (A4); and what a stolen key of each role opens is the manual's table. The calls are those of the table in
//! `keys`, which a test holds against the document: a new one without a row there fails it, and runs through here.

use serde_json::{Map, Value, json};
use service::{Caller, Role};

use crate::{
    keys::{Route, routes},
    world::{World, text},
};

/// What of somebody a call may name.
struct Named {
    account: &'static str,
    user: &'static str,
    device: String,
    enrollment: String,
    session: String,
    session_token: String,
    trust: String,
    challenge: String,
    grant: String,
    code: String,
    serial_number: &'static str,
    passcode: String,
    unbind_request: String,
    webhook: String,
}

impl Named {
    /// Carol of globex, who has all that there is to have.
    fn existing(world: &World) -> Self {
        let carol = world.user("globex", "carol");
        let bound = carol.bind();
        let asked = carol.login();
        let code = bound.phone.code_at(world.now_ms());
        let path = format!("/v1/challenges/{}/answer", text(&asked["id"]));
        let answer = json!({"method": "totp", "code": code, "trust_device": true});
        let answered = world.post(Role::Verify, &path, &answer).expect(200);
        let grant = text(&answered["grant"]);
        let begin = json!({"grant": grant, "actor": carol.actor()});
        let session = world.post(Role::Verify, &carol.path("/sessions"), &begin).expect(201);
        world.pass(crate::judges::STEP_MS);
        let operation = carol.operation(&text(&session["id"]));
        let grant = carol.granted(&operation, &bound);
        let trusts = world.get(Role::Enroll, &carol.path("/trusted-devices")).expect(200);
        let listed = json!({"root": "root", "administrators": ["carol"], "actor": carol.actor()});
        let put = "/v1/accounts/globex/administrators";
        world.put(Role::Admin, put, &listed, Some("\"0\"")).expect(200);
        world.pass(crate::judges::STEP_MS);
        let old = json!({"code": bound.phone.code_at(world.now_ms()), "device_id": bound.device});
        let further = carol.start(&json!({"replaces": old})).expect(201);
        world.pass(crate::judges::STEP_MS);
        let asked = |path: &str, also: Value| {
            let mut body = json!({"account": "globex", "user": "carol", "reason": "lost", "actor": carol.actor()});
            body.as_object_mut()
                .expect("an object")
                .extend(also.as_object().expect("fields").clone());
            text(&world.post(Role::Support, path, &body).expect(201)["id"])
        };
        let passcode = asked("/v1/support/passcodes", json!({}));
        let evidence = json!({"outcome": {"kind": "unbind"}, "evidence": [{"kind": "face", "reference": "1"}]});
        let unbind_request = asked("/v1/support/unbind-requests", evidence);
        let hook =
            json!({"url": "https://console.example.org/mfa", "events": ["device.bound"], "actor": carol.actor()});
        let webhook = text(&world.post(Role::Admin, "/v1/webhooks", &hook).expect(201)["id"]);
        let named = Self {
            passcode,
            unbind_request,
            webhook,
            account: "globex",
            user: "carol",
            device: bound.device.clone(),
            enrollment: text(&further["id"]),
            session: text(&session["id"]),
            session_token: text(&session["token"]),
            trust: text(&trusts["items"][0]["id"]),
            challenge: text(&carol.login()["id"]),
            grant,
            code: bound.phone.code_at(world.now_ms()),
            serial_number: "CS-000007",
        };
        world
            .wait(world.service().index_history(&Caller::system()))
            .expect("the index is filled");
        named
    }

    /// Somebody of an account that nobody ever heard of, and things that nobody ever had.
    fn absent() -> Self {
        let id = "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11";
        Self {
            account: "nowhr1",
            user: "nobdy",
            device: id.into(),
            enrollment: id.into(),
            session: id.into(),
            session_token: "css_AQ".into(),
            trust: id.into(),
            challenge: "none".into(),
            grant: "a.b.c".into(),
            code: "000000".into(),
            serial_number: "CS-000008",
            passcode: id.into(),
            unbind_request: id.into(),
            webhook: id.into(),
        }
    }

    /// The thing that `{id}` of this path is.
    fn id_of(&self, path: &str) -> &str {
        let families = [
            ("/devices/", &self.device),
            ("/enrollments/", &self.enrollment),
            ("/users/{user}/sessions/", &self.session),
            ("/trusted-devices/", &self.trust),
            ("/challenges/", &self.challenge),
            ("/passcodes/", &self.passcode),
            ("/unbind-requests/", &self.unbind_request),
            ("/webhooks/", &self.webhook),
            // Of no account: no limited key reaches one.
            ("/exports/", &self.device),
        ];
        let found = families.iter().find(|(family, _)| path.contains(family));
        found.map_or_else(|| panic!("say here whose id is in {path}"), |(_, id)| id)
    }

    /// A path that names them, or only their things, below somebody else.
    fn path(&self, route: &Route, (account, user): (&str, &str)) -> String {
        let query = match route.method {
            "DELETE" => "?actor_id=root&actor_kind=admin".to_owned(),
            "GET" if route.path.ends_with("/uses") => format!("?account={account}&user={user}"),
            "GET" if route.path == "/v1/support/unbind-requests" => "?state=requested".to_owned(),
            "GET" if route.path == "/v1/audit" => format!("?account={account}&user={user}"),
            _ => String::new(),
        };
        let id = if route.path.contains("{id}") {
            self.id_of(route.path)
        } else {
            ""
        };
        let path = route
            .path
            .replace("{account}", account)
            .replace("{user}", user)
            .replace("{id}", id)
            .replace("{delivery}", id)
            .replace("{method}", "sms")
            .replace("{serial_number}", self.serial_number)
            .replace("{name}", "2026-11")
            .replace("{product}", "cloud-virtual-machine")
            .replace("{operation}", "shutting-down-instances");
        path + &query
    }

    /// The body of a call about them: by the names of its fields.
    fn body(&self, body: &Value) -> Value {
        let field = |name: &str, value: &Value| match name {
            "account" => self.account.into(),
            "user" => self.user.into(),
            "code" => (*self.code).into(),
            "grant" => (*self.grant).into(),
            "token" => (*self.session_token).into(),
            "enrollment_id" => (*self.enrollment).into(),
            "serial_numbers" => json!([self.serial_number]),
            "actor" => value.clone(),
            _ => self.body(value),
        };
        match body {
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.clone(), field(name, value)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            Value::Array(items) => items.iter().map(|item| self.body(item)).collect(),
            other => other.clone(),
        }
    }

    /// An answer without what it repeats of the question.
    fn without_names(&self, answer: &(u16, Value)) -> String {
        // What is new with each call tells nobody apart.
        let mut said = answer.1.clone();
        if let Value::Object(fields) = &mut said {
            fields.retain(|name, _| !(answer.0 == 201 && ["id", "secret"].contains(&&**name)));
        }
        let mut text = format!("{} {said}", answer.0);
        for name in [self.account, self.user, self.serial_number] {
            text = text.replace(name, "…");
        }
        text
    }
}

/// How a limited key is answered about somebody of another account.
fn told(world: &World, key: &str, route: &Route, named: &Named) -> String {
    let path = named.path(route, (named.account, named.user));
    named.without_names(&route.call_at(world, Some(key), &path, &named.body(&route.body)))
}

#[test]
fn a4_a_limited_key_cannot_tell_another_account_from_none_at_any_call() {
    let world = World::new();
    let there = Named::existing(&world);
    let nowhere = Named::absent();
    let (_, own) = world.new_key(&Role::ALL, Some(&["acme"]));
    let (_, unlimited) = world.new_key(&Role::ALL, None);
    let alice = world.user("acme", "alice").bind();
    let before = about_globex(&world);
    let mut told_apart = 0;
    for route in routes(&world).iter().filter(|route| !route.open()) {
        let (of_somebody, of_nobody) = (told(&world, &own, route, &there), told(&world, &own, route, &nowhere));
        assert_eq!(of_somebody, of_nobody, "A4: {} {}", route.method, route.path);
        // Their things, below one's own user.
        if route.path.contains("{account}") && route.path.contains("{id}") {
            let call = |named: &Named| {
                let path = named.path(route, ("acme", "alice"));
                named.without_names(&route.call_at(&world, Some(&own), &path, &route.body))
            };
            assert_eq!(call(&there), call(&nowhere), "A4: {} {}", route.method, route.path);
        }
        // Whoever reaches all does tell them apart, where something is only read: there is something to be told.
        if route.method == "GET" || route.path.ends_with("/introspect") || route.path == "/v1/sessions/check" {
            let apart = |named: &Named| told(&world, &unlimited, route, named);
            told_apart += usize::from(apart(&there) != apart(&nowhere));
        }
    }
    assert!(told_apart >= 10, "{told_apart} calls have something to tell");
    for query in ["device={}", "device={}&order=desc", "serial_number=CS-000007"] {
        let ask = |device: &str| {
            world
                .call_as(Some(&own), "GET", &audit(query, device), None)
                .expect(200)
        };
        assert_eq!(ask(&there.device), ask(&nowhere.device), "A4: {query}");
    }
    // An approver of another account is none, whether there is one or not.
    for call in [
        format!("devices/{}/unbind", alice.device),
        "sessions/end-all".to_owned(),
    ] {
        let ask = |named: &Named| {
            let approver = json!({"account": named.account, "user": named.user, "code": named.code});
            let body = json!({"approver": approver, "actor": {"id": "root", "kind": "admin"}});
            let path = format!("/v1/accounts/acme/users/alice/{call}");
            world
                .call_as(Some(&own), "POST", &path, Some(&body))
                .problem(403, "forbidden")
        };
        let without = |problem: Value| problem.to_string();
        assert_eq!(without(ask(&there)), without(ask(&nowhere)), "A4: {call}");
    }
    assert_eq!(about_globex(&world), before, "nothing of it touched them");
}

fn audit(query: &str, device: &str) -> String {
    format!("/v1/audit?{}", query.replace("{}", device))
}

/// What the trail says of that account; what was counted is written first.
fn about_globex(world: &World) -> usize {
    world.pass(2 * crate::world::MINUTE_MS);
    let filter = service::AuditFilter {
        account: Some("globex".into()),
        ..service::AuditFilter::default()
    };
    let service = world.service();
    let order = service::AuditOrder::OldestFirst;
    let page = world.wait(service.audit(&Caller::shell(), &filter, order, None, 1_000));
    page.expect("a page").records.len()
}

/// What each role opens, and whether a limited key of it reaches that within its account.
fn table(world: &World) -> String {
    let (_, limited) = world.new_key(&Role::ALL, Some(&["acme"]));
    let mut lines = vec![
        "| call | verify | enroll | support | inventory | admin | audit | limited |".to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for route in routes(world).iter().filter(|route| !route.open()) {
        let is_let_in = |key: &str| {
            let answer = route.call_at(world, Some(key), &route.filled(), &route.body);
            !(answer.0 == 403 && answer.1["code"] == "forbidden")
        };
        let mark = |role: &Role| if is_let_in(world.key(*role)) { " x |" } else { " |" };
        let marks: String = [
            Role::Verify,
            Role::Enroll,
            Role::Support,
            Role::Inventory,
            Role::Admin,
            Role::Audit,
        ]
        .iter()
        .map(mark)
        .collect();
        let own = if is_let_in(&limited) { " x |" } else { " |" };
        let path = route.path.replace("/v1/accounts/{account}/users/{user}", "U");
        lines.push(format!("| `{} {path}` |{marks}{own}", route.method));
    }
    lines.join("\n")
}

/// A4: what a thief of a key can call is what the manual says, no more and no less.
#[test]
fn a4_the_manual_s_table_of_a_stolen_key_is_what_each_role_opens() {
    let world = World::new();
    let table = table(&world);
    let manual = include_str!("../../src/manual/support.md");
    if !manual.contains(&table) {
        panic!("src/manual/support.md is to say:\n{table}");
    }
}
