//! Somebody with a stolen key of support asks what the next code is.

use serde_json::json;
use service::Role;

use crate::world::{HOUR_MS, World, accepted, text};

#[test]
fn a_stolen_support_key_is_told_no_code_that_could_be_entered() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    world.pass(HOUR_MS);
    let present = bound.phone.code_at(world.now_ms());
    let coming = bound.phone.code_at(world.now_ms() + 30_000);
    let ask = |number: usize, code: &str| {
        let actor = json!({"id": format!("name-{number}"), "kind": "support"});
        let body = json!({"account": "acme", "user": "alice", "code": code, "actor": actor});
        world.post(Role::Support, "/v1/support/diagnose", &body)
    };
    // Right codes among guesses, under twenty names.
    let mut told = Vec::new();
    for number in 0..20 {
        let guess = format!("{:06}", 37 * number);
        let code = match number {
            7 => &present,
            13 => &coming,
            _ => &guess,
        };
        told.push(text(&ask(number, code).expect(200)["cause"]));
    }
    assert_eq!((&*told[7], &*told[13]), ("wrong", "wrong"));
    ask(21, &present).problem(429, "rate_limited");
    assert_eq!(
        alice.verify(&present),
        accepted(&bound.device),
        "and the owner is not disturbed"
    );
}
