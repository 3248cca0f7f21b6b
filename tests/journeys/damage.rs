//! A record that the disk spoiled is its user's trouble and nobody else's.

use rusqlite::Connection;
use serde_json::{Value, json};
use service::Role;

use crate::world::{World, accepted, accepted_on_paper, refused};

/// Somebody or something changes the database behind the service's back.
fn spoil(world: &mut World, sql: &str) {
    world.stop();
    let database = Connection::open(world.home().join("countersign.sqlite")).expect("the database opens");
    assert_eq!(database.execute(sql, []).expect("the statement is SQL"), 1, "{sql}");
    database.close().expect("the database closes");
    world.start();
}

/// Three users, of whom the second one's record is spoiled, log in by one batch.
fn after(sql: &str) {
    let mut world = World::new();
    let names = ["alice", "bob", "carol"];
    let bound = names.map(|name| world.user("acme", name).bind());
    spoil(&mut world, sql);
    let items: Vec<Value> = names
        .iter()
        .zip(&bound)
        .map(|(user, bound)| {
            let code = bound.phone.code_at(world.now_ms());
            json!({"account": "acme", "user": user, "code": code, "first_factor": true})
        })
        .collect();
    let results = world
        .post(Role::Verify, "/v1/verify/batch", &json!({"items": items}))
        .expect(200)["results"]
        .clone();
    assert_eq!(results[0], accepted(&bound[0].device), "{sql}");
    assert_eq!(results[2], accepted(&bound[2].device), "{sql}");
    assert_eq!(results[1]["problem"]["code"], "internal", "{sql}: {results}");
    // Alone as well; and nobody learns more than that.
    world
        .user("acme", "bob")
        .ask("000000", &json!({}))
        .problem(500, "internal");
}

/// The row of the second user that was bound.
const BOBS: &str = "(SELECT id FROM user WHERE user = 'bob')";

#[test]
fn a_sealed_secret_that_was_changed_fails_its_own_user() {
    let row = "number = (SELECT secret FROM user WHERE user = 'bob')";
    after(&format!(
        "UPDATE secret SET bytes = zeroblob(length(bytes)) WHERE {row}"
    ));
    after(&format!(
        "UPDATE secret SET bytes = substr(bytes, 1, length(bytes) - 1) WHERE {row}"
    ));
    after(&format!("DELETE FROM secret WHERE {row}"));
}

/// Paper is the way back to whoever has no device that works.
#[test]
fn a_sealed_secret_that_was_changed_leaves_the_recovery_codes() {
    let mut world = World::new();
    let codes = world.user("acme", "bob").bind().recovery_codes;
    spoil(
        &mut world,
        "UPDATE secret SET bytes = zeroblob(length(bytes)) WHERE number = (SELECT secret FROM user)",
    );
    let bob = world.user("acme", "bob");
    assert_eq!(bob.verify_recovery(&codes[0]), accepted_on_paper());
    assert_eq!(bob.verify_recovery(&codes[0]), refused());
    bob.ask("000000", &json!({})).problem(500, "internal");
}

#[test]
fn a_sealed_secret_of_another_user_opens_for_nobody_else() {
    after("UPDATE user SET secret = (SELECT secret FROM user WHERE user = 'alice') WHERE user = 'bob'");
}

#[test]
fn a_state_that_was_changed_fails_its_own_user() {
    after(&format!(
        "UPDATE user_state SET state = substr(state, 2) WHERE user = {BOBS}"
    ));
    after(&format!("DELETE FROM user_state WHERE user = {BOBS}"));
}

#[test]
fn a_device_record_that_was_changed_fails_its_own_user() {
    let columns = [
        "devices = x''",
        "devices = x'0100'",
        "devices = CAST(substr(devices, 1, length(devices) - 1) AS BLOB)",
        "devices = CAST(x'09' || substr(devices, 2) AS BLOB)",
        "secret = NULL",
        "more_secrets = 'none'",
        "id = x'01'",
    ];
    for column in columns {
        after(&format!("UPDATE user SET {column} WHERE user = 'bob'"));
    }
}

/// A row that was put under another name opens nothing there: the secret is sealed for the name.
#[test]
fn a_row_of_another_user_is_nobody_elses() {
    after(
        "UPDATE user SET devices = (SELECT devices FROM user WHERE user = 'alice'), id = (SELECT id FROM user WHERE \
           user = 'alice'), secret = (SELECT secret FROM user WHERE user = 'alice') WHERE user = 'bob'",
    );
}
