//! Conditions of a change: all of it is done, or nothing.

use super::{Harness, commit, done, missed, open, reopen, sample::*};
use crate::{Change, EnrollmentState, Noun, Outcome, Revision, User, Write};

pub(super) async fn a_missed_change_writes_nothing(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    let begun = enrollment(&owner(1), 3);
    let key = api_key(4);
    let all = vec![
        first(&mine, fresh(1)),
        Write::put(None, &begun),
        Write::put(None, &recovery_codes(&owner(1), 1)),
        Write::put(None, &protection(&owner(1), 1)),
        Write::put(None, &key),
    ];
    done(&*store, change("all", all)).await;
    let head = store.head();

    // Each of these misses; what stands around it would hold.
    let read = row(&*store, &owner(1)).await;
    let revision = read.revision.expect("it was written");
    let at = |revision: Revision| User {
        revision: Some(revision),
        ..read.clone()
    };
    let (generation, chain, position) = (revision.generation, revision.chain, revision.position);
    let wrong = [
        at(Revision {
            generation: generation + 1,
            ..revision
        })
        .used(),
        at(Revision {
            chain: chain + 1,
            ..revision
        })
        .used(),
        at(Revision {
            position: position + 1,
            ..revision
        })
        .used(),
        at(Revision {
            position: 0,
            ..revision
        })
        .without_device(mine.id)
        .changed(),
        // There is one, and another user has none.
        first(&mine, fresh(1)),
        Write::put(None, &begun),
        Write::put(
            Some(2),
            &crate::Enrollment {
                version: 3,
                ..begun.clone()
            },
        ),
        Write::put(
            Some(1),
            &become_state(&enrollment(&owner(1), 9), EnrollmentState::Abandoned),
        ),
        Write::put(None, &recovery_codes(&owner(1), 2)),
        Write::put(Some(3), &recovery_codes(&owner(1), 4)),
        Write::put(Some(1), &recovery_codes(&owner(2), 2)),
        Write::put(None, &protection(&owner(1), 2)),
        Write::put(Some(0), &protection(&owner(1), 2)),
        Write::put(Some(1), &protection(&owner(2), 2)),
        Write::put(None, &key),
        Write::put(Some(1), &api_key(5).revoked(NOW)),
        Write::require(&protection(&owner(1), 2)),
        Write::require(&protection(&owner(2), 1)),
        Write::Require {
            expected: None,
            key: begun.key(),
        },
        Write::Delete {
            expected: 2,
            key: begun.key(),
        },
        Write::Delete {
            expected: 1,
            key: protection(&owner(2), 1).key(),
        },
    ];
    let witness = |number: u32| {
        let owner = owner(100 + number);
        [
            first(&device(&owner, 100 + number), fresh(1)),
            Write::put(None, &protection(&owner, 1)),
            Write::put(None, &enrollment(&owner, 300 + number)),
        ]
    };
    for (number, write) in (0..).zip(wrong) {
        let [before, between, behind] = witness(number);
        missed(
            &*store,
            change("missed", vec![before, between, write, behind]),
            &format!("write {number}"),
        )
        .await;
    }
    assert_eq!(store.head(), head, "a missed change says nothing");

    let store = reopen(harness, store).await;
    for number in 0..20 {
        let owner = owner(100 + number);
        assert!(store.bound(owner.clone()).await.expect("a read").is_empty());
        assert!(store.protection(owner.clone()).await.expect("a read").is_none());
        assert!(
            store
                .enrollment(owner, id(300 + number))
                .await
                .expect("a read")
                .is_none()
        );
    }
    assert_bound(&store.bound(owner(1)).await.expect("a read"), &[(&mine, fresh(1))]);
    let found = store
        .enrollment(owner(1), begun.id)
        .await
        .expect("a read")
        .expect("it was begun");
    assert_enrollment(&found, &begun);
    assert!(store.recovery_codes(owner(1)).await.expect("a read") == Some(recovery_codes(&owner(1), 1)));
    assert_eq!(
        store.protection(owner(1)).await.expect("a read"),
        Some(protection(&owner(1), 1))
    );
    assert_eq!(store.api_keys().await.expect("a read"), [key]);
    assert_eq!(store.rows(None, 100).await.expect("a read").len(), 1);
}

