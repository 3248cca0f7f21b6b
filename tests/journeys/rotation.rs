//! A sealing key is retired: what it sealed is sealed under the next one, and nobody notices. The key that hashes stays.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::{Value, json};
use service::{Ports, Role, Sealed, ServiceError, UnixMs, end_witness, prove_keyring, reseal};

use crate::{
    exports::{Admin, KEY, seeds},
    fobs::Fob,
    judges::STEP_MS,
    world::{World, accepted, accepted_on_paper, keyring, refused, text},
};

const REQUEST: &str = "q8Zr2nTVx0uYbWkJ4mPdSg";

fn lines(home: &Path) -> Vec<String> {
    let text = fs::read_to_string(home.join("keyring")).expect("a keyring");
    text.lines().map(str::to_owned).collect()
}

fn write(home: &Path, lines: &[String]) {
    fs::write(home.join("keyring"), lines.join("\n") + "\n").expect("ours");
}

/// An operator's editor: a further key, of which nothing is sealed yet.
fn add(home: &Path, line: &str) {
    let mut all = lines(home);
    all.push(line.to_owned());
    write(home, &all);
}

fn remove(home: &Path, start: &str) {
    let mut all = lines(home);
    let before = all.len();
    all.retain(|line| !line.starts_with(start));
    assert_eq!(all.len(), before - 1, "{start} stood there once");
    write(home, &all);
}

fn sealing_key(id: u32, byte: &str) -> String {
    format!("seal {id} 0 {}", byte.repeat(32))
}

fn under(world: &World, ports: &Ports, key: u32) -> Vec<(i64, Sealed)> {
    world.wait(ports.store.sealed_under(key, 0, u32::MAX)).expect("a read")
}

/// Everything that a key seals, in pages; how many pages it took.
fn reseal_all(world: &World, ports: &Ports, from: u32, limit: u32) -> usize {
    let (mut after, mut pages) = (0, 0);
    while let Some(last) = world.wait(reseal(ports, from, after, limit)).expect("a page") {
        assert!(last > after, "it goes on");
        (after, pages) = (last, pages + 1);
    }
    pages
}

fn items(found: &Value) -> Vec<String> {
    let items = found["items"].as_array().expect("items");
    items.iter().map(|item| text(&item["serial_number"])).collect()
}

