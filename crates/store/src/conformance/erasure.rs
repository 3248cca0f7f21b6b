//! Erasure: secrets end when their record ends.

use verify::UnixMs;

use super::{Harness, commit, done, missed, open, reopen, sample::*};
use crate::{Change, EnrollmentState, Named, Store, User, Write, audit::Head};

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

/// A user with a device in use, and a record of every noun that belongs to a user.
async fn settle(store: &dyn Store, number: u32) -> User {
    let owner = owner(number);
    let (stays, goes) = (device(&owner, number), device(&owner, number + 100));
    bind(store, &stays, fresh(1)).await;
    bind(store, &goes, fresh(2)).await;
    let end = unbind(store, &goes, NOW).await;
    done(store, change("unbound", end)).await;
    // One with a secret of its own, and one that is in a list.
    done(store, put(None, &enrollment(&owner, 2 * number + 1))).await;
    let records = vec![
        Write::put(None, &recovery_codes(&owner, 1)),
        Write::put(None, &protection(&owner, 1)),
    ];
    done(store, change("settled", records)).await;
    used(store, &stays, after(&fresh(1), 1)).await;
    row(store, &owner).await
}

pub(super) async fn an_erased_user_leaves_nothing(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let (gone, stays) = (settle(&*store, 1).await, settle(&*store, 2).await);
    let told = store.rows(None, u32::MAX).await.expect("a read").len();
    done(&*store, change("erased", vec![gone.clone().erased()])).await;
    for _ in 0..3 {
        let found = store.users(vec![owner(1), owner(2)]).await.expect("a read");
        assert!(found[0].is_none(), "no row");
        let other = found[1].as_ref().expect("the other one's row");
        assert_eq!((other.id, other.revision), (stays.id, stays.revision), "as it was");
        let named = store.named(vec![gone.id, stays.id]).await.expect("a read");
        let other = newcomer(&owner(2)).names_key.expect("a new row has it");
        let other = Named {
            owner: owner(2),
            names_key: other,
        };
        assert_eq!(named, [None, Some(other)]);
        assert_eq!(store.users_after(None, 9).await.expect("a read").len(), 1);
        for (number, there) in [(1, false), (2, true)] {
            let owner = owner(number);
            let tombstone = store.unbound_device(owner.clone(), id(number + 100)).await;
            assert_eq!(tombstone.expect("a read").is_some(), there);
            assert_eq!(
                store.open_enrollments(owner.clone()).await.expect("a read").len(),
                usize::from(there)
            );
            assert_eq!(
                store.recovery_codes(owner.clone()).await.expect("a read").is_some(),
                there
            );
            assert_eq!(store.protection(owner.clone()).await.expect("a read").is_some(), there);
        }
        for (user, number, there) in [(&gone, 1, false), (&stays, 2, true)] {
            let of_enrollment = sealed(2 * number + 1);
            for secret in user.secrets().into_iter().chain([of_enrollment]) {
                let found = store.sealed_under(secret.key_id, 0, u32::MAX).await.expect("a read");
                let found = found.iter().any(|(_, sealed)| *sealed == secret);
                assert_eq!(found, there, "secrets of {number}");
            }
        }
        let expired = store
            .expired_enrollments(NOW.plus(UnixMs::DAY), 9)
            .await
            .expect("a read");
        assert_eq!(expired.len(), 1);
        let rows = store.rows(None, u32::MAX).await.expect("a read");
        assert_eq!(rows.len(), told + 1, "what happened stays");
        let mut head: Option<Head> = None;
        for row in rows {
            let chains = store.chains().await.expect("a read");
            let opened = || Head::opened(1, &chains[0].opening);
            let next = head.unwrap_or_else(opened).next(&row.covered(), &row.states);
            assert_eq!(next.hash, row.hash, "and the chain holds");
            head = Some(next);
        }
        store = reopen(harness, store).await;
    }
}

/// Whoever comes back is somebody else, even within the call that erased them.
pub(super) async fn an_erased_user_begins_anew(harness: &dyn Harness) {
    let store = open(harness).await;
    let before = settle(&*store, 1).await;
    let mine = device(&owner(1), 7);
    let anew = User::new(owner(1), id(70), sealed(70)).with_device(mine.clone(), fresh(3));
    let changes: Vec<Change> = vec![
        change("erased", vec![before.clone().erased()]),
        change("back", vec![anew.changed()]),
    ];
    assert!(
        commit(&*store, changes)
            .await
            .iter()
            .all(|outcome| *outcome == crate::Outcome::Done)
    );
    let store = reopen(harness, store).await;
    let found = row(&*store, &owner(1)).await;
    assert_eq!(found.id, id(70));
    assert_bound(&found.devices, &[(&mine, fresh(3))]);
    let named = store.named(vec![before.id, found.id]).await.expect("a read");
    let back = Named {
        owner: owner(1),
        names_key: sealed(70),
    };
    assert_eq!(named, [None, Some(back)]);
    used(&*store, &mine, after(&fresh(3), 1)).await;
    let store = reopen(harness, store).await;
    assert_bound(
        &store.bound(owner(1)).await.expect("a read"),
        &[(&mine, after(&fresh(3), 1))],
    );
}

pub(super) async fn only_what_was_read_is_erased(harness: &dyn Harness) {
    let store = open(harness).await;
    let read = settle(&*store, 1).await;
    let late_use = use_of(&*store, &device(&owner(1), 1), after(&fresh(1), 3)).await;
    done(&*store, change("touched", vec![row(&*store, &owner(1)).await.used()])).await;
    missed(&*store, change("erased", vec![read.erased()]), "it was touched").await;
    let read = row(&*store, &owner(1)).await;
    let refused = [
        vec![newcomer(&owner(2)).erased()],
        vec![read.clone().erased(), read.clone().used()],
        vec![read.clone().erased(), Write::put(None, &recovery_codes(&owner(1), 9))],
    ];
    for writes in refused {
        assert!(store.commit(vec![change("refused", writes)]).await.is_err());
    }
    let others = User {
        id: id(99),
        ..read.clone()
    };
    missed(&*store, change("erased", vec![others.erased()]), "it is another row").await;
    done(&*store, change("erased", vec![read.clone().erased()])).await;
    missed(&*store, change("again", vec![read.clone().erased()]), "it is gone").await;
    missed(&*store, late_use, "it is gone").await;
    missed(&*store, change("late", vec![read.changed()]), "it is gone").await;
}
