//! Somebody tries support's ways back: one person as two, a key of nobody, the applicant as approver, an old token, a device
//! that the request never meant, an application in the user's name.

use serde_json::{Value, json};
use service::{Approver, Caller, Factor, Method, NewKey, Owner, Role, Settings};

use crate::{
    judges::STEP_MS,
    world::{Bound, HOUR_MS, Reply, World, text},
};

/// Somebody of support: a user with a device, and the key that is bound to them.
struct Staff {
    name: &'static str,
    bound: Bound,
    key: String,
}

const REQUESTS: &str = "/v1/support/unbind-requests";

fn world() -> World {
    let mut settings = Settings::default();
    settings.support.applications = true;
    World::with(settings, server::Limits::default())
}

impl Staff {
    /// Bound to their key at once; the first one is approved by nobody.
    fn hired(world: &World, name: &'static str, approved_by: Option<&Staff>) -> Self {
        let bound = world.user("staff", name).bind();
        world.pass(STEP_MS);
        let mut staff = Self {
            name,
            bound,
            key: String::new(),
        };
        staff.key = staff.further_key(world, &format!("team {name}"), approved_by);
        staff
    }

    /// Another key that is bound to them.
    fn further_key(&self, world: &World, key_owner: &str, approved_by: Option<&Staff>) -> String {
        world.pass(24 * HOUR_MS);
        let wanted = NewKey {
            roles: vec![Role::Support],
            owner: key_owner.into(),
            person: Some(Owner::new("staff", self.name)),
            accounts: None,
            audiences: Vec::new(),
            return_urls: Vec::new(),
        };
        let approver = approved_by.map(|first| Approver {
            owner: Owner::new("staff", first.name),
            factor: Factor::Code {
                code: first.bound.phone.code_at(world.now_ms()).into(),
                method: Method::Totp,
            },
        });
        let made = world.wait(world.service().create_key(&Caller::shell(), &wanted, approver.as_ref()));
        let key = made.expect("a key").1.as_str().to_owned();
        world.pass(24 * HOUR_MS);
        key
    }

    fn post(&self, world: &World, path: &str, body: Value) -> Reply {
        by_key(world, &self.key, self.name, path, body)
    }

    fn approves(&self, world: &World, path: &str) -> Reply {
        let body = self.approver(world);
        self.post(world, path, body)
    }

    fn approver(&self, world: &World) -> Value {
        world.pass(STEP_MS);
        let code = self.bound.phone.code_at(world.now_ms());
        json!({"approver": {"account": "staff", "user": self.name, "code": code}})
    }
}

fn by_key(world: &World, key: &str, actor: &str, path: &str, mut body: Value) -> Reply {
    body["actor"] = json!({"id": actor, "kind": "support"});
    world.call_as(Some(key), "POST", path, Some(&body))
}

fn lost(user: &str) -> Value {
    json!({
        "account": "acme", "user": user, "outcome": {"kind": "unbind"}, "reason": "lost",
        "evidence": [{"kind": "id_number", "reference": "case-1"}],
    })
}

fn opened(world: &World, staff: &Staff, user: &str) -> String {
    let opened = staff.post(world, REQUESTS, lost(user)).expect(201);
    format!("{REQUESTS}/{}", text(&opened["id"]))
}

#[test]
fn u2b_one_person_with_two_keys_is_one_pair_of_eyes() {
    let world = world();
    let anna = Staff::hired(&world, "anna", None);
    let bao = Staff::hired(&world, "bao", Some(&anna));
    world.user("acme", "alice").bind();
    let second = anna.further_key(&world, "another team", Some(&bao));
    let asked = json!({"account": "acme", "user": "alice", "reason": "lost"});
    let asked = anna.post(&world, "/v1/support/passcodes", asked).expect(201);
    let passcode = format!("/v1/support/passcodes/{}", text(&asked["id"]));
    for path in [opened(&world, &anna, "alice"), passcode] {
        let approve = format!("{path}/approve");
        for actor in ["anna", "somebody else"] {
            by_key(&world, &second, actor, &approve, anna.approver(&world)).problem(403, "forbidden");
        }
        // With the code of one who was talked into it, by a key that is not theirs.
        by_key(&world, &second, "bao", &approve, bao.approver(&world)).problem(403, "forbidden");
        // By keys that are bound to nobody, and with the role alone.
        for key in [
            world.key(Role::Support),
            &world.new_key_of("team carl", &Role::ALL, None).1,
        ] {
            by_key(&world, key, "carl", &approve, bao.approver(&world)).problem(403, "forbidden");
        }
        bao.approves(&world, &approve).expect(200);
    }
}

