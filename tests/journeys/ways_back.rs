//! The ways back for somebody who lost their device, over HTTP and by the command alone: a recovery code, a passcode, an unbind
//! request with each of its outcomes, a token that was handed back (U2, U3, B6).

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use service::{Caller, NewKey, Owner, Role};

use crate::{
    fobs::Fob,
    judges::STEP_MS,
    world::{Bound, HOUR_MS, User, World, text},
};

/// Somebody of support, with a device of their own and a key that is bound to them.
struct Staff<'w> {
    user: User<'w>,
    bound: Bound,
    name: &'static str,
    key: String,
}

/// Two of them, whose keys are old enough to approve.
fn staff(world: &World) -> [Staff<'_>; 2] {
    let mut all: Vec<Staff<'_>> = Vec::new();
    for name in ["anna", "bao"] {
        let user = world.user("staff", name);
        let bound = user.bind();
        world.pass(STEP_MS);
        let wanted = NewKey {
            roles: vec![Role::Support],
            owner: format!("team {name}"),
            person: Some(Owner::new("staff", name)),
            accounts: None,
            audiences: Vec::new(),
            return_urls: Vec::new(),
        };
        let approver = all.last().map(|first| service::Approver {
            owner: Owner::new("staff", first.name),
            factor: service::Factor::Code {
                code: first.bound.phone.code_at(world.now_ms()).into(),
                method: service::Method::Totp,
            },
        });
        let made = world.wait(world.service().create_key(&Caller::shell(), &wanted, approver.as_ref()));
        let key = made.expect("a key").1.as_str().to_owned();
        all.push(Staff { user, bound, name, key });
        world.pass(24 * HOUR_MS);
    }
    world.pass(24 * HOUR_MS);
    all.try_into().unwrap_or_else(|_| panic!("two"))
}

impl Staff<'_> {
    fn actor(&self) -> Value {
        json!({"id": self.name, "kind": "support"})
    }

    fn post(&self, path: &str, mut body: Value) -> Value {
        body["actor"] = self.actor();
        let reply = self.user.world.call_as(Some(&self.key), "POST", path, Some(&body));
        assert!((200..300).contains(&reply.status), "{path}: {}", reply.json());
        reply.json()
    }

    fn approve(&self, path: &str) -> Value {
        let world = self.user.world;
        world.pass(STEP_MS);
        let code = self.bound.phone.code_at(world.now_ms());
        self.post(
            path,
            json!({"approver": {"account": "staff", "user": self.name, "code": code}}),
        )
    }

    /// The command with this one's key, and what it printed.
    fn command(&self, arguments: &[&str], typed: &str) -> Value {
        command(self.user.world, &self.key, arguments, typed)
    }
}

/// The command against this world, with this key; what it printed.
fn command(world: &World, key: &str, arguments: &[&str], typed: &str) -> Value {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("key");
    std::fs::write(&file, key).expect("a file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("its owner's");
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .env_clear()
        .args(arguments)
        .args([
            "--json",
            "--no-input",
            "--server",
            &format!("http://{}", world.address()),
            "--api-key-file",
        ])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(typed.as_bytes())
        .expect("it reads");
    let ended = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said}"))
}

/// A login that answers by this method.
fn login(user: &User<'_>, method: &str, code: &str) -> Value {
    let challenge = json!({
        "account": user.account, "user": user.user, "purpose": "login", "first_factor": {"method": "password"},
    });
    let asked = user.world.post(Role::Verify, "/v1/challenges", &challenge).json();
    let path = format!("/v1/challenges/{}/answer", text(&asked["id"]));
    user.world
        .post(Role::Verify, &path, &json!({"method": method, "code": code}))
        .json()
}

