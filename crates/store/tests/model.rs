//! Random histories of calls equal a model that knows nothing of engines: versions in two maps.
#![allow(clippy::disallowed_methods, reason = "a test asks how long it may run")]

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use otp::{Parameters, Step};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use store::{
    Change, Device, Id, Key, List, Lookup, Noun, Outcome, Owner, Revision, Sealed, Store, User, Write,
    audit::{Event, Head},
    document::value,
    memory::{Disk, Memory},
};
use verify::{DeviceParts, DeviceState, Kind, UnixMs};

const NOW: UnixMs = UnixMs::new(1_795_219_200_000);
const NAMES: u8 = 5;
const USERS: u8 = 3;

/// A document that is listed by its shelf, and the only one with its mark.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Parcel {
    name: String,
    version: u64,
    shelf: u8,
    mark: u8,
}

impl Parcel {
    fn key_of(name: u8) -> Key {
        Key::global(Self::NAME, name_of(name))
    }
}

impl Noun for Parcel {
    const NAME: &'static str = "parcel";

    fn key(&self) -> Key {
        Key::global(Self::NAME, self.name.clone())
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![
            Lookup::listed("shelf", &[&self.shelf.to_string(), &self.name]),
            Lookup::unique("mark", &[&self.mark.to_string()]),
        ]
    }
}

fn name_of(name: u8) -> String {
    format!("parcel {name}")
}

fn id(number: u8) -> Id {
    Id::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | u128::from(number))
}

fn owner(number: u8) -> Owner {
    Owner::new("acme", format!("user-{number}"))
}

/// One write, and whether it expects what is there.
#[derive(Clone, Copy, Debug)]
enum What {
    Put { name: u8, right: bool, shelf: u8, mark: u8 },
    Delete { name: u8, right: bool },
    Require { name: u8, right: bool },
    Bind { user: u8, right: bool },
    Use { user: u8, right: bool },
    Unbind { user: u8, right: bool },
    Erase { user: u8, right: bool },
}

#[derive(Clone, Debug)]
enum Act {
    /// One call: some changes of some writes each.
    Commit(Vec<Vec<What>>),
    /// The process dies, and another one goes on.
    Reopen,
}

