//! Crashes: what was answered is there after a kill.

use super::{Harness, begin, done, missed, open, reopen, sample::*};
use crate::{Pending, Write};

pub(super) async fn what_was_answered_survives(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let mine = device(&owner(1), 1);
    let mut last = fresh(1);
    bind(&*store, &mine, last.clone()).await;
    for round in 0..10 {
        store = reopen(harness, store).await;
        assert_bound(&store.bound(owner(1)).await.expect("a read"), &[(&mine, last.clone())]);
        let next = after(&last, round * 0x51);
        let used = use_of(&*store, &mine, next.clone()).await;
        done(&*store, used.clone()).await;
        missed(&*store, used, "once, for ever").await;
        last = next;
    }
    let store = reopen(harness, store).await;
    assert_bound(&store.bound(owner(1)).await.expect("a read"), &[(&mine, last)]);
    assert_eq!(store.rows(None, 100).await.expect("a read").len(), 11);
}

pub(super) async fn what_was_not_answered_is_whole_or_absent(harness: &dyn Harness) {
    let mut store = open(harness).await;
    for round in 0..20 {
        let owner = owner(round);
        let mine = device(&owner, round);
        let change = change(
            "begun",
            vec![
                first(&mine, fresh(round)),
                Write::put(None, &protection(&owner, 1)),
                Write::put(None, &enrollment(&owner, 100 + round)),
                Write::put(None, &recovery_codes(&owner, 1)),
            ],
        );
        let before = store.rows(None, 100).await.expect("a read").len();
        let mut pending: Pending<'_, _> = store.commit(vec![change]);
        begin(&mut pending);
        drop(pending);
        store = reopen(harness, store).await;

        let whole = !store.bound(owner.clone()).await.expect("a read").is_empty();
        assert_eq!(
            store.device(owner.clone(), mine.id).await.expect("a read").is_some(),
            whole
        );
        assert_eq!(store.protection(owner.clone()).await.expect("a read").is_some(), whole);
        assert_eq!(
            store
                .enrollment(owner.clone(), id(100 + round))
                .await
                .expect("a read")
                .is_some(),
            whole
        );
        assert_eq!(store.recovery_codes(owner).await.expect("a read").is_some(), whole);
        let rows = store.rows(None, 100).await.expect("a read").len();
        assert_eq!(rows, before + usize::from(whole), "and the trail says which");
    }
}

pub(super) async fn a_crash_between_load_and_commit_changes_nothing(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    bind(&*store, &mine, fresh(1)).await;
    let judged = use_of(&*store, &mine, after(&fresh(1), 1)).await;
    let store = reopen(harness, store).await;
    // Two processes judged what the first had loaded: the revision decides, not who is alive.
    done(&*store, judged.clone()).await;
    missed(&*store, judged, "used already").await;
}
