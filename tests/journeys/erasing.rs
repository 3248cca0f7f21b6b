//! A person is erased: nobody finds their name, address or agent again, and what others did stands (`src/manual/audit.md`).

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use service::Role;

use crate::{
    binding::{assert_none, finds},
    fobs::Fob,
    judges::STEP_MS,
    world::{User, World, accepted, actor_query, refused, text},
};

/// An address and an agent that nobody else has.
fn client(of: &User<'_>) -> Value {
    let (ip, user_agent) = traces(of);
    json!({"client": {"ip": ip, "user_agent": user_agent}})
}

fn traces(of: &User<'_>) -> (String, String) {
    let number: u32 = of.user.bytes().map(u32::from).sum();
    (
        format!("2001:db8::{number:x}:7"),
        format!("Browser of {}", of.user.len() * 1_000_003),
    )
}

/// Refused before there is a device, then right, wrong and more often than has records.
fn lives(person: &User<'_>, device: &str, code: impl Fn() -> String) {
    assert_eq!(person.ask(&code(), &client(person)).expect(200), accepted(device));
    for _ in 0..14 {
        assert_eq!(person.ask("000000", &client(person)).expect(200), refused());
    }
}

fn erase(person: &User<'_>) {
    erase_as(person, &json!({"id": "privacy-desk", "kind": "support"}));
}

fn erase_as(person: &User<'_>, actor: &Value) {
    let path = person.path(&format!("{}&erase=true", actor_query(actor)));
    person.world.call(Role::Admin, "DELETE", &path, None).expect(204);
}

/// The key of this user's names is zeroes.
fn spoil(world: &mut World, user: &str) {
    world.stop();
    let database = rusqlite::Connection::open(world.home().join("countersign.sqlite")).expect("the database opens");
    let sql = "UPDATE secret SET bytes = zeroblob(length(bytes)) \
               WHERE number = (SELECT names_key FROM user WHERE user = ?)";
    assert_eq!(database.execute(sql, [user]).expect("SQL"), 1);
    database.close().expect("the database closes");
    world.start();
}

fn of_person<'e>(events: &'e [Value], person: &Value) -> Vec<&'e Value> {
    events.iter().filter(|event| event["person"] == *person).collect()
}

fn person_of(user: &User<'_>) -> Value {
    let events = user.world.events();
    let named = events.iter().find(|event| event["user"] == user.user);
    named.expect("the trail names them")["person"].clone()
}

