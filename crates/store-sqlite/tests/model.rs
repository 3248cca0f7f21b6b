//! Random histories of commits, folds, crashes and closings equal a map in memory.

mod common;

use std::{collections::HashMap, time::Duration};

use common::*;
use countersign_store_sqlite::{Sqlite, Tuning};
use proptest::prelude::*;
use store::{Change, Commit, Devices, Outcome, audit::Trail, codec};
use verify::{DeviceState, Standing};

const DEVICES: u32 = 24;

#[derive(Clone, Debug)]
enum Act {
    /// Changes of these devices in one call, some of which are to miss.
    Commit(Vec<(u32, What)>),
    /// Several calls at once.
    Race(Vec<(u32, What)>),
    /// The process dies.
    Crash,
    /// It ends in order.
    Close,
    /// Nothing happens for long enough to fold.
    Idle,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Bind,
    Use,
    UseOfAnotherVersion,
    Unbind,
}

fn act() -> impl Strategy<Value = Act> {
    let what = prop_oneof![3 => Just(What::Bind), 12 => Just(What::Use), 2 => Just(What::UseOfAnotherVersion), 1 => Just(What::Unbind)];
    let some = prop::collection::vec((0..DEVICES, what), 1..20);
    prop_oneof![
        10 => some.clone().prop_map(Act::Commit),
        4 => some.prop_map(Act::Race),
        2 => Just(Act::Crash),
        1 => Just(Act::Close),
        1 => Just(Act::Idle),
    ]
}

/// The change, and what it makes of the model.
fn decide(states: &mut HashMap<u32, DeviceState>, number: u32, what: What) -> (Change, Outcome) {
    let current = states.get(&number).cloned();
    let state = current.clone().unwrap_or(fresh());
    let is_bound = current
        .as_ref()
        .is_some_and(|state| state.standing != Standing::Unbound);
    let (change, after, holds) = match what {
        What::Bind => (bind(number), fresh(), current.is_none()),
        What::Use => (used(number, state.clone()), next(state), is_bound),
        What::UseOfAnotherVersion => (used(number, next(state.clone())), state, false),
        What::Unbind => (unbound(number, state.clone()), state.unbound(), is_bound),
    };
    if holds {
        states.insert(number, after);
    }
    (change, if holds { Outcome::Done } else { Outcome::Missed })
}

fn check(store: &Sqlite, states: &HashMap<u32, DeviceState>) -> Result<(), TestCaseError> {
    let found = block_on(store.bound((0..DEVICES).map(owner).collect())).expect("a read");
    for (number, found) in (0..).zip(found) {
        let wanted = states.get(&number).filter(|state| state.standing != Standing::Unbound);
        prop_assert_eq!(found.first().map(|bound| &bound.state), wanted, "device {}", number);
        let one = block_on(store.device(owner(number), id(number))).expect("a read");
        prop_assert_eq!(
            one.map(|bound| bound.state),
            states.get(&number).cloned(),
            "device {}",
            number
        );
    }
    // The trail alone says the same.
    let mut told = HashMap::new();
    for row in block_on(store.rows(0, u32::MAX)).expect("a read") {
        told.extend(codec::decode_states(&row.states).expect("states"));
    }
    for (number, state) in states {
        prop_assert_eq!(told.get(&id(*number)), Some(state));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_history_equals_the_model(
        acts in prop::collection::vec(act(), 1..40),
        fold_at in prop_oneof![1_u64..4, 8_u64..40, Just(1_000)],
        fold_chunk in 1_usize..8,
        group_changes in prop_oneof![Just(1_usize), 2_usize..8, Just(1_024)],
    ) {
        let fold_idle = Duration::from_millis(1);
        let tuning = Tuning { fold_at, fold_chunk, group_changes, fold_idle, ..Tuning::default() };
        let dir = tempfile::tempdir().expect("a directory");
        let reopen = || open_as(dir.path(), "serve/here/1", true, tuning.clone()).expect("it opens");
        let mut store = reopen();
        let mut states = HashMap::new();
        for act in acts {
            match act {
                Act::Commit(some) => {
                    let decided = some.into_iter().map(|(number, what)| decide(&mut states, number, what));
                    let (changes, outcomes): (Vec<_>, Vec<_>) = decided.unzip();
                    prop_assert_eq!(block_on(store.commit(changes)), Ok(outcomes));
                }
                Act::Race(some) => {
                    // Calls are committed in the order in which they are made.
                    let decided: Vec<_> = some.into_iter().map(|(number, what)| decide(&mut states, number, what)).collect();
                    let calls: Vec<_> = decided.iter().map(|(change, _)| store.commit(vec![change.clone()])).collect();
                    for (call, (_, outcome)) in calls.into_iter().zip(decided) {
                        prop_assert_eq!(block_on(call), Ok(vec![outcome]));
                    }
                }
                Act::Crash => {
                    drop(store);
                    store = reopen();
                }
                Act::Close => {
                    store.close().expect("it closes");
                    drop(store);
                    store = reopen();
                }
                Act::Idle => std::thread::sleep(Duration::from_millis(5)),
            }
            check(&store, &states)?;
        }
    }
}
