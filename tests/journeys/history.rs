//! "Why was my code refused?", "whose was this token?": what happened to a user, a device and a token is told newest first,
//! wherever the index stands that is filled behind the writer (A3, D5).

use std::thread;

use rusqlite::Connection;
use serde_json::{Value, json};
use service::{Caller, Id, Owner, Record, Settings, audit::EventId};
use store::{Change, audit::Event};

use crate::{
    fobs::Fob,
    judges::STEP_MS,
    world::{Bound, HOUR_MS, User, World, accepted, refused},
};

/// Of whom a history is asked for.
#[derive(Clone, Copy, Debug)]
enum Of<'a> {
    Device(&'a str),
    Token(&'a str),
    User(&'a Owner, Id),
}

impl Of<'_> {
    /// Whether a record is about them, by what it says.
    fn is_in(&self, record: &Record) -> bool {
        let event: Value = serde_json::from_str(record.event.as_deref().unwrap_or("{}")).expect("JSON");
        let detail = &event["detail"];
        match self {
            Self::Device(id) => event["device"] == *id || detail["replaces"] == *id,
            Self::Token(serial_number) => {
                let several = detail["serial_numbers"].as_array();
                detail["serial_number"] == *serial_number
                    || several.is_some_and(|several| several.contains(&json!(serial_number)))
            }
            Self::User(_, id) => event["person"] == json!(id),
        }
    }
}

impl World {
    /// One page.
    fn page(&self, of: Of<'_>, before: Option<EventId>, limit: u32) -> Vec<Record> {
        let service = self.service();
        let found = self.wait(async {
            match of {
                Of::Device(id) => {
                    let id = id.parse().expect("an id");
                    service.history_of_device(&Caller::shell(), id, before, limit).await
                }
                Of::Token(serial_number) => {
                    service
                        .history_of_token(&Caller::shell(), serial_number, before, limit)
                        .await
                }
                Of::User(owner, _) => service.history_of_user(&Caller::shell(), owner, before, limit).await,
            }
        });
        found.expect("a history")
    }

    /// All pages.
    fn history(&self, of: Of<'_>, limit: u32) -> Vec<Record> {
        let mut found: Vec<Record> = Vec::new();
        loop {
            let page = self.page(of, found.last().map(|record| record.id), limit);
            let full = page.len() == limit as usize;
            found.extend(page);
            if !full {
                return found;
            }
        }
    }

    /// The whole trail, newest first.
    fn trail(&self) -> Vec<Record> {
        let mut all = self
            .wait(self.service().trail(&Caller::shell(), None, 100_000))
            .expect("the trail");
        all.reverse();
        all
    }

    /// Every history is the trail without what is about others, in pages of any size; the lengths.
    #[track_caller]
    fn assert_histories(&self, of: &[Of<'_>]) -> Vec<usize> {
        let trail = self.trail();
        let check = |of: &Of<'_>| {
            let wanted: Vec<_> = trail.iter().filter(|record| of.is_in(record)).cloned().collect();
            for limit in [1, 3, 1_000] {
                assert_eq!(self.history(*of, limit), wanted, "A3: {of:?} in pages of {limit}");
            }
            wanted.len()
        };
        of.iter().map(check).collect()
    }

    fn index(&self) {
        self.wait(self.service().index_history(&Caller::system()))
            .expect("the index is filled");
    }

    /// An event about somebody, as the service would say it.
    fn say(&self, payload: &Value) {
        let event = Event {
            at: service::UnixMs::new(self.now_ms()),
            salt: [1; 16],
            payload: payload.to_string(),
        };
        let store = self.ports_now().store;
        self.wait(store.commit(vec![Change::of(event)])).expect("it is said");
    }
}

fn ids(records: &[Record]) -> Vec<EventId> {
    records.iter().map(|record| record.id).collect()
}

/// The id of a user's row, by which events mean the user.
fn person(world: &World, owner: &Owner) -> Id {
    let store = world.ports_now().store;
    let found = world.wait(store.user(owner.clone())).expect("a read");
    found.expect("whoever had a device has a row").id
}

/// One right code, one that is wrong.
fn uses(user: &User<'_>, bound: &Bound) {
    user.world.pass(STEP_MS);
    let code = bound.phone.code_at(user.world.now_ms());
    assert_eq!(user.verify(&code), accepted(&bound.device));
    assert_eq!(user.verify(&bound.phone.wrong_code_at(user.world.now_ms())), refused());
}

fn unbinds(user: &User<'_>, bound: &Bound) {
    user.world.pass(STEP_MS);
    let code = bound.phone.code_at(user.world.now_ms());
    let unbound = user.change(&bound.device, "unbind", &json!({"code": code}));
    assert_eq!(unbound.status, 204);
}

#[test]
fn a_device_and_a_token_have_their_history_wherever_the_index_stands() {
    let mut world = World::new();
    let fob = Fob::new(1);
    world.stock(&[&fob, &Fob::new(2)]);
    let owner = Owner::new("acme", "alice");
    let (phone, held, of_alice);
    {
        let (alice, bob, carol) = (
            world.user("acme", "alice"),
            world.user("acme", "bob"),
            world.user("b", "carol"),
        );
        phone = alice.bind();
        held = bob.bind_token(&fob);
        let person = person(&world, &owner);
        of_alice = Of::User(&owner, person);
        // Somebody else in between, all along.
        let other = carol.bind();
        world.say(&json!({"action": "test", "person": person}));
        let all = [
            Of::Device(&phone.device),
            Of::Token(&fob.serial_number),
            Of::Device(&held.device),
        ];
        let all = [&all[..], &[of_alice]].concat();

        // Nothing is indexed yet.
        uses(&alice, &phone);
        uses(&carol, &other);
        uses(&bob, &held);
        let lengths = world.assert_histories(&all);
        assert_eq!(
            lengths[..3],
            [3, 2, 3],
            "confirmed, accepted, refused; started and confirmed; as the phone"
        );

        // All of it is; then a part.
        world.index();
        assert_eq!(world.assert_histories(&all), lengths);
        for round in 1..4 {
            uses(&alice, &phone);
            uses(&carol, &other);
            uses(&bob, &held);
            world.say(&json!({"action": "test", "person": person}));
            if round == 2 {
                world.index();
            }
            world.assert_histories(&all);
        }

        // Masked alike in the index and behind it, and told alike in time (D5).
        let newest = |of| world.page(of, None, 1).remove(0);
        let masked = newest(all[0]);
        assert!(masked.masked && masked.salt.is_none(), "D5: {masked:?}");
        world.index();
        assert_eq!(newest(all[0]), masked);
        world.pass(HOUR_MS);
        let told = newest(all[0]);
        assert!(
            !told.masked && told.salt.is_some() && told.id == masked.id,
            "D5: {told:?}"
        );

        unbinds(&alice, &phone);
        unbinds(&bob, &held);
        world.assert_histories(&all);
    }
    // A start goes on where the last one stopped, however that ended.
    for kill in [false, true] {
        if kill {
            world.kill_and_start();
        } else {
            world.restart();
        }
        let all = [
            Of::Device(&phone.device),
            Of::Token(&fob.serial_number),
            Of::Device(&held.device),
            of_alice,
        ];
        let before = world.assert_histories(&all);
        assert_eq!(before[..3], [10, 3, 10]);
        world.index();
        assert_eq!(world.assert_histories(&all), before);
        assert!(world.history(Of::Token("CS-000002"), 10).is_empty(), "nobody has it");
        assert!(
            world.history(Of::Token("CS-00000"), 10).is_empty(),
            "it is the beginning of another"
        );
        // A device that came in the place of another.
        world.say(&json!({"action": "test", "device": Id::nil(), "detail": {"replaces": Id::max()}}));
        for id in [Id::nil(), Id::max()] {
            assert_eq!(
                world.history(Of::Device(&id.to_string()), 10).len(),
                1 + usize::from(kill)
            );
        }
    }
    // What happened to somebody stays, and nobody can ask by a name that was erased.
    let device = Of::Device(&phone.device);
    let before = world.history(device, 100);
    let name = |record: &Record| record.event.as_deref().is_some_and(|event| event.contains("alice"));
    assert!(before.iter().all(name));
    let erased = world.wait(world.service().erase_user(&Caller::shell(), &owner));
    erased.expect("alice is erased");
    let after = world.history(device, 100);
    assert_eq!(ids(&after), ids(&before));
    assert!(!after.iter().any(name));
    assert!(world.page(of_alice, None, 10).is_empty());
    world.assert_trail_holds();
}

/// What is asked meanwhile has no hole and nothing twice: everything that was said before, and perhaps what was said since.
#[test]
fn a_history_is_whole_while_the_index_is_filled() {
    let world = World::lingering(Settings::default());
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let of = Of::Device(&bound.device);
    for round in 0..5 {
        for _ in 0..3 {
            uses(&alice, &bound);
        }
        let before = ids(&world.history(of, 1_000));
        let found = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| world.index());
            }
            scope.spawn(|| uses(&alice, &bound));
            let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| ids(&world.history(of, 4)))).collect();
            let found = asking.into_iter().map(|asking| asking.join().expect("an answer"));
            found.collect::<Vec<_>>()
        });
        let after = ids(&world.history(of, 1_000));
        assert_eq!(after.len(), before.len() + 2, "round {round}");
        for found in found {
            let newer = found.len() - before.len();
            assert!(newer <= 2, "round {round}");
            assert_eq!(found[newer..], before, "round {round}");
            assert_eq!(found, after[2 - newer..], "round {round}");
        }
        // So that the wrong codes do not lock.
        world.pass(HOUR_MS);
    }
}

/// However much was said of others, a page reads what it tells, and the end of the trail.
#[test]
fn a_page_does_not_walk_the_trail() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let phone = alice.bind();
    uses(&alice, &phone);
    for _ in 0..60 {
        world.say(&json!({"action": "test"}));
    }
    world.pass(HOUR_MS);
    let before = world.history(Of::Device(&phone.device), 10);
    assert_eq!(before.len(), 3);
    world.index();
    world.stop();
    // What cannot be read is known to have been.
    let database = Connection::open(world.home().join("countersign.sqlite")).expect("the database opens");
    let spoiled = database.execute(
        "UPDATE audit SET events = 'x' WHERE events LIKE '%test%' AND sequence < 40",
        [],
    );
    assert!(spoiled.expect("SQL") > 20);
    database.close().expect("the database closes");
    world.start();
    assert_eq!(world.history(Of::Device(&phone.device), 10), before);
    assert!(
        world
            .wait(world.service().trail(&Caller::shell(), None, 1_000))
            .is_err()
    );
}
