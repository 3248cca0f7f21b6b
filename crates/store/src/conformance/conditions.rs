//! All of a change or nothing of it.

use super::{Harness, commit, done, missed, open, reopen, sample::*};
use crate::{Change, Device, EnrollmentState, Noun, Outcome, Write};

pub(super) async fn a_missed_change_writes_nothing(harness: &dyn Harness) {
    let store = open(harness).await;
    let (mine, other) = (device(&owner(1), 1), device(&owner(1), 2));
    let begun = enrollment(&owner(1), 3);
    let key = api_key(4);
    let all = vec![
        Write::Bind {
            device: Box::new(mine.clone()),
            state: fresh(1),
        },
        Write::put(None, &begun),
        Write::put(None, &recovery_codes(&owner(1), 1)),
        Write::put(None, &protection(&owner(1), 1)),
        Write::put(None, &key),
    ];
    done(&*store, change("all", all)).await;
    let head = store.head();

    // Each of these misses; what stands around it would hold.
    let far = |version| verify::DeviceState {
        version,
        ..after(fresh(1), 1)
    };
    let wrong = [
        state(&mine, 0, far(1)),
        state(&mine, 2, far(3)),
        state(&mine, u64::MAX - 1, far(u64::MAX)),
        state(&other, 1, far(2)),
        Write::Bind {
            device: Box::new(mine.clone()),
            state: fresh(1),
        },
        // The id is what must be new, whoever asks.
        Write::Bind {
            device: Box::new(Device {
                owner: owner(2),
                ..mine.clone()
            }),
            state: fresh(1),
        },
        unbind(&mine, far(7), NOW),
        unbind(&other, fresh(1), NOW),
        unbind(
            &Device {
                owner: owner(2),
                ..mine.clone()
            },
            fresh(1),
            NOW,
        ),
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
            Write::Bind {
                device: Box::new(device(&owner, 100 + number)),
                state: fresh(1),
            },
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
        assert!(store.bound(vec![owner.clone()]).await.expect("a read")[0].is_empty());
        assert!(store.protection(owner.clone()).await.expect("a read").is_none());
        assert!(
            store
                .enrollment(owner, id(300 + number))
                .await
                .expect("a read")
                .is_none()
        );
    }
    assert_bound(
        &store.bound(vec![owner(1)]).await.expect("a read")[0],
        &[(&mine, fresh(1))],
    );
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
    assert_eq!(store.rows(0, 100).await.expect("a read").len(), 1);
}

pub(super) async fn outcomes_stand_in_order(harness: &dyn Harness) {
    let store = open(harness).await;
    let devices: Vec<_> = (0..40).map(|number| device(&owner(number), number)).collect();
    let binds = devices.iter().map(|device| bind(device, fresh(1))).collect();
    assert_eq!(commit(&*store, binds).await, [Outcome::Done; 40]);
    let holds = |number: usize| !number.is_multiple_of(3);
    let uses = devices.iter().enumerate().map(|(number, device)| {
        let next = after(fresh(1), number as u64);
        let write = if holds(number) {
            state(device, 1, next)
        } else {
            state(device, 5, verify::DeviceState { version: 6, ..next })
        };
        change("used", vec![write])
    });
    let outcomes = commit(&*store, uses.collect()).await;
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
    let mine = device(&owner(1), 1);
    let second = after(fresh(1), 1);
    let third = after(second.clone(), 2);
    let other = after(second.clone(), 3);
    let begun = enrollment(&owner(1), 3);
    let ended = become_state(&begun, EnrollmentState::Abandoned);
    let outcomes = commit(
        &*store,
        vec![
            bind(&mine, fresh(1)),
            change("second", vec![state(&mine, 1, second.clone())]),
            change("again", vec![state(&mine, 1, second)]),
            change("third", vec![state(&mine, 2, third.clone())]),
            change("other", vec![state(&mine, 2, other)]),
            put(None, &begun),
            put(Some(1), &ended),
            put(Some(1), &ended),
        ],
    )
    .await;
    use Outcome::{Done, Missed};
    assert_eq!(outcomes, [Done, Done, Missed, Done, Missed, Done, Done, Missed]);
    assert_bound(
        &store.bound(vec![owner(1)]).await.expect("a read")[0],
        &[(&mine, third.clone())],
    );

    // Unbound and used in one call, and another device bound in the same moment.
    let heir = device(&owner(1), 2);
    let succession = change(
        "replaced",
        vec![
            unbind(&mine, third.clone(), NOW),
            Write::Bind {
                device: Box::new(heir.clone()),
                state: fresh(2),
            },
        ],
    );
    let late = change("late", vec![state(&mine, third.version + 1, after(third.unbound(), 1))]);
    assert_eq!(commit(&*store, vec![succession, late]).await, [Done, Missed]);
    let store = reopen(harness, store).await;
    assert_bound(
        &store.bound(vec![owner(1)]).await.expect("a read")[0],
        &[(&heir, fresh(2))],
    );
}

