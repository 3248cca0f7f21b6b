//! Changing phones leaves no gap (B8), and nothing is added without a fresh factor (U5).

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use serde_json::{Value, json};
use service::{Role, Settings};

use crate::{
    judges::STEP_MS,
    world::{Bound, User, World, accepted, actor_query, refused, text},
};

fn replacing(bound: &Bound, code: &str) -> Value {
    json!({"replaces": {"device_id": bound.device, "code": code}})
}

/// The ids of the devices that are bound.
fn devices(user: &User<'_>) -> Vec<String> {
    let user = user.get();
    user["devices"]
        .as_array()
        .expect("devices")
        .iter()
        .map(|device| text(&device["id"]))
        .collect()
}

#[test]
fn the_old_phone_works_until_the_new_one_is_confirmed_and_not_a_moment_longer() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let old = alice.bind();
    alice.start(&json!({})).problem(409, "device_limit");
    assert_eq!(devices(&alice), [&*old.device], "D3");

    let code = old.phone.code_at(world.now_ms());
    let offered = alice.enroll(&replacing(&old, &code));
    assert_eq!(
        alice.verify(&code),
        refused(),
        "D4: the code that paid for it is burned"
    );
    world.pass(STEP_MS);
    assert_eq!(
        alice.verify(&old.phone.code_at(world.now_ms())),
        accepted(&old.device),
        "B8: no gap before"
    );
    assert_eq!(
        alice.verify(&offered.phone.code_at(world.now_ms())),
        refused(),
        "B2: not bound yet"
    );

    // Whoever looks meanwhile sees one device: the old one, then the new one.
    world.pass(STEP_MS);
    let done = AtomicBool::new(false);
    let (new, looks) = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut looks: Vec<Vec<String>> = Vec::new();
            while !done.load(SeqCst) || looks.len() < 2 {
                looks.push(devices(&alice));
            }
            looks
        });
        let new = alice.complete(offered);
        done.store(true, SeqCst);
        (new, looking.join().expect("looking does not fail"))
    });
    assert_ne!(new.device, old.device);
    for look in &looks {
        assert!(
            *look == [old.device.clone()] || *look == [new.device.clone()],
            "B8: the swap is atomic: {looks:?}"
        );
    }
    assert!(
        looks.is_sorted_by_key(|look| *look == [new.device.clone()]),
        "B8: and for good"
    );
    assert_eq!(devices(&alice), [&*new.device]);
    assert_eq!(
        alice.device(&old.device)["state"],
        "unbound",
        "the old one is a tombstone"
    );
    assert_eq!(
        alice.verify(&old.phone.code_at(world.now_ms() + STEP_MS)),
        refused(),
        "B8: no moment longer"
    );
    world.pass(STEP_MS);
    assert_eq!(alice.verify(&new.phone.code_at(world.now_ms())), accepted(&new.device));
    let paper = alice.verify_recovery(&old.recovery_codes[0]);
    assert_eq!(paper, refused(), "the set of the old phone was renewed with it");
    assert_eq!(alice.verify_recovery(&new.recovery_codes[0])["accepted"], true);
    drop(alice);
    world.assert_trail_holds();
}

#[test]
fn giving_up_halfway_leaves_the_old_phone_as_it_was() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let old = alice.bind();
    let offered = alice.enroll(&replacing(&old, &old.phone.code_at(world.now_ms())));
    let query = actor_query(&alice.actor());
    let path = alice.path(&format!("/enrollments/{}{query}", offered.id));
    let reply = world.call(service::Role::Enroll, "DELETE", &path, None);
    assert_eq!(reply.status, 204);
    let late = alice.confirm(&offered.id, &[&offered.phone.code_at(world.now_ms())]);
    late.problem(410, "enrollment_ended");
    world.pass(STEP_MS);
    assert_eq!(devices(&alice), [&*old.device]);
    assert_eq!(alice.verify(&old.phone.code_at(world.now_ms())), accepted(&old.device));
}