#[test]
fn an_erased_person_is_nowhere_and_everything_else_stands() {
    let mut world = World::new();
    let (carried, waiting) = (Fob::new(1), Fob::new(2));
    world.stock(&[&carried, &waiting]);
    let mallory = world.user("acme", "mallory-of-wolke");
    let bob = world.user("acme", "bob.who.stays");
    // Before either has a device.
    for person in [&mallory, &bob] {
        assert_eq!(person.ask("000000", &client(person)).expect(200), refused());
    }
    let token = mallory.bind_token(&carried);
    let phone = bob.bind();
    let beta = json!([{"account": "acme", "user": mallory.user}, {"account": "acme", "user": bob.user}]);
    world.open_batch("one", &json!({"kind": "users", "users": beta}));
    let aside = json!({"account": "acme", "user": mallory.user});
    world
        .move_token(Role::Inventory, &waiting, "assigned", &aside)
        .expect(200);
    lives(&mallory, &token.device, || carried.code_at(world.now_ms()));
    lives(&bob, &phone.device, || phone.phone.code_at(world.now_ms()));
    mallory.verify_recovery(&token.recovery_codes[0]);

    let before = world.events();
    let (person, stays) = (person_of(&mallory), person_of(&bob));
    assert_ne!(person, stays);
    let of_mallory = of_person(&before, &person);
    let (ip, agent) = traces(&mallory);
    let said = |event: &Value, text: &str| event.to_string().contains(text);
    for text in [&ip, &agent, &mallory.user] {
        assert!(
            of_mallory.iter().any(|event| said(event, text)),
            "{text} was in the trail"
        );
    }

    erase(&mallory);
    let after = world.events();
    for event in &after {
        for text in [&ip, &agent, &mallory.user] {
            assert!(!said(event, text), "{event}");
        }
    }
    let left = of_person(&after, &person);
    assert!(left.len() > of_mallory.len(), "what happened stays, and how it ended");
    for (was, is) in of_mallory.iter().zip(&left) {
        assert_eq!(
            (&was["action"], &was["outcome"], &was["device"]),
            (&is["action"], &is["outcome"], &is["device"])
        );
        assert!(is["user"].is_null() && is["account"].is_null() && is["client"].is_null());
    }
    let last = left.last().expect("an event");
    assert_eq!(
        (&last["action"], &last["actor"]["id"]),
        (&json!("user.erase"), &json!("privacy-desk"))
    );
    assert_eq!(
        of_person(&before, &stays),
        of_person(&after, &stays),
        "others' history stands"
    );

    // What was theirs is nobody's.
    assert_eq!(world.token(&carried)["state"], "returned");
    assert_eq!(
        (&world.token(&waiting)["state"], world.token(&waiting).get("user")),
        (&json!("imported"), None)
    );
    let batch = world.get(Role::Inventory, "/v1/batches/one").expect(200);
    assert_eq!(
        batch["open_to"]["users"],
        json!([{"account": "acme", "user": bob.user}])
    );
    assert_eq!(mallory.get()["devices"], json!([]));

    let needles: Vec<Vec<u8>> = [ip, agent, mallory.user.clone()].map(String::into_bytes).into();
    let name = bob.user.clone();
    world.assert_trail_holds();
    world.stop();
    assert_none(world.home(), &needles, "an erased person is in no file");
    assert!(finds(world.home(), name.as_bytes()) > 0, "the other one is");

    // Whoever comes back under that name is somebody else.
    world.start();
    let mallory = world.user("acme", "mallory-of-wolke");
    let phone = mallory.bind();
    let code = phone.phone.code_at(world.now_ms());
    assert_eq!(mallory.verify(&code), accepted(&phone.device));
    assert_ne!(person_of(&mallory), person);
}

/// Somebody who never had a device is a person, too.
#[test]
fn a_stranger_is_named_and_can_be_erased() {
    let mut world = World::new();
    let stranger = world.user("acme", "stranger.in.town");
    assert_eq!(stranger.ask("000000", &client(&stranger)).expect(200), refused());
    let person = person_of(&stranger);
    let named = |world: &World| {
        let events = world.events();
        of_person(&events, &person)[0]["user"].clone()
    };
    assert_eq!(named(&world), "stranger.in.town", "at once");
    world.restart();
    assert_eq!(named(&world), "stranger.in.town", "and for good");
    let stranger = world.user("acme", "stranger.in.town");
    erase(&stranger);
    erase(&stranger);
    let (ip, agent) = traces(&stranger);
    let needles: Vec<Vec<u8>> = [ip, agent, stranger.user.clone()].map(String::into_bytes).into();
    assert_eq!(named(&world), Value::Null);
    world.assert_trail_holds();
    world.stop();
    assert_none(world.home(), &needles, "nor is a stranger");
}

/// What an erased person did before and what is counted of them is written without them.
#[test]
fn nothing_names_them_later() {
    let mut world = World::new();
    let alice = world.user("acme", "alice.who.goes");
    let bound = alice.bind();
    let wrong = bound.phone.wrong_code_at(world.now_ms());
    for _ in 0..30 {
        alice.ask(&wrong, &client(&alice)).expect(200);
    }
    erase(&alice);
    let needle = alice.user.clone().into_bytes();
    // What was counted is written at the end.
    world.pass(STEP_MS);
    world.stop();
    assert_none(world.home(), &[needle], "a count names nobody who was erased");
}