#[test]
fn u3_a_passcode_lets_somebody_in_once() {
    let world = World::new();
    let [anna, bao] = staff(&world);
    let alice = world.user("acme", "alice");
    alice.bind();
    let asked = anna.post(
        "/v1/support/passcodes",
        json!({"account": "acme", "user": "alice", "reason": "lost her phone"}),
    );
    let path = format!("/v1/support/passcodes/{}", text(&asked["id"]));
    assert_eq!(bao.approve(&format!("{path}/approve"))["state"], "approved");
    let shown = anna.post(&format!("{path}/reveal"), json!({}));
    let passcode = text(&shown["passcode"]);
    let told = login(&alice, "passcode", &passcode);
    assert_eq!(
        (&told["decision"], &told["method"]),
        (&json!("allow"), &json!("passcode")),
        "{told}"
    );
    let again = login(&alice, "passcode", &passcode);
    assert_eq!(again["code"], "invalid_request", "it is not offered again: {again}");
    let seen = world.call_as(Some(&anna.key), "GET", &path, None).json();
    assert_eq!(seen["state"], "used");
}

#[test]
fn u2_an_unbind_request_ends_the_device_or_switches_to_another_method() {
    let world = World::new();
    let [anna, bao] = staff(&world);
    for (name, outcome) in [
        ("alice", json!({"kind": "unbind"})),
        (
            "bob",
            json!({"kind": "switch_to", "method": "sms", "identity": "+86 138 0013 8000"}),
        ),
    ] {
        let user = world.user("acme", name);
        let bound = user.bind();
        let opened = anna.post(
            "/v1/support/unbind-requests",
            json!({
                "account": "acme", "user": name, "outcome": outcome, "reason": "stolen",
                "evidence": [{"kind": "id_number", "reference": "case-1"}, {"kind": "face", "reference": "case-2"}],
            }),
        );
        assert_eq!(opened["state"], "requested");
        let path = format!("/v1/support/unbind-requests/{}", text(&opened["id"]));
        let approved = bao.approve(&format!("{path}/approve"));
        assert_eq!(approved["in_force_at"], world.time(24 * HOUR_MS), "24 hours");
        let complete = json!({"applicant_token": approved["applicant_token"], "actor": user.actor()});
        let complete = || world.post(Role::Enroll, "/v1/support/unbind-requests/complete", &complete);
        complete().problem(409, "request_state");
        world.pass(24 * HOUR_MS);
        assert_eq!(complete().expect(200)["state"], "completed");
        assert_eq!(user.device(&bound.device)["state"], "unbound");
        let protection = user.get()["protection"].clone();
        let expected = if name == "bob" { "sms" } else { "none" };
        assert_eq!(protection["login_protection"], expected, "U2");
        complete().problem(404, "not_found");
    }
    let done = world.call_as(
        Some(&anna.key),
        "GET",
        "/v1/support/unbind-requests?state=completed",
        None,
    );
    assert_eq!(done.json()["items"].as_array().map(Vec::len), Some(2));
}

/// Over HTTP: a recovery code, and an administrator's own code.
#[test]
fn b6_u2_a_recovery_code_lets_in_and_an_administrator_ends_a_device() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let told = login(&alice, "recovery_code", &bound.recovery_codes[0]);
    assert_eq!(
        (&told["decision"], &told["method"]),
        (&json!("allow"), &json!("recovery_code")),
        "{told}"
    );
    let root = world.user("acme", "root");
    let of_root = root.bind();
    let named = json!({"root": "root", "administrators": [], "actor": {"id": "root", "kind": "user"}});
    world
        .call(Role::Admin, "PUT", "/v1/accounts/acme/administrators", Some(&named))
        .expect(200);
    world.pass(STEP_MS);
    let approver = json!({"account": "acme", "user": "root", "code": of_root.phone.code_at(world.now_ms())});
    alice
        .change(&bound.device, "unbind", &json!({"approver": approver}))
        .expect(204);
    assert_eq!(alice.device(&bound.device)["state"], "unbound");
}

