//! Sessions over HTTP: from the login's grant to the sign-out everywhere, and over the death of the process.

use serde_json::{Value, json};
use service::{Caller, Role};

use crate::{
    judges::STEP_MS,
    world::{Bound, HOUR_MS, MINUTE_MS, Reply, User, World, text},
};

impl User<'_> {
    fn session_path(&self, rest: &str) -> String {
        format!("/v1/accounts/{}/users/{}/sessions{rest}", self.account, self.user)
    }

    fn begin(&self, grant: Option<&str>) -> Reply {
        let mut body = json!({
            "client": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}, "actor": {"id": "login", "kind": "service"},
        });
        if let Some(grant) = grant {
            body["grant"] = grant.into();
        }
        self.world.post(Role::Verify, &self.session_path(""), &body)
    }

    /// A login by the phone, and its session.
    fn logs_in(&self, bound: &Bound) -> Value {
        let asked = json!({
            "account": self.account, "user": self.user, "purpose": "login", "first_factor": {"method": "password"},
        });
        let challenge = self.world.post(Role::Verify, "/v1/challenges", &asked).expect(201);
        let path = format!("/v1/challenges/{}/answer", text(&challenge["id"]));
        let code = bound.phone.code_at(self.world.now_ms());
        let answer = json!({"method": "totp", "code": code});
        let told = self.world.post(Role::Verify, &path, &answer).expect(200);
        self.world.pass(STEP_MS);
        self.begin(Some(&text(&told["grant"]))).expect(201)
    }

    fn end_all(&self, code: Option<&str>) -> Reply {
        let mut body = json!({"actor": {"id": self.user, "kind": "user"}});
        if let Some(code) = code {
            body["factor"] = json!({"code": code});
        }
        self.world.post(Role::Enroll, &self.session_path("/end-all"), &body)
    }
}

fn check(world: &World, session: &Value) -> Value {
    let body = json!({"token": session["token"]});
    world.post(Role::Verify, "/v1/sessions/check", &body).expect(200)
}

/// P6: a login becomes a session, which is signed out everywhere at the very next check.
#[test]
fn p6_a_login_becomes_a_session_until_the_user_signs_out_everywhere() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let refused = alice.begin(None).expect(403);
    assert_eq!(refused["code"], "grant_required", "{refused}");
    let [desk, phone] = [(); 2].map(|()| alice.logs_in(&bound));
    let checked = check(&world, &desk);
    let expected = json!({
        "active": true, "account": "acme", "user": "alice", "session_id": desk["id"],
        "idle_expires_at": world.time(120 * MINUTE_MS), "expires_at": desk["expires_at"],
    });
    assert_eq!(checked, expected);
    let listed = world
        .call(Role::Enroll, "GET", &alice.session_path("?limit=1"), None)
        .expect(200);
    let [shown] = &listed["items"].as_array().expect("a list")[..] else {
        panic!("one: {listed}")
    };
    assert_eq!(shown["id"], desk["id"]);
    assert_eq!(
        shown["client"],
        json!({"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"})
    );
    let next = alice.session_path(&format!("?limit=1&cursor={}", text(&listed["next_cursor"])));
    let listed = world.call(Role::Enroll, "GET", &next, None).expect(200);
    assert_eq!(listed["items"][0]["id"], phone["id"]);
    assert_eq!(alice.end_all(None).expect(403)["code"], "factor_required");
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(alice.end_all(Some(&code)).expect(200), json!({"ended": 2}));
    for session in [&desk, &phone] {
        assert_eq!(check(&world, session), json!({"active": false, "cause": "ended"}));
    }
}

/// P6: one session is ended from a list, by somebody else than its bearer.
#[test]
fn p6_one_session_is_ended_and_the_other_goes_on() {
    let world = World::new();
    let bob = world.user("acme", "bob");
    let [one, two] = [(); 2].map(|()| bob.begin(None).expect(201));
    let path = bob.session_path(&format!("/{}?actor_id=bob&actor_kind=user", text(&one["id"])));
    world.call(Role::Enroll, "DELETE", &path, None).expect(204);
    world.call(Role::Enroll, "DELETE", &path, None).expect(404);
    assert_eq!(check(&world, &one), json!({"active": false, "cause": "ended"}));
    assert_eq!(check(&world, &two)["active"], true);
    let altered = json!({"token": text(&two["token"]).to_lowercase()});
    let checked = world.post(Role::Verify, "/v1/sessions/check", &altered).expect(200);
    assert_eq!(checked, json!({"active": false, "cause": "unknown"}));
}

/// P6: killed after the sign-out was answered, the process leaves no session of it; the others are as they were saved.
#[test]
fn p6_what_was_signed_out_stays_so_when_the_process_is_killed() {
    let mut world = World::new();
    let begun = {
        let [alice, bob] = ["alice", "bob"].map(|user| world.user("acme", user));
        let ended = alice.begin(None).expect(201);
        let goes_on = bob.begin(None).expect(201);
        world.pass(HOUR_MS);
        assert_eq!(check(&world, &goes_on)["active"], true);
        let service = world.service();
        assert_eq!(world.wait(service.save_touches(&Caller::system())), Ok(1));
        assert_eq!(alice.end_all(None).expect(200), json!({"ended": 1}));
        [ended, goes_on]
    };
    world.kill_and_start();
    let [ended, goes_on] = &begun;
    world.pass(HOUR_MS);
    assert_eq!(check(&world, ended), json!({"active": false, "cause": "ended"}));
    assert_eq!(check(&world, goes_on)["active"], true, "it was seen an hour ago");
    world.pass(2 * HOUR_MS);
    assert_eq!(check(&world, goes_on), json!({"active": false, "cause": "idle"}));
    world.pass(48 * HOUR_MS);
    assert_eq!(check(&world, goes_on)["active"], false);
}

/// P6: the process that is stopped saves what was seen.
#[test]
fn p6_a_restart_keeps_sessions_and_when_they_were_seen() {
    let mut world = World::new();
    let session = world.user("acme", "alice").begin(None).expect(201);
    world.pass(119 * MINUTE_MS);
    assert_eq!(check(&world, &session)["active"], true);
    world.restart();
    world.pass(119 * MINUTE_MS);
    assert_eq!(check(&world, &session)["active"], true);
    world.pass(120 * MINUTE_MS);
    assert_eq!(check(&world, &session), json!({"active": false, "cause": "idle"}));
}
