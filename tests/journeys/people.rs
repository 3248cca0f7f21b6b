//! People change: a user closes and comes back or is ended, leaves, hands over; an account's root names who looks after it.

use serde_json::{Value, json};
use service::{Role, Settings};

use crate::{
    judges::STEP_MS,
    world::{Reply, User, World, accepted, refused},
};

const DAY_MS: i64 = 86_400_000;

impl User<'_> {
    fn goes(&self, call: &str) -> Reply {
        let body = json!({"actor": {"id": "account-closing", "kind": "service"}});
        self.world.post(Role::Admin, &self.path(call), &body)
    }

    fn decided_at_login(&self) -> Value {
        let asked = json!({
            "account": self.account, "user": self.user, "purpose": "login", "first_factor": {"method": "password"},
        });
        let told = self.world.post(Role::Verify, "/v1/challenges", &asked).expect(201);
        json!([told["decision"], told["ground"]])
    }
}

fn keep_house(world: &World) {
    let done = world.wait(world.service().run_housekeeping(&service::Caller::system()));
    done.expect("housekeeping");
}

/// P9: fifteen days in which nobody logs in, and a way back.
#[test]
fn p9_a_closing_is_taken_back_or_ends_after_fifteen_days_over_a_restart() {
    let mut world = World::new();
    let phone = {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        alice.goes("/closing/withdraw").problem(404, "not_found");
        let closing = alice.goes("/closing").expect(200);
        assert_eq!(closing, json!({"state": "closing", "ends_at": world.time(15 * DAY_MS)}));
        assert_eq!(
            alice.goes("/closing").expect(200),
            closing,
            "asked once more it is the same"
        );
        assert_eq!(alice.get()["closing"], json!({"ends_at": closing["ends_at"]}));
        assert_eq!(alice.decided_at_login(), json!(["deny", "closing"]));
        let code = bound.phone.code_at(world.now_ms());
        assert_eq!(alice.verify(&code), refused());
        assert_eq!(
            alice.goes("/closing/withdraw").expect(200),
            json!({"state": "withdrawn"})
        );
        assert!(alice.get().get("closing").is_none());
        assert_eq!(alice.decided_at_login(), json!(["challenge", "protected"]));
        assert_eq!(
            alice.verify(&code),
            accepted(&bound.device),
            "it was not burned meanwhile"
        );
        alice.goes("/closing").expect(200);
        bound.phone
    };
    world.restart();
    world.pass(15 * DAY_MS - 1);
    keep_house(&world);
    let alice = world.user("acme", "alice");
    assert_eq!(
        alice.decided_at_login(),
        json!(["deny", "closing"]),
        "it stands in the database"
    );
    assert_eq!(alice.get()["devices"].as_array().map(Vec::len), Some(1));
    world.pass(2);
    alice.goes("/closing/withdraw").problem(410, "closing_ended");
    keep_house(&world);
    let shown = alice.get();
    assert_eq!(
        (&shown["devices"], &shown["recovery_codes_left"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(shown["protection"]["login_protection"], "none");
    assert_eq!(alice.verify(&phone.code_at(world.now_ms())), refused());
    alice.goes("/closing/withdraw").problem(410, "closing_ended");
    for (action, times) in [
        ("user.closing", 2),
        ("user.closing.withdraw", 1),
        ("user.close", 1),
        ("device.unbind", 1),
    ] {
        assert_eq!(alice.events(action, "done").len(), times, "A3: {action}");
    }
    let users = world.get(Role::Support, "/v1/accounts/acme/users").expect(200);
    assert_eq!(users["items"], json!([]));
    world.assert_trail_holds();
}

/// P9, B8: one step after the new holder's device has taken the old one's place.
#[test]
fn p9_an_account_is_handed_over_and_a_user_leaves() {
    let mut world = World::new();
    {
        let alice = world.user("acme", "alice");
        let first = alice.enroll(&json!({}));
        let replaced_none = json!({"enrollment_id": first.id, "actor": {"id": "root", "kind": "admin"}});
        let old = alice.complete(first);
        world.pass(STEP_MS);
        let problem = world
            .post(Role::Admin, &alice.path("/handover"), &replaced_none)
            .problem(400, "invalid_request");
        assert_eq!(
            problem["field"], "enrollment_id",
            "B8: the old holder's device opens still"
        );
        let code = old.phone.code_at(world.now_ms());
        let offered = alice.enroll(&json!({"replaces": {"device_id": old.device, "code": code}}));
        let enrollment = offered.id.clone();
        let hand_over = || {
            let body = json!({"enrollment_id": enrollment, "actor": {"id": "root", "kind": "admin"}});
            world.post(Role::Admin, &alice.path("/handover"), &body)
        };
        let problem = hand_over().problem(400, "invalid_request");
        assert_eq!(problem["field"], "enrollment_id");
        let new = alice.complete(offered);
        assert_eq!(hand_over().expect(200), json!({"state": "handed_over"}));
        world.pass(STEP_MS);
        assert_eq!(alice.verify(&new.phone.code_at(world.now_ms())), accepted(&new.device));
        assert_eq!(alice.verify_recovery(&old.recovery_codes[0]), refused());
        assert_eq!(
            alice.get()["recovery_codes_left"],
            10,
            "those of the new holder's binding are theirs"
        );
        assert_eq!(alice.goes("/leave").expect(200), json!({"state": "ended"}));
        assert_eq!(alice.get()["devices"], json!([]));
        world.pass(2 * DAY_MS);
        hand_over().problem(410, "enrollment_expired");
    }
    world.assert_trail_holds();
}

/// U2b: an account's root and administrators, set by the root's own factor.
#[test]
fn u2b_the_root_names_the_administrators() {
    let mut world = World::new();
    {
        const PATH: &str = "/v1/accounts/acme/administrators";
        let set = |also: &Value, etag: &str| {
            let mut body =
                json!({"root": "alice", "administrators": ["bob"], "actor": {"id": "alice", "kind": "user"}});
            for (name, value) in also.as_object().expect("fields") {
                body[name] = value.clone();
            }
            world.put(Role::Admin, PATH, &body, Some(etag))
        };
        world.get(Role::Admin, PATH).problem(404, "not_found");
        let first = set(&json!({}), "\"0\"");
        assert_eq!(first.etag.as_deref(), Some("\"1\""));
        assert_eq!(first.expect(200), json!({"root": "alice", "administrators": ["bob"]}));
        let more = json!({"administrators": ["bob", "mallory"]});
        set(&more, "\"0\"").problem(412, "precondition_failed");
        set(&more, "\"1\"").problem(409, "no_device");
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        set(&more, "\"1\"").problem(403, "factor_required");
        let wrong = bound.phone.wrong_code_at(world.now_ms());
        let by = |code: &str| json!({"administrators": ["bob", "mallory"], "factor": {"code": code}});
        set(&by(&wrong), "\"1\"").problem(422, "code_refused");
        let code = bound.phone.code_at(world.now_ms());
        let done = set(&by(&code), "\"1\"").expect(200);
        assert_eq!(done["administrators"], json!(["bob", "mallory"]));
        assert_eq!(alice.verify(&code), refused(), "D4: it is burned");
        world.user("acme", "mallory").goes("/leave").expect(200);
        let left = world.get(Role::Admin, PATH);
        assert_eq!(left.etag.as_deref(), Some("\"3\""));
        assert_eq!(left.expect(200)["administrators"], json!(["bob"]));
        assert_eq!(
            world
                .user("acme", "mallory")
                .events("administrators.change", "done")
                .len(),
            2
        );
    }
    world.assert_trail_holds();
}

/// P1: no more users of an account with a device or a setting than there may be.
#[test]
fn p1_an_account_has_a_limit_of_users() {
    let settings = Settings {
        users_per_account: 1,
        ..Settings::default()
    };
    let world = World::with(settings, server::Limits::default());
    let alice = world.user("acme", "alice");
    alice.bind();
    world.user("acme", "bob").start(&json!({})).problem(409, "user_limit");
    world.user("globex", "bob").bind();
    alice.goes("/leave").expect(200);
    world.user("acme", "bob").bind();
}
