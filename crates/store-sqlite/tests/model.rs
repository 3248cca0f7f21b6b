//! Random histories of commits, folds, crashes and closings equal a map in memory.

mod common;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use common::*;
use countersign_store_sqlite::{Sqlite, Tuning};
use proptest::prelude::*;
use store::{Change, Commit, Outcome, Revision, User, audit::Trail, codec};

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
    UseOfAnotherRevision,
    Unbind,
}

fn act() -> impl Strategy<Value = Act> {
    let what = prop_oneof![3 => Just(What::Bind), 12 => Just(What::Use), 2 => Just(What::UseOfAnotherRevision), 1 => Just(What::Unbind)];
    let some = prop::collection::vec((0..DEVICES, what), 1..20);
    prop_oneof![
        10 => some.clone().prop_map(Act::Commit),
        4 => some.prop_map(Act::Race),
        2 => Just(Act::Crash),
        1 => Just(Act::Close),
        1 => Just(Act::Idle),
    ]
}

/// A user as the model knows them: how often their device was used, if they have it.
type Users = HashMap<u32, Option<u64>>;

/// The change by what can be read now, and what it makes of the model. Of a user that was changed since, it is missed.
fn decide(
    store: &Sqlite,
    users: &mut Users,
    changed: &mut HashSet<u32>,
    (number, what): (u32, What),
) -> (Change, Outcome) {
    let known = users.get(&number).copied();
    let read = row(store, number);
    if changed.contains(&number) {
        // By the row as it was before this call.
        return (change(vec![read.changed()]), Outcome::Missed);
    }
    let (change, after) = match (what, known) {
        (What::Bind, None | Some(None)) => (
            change(vec![read.with_device(device(number), fresh()).changed()]),
            Some(Some(0)),
        ),
        // As if there were no row.
        (What::Bind, Some(Some(_))) => (bind(number), None),
        (What::Unbind, Some(Some(_))) => (unbound(store, number), Some(None)),
        (What::Use, Some(uses)) => (used(store, number), Some(uses.map(|uses| uses + 1))),
        (What::UseOfAnotherRevision | What::Use | What::Unbind, _) => {
            let wrong = Revision {
                generation: 1,
                chain: 1,
                position: 1 << 40,
            };
            let revision = Some(wrong);
            (change(vec![User { revision, ..read }.used()]), None)
        }
    };
    let Some(after) = after else {
        return (change, Outcome::Missed);
    };
    changed.insert(number);
    users.insert(number, after);
    (change, Outcome::Done)
}

fn check(store: &Sqlite, users: &Users) -> Result<(), TestCaseError> {
    let mut told = HashMap::new();
    for row in block_on(store.rows(0, u32::MAX)).expect("a read") {
        for (user, state) in codec::split_users(&row.states).expect("users") {
            told.insert(user, codec::decode_user(state).expect("a user").0);
        }
    }
    for number in 0..DEVICES {
        let wanted = users.get(&number).copied().flatten().map(state_at);
        prop_assert_eq!(&state(store, number), &wanted, "device {}", number);
        // The trail alone says the same.
        let told = told.get(&id(number)).and_then(|devices| devices.first());
        prop_assert_eq!(told.map(|(_, state)| state.clone()), wanted);
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
        let mut users = Users::new();
        for act in acts {
            match act {
                Act::Commit(some) => {
                    let mut changed = HashSet::new();
                    let decided = some.into_iter().map(|what| decide(&store, &mut users, &mut changed, what));
                    let (changes, outcomes): (Vec<_>, Vec<_>) = decided.unzip();
                    prop_assert_eq!(block_on(store.commit(changes)), Ok(outcomes));
                }
                Act::Race(some) => {
                    // Calls are committed in the order in which they are made.
                    let mut changed = HashSet::new();
                    let decided: Vec<_> = some.into_iter().map(|what| decide(&store, &mut users, &mut changed, what)).collect();
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
            check(&store, &users)?;
        }
    }
}