pub(super) async fn outcomes_stand_in_order(harness: &dyn Harness) {
    let store = open(harness).await;
    let devices: Vec<_> = (0..40).map(|number| device(&owner(number), number)).collect();
    let binds = devices
        .iter()
        .map(|device| change("bound", vec![first(device, fresh(1))]));
    assert_eq!(commit(&*store, binds.collect()).await, [Outcome::Done; 40]);
    let holds = |number: usize| !number.is_multiple_of(3);
    let mut uses = Vec::new();
    for (number, device) in devices.iter().enumerate() {
        let next = after(&fresh(1), number as u64);
        let mut next = row(&*store, &device.owner).await.with_state(device.id, next);
        if let Some(revision) = next.revision.as_mut().filter(|_| !holds(number)) {
            revision.position += 1_000;
        }
        uses.push(change("used", vec![next.used()]));
    }
    let outcomes = commit(&*store, uses).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(
            outcome,
            if holds(number) { Outcome::Done } else { Outcome::Missed },
            "change {number}"
        );
    }
    // A change without effects is only said.
    let said = Change::of(event("one")).and(event("two"));
    assert_eq!(commit(&*store, vec![said]).await, [Outcome::Done]);
    assert!(commit(&*store, Vec::new()).await.is_empty());
}

pub(super) async fn a_call_builds_on_itself(harness: &dyn Harness) {
    let store = open(harness).await;
    let begun = enrollment(&owner(1), 3);
    let ended = become_state(&begun, EnrollmentState::Abandoned);
    let calls = vec![put(None, &begun), put(Some(1), &ended), put(Some(1), &ended)];
    use Outcome::{Done, Missed};
    assert_eq!(commit(&*store, calls).await, [Done, Done, Missed]);

    // A user changes once in a call, whatever was read: nobody knows the revision in between.
    let (mine, heir) = (device(&owner(1), 1), device(&owner(1), 2));
    let both = vec![
        change("bound", vec![first(&mine, fresh(1))]),
        change("again", vec![first(&heir, fresh(2))]),
    ];
    assert_eq!(commit(&*store, both).await, [Done, Missed]);
    let read = row(&*store, &owner(1)).await;
    let succession = read.clone().without_device(mine.id).with_device(heir.clone(), fresh(2));
    let late = read.with_state(mine.id, after(&fresh(1), 1));
    let both = vec![
        change(
            "replaced",
            vec![succession.changed(), Write::put(None, &tombstone(&mine, fresh(1), NOW))],
        ),
        change("late", vec![late.used()]),
    ];
    assert_eq!(commit(&*store, both).await, [Done, Missed]);
    let store = reopen(harness, store).await;
    assert_bound(&store.bound(owner(1)).await.expect("a read"), &[(&heir, fresh(2))]);
}

/// A row that was read before something happened to it, even nothing but a look by somebody else, changes nothing.
pub(super) async fn a_row_is_a_lock(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    bind(&*store, &mine, fresh(1)).await;
    let read = row(&*store, &owner(1)).await;
    // The same again is a revision of its own.
    done(&*store, change("touched", vec![read.clone().used()])).await;
    for late in [read.clone().used(), read.clone().without_device(mine.id).changed()] {
        missed(&*store, change("late", vec![late]), "it was touched").await;
    }
    let memo = vec![0, 1, 255];
    let next = User {
        memo: memo.clone(),
        ..row(&*store, &owner(1)).await
    };
    done(&*store, change("remembered", vec![next.used()])).await;
    let store = reopen(harness, store).await;
    let found = row(&*store, &owner(1)).await;
    assert_eq!(found.memo, memo);
    assert_ne!(found.revision, read.revision);
    // Without a device the row stays: it is where the next one is bound.
    let nothing = found.without_device(mine.id).changed();
    done(&*store, change("unbound", vec![nothing])).await;
    let left = row(&*store, &owner(1)).await;
    assert_eq!((left.devices.len(), left.memo.len(), left.id), (0, 3, read.id));
    missed(&*store, change("bound", vec![first(&mine, fresh(1))]), "there is a row").await;
    bind(&*store, &mine, fresh(1)).await;
}

pub(super) async fn a_tombstone_never_changes(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    bind(&*store, &mine, fresh(1)).await;
    let used = use_of(&*store, &mine, after(&fresh(1), 1)).await;
    let again = unbind(&*store, &mine, NOW.plus(1)).await;
    let end = unbind(&*store, &mine, NOW).await;
    done(&*store, change("unbound", end)).await;
    let store = reopen(harness, store).await;
    missed(&*store, used, "a state").await;
    missed(&*store, change("again", again), "another end").await;
    let tombstone = tombstone(&mine, fresh(1), NOW);
    missed(
        &*store,
        change("again", vec![Write::put(None, &tombstone)]),
        "another tombstone",
    )
    .await;
    let found = store.unbound_device(owner(1), mine.id).await.expect("a read");
    assert_eq!(found, Some(tombstone));
}
