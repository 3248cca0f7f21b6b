//! Races: of many at once, exactly one wins.

use super::{Harness, all, done, open, sample::*};
use crate::{Change, EnrollmentState, Outcome, Protection, Store, Write};

/// How many of these succeed when all are asked at once.
async fn winners(store: &dyn Store, changes: Vec<Change>) -> usize {
    let answers = all(changes.into_iter().map(|change| store.commit(vec![change])).collect()).await;
    answers
        .into_iter()
        .filter(|answer| matches!(answer.as_deref(), Ok([Outcome::Done])))
        .count()
}

pub(super) async fn one_of_many_states_wins(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    let mut last = fresh(1);
    bind(&*store, &mine, last.clone()).await;
    for round in 0..20_u64 {
        let head = store.head();
        let read = row(&*store, &owner(1)).await;
        let racer = |number: u64| {
            let next = after(&last, (number << 3) ^ round);
            change("raced", vec![read.clone().with_state(mine.id, next).used()])
        };
        assert_eq!(winners(&*store, (0..64).map(racer).collect()).await, 1, "round {round}");
        let found = row(&*store, &owner(1)).await;
        assert_ne!(found.revision, read.revision);
        assert_eq!(store.head().position, head.position + 1, "one row");
        last = found.devices[0].state.clone();
    }
}

pub(super) async fn one_of_many_bindings_wins(harness: &dyn Harness) {
    let store = open(harness).await;
    let begun = enrollment(&owner(1), 1);
    done(&*store, put(None, &begun)).await;
    // Each would bind a device of its own from the one enrollment.
    let racer = |number| {
        let device = device(&owner(1), number);
        let confirmed = become_state(&begun, EnrollmentState::Confirmed { device: device.id });
        change(
            "bound",
            vec![first(&device, fresh(number)), Write::put(Some(1), &confirmed)],
        )
    };
    assert_eq!(winners(&*store, (10..74).map(racer).collect()).await, 1);
    let bound = store.bound(owner(1)).await.expect("a read");
    assert_eq!(bound.len(), 1);
    let found = store
        .enrollment(owner(1), begun.id)
        .await
        .expect("a read")
        .expect("it was begun");
    assert!(
        found.state
            == EnrollmentState::Confirmed {
                device: bound[0].device.id
            },
        "the same one"
    );
}

pub(super) async fn one_of_many_owners_changes_wins(harness: &dyn Harness) {
    let store = open(harness).await;
    let first = |number| {
        let next = Protection {
            login_protection: setting(number % 2 == 0),
            ..protection(&owner(1), 1)
        };
        change("protection", vec![Write::put(None, &next)])
    };
    assert_eq!(winners(&*store, (0..64).map(first).collect()).await, 1);
    let codes = |_| change("codes", vec![Write::put(None, &recovery_codes(&owner(1), 1))]);
    assert_eq!(winners(&*store, (0..64).map(codes).collect()).await, 1);
    let key = |_| change("key", vec![Write::put(None, &api_key(1))]);
    assert_eq!(winners(&*store, (0..64).map(key).collect()).await, 1);
    let revoke = |_| change("revoked", vec![Write::put(Some(1), &api_key(1).revoked(NOW))]);
    assert_eq!(winners(&*store, (0..64).map(revoke).collect()).await, 1);
}