fn what() -> impl Strategy<Value = What> {
    let (name, right) = (0..NAMES, prop::bool::weighted(0.8));
    prop_oneof![
        6 => (name.clone(), right, 0..3_u8, 0..6_u8)
            .prop_map(|(name, right, shelf, mark)| What::Put { name, right, shelf, mark }),
        1 => (name.clone(), right).prop_map(|(name, right)| What::Delete { name, right }),
        2 => (name.clone(), right).prop_map(|(name, right)| What::Require { name, right }),
        2 => (0..USERS, right).prop_map(|(user, right)| What::Bind { user, right }),
        4 => (0..USERS, right).prop_map(|(user, right)| What::Use { user, right }),
        1 => (0..USERS, right).prop_map(|(user, right)| What::Unbind { user, right }),
        1 => (0..USERS, right).prop_map(|(user, right)| What::Erase { user, right }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let change = prop::collection::vec(what(), 1..4);
    prop_oneof![
        9 => prop::collection::vec(change, 1..4).prop_map(Act::Commit),
        1 => Just(Act::Reopen),
    ]
}

/// A user's row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    revision: Revision,
    /// The highest number of a device, and those that are bound.
    devices: (u8, BTreeSet<u8>),
    /// How often it was used: its memo.
    used: u8,
}

#[derive(Clone, Default)]
struct Model {
    parcels: BTreeMap<u8, Parcel>,
    /// Rows of users, as they are to be read.
    users: BTreeMap<u8, Row>,
    events: usize,
    /// The chain that is written, and how many rows it has.
    chain: i64,
    position: u64,
}

/// What a change is expected to come to.
enum Expected {
    /// No engine may do it: the whole call is refused.
    Refused,
    Is(Outcome),
}

impl Model {
    fn next_parcel(&self, name: u8, shelf: u8, mark: u8) -> Parcel {
        Parcel {
            name: name_of(name),
            version: self.parcels.get(&name).map_or(1, |found| found.version + 1),
            shelf,
            mark,
        }
    }

    fn write(&self, what: What) -> Write {
        let version = |name: u8| self.parcels.get(&name).map(|found| found.version);
        // Nothing that was read, so it can be no one's.
        let wrong = |right: Option<u64>| right.map_or(Some(1_000_000), |_| None);
        let expected = |name: u8, right: bool| if right { version(name) } else { wrong(version(name)) };
        let user = |number: u8, right: bool| {
            let row = self.users.get(&number);
            let wrong = Revision {
                generation: 1,
                chain: 1,
                position: 1_000_000,
            };
            let devices = row.into_iter().flat_map(|row| row.devices.1.iter());
            let read = User {
                revision: if right {
                    row.map(|row| row.revision)
                } else {
                    Some(wrong)
                },
                memo: vec![row.map_or(0, |row| row.used)],
                ..User::new(owner(number), id(number), names_key())
            };
            devices.fold(read, |user, device| {
                user.with_device(self.device(number, *device), state())
            })
        };
        match what {
            What::Put {
                name,
                right,
                shelf,
                mark,
            } => {
                let expected = expected(name, right);
                let mut next = self.next_parcel(name, shelf, mark);
                next.version = next.version.max(expected.unwrap_or(0) + 1);
                Write::put(expected, &next)
            }
            What::Delete { name, right } => Write::Delete {
                expected: expected(name, right).unwrap_or(2_000_000),
                key: Parcel::key_of(name),
            },
            What::Require { name, right } => Write::Require {
                expected: expected(name, right),
                key: Parcel::key_of(name),
            },
            What::Bind { user: number, right } => {
                let highest = self.users.get(&number).map_or(0, |row| row.devices.0);
                let next = user(number, right).with_device(self.device(number, highest.wrapping_add(1)), state());
                next.changed()
            }
            What::Use { user: number, right } => {
                let mut next = user(number, right);
                next.memo[0] = next.memo[0].wrapping_add(1);
                next.used()
            }
            What::Unbind { user: number, right } => {
                let last = self.users.get(&number).and_then(|row| row.devices.1.last());
                let last = last.map_or(id(255), |device| self.device(number, *device).id);
                user(number, right).without_device(last).changed()
            }
            What::Erase { user: number, right } => user(number, right).erased(),
        }
    }

    fn device(&self, user: u8, number: u8) -> Device {
        Device {
            id: id(number),
            owner: owner(user),
            kind: Kind::Virtual,
            serial_number: None,
            label: String::new(),
            parameters: Parameters::DEFAULT,
            sealed: Sealed {
                key_id: 1,
                bytes: vec![number, user, 1],
            },
            bound_at: NOW,
        }
    }

    fn holds(&self, what: What) -> bool {
        match what {
            What::Put { right, .. } | What::Require { right, .. } => right,
            What::Delete { name, right } => right && self.parcels.contains_key(&name),
            What::Bind { right, .. }
            | What::Use { right, .. }
            | What::Unbind { right, .. }
            | What::Erase { right, .. } => right,
        }
    }

    /// The change, what it comes to, and what it makes of the model.
    fn decide(&mut self, writes: &[What]) -> (Change, Expected) {
        let event = Event {
            at: NOW,
            salt: [self.events as u8; 16],
            payload: format!("{{\"row\":{}}}", self.events),
        };
        let change = Change::of(event).with(writes.iter().map(|what| self.write(*what)));
        let mut records = BTreeSet::new();
        let mut marks = BTreeSet::new();
        let distinct = writes.iter().all(|what| match *what {
            What::Put { name, mark, .. } => records.insert((0, name)) && marks.insert(mark),
            What::Delete { name, .. } | What::Require { name, .. } => records.insert((0, name)),
            What::Bind { user, .. } | What::Use { user, .. } | What::Unbind { user, .. } | What::Erase { user, .. } => {
                records.insert((1, user))
            }
        });
        let use_of_nobody = |what: &What| match *what {
            What::Use { user, right } | What::Erase { user, right } => right && !self.users.contains_key(&user),
            _ => false,
        };
        if !distinct || writes.iter().any(use_of_nobody) {
            return (change, Expected::Refused);
        }
        if !writes.iter().all(|what| self.holds(*what)) {
            return (change, Expected::Is(Outcome::Missed));
        }
        let has_mark = |of: u8, mark: u8| {
            self.parcels
                .iter()
                .any(|(name, found)| *name != of && found.mark == mark)
        };
        let taken = |what: &What| matches!(*what, What::Put { name, mark, .. } if has_mark(name, mark));
        if writes.iter().any(taken) {
            return (change, Expected::Is(Outcome::Taken("mark")));
        }
        let revision = Revision {
            generation: 1,
            chain: self.chain,
            position: self.position + 1,
        };
        for what in writes {
            match *what {
                What::Put { name, shelf, mark, .. } => {
                    self.parcels.insert(name, self.next_parcel(name, shelf, mark));
                }
                What::Delete { name, .. } => {
                    self.parcels.remove(&name);
                }
                What::Require { .. } => {}
                What::Erase { user, .. } => {
                    self.users.remove(&user);
                }
                What::Bind { user, .. } | What::Use { user, .. } | What::Unbind { user, .. } => {
                    let row = self.users.entry(user).or_insert(Row {
                        revision,
                        devices: (0, BTreeSet::new()),
                        used: 0,
                    });
                    row.revision = revision;
                    let (highest, bound) = &mut row.devices;
                    match what {
                        What::Bind { .. } => {
                            *highest = highest.wrapping_add(1);
                            bound.insert(*highest);
                        }
                        What::Unbind { .. } => {
                            bound.pop_last();
                        }
                        _ => row.used = row.used.wrapping_add(1),
                    }
                }
            }
        }
        self.events += 1;
        (change, Expected::Is(Outcome::Done))
    }
}

fn names_key() -> Sealed {
    Sealed {
        key_id: 1,
        bytes: vec![1; 48],
    }
}

fn state() -> DeviceState {
    DeviceState::restored(DeviceParts::bound(Step::new(1), 0, NOW))
}

/// This engine never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

fn open(disk: &Disk) -> Arc<dyn Store> {
    Arc::new(Memory::open(disk, "test", NOW, &|statement| statement[..4].to_vec()))
}

fn check(store: &dyn Store, model: &Model) -> Result<(), TestCaseError> {
    let keys = (0..NAMES).map(Parcel::key_of).collect();
    let found: Vec<Option<Parcel>> = ready(store.each(keys)).expect("a read");
    let wanted: Vec<_> = (0..NAMES).map(|name| model.parcels.get(&name).cloned()).collect();
    prop_assert_eq!(found, wanted);
    for shelf in 0..3 {
        let list = List::Lookup {
            name: "shelf",
            prefix: value(&[&shelf.to_string()]),
            after: String::new(),
        };
        let found: Vec<Parcel> = ready(store.list(list, 100)).expect("a read");
        let wanted: Vec<_> = model
            .parcels
            .values()
            .filter(|found| found.shelf == shelf)
            .cloned()
            .collect();
        prop_assert_eq!(found, wanted);
    }
    let found = ready(store.users((0..USERS).map(owner).collect())).expect("a read");
    for (number, found) in (0..).zip(found) {
        let found = found.map(|user| Row {
            revision: user.revision.expect("it was written"),
            devices: (
                model.users.get(&number).map_or(0, |row| row.devices.0),
                user.devices.iter().map(|bound| bound.device.sealed.bytes[0]).collect(),
            ),
            used: user.memo[0],
        });
        prop_assert_eq!(found.as_ref(), model.users.get(&number));
    }
    Ok(())
}

/// Each row is where its chain says, and none is missing.
fn check_trail(store: &dyn Store, events: usize) -> Result<(), TestCaseError> {
    let chains = ready(store.chains()).expect("a read");
    let opened = chains
        .iter()
        .map(|chain| (chain.chain, Head::opened(chain.chain, &chain.opening)));
    let mut heads: BTreeMap<i64, Head> = opened.collect();
    let found = ready(store.rows(None, u32::MAX)).expect("a read");
    prop_assert_eq!(found.iter().map(|row| row.events.len()).sum::<usize>(), events);
    for row in found {
        let head = heads.get_mut(&row.place.chain).expect("it is in the register");
        *head = head.next(&row.covered(), &row.states);
        prop_assert_eq!((head.place(), head.hash), (row.place, row.hash));
    }
    let own = store.head();
    prop_assert_eq!(heads.get(&own.chain), Some(&own));
    Ok(())
}

fn histories() -> u32 {
    if std::env::var_os("COUNTERSIGN_SOAK").is_some() {
        1_000_000
    } else {
        10_000
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(histories()) })]

    #[test]
    fn a_history_equals_the_model(acts in prop::collection::vec(act(), 30)) {
        let disk = Disk::default();
        let mut store = open(&disk);
        let mut model = Model {
            chain: 1,
            ..Model::default()
        };
        for act in acts {
            match act {
                Act::Reopen => {
                    store = open(&disk);
                    (model.chain, model.position) = (model.chain + 1, 0);
                }
                Act::Commit(changes) => {
                    let mut after = model.clone();
                    let decided: Vec<_> = changes.iter().map(|writes| after.decide(writes)).collect();
                    // All that a call says is one row.
                    after.position += u64::from(after.events > model.events);
                    let refused = decided.iter().any(|(_, expected)| matches!(expected, Expected::Refused));
                    let (changes, expected): (Vec<_>, Vec<_>) = decided.into_iter().unzip();
                    let answer = ready(store.commit(changes));
                    if refused {
                        prop_assert!(answer.is_err());
                    } else {
                        let outcomes = expected.into_iter().map(|expected| match expected {
                            Expected::Is(outcome) => outcome,
                            Expected::Refused => unreachable!("told above"),
                        });
                        prop_assert_eq!(answer, Ok(outcomes.collect()));
                        model = after;
                    }
                }
            }
            check(&*store, &model)?;
        }
        check_trail(&*store, model.events)?;
    }
}