pub(super) async fn a_tombstone_never_changes(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    let tombstone = fresh(1).unbound();
    done(&*store, bind(&mine, fresh(1))).await;
    done(&*store, change("unbound", vec![unbind(&mine, fresh(1), NOW)])).await;
    let store = reopen(harness, store).await;
    let back = after(tombstone.clone(), 1);
    missed(
        &*store,
        change("used", vec![state(&mine, tombstone.version, back)]),
        "a state",
    )
    .await;
    missed(
        &*store,
        change("again", vec![unbind(&mine, tombstone.clone(), NOW)]),
        "another end",
    )
    .await;
    missed(&*store, bind(&mine, fresh(1)), "another life").await;
    let found = store
        .device(owner(1), mine.id)
        .await
        .expect("a read")
        .expect("it stays");
    assert_eq!((found.state, found.device.unbound_at), (tombstone, Some(NOW)));
}

/// What is wrong whatever the engine is refused before an engine sees it, and nothing of the call is done.
pub(super) async fn what_no_engine_may_do_is_refused(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    done(&*store, bind(&mine, fresh(1))).await;
    done(
        &*store,
        change("protection", vec![Write::put(None, &protection(&owner(1), 3))]),
    )
    .await;
    let rows = store.rows(0, 100).await.expect("a read").len();
    let without_secret = Device {
        sealed: None,
        ..device(&owner(1), 2)
    };
    let named = |name: &str| crate::Allowance {
        name: name.into(),
        version: 1,
        since: NOW,
        used: 1,
    };
    let wrong = [
        // A version that does not rise.
        vec![state(&mine, 1, fresh(1))],
        vec![Write::put(Some(3), &protection(&owner(1), 3))],
        vec![Write::put(Some(3), &protection(&owner(1), 2))],
        // Two writes of one record.
        vec![state(&mine, 1, after(fresh(1), 1)), unbind(&mine, fresh(1), NOW)],
        vec![
            Write::put(Some(3), &protection(&owner(1), 4)),
            Write::require(&protection(&owner(1), 3)),
        ],
        // What could never be judged, or found by a person.
        vec![Write::Bind {
            device: Box::new(without_secret),
            state: fresh(1),
        }],
        vec![Write::put(None, &named("a\u{1}b"))],
        vec![Write::put(None, &named("a\0b"))],
    ];
    for (number, writes) in (0..).zip(wrong) {
        let harmless = change("said", vec![Write::put(None, &protection(&owner(2), 1))]);
        let refused = store.commit(vec![harmless, change("wrong", writes)]).await;
        assert!(refused.is_err(), "change {number}");
    }
    assert_eq!(store.rows(0, 100).await.expect("a read").len(), rows);
    assert_eq!(store.protection(owner(2)).await.expect("a read"), None);
    assert_bound(
        &store.bound(vec![owner(1)]).await.expect("a read")[0],
        &[(&mine, fresh(1))],
    );
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
    assert!(store.rows(0, 100).await.expect("a read").is_empty());
    let store = reopen(harness, store).await;
    assert_eq!(
        store.allowance("counted".into()).await.expect("a read"),
        Some(counted(2))
    );
}
