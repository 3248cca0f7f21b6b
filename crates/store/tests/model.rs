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
    Change, Device, Id, Key, List, Lookup, Noun, Outcome, Owner, Sealed, Store, Write,
    audit::{Event, Head, Payload, commitment},
    document::value,
    memory::{Disk, Memory},
};
use verify::{DeviceState, Kind, UnixMs};

const NOW: UnixMs = UnixMs::new(1_795_219_200_000);
const NAMES: u8 = 5;

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
    Owner::new("acme", format!("user-{}", number % 2))
}

/// One write, and whether it expects what is there.
#[derive(Clone, Copy, Debug)]
enum What {
    Put { name: u8, right: bool, shelf: u8, mark: u8 },
    Delete { name: u8, right: bool },
    Require { name: u8, right: bool },
    Bind { device: u8 },
    Use { device: u8, right: bool },
    Unbind { device: u8, right: bool },
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
        2 => name.clone().prop_map(|device| What::Bind { device }),
        4 => (name.clone(), right).prop_map(|(device, right)| What::Use { device, right }),
        1 => (name, right).prop_map(|(device, right)| What::Unbind { device, right }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let change = prop::collection::vec(what(), 1..4);
    prop_oneof![
        9 => prop::collection::vec(change, 1..4).prop_map(Act::Commit),
        1 => Just(Act::Reopen),
    ]
}

#[derive(Clone, Default)]
struct Model {
    parcels: BTreeMap<u8, Parcel>,
    /// The version, and whether it is bound.
    devices: BTreeMap<u8, (u64, bool)>,
    rows: usize,
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
        let state = |device: u8, right: bool| {
            let read = self.devices.get(&device).map_or(1, |(version, _)| *version);
            let version = if right { read } else { read + 7 };
            DeviceState {
                version,
                ..DeviceState::bound(Step::new(1), 0, NOW)
            }
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
            What::Bind { device } => Write::Bind {
                device: Box::new(Device {
                    id: id(device),
                    owner: owner(device),
                    kind: Kind::Virtual,
                    serial_number: None,
                    label: String::new(),
                    parameters: Parameters::DEFAULT,
                    sealed: Some(Sealed {
                        key_id: 1,
                        bytes: vec![device],
                    }),
                    bound_at: NOW,
                    unbound_at: None,
                }),
                state: DeviceState::bound(Step::new(1), 0, NOW),
            },
            What::Use { device, right } => {
                let read = state(device, right);
                let next = DeviceState {
                    version: read.version + 1,
                    ..read.clone()
                };
                Write::State {
                    owner: owner(device),
                    device: id(device),
                    expected: read.version,
                    next,
                }
            }
            What::Unbind { device, right } => {
                let read = state(device, right);
                Write::Unbind {
                    owner: owner(device),
                    device: id(device),
                    expected: read.version,
                    next: read.unbound(),
                    at: NOW,
                }
            }
        }
    }

    fn holds(&self, what: What) -> bool {
        let bound = |device: u8| self.devices.get(&device).is_some_and(|(_, bound)| *bound);
        match what {
            What::Put { right, .. } | What::Require { right, .. } => right,
            What::Delete { name, right } => right && self.parcels.contains_key(&name),
            What::Bind { device } => !self.devices.contains_key(&device),
            What::Use { device, right } | What::Unbind { device, right } => right && bound(device),
        }
    }

    /// The change, what it comes to, and what it makes of the model.
    fn decide(&mut self, writes: &[What]) -> (Change, Expected) {
        let event = Event {
            at: NOW,
            salt: [self.rows as u8; 16],
            payload: format!("{{\"row\":{}}}", self.rows),
        };
        let change = Change::of(event).with(writes.iter().map(|what| self.write(*what)));
        let mut records = BTreeSet::new();
        let mut marks = BTreeSet::new();
        let distinct = writes.iter().all(|what| match *what {
            What::Put { name, mark, .. } => records.insert((0, name)) && marks.insert(mark),
            What::Delete { name, .. } | What::Require { name, .. } => records.insert((0, name)),
            What::Bind { device } | What::Use { device, .. } | What::Unbind { device, .. } => {
                records.insert((1, device))
            }
        });
        if !distinct {
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
        for what in writes {
            match *what {
                What::Put { name, shelf, mark, .. } => {
                    self.parcels.insert(name, self.next_parcel(name, shelf, mark));
                }
                What::Delete { name, .. } => {
                    self.parcels.remove(&name);
                }
                What::Require { .. } => {}
                What::Bind { device } => {
                    self.devices.insert(device, (1, true));
                }
                What::Use { device, .. } => {
                    self.devices.entry(device).and_modify(|(version, _)| *version += 1);
                }
                What::Unbind { device, .. } => {
                    self.devices.entry(device).and_modify(|(version, bound)| {
                        *version += 1;
                        *bound = false;
                    });
                }
            }
        }
        self.rows += 1;
        (change, Expected::Is(Outcome::Done))
    }
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
    for number in 0..2 {
        let found = ready(store.bound(vec![owner(number)])).expect("a read").remove(0);
        let found: Vec<_> = found
            .iter()
            .map(|bound| (bound.device.id, bound.state.version))
            .collect();
        let mine = model
            .devices
            .iter()
            .filter(|(device, (_, bound))| **device % 2 == number && *bound);
        let wanted: Vec<_> = mine.map(|(device, (version, _))| (id(*device), *version)).collect();
        prop_assert_eq!(found, wanted);
    }
    Ok(())
}

/// Each row is where its chain says, and none is missing.
fn check_trail(store: &dyn Store, rows: usize) -> Result<(), TestCaseError> {
    let chains = ready(store.chains()).expect("a read");
    let opened = chains
        .iter()
        .map(|chain| (chain.chain, Head::opened(chain.chain, &chain.opening)));
    let mut heads: BTreeMap<i64, Head> = opened.collect();
    let found = ready(store.rows(0, u32::MAX)).expect("a read");
    prop_assert_eq!(found.len(), rows);
    for row in found {
        let Payload::Kept(payload) = &row.payload else {
            return Err(TestCaseError::fail("erased"));
        };
        let head = heads.get_mut(&row.chain).expect("it is in the register");
        *head = head.next(row.at, &commitment(&row.salt, payload), &row.states);
        prop_assert_eq!((head.position, head.hash), (row.position, row.hash));
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
        let mut model = Model::default();
        for act in acts {
            match act {
                Act::Reopen => store = open(&disk),
                Act::Commit(changes) => {
                    let mut after = model.clone();
                    let decided: Vec<_> = changes.iter().map(|writes| after.decide(writes)).collect();
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
        check_trail(&*store, model.rows)?;
    }
}