#[test]
fn a_wrong_replacing_code_is_counted_and_a_recovery_code_replaces_a_lost_phone() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let old = alice.bind();
    for wrong in old.phone.wrong_codes_at(world.now_ms(), 10) {
        alice.start(&replacing(&old, &wrong)).problem(422, "code_refused");
    }
    let right = old.phone.code_at(world.now_ms());
    let reply = alice.start(&replacing(&old, &right));
    assert_eq!(
        reply.problem(429, "rate_limited")["retry_after_s"],
        3_600,
        "A1: counted like any wrong code"
    );
    assert_eq!(alice.events("enrollment.start", "refused").len(), 10, "A3");
    assert_eq!(
        alice.verify(&right),
        accepted(&old.device),
        "A2: logging in has a budget of its own"
    );

    // The phone is lost; the paper is not.
    let stranger = json!({"replaces": {"device_id": "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11", "code": right}});
    alice.start(&stranger).problem(404, "not_found");
    let spent = &old.recovery_codes[3];
    let lost = json!({"replaces": {"device_id": old.device, "code": spent, "method": "recovery_code"}});
    let offered = alice.enroll(&lost);
    assert_eq!(alice.verify_recovery(spent), refused(), "B6: spent");
    let new = alice.complete(offered);
    assert_eq!(devices(&alice), [new.device], "B8");
}

#[test]
fn a_further_device_needs_a_fresh_factor_and_has_a_limit() {
    let settings = Settings {
        devices_max: 2,
        ..Settings::default()
    };
    let world = World::with(settings, server::Limits::default());
    let alice = world.user("acme", "alice");
    let phone = alice.bind();
    alice.start(&json!({})).problem(403, "factor_required");
    let wrong = phone.phone.wrong_code_at(world.now_ms());
    alice
        .start(&json!({"factor": {"code": wrong}}))
        .problem(422, "code_refused");
    let code = phone.phone.code_at(world.now_ms());
    let offered = alice.enroll(&json!({"factor": {"code": code}}));
    let tablet = alice.complete(offered);
    assert_eq!(
        devices(&alice),
        [phone.device.clone(), tablet.device.clone()],
        "D3: two by setting"
    );
    world.pass(STEP_MS);
    let code = tablet.phone.code_at(world.now_ms());
    alice
        .start(&json!({"factor": {"code": code}}))
        .problem(409, "device_limit");
    assert_eq!(alice.verify(&code), accepted(&tablet.device), "the limit cost no code");
    assert_eq!(
        alice.verify(&phone.phone.code_at(world.now_ms())),
        accepted(&phone.device)
    );

    // A1: a wrong code counts on every device it was tried on.
    let tablets = tablet.phone.codes_from(world.now_ms() - STEP_MS, 3);
    let wrong = phone.phone.wrong_codes_at(world.now_ms(), 13);
    for wrong in wrong.iter().filter(|wrong| !tablets.contains(wrong)).take(10) {
        assert_eq!(alice.verify(wrong), refused());
    }
    for device in [&phone.device, &tablet.device] {
        assert!(
            alice.device(device).get("locked_until").is_some(),
            "A1: both are locked"
        );
    }

    // With one of two gone, protection and paper stay; with the last they end.
    world.pass(2 * 60 * 60 * 1_000);
    let code = tablet.phone.code_at(world.now_ms());
    assert_eq!(
        alice.change(&tablet.device, "unbind", &json!({"code": code})).status,
        204
    );
    let user = alice.get();
    assert_eq!(
        user["protection"]["login_protection"], "mfa",
        "U1: something still protects"
    );
    assert_eq!(user["recovery_codes_left"], 10);
    assert_eq!(
        alice.verify(&phone.phone.code_at(world.now_ms())),
        accepted(&phone.device)
    );
}

/// A3b: a name is its letters, however an editor composed them; a letter in another case is another name.
#[test]
fn a_name_is_the_same_however_it_is_composed() {
    let world = World::new();
    let (composed, decomposed) = (world.user("Café", "zoë"), world.user("Cafe\u{301}", "zoe\u{308}"));
    let bound = decomposed.bind();
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(composed.verify(&code), accepted(&bound.device));
    assert_eq!(decomposed.verify(&code), refused(), "D4: one user, one code");
    assert_eq!(composed.get()["devices"], decomposed.get()["devices"]);
    assert_eq!(
        world.user("café", "zoë").verify(&code),
        refused(),
        "nobody by that name"
    );

    let (_, limited) = world.new_key(&[Role::Enroll], Some(&["Cafe\u{301}"]));
    let path = composed.path("");
    world.call_as(Some(&limited), "GET", &path, None).expect(200);
}