#[test]
fn a_whole_database_is_sealed_anew_and_the_old_key_goes() {
    let mut world = World::proven();
    let fobs: Vec<Fob> = (1..=6).map(Fob::new).collect();
    world.stock(&fobs.iter().collect::<Vec<_>>());

    // Everything that has a secret, at every stage; and everything that was hashed.
    let alice = world.user("acme", "alice");
    let phone = alice.bind();
    let code = phone.phone.code_at(world.now_ms());
    let first = alice.ask(&code, &json!({"request_id": REQUEST})).expect(200);
    assert_eq!(first, accepted(&phone.device));
    assert_eq!(alice.verify_recovery(&phone.recovery_codes[0]), accepted_on_paper());
    let bob = world.user("acme", "bob");
    let fob = bob.bind_token(&fobs[0]);
    let carol = world.user("acme", "carol");
    let superseded = carol.enroll(&json!({}));
    let begun = carol.enroll(&json!({}));
    let dave = world.user("globex", "dave");
    let by_number = dave.enroll_token(&fobs[1]);
    let gone = world.user("acme", "gone");
    let unbound = gone.bind();
    let paper = json!({"code": unbound.recovery_codes[0], "method": "recovery_code"});
    assert_eq!(gone.change(&unbound.device, "unbind", &paper).status, 204);
    let to_erin = json!({"account": "acme", "user": "erin"});
    world
        .move_token(Role::Inventory, &fobs[2], "assigned", &to_erin)
        .expect(200);
    let (ada_key, export) = {
        let (ada, ben) = (Admin::new(&world, "Ada", "ada"), Admin::new(&world, "Ben", "ben"));
        let export = ada.asks_for(&[&fobs[3]]);
        ben.approves(&export).expect(200);
        (ada.key.clone(), export)
    };
    let (alice, bob, carol, dave) = ("alice", "bob", "carol", "dave");
    let (begun_id, begun_phone) = (begun.id, begun.phone);

    // Nothing rotates by itself: a second key seals what is new, from the next start on.
    add(world.home(), &sealing_key(2, "ab"));
    world.restart();
    let ports = world.ports_now();
    assert_eq!(under(&world, &ports, 2).len(), 1, "its witness");
    let before = under(&world, &ports, 1);
    assert!(before.len() > 10, "{} secrets", before.len());
    let refused_because = |done: Result<(), ServiceError>, why: &str| match done {
        Err(ServiceError::Invalid { why: said, .. }) => assert!(said.contains(why), "{said}"),
        other => panic!("{other:?}"),
    };
    refused_because(world.wait(end_witness(&ports, 1)), "secrets are sealed under it");
    refused_because(world.wait(end_witness(&ports, 2)), "new secrets are sealed under it");
    let back = world.wait(reseal(&ports, 2, 0, 9)).map(drop);
    refused_because(back, "new secrets are sealed under it");

    // While the service answers.
    let code = |world: &World| phone.phone.code_at(world.now_ms());
    let mut after = 0;
    let user = |world: &World| world.user("acme", alice).verify(&code(world));
    while let Some(last) = world.wait(reseal(&ports, 1, after, 3)).expect("a page") {
        after = last;
        world.pass(STEP_MS);
        assert_eq!(user(&world), accepted(&phone.device), "D4: in the middle of it");
    }
    assert_eq!(under(&world, &ports, 1).len(), 1, "the witness is the last one");
    assert_eq!(
        under(&world, &ports, 2).len(),
        before.len(),
        "all but a witness, and its own"
    );
    assert_eq!(reseal_all(&world, &ports, 1, 100), 1, "and stays");
    world
        .wait(end_witness(&ports, 1))
        .expect("nothing else is sealed under it");
    assert!(under(&world, &ports, 1).is_empty());
    let told: Vec<_> = world
        .events()
        .into_iter()
        .filter(|event| event["action"] == "keyring.reseal")
        .map(|event| event["detail"].clone())
        .collect();
    let count: u64 = told.iter().filter_map(|detail| detail["secrets"].as_u64()).sum();
    assert_eq!(count as usize, before.len() - 1, "A3: {told:?}");
    assert!(
        told.iter()
            .all(|detail| (&detail["from"], &detail["to"]) == (&json!(1), &json!(2)))
    );

    // The old key goes; with it, what was sealed under it could not be opened by anybody.
    remove(world.home(), "seal 1 ");
    world.restart();
    let alice = world.user("acme", alice);
    world.pass(STEP_MS);
    assert_eq!(user(&world), accepted(&phone.device), "a bound device");
    assert_eq!(alice.verify_recovery(&phone.recovery_codes[0]), refused(), "B6: once");
    assert_eq!(
        alice.verify_recovery(&phone.recovery_codes[1]),
        accepted_on_paper(),
        "B6: hashes are none of the sealing key's"
    );
    let bob = world.user("acme", bob);
    assert_eq!(
        bob.verify(&fobs[0].code_at(world.now_ms())),
        accepted(&fob.device),
        "a bound token"
    );

    let carol = world.user("acme", carol);
    let old = superseded.phone.code_at(world.now_ms());
    let hinted = carol.confirm(&begun_id, &[&old]).problem(422, "code_refused");
    assert_eq!(hinted["hint"]["kind"], "other_entry", "B7: {hinted}");
    let code = begun_phone.code_at(world.now_ms());
    carol.confirm(&begun_id, &[&code]).expect(200);
    let dave = world.user("globex", dave);
    let [one, two] = fobs[1].two_codes_at(world.now_ms());
    dave.confirm(&by_number, &[&one, &two]).expect(200);
    world.pass(2 * STEP_MS);
    let erin = world.user("acme", "erin").bind_token(&fobs[2]);
    assert_eq!(
        world.user("acme", "erin").verify(&fobs[2].code_at(world.now_ms())),
        accepted(&erin.device),
        "B3: a token of the inventory"
    );
    let code = fobs[4].code_at(world.now_ms());
    assert_eq!(
        items(&world.find("desk-1", &[&code]).expect(200)),
        [fobs[4].serial_number.clone()]
    );
    let [one, two] = fobs[0].two_codes_at(world.now_ms() + STEP_MS);
    world.pass(STEP_MS);
    assert_eq!(
        items(&world.find("desk-1", &[&one, &two]).expect(200)),
        [fobs[0].serial_number.clone()],
        "A5: a bound one"
    );

    // U4: a secret that some token had is known again, from before the first key went.
    let mut another = fobs[4].seed();
    another.serial_number = "CS-999999".into();
    let receipt = world.import_seeds("one", &[another], false);
    assert_eq!((receipt.imported, receipt.refusals.len()), (0, 1), "{receipt:?}");
    // The recipient's key was approved before; the management key comes with the secret.
    let ada = Admin {
        world: &world,
        key: ada_key,
        name: "ada",
    };
    let left = seeds(&ada.fetches(&export, &KEY));
    let was = fobs[3].seed();
    assert_eq!(left[0].secret.expose_secret(), was.secret.expose_secret());
    let management = |seed: &pskc::Seed| seed.management_key.as_ref().map(|key| key.expose_secret().to_vec());
    assert_eq!(management(&left[0]), management(&was));

    // Newly bound, and hashed, as ever.
    let frank = world.user("acme", "frank").bind();
    assert_eq!(
        world.user("acme", "frank").verify_recovery(&frank.recovery_codes[9]),
        accepted_on_paper()
    );
    let ports = world.ports_now();
    assert!(under(&world, &ports, 1).is_empty());
    world.assert_trail_holds();
}

