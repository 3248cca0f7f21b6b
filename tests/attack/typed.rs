//! Codes made of what cannot be seen: thousands of it are refused by their length, what is short enough is a wrong code like
//! any.

use serde_json::json;

use crate::world::{World, accepted, refused};

/// Three bytes and four, in UTF-8.
const UNSEEN: [&str; 6] = [
    "\u{200b}",
    "\u{feff}",
    "\u{2060}",
    "\u{e0001}",
    "\u{e0100}",
    "\u{1d173}",
];

#[test]
fn codes_of_thousands_of_invisible_characters_are_refused_by_their_length() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let code = bound.phone.code_at(world.now_ms());
    for unseen in UNSEEN {
        for times in [129, 4_000, 100_000] {
            let problem = alice.ask(&format!("{code}{}", unseen.repeat(times)), &json!({}));
            let problem = problem.problem(400, "invalid_request");
            assert!(problem.to_string().contains("128 bytes"), "it is said why: {problem}");
            assert!(!problem.to_string().contains(unseen), "nothing is repeated: {problem}");
        }
    }
    assert_eq!(
        alice.verify(&code),
        accepted(&bound.device),
        "no guess was counted, and nothing was used"
    );
}

#[test]
fn a1_what_is_left_of_nothing_is_a_wrong_code_that_counts() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    for unseen in UNSEEN.iter().cycle().take(10) {
        assert_eq!(alice.verify(&unseen.repeat(32)), refused());
    }
    assert!(
        alice.get().get("locked_until").is_some(),
        "A1: ten times no code at all"
    );
    alice.unlock(&bound.device);
    // As many as there may be, before and behind.
    let code = bound.phone.code_at(world.now_ms());
    let hidden = format!("{}{code}{}", "\u{200b}".repeat(20), "\u{feff}".repeat(20));
    assert_eq!(alice.verify(&hidden), accepted(&bound.device));
}
