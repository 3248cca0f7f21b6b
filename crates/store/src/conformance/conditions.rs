//! All of a change or nothing of it.

use super::{Harness, commit, done, missed, open, reopen, sample::*};
use crate::{Change, Device, EnrollmentState, Outcome, Write};

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
        Write::Enrollment {
            expected: None,
            next: Box::new(begun.clone()),
        },
        Write::RecoveryCodes {
            expected: None,
            next: recovery_codes(&owner(1), 1),
        },
        Write::Protection {
            expected: None,
            next: protection(&owner(1), 1),
        },
        Write::NewApiKey(key.clone()),
    ];
    done(&*store, change("all", all)).await;
    let head = store.head();

    // Each of these misses; what stands around it would hold.
    let far = |version| after(fresh(1), version);
    let wrong = [
        state(&mine, 0, far(1)),
        state(&mine, 2, far(1)),
        state(&mine, u64::MAX, far(1)),
        state(&other, 1, far(1)),
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
        Write::Enrollment {
            expected: None,
            next: Box::new(begun.clone()),
        },
        Write::Enrollment {
            expected: Some(2),
            next: Box::new(begun.clone()),
        },
        Write::Enrollment {
            expected: Some(1),
            next: Box::new(enrollment(&owner(1), 9)),
        },
        Write::RecoveryCodes {
            expected: None,
            next: recovery_codes(&owner(1), 2),
        },
        Write::RecoveryCodes {
            expected: Some(3),
            next: recovery_codes(&owner(1), 4),
        },
        Write::RecoveryCodes {
            expected: Some(1),
            next: recovery_codes(&owner(2), 2),
        },
        Write::Protection {
            expected: None,
            next: protection(&owner(1), 2),
        },
        Write::Protection {
            expected: Some(0),
            next: protection(&owner(1), 2),
        },
        Write::Protection {
            expected: Some(1),
            next: protection(&owner(2), 2),
        },
        Write::NewApiKey(key.clone()),
        Write::RevokeApiKey { id: id(5), at: NOW },
    ];
    let witness = |number: u32| {
        let owner = owner(100 + number);
        [
            Write::Bind {
                device: Box::new(device(&owner, 100 + number)),
                state: fresh(1),
            },
            Write::Protection {
                expected: None,
                next: protection(&owner, 1),
            },
            Write::Enrollment {
                expected: None,
                next: Box::new(enrollment(&owner, 300 + number)),
            },
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
        change(
            "used",
            vec![state(
                device,
                if holds(number) { 1 } else { 5 },
                after(fresh(1), number as u64),
            )],
        )
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
    let silent = Change::default();
    let said = Change {
        writes: Vec::new(),
        events: vec![event("one"), event("two")],
    };
    assert_eq!(commit(&*store, vec![silent, said]).await, [Outcome::Done; 2]);
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

/// Without it the state would change and the trail not say so.
pub(super) async fn a_state_needs_its_event(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    done(&*store, bind(&mine, fresh(1))).await;
    let silent = |write| Change {
        writes: vec![write],
        events: Vec::new(),
    };
    for write in [
        state(&mine, 1, after(fresh(1), 1)),
        unbind(&mine, fresh(1), NOW),
        Write::Bind {
            device: Box::new(device(&owner(1), 2)),
            state: fresh(2),
        },
    ] {
        assert!(store.commit(vec![silent(write)]).await.is_err());
    }
    assert_bound(
        &store.bound(vec![owner(1)]).await.expect("a read")[0],
        &[(&mine, fresh(1))],
    );
}
