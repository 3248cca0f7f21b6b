//! Changes that no engine may do.

use super::{Harness, done, missed, open, reopen, sample::*};
use crate::{Change, Device, Sealed, Write};

/// What is wrong whatever the engine is refused before an engine sees it, and nothing of the call is done.
pub(super) async fn what_no_engine_may_do_is_refused(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    bind(&*store, &mine, fresh(1)).await;
    done(
        &*store,
        change("protection", vec![Write::put(None, &protection(&owner(1), 3))]),
    )
    .await;
    let rows = store.rows(None, 100).await.expect("a read").len();
    let without_secret = Device {
        sealed: Sealed {
            key_id: 1,
            bytes: Vec::new(),
        },
        ..device(&owner(1), 2)
    };
    let read = row(&*store, &owner(1)).await;
    let named = |name: &str| crate::Allowance {
        name: name.into(),
        version: 1,
        since: NOW,
        used: 1,
    };
    let wrong = [
        // A version that does not rise.
        vec![Write::put(Some(3), &protection(&owner(1), 3))],
        vec![Write::put(Some(3), &protection(&owner(1), 2))],
        // Two writes of one record.
        vec![read.clone().used(), read.clone().without_device(mine.id).changed()],
        vec![
            Write::put(Some(3), &protection(&owner(1), 4)),
            Write::require(&protection(&owner(1), 3)),
        ],
        // What could never be judged, or found by a person.
        vec![read.clone().with_device(without_secret, fresh(1)).changed()],
        vec![read.clone().with_device(mine.clone(), fresh(1)).changed()],
        vec![read.clone().with_device(device(&owner(2), 5), fresh(1)).changed()],
        vec![newcomer(&owner(3)).used()],
        vec![Write::put(None, &named("a\u{1}b"))],
        vec![Write::put(None, &named("a\0b"))],
    ];
    for (number, writes) in (0..).zip(wrong) {
        let harmless = change("said", vec![Write::put(None, &protection(&owner(2), 1))]);
        let refused = store.commit(vec![harmless, change("wrong", writes)]).await;
        assert!(refused.is_err(), "change {number}");
    }
    assert_eq!(store.rows(None, 100).await.expect("a read").len(), rows);
    assert_eq!(store.protection(owner(2)).await.expect("a read"), None);
    assert_bound(&store.bound(owner(1)).await.expect("a read"), &[(&mine, fresh(1))]);
}

/// Only a counter goes up without a record of its own.
pub(super) async fn a_count_needs_no_event(harness: &dyn Harness) {
    let store = open(harness).await;
    let counted = |used: u32| crate::Allowance {
        name: "counted".into(),
        version: used.into(),
        since: NOW,
        used,
    };
    done(&*store, Change::of_count(None, &counted(1))).await;
    done(&*store, Change::of_count(Some(1), &counted(2))).await;
    missed(&*store, Change::of_count(Some(1), &counted(2)), "counted once").await;
    assert!(Change::of_all(Vec::new()).is_none());
    assert!(store.rows(None, 100).await.expect("a read").is_empty());
    let store = reopen(harness, store).await;
    assert_eq!(
        store.allowance("counted".into()).await.expect("a read"),
        Some(counted(2))
    );
}
