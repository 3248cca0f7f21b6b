//! Names of users: byte for byte, or folded for a directory that does not tell `joe` from `Joe` (A3b).

use serde_json::json;
use server::Limits;
use service::{Role, Settings, UserNames};

use crate::{
    judges::STEP_MS,
    keys::routes,
    protection::Verifier,
    world::{World, accepted, refused, text},
};

fn world(user_names: Option<UserNames>) -> World {
    let settings = Settings {
        user_names,
        ..Settings::default()
    };
    World::with(settings, Limits::default())
}

/// The danger that the contract names in bold: as long as names are compared byte for byte, another spelling is another user,
/// of whom the answer says that nobody knows them.
#[test]
fn a3b_exact_names_are_two_users_and_the_second_is_unknown() {
    let world = world(None);
    let joe = world.user("acme", "joe");
    let bound = joe.bind();
    assert_eq!(joe.login()["decision"], "challenge");
    let other = world.user("acme", "Joe");
    let told = other.login();
    assert_eq!(
        (&told["decision"], &told["ground"]),
        (&json!("allow"), &json!("unknown_user"))
    );
    let events = other.events("challenge.decide", "allow");
    assert_eq!(events[0]["cause"], "unknown_user", "the trail says it, too");
    assert_eq!(other.verify(&bound.phone.code_at(world.now_ms())), refused());
    // Whoever is known and asked for nothing is told apart.
    let path = other.path("/protection");
    let etag = world.get(Role::Enroll, &path).etag.expect("an ETag");
    let body = json!({
        "login_protection": "none", "operation_protection": "none", "suspicious_login_protection": "none",
        "allow_trusted_devices": false, "session_idle_minutes": 120, "session_total_hours": 48, "actor": other.actor(),
    });
    world.put(Role::Enroll, &path, &body, Some(&etag)).expect(200);
    assert_eq!(other.login()["ground"], "not_protected");
}

/// One user however their name is spelled: at login, in what support looks up, in grants, over a restart.
#[test]
fn a3b_folded_names_are_one_user() {
    let mut world = world(Some(UserNames::CaseInsensitive));
    let (phone, device) = {
        let bound = world.user("acme", "Joe").bind();
        let shouting = world.user("acme", "JOE");
        let challenge = shouting.login();
        assert_eq!(
            (&challenge["decision"], &challenge["ground"]),
            (&json!("challenge"), &json!("protected"))
        );
        let grant = shouting.granted(&challenge, &bound);
        let claims = Verifier::new(&world)
            .verify(&grant, &json!({"purpose": "login"}))
            .expect("it is ours");
        assert_eq!((&claims["user"], &claims["sub"]), (&json!("joe"), &json!("acme/joe")));
        let listed = world.get(Role::Support, "/v1/accounts/acme/users").expect(200);
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(listed["items"][0]["user"], "joe");
        assert_eq!(shouting.get()["devices"].as_array().map(Vec::len), Some(1));
        let told = world
            .get(Role::Audit, "/v1/audit?account=acme&user=jOE&action=enrollment.confirm")
            .expect(200);
        assert_eq!(told["items"].as_array().map(Vec::len), Some(1), "{told}");
        (bound.phone, bound.device)
    };
    // Accounts are another matter: the cloud's own software names them.
    assert_eq!(world.user("ACME", "joe").login()["ground"], "unknown_user");
    // No wish in the configuration is none to change them.
    world.restart();
    world.pass(STEP_MS);
    let code = phone.code_at(world.now_ms());
    assert_eq!(world.user("acme", "jOe").verify(&code), accepted(&device));
    assert_eq!(world.user("acme", "joE").verify(&code), refused(), "D4");
    world.assert_trail_holds();
}

/// Whoever adds a road and forgets the door finds a store that refuses: no call comes to anything else for a name that is
/// spelled otherwise.
#[test]
fn a3b_every_call_comes_to_the_same_for_every_spelling() {
    let folding = world(Some(UserNames::CaseInsensitive));
    let exact = world(None);
    let spelled = |text: &str| text.replace("alice", "ALICE");
    for route in routes(&folding).iter().filter(|route| !route.open()) {
        let role = route.roles[0];
        let plain = route.call_at(&exact, Some(exact.key(role)), &route.filled(), &route.body);
        let body = match route.body.is_null() {
            true => route.body.clone(),
            false => serde_json::from_str(&spelled(&route.body.to_string())).expect("JSON"),
        };
        let told = route.call_at(&folding, Some(folding.key(role)), &spelled(&route.filled()), &body);
        assert_eq!(
            (told.0, &told.1["code"]),
            (plain.0, &plain.1["code"]),
            "{} {}: {}",
            route.method,
            route.path,
            told.1
        );
    }
}

/// Where a token goes, who administers an account, whom a batch is open to: lists of names are folded as names are.
#[test]
fn a3b_lists_of_names_are_folded() {
    let world = world(Some(UserNames::CaseInsensitive));
    let actor = json!({"id": "desk", "kind": "admin"});
    let batch = json!({
        "name": "beta", "open_to": {"kind": "users", "users": [{"account": "acme", "user": "Straße"}]}, "actor": actor,
    });
    let made = world.post(Role::Inventory, "/v1/batches", &batch).expect(201);
    assert_eq!(made["open_to"]["users"][0]["user"], "strasse");
    let path = "/v1/accounts/acme/administrators";
    let body = json!({"root": "Root", "administrators": ["Ann", "ANN", "bo"], "actor": actor});
    let told = world.put(Role::Admin, path, &body, Some("\"0\"")).expect(200);
    assert_eq!(
        (&told["root"], &told["administrators"]),
        (&json!("root"), &json!(["ann", "bo"]))
    );
    let body = json!({"root": "Root", "administrators": ["ROOT"], "actor": actor});
    let told = world
        .put(Role::Admin, path, &body, Some("\"1\""))
        .problem(400, "invalid_request");
    assert_eq!(text(&told["field"]), "administrators", "it is the same person");
}