/// SHA-256 of salt and what was committed is what the chain holds, with the names sealed (A3).
#[test]
fn what_was_committed_can_be_computed_by_others() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    alice.bind();
    let page = world.get(Role::Audit, "/v1/audit?limit=1000").expect(200);
    let mut sealed = 0;
    for item in page["items"].as_array().expect("items") {
        let salt = data_encoding::HEXLOWER
            .decode(text(&item["salt"]).as_bytes())
            .expect("hex");
        let Some(committed) = item["committed"].as_str() else {
            continue;
        };
        sealed += 1;
        assert!(
            !committed.contains("alice") && committed.contains("\"names\":\""),
            "{committed}"
        );
        let id: Vec<u64> = text(&item["id"])
            .split('.')
            .map(|part| part.parse().expect("a number"))
            .collect();
        let place = service::audit::Place {
            chain: id[0] as i64,
            position: id[1],
        };
        let row = world
            .wait(world.ports_now().store.row(place))
            .expect("a read")
            .expect("a row");
        let commitment = digest(&SHA256, &[&salt[..], committed.as_bytes()].concat());
        assert_eq!(row.events[id[2] as usize - 1].commitment(), commitment.as_ref());
    }
    assert!(sealed >= 2, "{page}");
}

/// "Delete my account": who asks is who goes.
#[test]
fn who_erases_themself_is_erased() {
    let mut world = World::new();
    let alice = world.user("acme", "alice.who.goes.herself");
    alice.bind();
    let (ip, _) = traces(&alice);
    erase_as(&alice, &json!({"id": alice.user, "kind": "user", "ip": ip}));
    let needles = [ip.into_bytes(), alice.user.clone().into_bytes()];
    world.stop();
    assert_none(world.home(), &needles, "who erases themself");
}

/// One spoiled key costs its user's names, and nobody anything else.
#[test]
fn a_spoiled_key_of_names_is_in_nobodys_way() {
    let mut world = World::new();
    let bound = world.user("acme", "bob").bind();
    for name in ["carol", "dave"] {
        world.user("acme", name).enroll(&json!({}));
    }
    spoil(&mut world, "bob");
    spoil(&mut world, "carol");
    let bob = world.user("acme", "bob");
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(bob.ask(&code, &client(&bob)).expect(200), accepted(&bound.device));
    let accepted = bob.events("verify", "accepted");
    assert_eq!(accepted.len(), 1, "it is told");
    assert!(accepted[0]["client"].is_null(), "without what cannot be sealed");
    world.pass(25 * crate::world::HOUR_MS);
    let kept = world.wait(world.service().run_housekeeping(&service::Caller::system()));
    assert_eq!(kept.expect("housekeeping"), 2, "both enrollments end");
    erase(&bob);
    assert_eq!(bob.get()["devices"], json!([]));
}

/// Names that somebody makes up and that nothing is recorded of fill nothing.
#[test]
fn a_name_of_which_nothing_is_recorded_has_no_row() {
    let mut world = World::new();
    let before = world.events().len();
    for number in 0..20 {
        let made_up = world.user("acme", &format!("made-up-{number}"));
        let body = json!({"code": "000000", "actor": made_up.actor()});
        let path = made_up.path("/devices/019a9ef4-0000-7000-8000-000000000000/unbind");
        world.post(Role::Enroll, &path, &body).problem(404, "not_found");
    }
    world.restart();
    assert_eq!(world.events().len(), before);
    world.stop();
    assert_eq!(finds(world.home(), b"made-up-"), 0);
}

/// A token that is set aside for somebody while they are erased waits for nobody.
#[test]
fn what_is_set_aside_meanwhile_is_nobodys() {
    for ms in (0..240).step_by(40) {
        let mut world = World::lingering(service::Settings::default());
        let fob = Fob::new(1);
        world.stock(&[&fob]);
        let alice = world.user("acme", "alice.of.the.token");
        alice.bind();
        let before = std::thread::scope(|scope| {
            let alice = &alice;
            let erasing = scope.spawn(move || {
                erase(alice);
                std::time::Instant::now()
            });
            std::thread::sleep(std::time::Duration::from_millis(ms));
            let aside = json!({"account": "acme", "user": alice.user});
            let moved = alice.world.move_token(Role::Inventory, &fob, "assigned", &aside);
            let assigned = std::time::Instant::now();
            moved.status == 200 && assigned < erasing.join().expect("it erases")
        });
        let named = world.token(&fob)["user"] == alice.user;
        let name = alice.user.clone();
        world.stop();
        if before {
            assert!(!named && finds(world.home(), name.as_bytes()) == 0, "after {ms} ms");
        }
    }
}