#[test]
fn u2b_nobody_approves_of_their_own_way_back() {
    let world = world();
    let anna = Staff::hired(&world, "anna", None);
    let bao = Staff::hired(&world, "bao", Some(&anna));
    let mut of_bao = lost("bao");
    of_bao["account"] = json!("staff");
    let opened = anna.post(&world, REQUESTS, of_bao.clone()).expect(201);
    let path = format!("{REQUESTS}/{}", text(&opened["id"]));
    bao.approves(&world, &format!("{path}/approve"))
        .problem(403, "forbidden");
    anna.approves(&world, &format!("{path}/approve"))
        .problem(403, "forbidden");
    anna.post(&world, &format!("{path}/withdraw"), json!({"reason": "no"}))
        .expect(200);
    bao.post(&world, REQUESTS, of_bao).problem(403, "forbidden");
}

#[test]
fn u2_an_applicants_token_opens_one_request_once_and_no_device_that_it_never_meant() {
    let world = world();
    let anna = Staff::hired(&world, "anna", None);
    let bao = Staff::hired(&world, "bao", Some(&anna));
    let alice = world.user("acme", "alice");
    alice.bind();
    let complete = |token: &str| {
        let body = json!({"applicant_token": token, "actor": alice.actor()});
        world.post(Role::Enroll, "/v1/support/unbind-requests/complete", &body)
    };
    let path = opened(&world, &anna, "alice");
    let approved = bao.approves(&world, &format!("{path}/approve")).expect(200);
    let token = text(&approved["applicant_token"]);
    world.pass(24 * HOUR_MS);
    complete(&token).expect(200);
    complete(&token).problem(404, "not_found");
    // She has a new phone, and another request is approved: the old token is no part of it.
    let phone = alice.bind();
    let path = opened(&world, &anna, "alice");
    let approved = bao.approves(&world, &format!("{path}/approve")).expect(200);
    world.pass(24 * HOUR_MS);
    complete(&token).problem(404, "not_found");
    // Her administrator ends that phone, and she binds another one meanwhile: what was approved was not about that.
    let root = world.user("acme", "root");
    let of_root = root.bind();
    let named = json!({"root": "root", "administrators": [], "actor": {"id": "root", "kind": "user"}});
    world
        .call(Role::Admin, "PUT", "/v1/accounts/acme/administrators", Some(&named))
        .expect(200);
    world.pass(STEP_MS);
    let approver = json!({"account": "acme", "user": "root", "code": of_root.phone.code_at(world.now_ms())});
    alice
        .change(&phone.device, "unbind", &json!({"approver": approver}))
        .expect(204);
    let newest = alice.bind();
    complete(&text(&approved["applicant_token"])).problem(404, "not_found");
    assert_eq!(alice.device(&newest.device)["state"], "bound");
}

#[test]
fn u2b_a_stolen_session_applies_and_gains_nothing() {
    let world = world();
    let anna = Staff::hired(&world, "anna", None);
    let bao = Staff::hired(&world, "bao", Some(&anna));
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let apply = || {
        let body = json!({
            "reason": "lost", "evidence": [{"kind": "face", "reference": "mine"}], "actor": alice.actor(),
        });
        world.post(Role::Enroll, &alice.path("/unbind-applications"), &body)
    };
    let applied = apply().expect(201);
    assert_eq!(applied["state"], "applied");
    apply().problem(409, "request_state");
    let path = format!("{REQUESTS}/{}", text(&applied["id"]));
    bao.approves(&world, &format!("{path}/approve"))
        .problem(409, "request_state");
    world.pass(48 * HOUR_MS);
    assert_eq!(alice.device(&bound.device)["state"], "bound");
    // A key of the console vouches for nothing, and support not without evidence of its own.
    let seen = json!({"reason": "seen", "evidence": [{"kind": "id_number", "reference": "case-1"}]});
    let console = world.key(Role::Enroll);
    by_key(&world, console, "anna", &format!("{path}/open"), seen.clone()).problem(403, "forbidden");
    let nothing = json!({"reason": "seen", "evidence": []});
    anna.post(&world, &format!("{path}/open"), nothing)
        .problem(400, "invalid_request");
    let vouched = anna.post(&world, &format!("{path}/open"), seen).expect(200);
    assert_eq!(
        (&vouched["state"], &vouched["opened_by"]),
        (&json!("requested"), &json!("anna"))
    );
    assert_eq!(vouched["application"]["evidence"][0]["reference"], "mine");
    anna.approves(&world, &format!("{path}/approve"))
        .problem(403, "forbidden");
    // The owner logs in, and that is the end of it.
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&code)["accepted"], true);
    bao.approves(&world, &format!("{path}/approve"))
        .problem(409, "request_state");
    for _ in 0..3 {
        let again = format!("{REQUESTS}/{}", text(&apply().expect(201)["id"]));
        anna.post(&world, &format!("{again}/reject"), json!({"reason": "no"}))
            .expect(200);
    }
    apply().problem(429, "rate_limited");
}
