//! Grant keys are rotated while the service answers, and no verifier notices.

use serde_json::{Value, json};
use service::{Caller, Role, UnixMs};

use crate::{
    protection::{RESTART, Verifier},
    world::{HOUR_MS, MINUTE_MS, World, keyring, text},
};

/// `countersign keyring rotate grant` beside the running service, which looks at its files every second.
fn rotate(world: &World) -> String {
    let opened = keyring(world.home(), &world.clock);
    let key = opened.new_grant_key().expect("a key");
    let recorded = world.wait(world.service().record_grant_key(&Caller::shell(), key.id()));
    recorded.expect("the trail knows it first");
    let path = world.home().join("keyring");
    let added = opened.add_grant_key(&path, &key, UnixMs::new(world.now_ms()));
    added.expect("it can be written");
    assert!(world.look_at_keyring(), "there is one more");
    key.id().to_owned()
}

/// The ids of the published keys; [`Verifier::new`] asserts the cache's header.
fn published(world: &World) -> Vec<String> {
    let keys = Verifier::new(world).jwks["keys"].take();
    let keys = keys.as_array().expect("keys");
    keys.iter().map(|key| text(&key["kid"])).collect()
}

fn is_active(world: &World, grant: &str) -> bool {
    let told = world.post(Role::Verify, "/v1/grants/introspect", &json!({"grant": grant}));
    told.expect(200)["active"] == true
}

/// P3: a pass outlives the rotation of the key that signed it, and nothing outlives that key's hour.
#[test]
fn p3_grants_of_before_a_rotation_are_good_until_they_expire() {
    let mut world = World::new();
    {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        let login = json!({"purpose": "login"});
        let pass = |session: &str| json!({"purpose": "operation", "session_id": session, "operation": RESTART, "resource": "ins-1"});
        let is_of = |verifier: &Verifier<'_>, grant: &str, at: &Value| verifier.verify(grant, at).is_ok();
        let [old] = &*published(&world) else { panic!("one key") };
        let cached = Verifier::new(&world);
        let new = rotate(&world);
        let ends_at_ms = world.now_ms() + 10 * MINUTE_MS + HOUR_MS;
        assert_eq!(published(&world), [old.clone(), new.clone()], "both, at once");

        let last_of_old = alice.granted(&alice.operation("s1"), &bound);
        assert!(is_of(&cached, &last_of_old, &pass("s1")), "whoever fetched before");
        world.pass(10 * MINUTE_MS);
        let first_of_new = alice.granted(&alice.login(), &bound);
        let fetched = Verifier::new(&world);
        assert_eq!(
            cached.verify(&first_of_new, &login),
            Err("refused: kid".into()),
            "it signs now"
        );
        assert!(is_of(&fetched, &first_of_new, &login) && is_of(&fetched, &last_of_old, &pass("s1")));
        let told = world.post(
            Role::Verify,
            "/v1/grants/introspect",
            &json!({
                "grant": last_of_old, "session_id": "s1", "operation": RESTART, "resource": "ins-1",
            }),
        );
        assert_eq!(told.expect(200)["active"], true);

        world.pass(ends_at_ms - 1 - world.now_ms());
        assert_eq!(published(&world), [old.clone(), new.clone()], "an hour of overlap");
        world.pass(1);
        assert_eq!(published(&world), [&*new]);
        let ended = Verifier::new(&world);
        assert_eq!(ended.verify(&last_of_old, &pass("s1")), Err("refused: kid".into()));
        let today = alice.granted(&alice.login(), &bound);
        assert!(is_of(&ended, &today, &login) && is_active(&world, &today) && !is_active(&world, &last_of_old));
        let events = world
            .events()
            .into_iter()
            .filter(|event| event["action"] == "grant_key.add");
        let recorded: Vec<Value> = events.map(|event| event["detail"]["kid"].clone()).collect();
        assert_eq!(recorded, [json!(new)], "A3");
    }
    world.restart();
    assert_eq!(published(&world).len(), 1, "the file is what was taken in");
    world.assert_trail_holds();
}