#[test]
fn a_repeat_is_known_again_under_the_next_sealing_key() {
    let mut world = World::proven();
    let (device, code, first) = {
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        let code = bound.phone.code_at(world.now_ms());
        let first = alice.ask(&code, &json!({"request_id": REQUEST})).expect(200);
        (bound.device, code, first)
    };
    assert_eq!(first, accepted(&device));
    add(world.home(), &sealing_key(2, "cd"));
    world.restart();
    let ports = world.ports_now();
    reseal_all(&world, &ports, 1, 1);
    world.wait(end_witness(&ports, 1)).expect("it is free");
    remove(world.home(), "seal 1 ");
    world.restart();
    let mut again = first;
    again["repeated"] = true.into();
    let alice = world.user("acme", "alice");
    assert_eq!(alice.ask(&code, &json!({"request_id": REQUEST})).expect(200), again);
}

/// The witness goes last, so a key that is missing too early is missed.
#[test]
fn a_key_that_still_seals_something_is_missed() {
    let mut world = World::proven();
    world.user("acme", "alice").bind();
    add(world.home(), &sealing_key(2, "ab"));
    world.restart();
    let ports = world.ports_now();
    let page = world.wait(reseal(&ports, 1, 0, 1)).expect("a page");
    assert!(page.is_some());
    let whole = lines(world.home());
    let missed = |world: &World, start: &str, why: &str| {
        remove(world.home(), start);
        let proven = world.wait(prove_keyring(&world.ports_now()));
        assert!(
            matches!(&proven, Err(ServiceError::Untrusted(said)) if said.contains(why)),
            "{start}: {proven:?}"
        );
        write(world.home(), &whole);
    };
    missed(&world, "seal 1 ", "lacks key 1");
    missed(&world, "seal 2 ", "lacks key 2");
    // Without its line, a MAC key would be derived as before, which it was not.
    missed(&world, "mac 1 ", "its MAC key 1 is not the one");
    world.wait(prove_keyring(&world.ports_now())).expect("the whole one");
}

/// A keyring of before had no line for its MAC key. What was hashed under it is known, and the sealing key can go.
#[test]
fn a_keyring_of_before_is_upgraded_and_its_sealing_key_retired() {
    let mut world = World::proven();
    // As if no version that knows the line had ever run on it.
    world.stop();
    let old: Vec<_> = lines(world.home())
        .into_iter()
        .filter(|line| !line.starts_with("mac "))
        .collect();
    world = World::begun_with(&(old.join("\n") + "\n"));
    let (bound, fobs) = {
        let fobs = [Fob::new(1), Fob::new(2)];
        world.stock(&[&fobs[0]]);
        (world.user("acme", "alice").bind(), fobs)
    };
    assert!(lines(world.home()).iter().all(|line| !line.starts_with("mac ")));

    world.stop();
    let path = world.home().join("keyring");
    let upgraded = keyring(world.home(), &world.clock).upgrade(&path, UnixMs::new(world.now_ms()));
    assert!(upgraded.expect("it can be written").is_some());
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    add(world.home(), &sealing_key(2, "ab"));
    world.start();
    let ports = world.ports_now();
    reseal_all(&world, &ports, 1, 100);
    world.wait(end_witness(&ports, 1)).expect("it is free");
    remove(world.home(), "seal 1 ");
    world.restart();

    let alice = world.user("acme", "alice");
    assert_eq!(
        alice.verify_recovery(&bound.recovery_codes[0]),
        accepted_on_paper(),
        "B6"
    );
    assert_eq!(
        alice.verify(&bound.phone.code_at(world.now_ms())),
        accepted(&bound.device)
    );
    let mut again = fobs[0].seed();
    again.serial_number = fobs[1].serial_number.clone();
    assert_eq!(world.import_seeds("one", &[again], false).imported, 0, "U4");
    assert_eq!(world.import("one", &[&fobs[1]]).imported, 1);
}
