//! Secrets end when their record ends.

use verify::UnixMs;

use super::{Harness, commit, done, missed, open, reopen, sample::*};
use crate::EnrollmentState;

pub(super) async fn unbinding_erases(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let (mine, stays) = (device(&owner(1), 1), device(&owner(1), 2));
    bind(&*store, &mine, fresh(1)).await;
    bind(&*store, &stays, fresh(2)).await;
    let last = after(&fresh(1), 0xff);
    used(&*store, &mine, last.clone()).await;
    let end = unbind(&*store, &mine, NOW.plus(7)).await;
    done(&*store, change("unbound", end)).await;
    let tombstone = tombstone(&mine, last, NOW.plus(7));
    for _ in 0..2 {
        let found = store.unbound_device(owner(1), mine.id).await.expect("a read");
        assert_eq!(found.as_ref(), Some(&tombstone), "it stays");
        assert_bound(&store.bound(owner(1)).await.expect("a read"), &[(&stays, fresh(2))]);
        assert!(store.device(owner(1), mine.id).await.expect("a read").is_none());
        let others = store.unbound_device(owner(2), mine.id).await.expect("a read");
        assert_eq!(others, None, "still nobody else's");
        store = reopen(harness, store).await;
    }
}

pub(super) async fn enrollments_erase(harness: &dyn Harness) {
    let store = open(harness).await;
    let begun: Vec<_> = (1..4).map(|number| enrollment(&owner(1), number)).collect();
    commit(&*store, begun.iter().map(|begun| put(None, begun)).collect()).await;
    let superseded = become_state(&begun[0], EnrollmentState::Superseded { sealed: sealed(1) });
    done(&*store, put(Some(1), &superseded)).await;
    done(
        &*store,
        put(Some(1), &become_state(&begun[1], EnrollmentState::Abandoned)),
    )
    .await;
    let wrong = become_state(
        &begun[2],
        EnrollmentState::Started {
            sealed: Some(sealed(3)),
            wrong_codes: 1,
        },
    );
    done(&*store, put(Some(1), &wrong)).await;
    missed(&*store, put(Some(1), &wrong), "counted once").await;
    let open = store.open_enrollments(owner(1)).await.expect("a read");
    assert_eq!(open.len(), 2);
    assert_enrollment(&open[0], &superseded);
    assert_enrollment(&open[1], &wrong);
    done(
        &*store,
        put(Some(2), &become_state(&superseded, EnrollmentState::Abandoned)),
    )
    .await;
    done(
        &*store,
        put(
            Some(2),
            &become_state(&wrong, EnrollmentState::Confirmed { device: id(9) }),
        ),
    )
    .await;
    let store = reopen(harness, store).await;
    assert!(store.open_enrollments(owner(1)).await.expect("a read").is_empty());
    for begun in begun {
        let found = store
            .enrollment(owner(1), begun.id)
            .await
            .expect("a read")
            .expect("its record stays");
        assert!(found.state.sealed().is_none());
    }
}

pub(super) async fn expired_enrollments_are_found(harness: &dyn Harness) {
    let store = open(harness).await;
    // The one of number n expires after n minutes.
    let begun: Vec<_> = (1..11).map(|number| enrollment(&owner(number), number)).collect();
    commit(&*store, begun.iter().rev().map(|begun| put(None, begun)).collect()).await;
    let minute = |n: i64| NOW.plus(n * UnixMs::MINUTE);
    let count = async |now, limit| store.expired_enrollments(now, limit).await.expect("a read").len();
    assert_eq!(count(NOW, 100).await, 0);
    assert_eq!(count(minute(3), 100).await, 2, "the third ends in this moment");
    assert_eq!(count(minute(3).plus(1), 100).await, 3);
    assert_eq!(count(minute(99), 100).await, 10);
    assert_eq!(count(minute(99), 4).await, 4);
    assert_eq!(count(minute(99), 0).await, 0);
    // Housekeeping: the list is worked off.
    let mut left = 10;
    while left > 0 {
        let page = store.expired_enrollments(minute(99), 4).await.expect("a read");
        left -= page.len();
        let ends = page
            .iter()
            .map(|found| put(Some(1), &become_state(found, EnrollmentState::Abandoned)));
        commit(&*store, ends.collect()).await;
    }
    assert_eq!(count(minute(99), 100).await, 0);
}