#[test]
fn u2_u3_b6_every_way_back_by_the_command_alone() {
    let world = World::new();
    let [anna, bao] = staff(&world);
    let alice = world.user("acme", "alice");
    alice.bind();
    let (_, enroll) = world.new_key(&[Role::Enroll, Role::Verify], None);
    let acts = |name| ["--actor", name];

    // A recovery code.
    let bob = world.user("acme", "bob");
    let bound = bob.bind();
    let unbind = ["user", "unbind", "acme", "bob", "--recovery-code", "--yes"];
    command(&world, &enroll, &unbind, &bound.recovery_codes[0]);
    assert_eq!(bob.device(&bound.device)["state"], "unbound");

    // An administrator of the account.
    let root = world.user("acme", "root");
    let of_root = root.bind();
    let named = json!({"root": "root", "administrators": [], "actor": {"id": "root", "kind": "user"}});
    world
        .call(Role::Admin, "PUT", "/v1/accounts/acme/administrators", Some(&named))
        .expect(200);
    let bound = bob.bind();
    world.pass(STEP_MS);
    let code = of_root.phone.code_at(world.now_ms());
    command(
        &world,
        &enroll,
        &["user", "unbind", "acme", "bob", "--approver", "root", "--yes"],
        &code,
    );
    assert_eq!(bob.device(&bound.device)["state"], "unbound");

    // A token that was handed back, and another method in its place.
    let fob = Fob::new(7);
    world.stock(&[&fob]);
    let carol = world.user("acme", "carol");
    let bound = carol.bind_token(&fob);
    world.pass(STEP_MS);
    let open = [
        "support",
        "unbind",
        "open",
        "acme",
        "carol",
        "--token-returned",
        &fob.serial_number,
        "--switch-to",
        "sms=+86 139",
        "--reason",
        "left the pilot",
        "--actor",
        "anna",
    ];
    let opened = anna.command(&open, &fob.code_at(world.now_ms()));
    world.pass(STEP_MS);
    let code = bao.bound.phone.code_at(world.now_ms());
    let approve = [
        "support",
        "unbind",
        "approve",
        &text(&opened["id"]),
        "--as",
        "staff/bao",
        "--actor",
        "bao",
    ];
    let approved = bao.command(&approve, &code);
    assert_eq!(approved["state"], "in_force", "U2: what it shows was judged");
    let token = text(&approved["applicant_token"]);
    let done = command(&world, &enroll, &["support", "unbind", "complete"], &token);
    assert_eq!(
        (&done["state"], &done["switch_to"]),
        (&json!("completed"), &json!("sms"))
    );
    assert_eq!(carol.device(&bound.device)["state"], "unbound");

    world.pass(STEP_MS);
    let codes = command(&world, &enroll, &["user", "devices", "acme", "alice"], "");
    assert!(
        codes["devices"].as_array().is_some_and(|devices| devices.len() == 1),
        "{codes}"
    );

    // A passcode.
    let asked = anna.command(
        &[
            &["support", "passcode", "request", "acme", "alice", "--reason", "lost"][..],
            &acts("anna"),
        ]
        .concat(),
        "",
    );
    let id = text(&asked["id"]);
    world.pass(STEP_MS);
    let code = bao.bound.phone.code_at(world.now_ms());
    let approve = [
        "support",
        "passcode",
        "approve",
        &id,
        "--as",
        "staff/bao",
        "--actor",
        "bao",
    ];
    assert_eq!(bao.command(&approve, &code)["state"], "approved");
    let shown = anna.command(
        &[&["support", "passcode", "reveal", &id][..], &acts("anna")].concat(),
        "",
    );
    assert_eq!(
        login(&alice, "passcode", &text(&shown["passcode"]))["decision"],
        "allow"
    );

    // An unbind request.
    let open = [
        "support",
        "unbind",
        "open",
        "acme",
        "alice",
        "--evidence",
        "id_number=case-1",
        "--reason",
        "stolen",
        "--actor",
        "anna",
    ];
    let opened = anna.command(&open, "");
    let id = text(&opened["id"]);
    assert_eq!(bao.command(&["support", "unbind", "list"], "")[0]["id"], opened["id"]);
    world.pass(STEP_MS);
    let code = bao.bound.phone.code_at(world.now_ms());
    let approve = [
        "support",
        "unbind",
        "approve",
        &id,
        "--as",
        "staff/bao",
        "--actor",
        "bao",
    ];
    let approved = bao.command(&approve, &code);
    world.pass(24 * HOUR_MS);
    let done = command(
        &world,
        &enroll,
        &["support", "unbind", "complete"],
        &text(&approved["applicant_token"]),
    );
    assert_eq!(done["state"], "completed");
    assert_eq!(alice.get()["devices"], json!([]));
    assert_eq!(
        anna.command(&["support", "unbind", "show", &id], "")["state"],
        "completed"
    );
}
