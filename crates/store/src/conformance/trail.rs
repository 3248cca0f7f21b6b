//! The audit trail: its chains can be computed from what is in them.

use std::collections::HashMap;

use verify::{DeviceParts, DeviceState, UnixMs};

use super::{Harness, all, commit, done, missed, open, reopen, sample::*};
use crate::{
    Change, Id, Store, Write,
    audit::{Closing, Cursor, Event, EventId, Head, Payload, Place, Row},
    codec,
};

/// Computes every chain from its opening and compares every row; the results are the heads and the newest states.
async fn computed(store: &dyn Store) -> (HashMap<i64, Head>, HashMap<Id, Vec<(Id, DeviceState)>>) {
    let chains = store.chains().await.expect("a read");
    let mut previous = [0; 32];
    let mut heads = HashMap::new();
    for (number, chain) in (1..).zip(&chains) {
        assert_eq!(chain.chain, number, "numbers rise by one");
        assert_eq!(chain.opening.previous, previous, "the register is a chain itself");
        previous = chain.opening.hash(number);
        heads.insert(number, Head::opened(number, &chain.opening));
    }
    let mut states = HashMap::new();
    for row in store.rows(None, u32::MAX).await.expect("a read") {
        let head = heads
            .get_mut(&row.place.chain)
            .expect("a row's chain is in the register");
        assert!(!row.events.is_empty(), "a row says something");
        *head = head.next(&row.covered(), &row.states);
        assert_eq!((head.place(), head.hash), (row.place, row.hash));
        for (user, bytes) in codec::split_users(&row.states).expect("users") {
            states.insert(user, codec::decode_user(bytes).expect("a user").0);
        }
    }
    for chain in &chains {
        let last = store.last_of(chain.chain).await.expect("a read");
        assert_eq!(
            last.as_ref(),
            heads.get(&chain.chain),
            "the last row of chain {}",
            chain.chain
        );
        if let Some(closing) = &chain.closing {
            assert_eq!(
                Some(&closing.head),
                heads.get(&chain.chain),
                "where chain {} was closed",
                chain.chain
            );
        }
    }
    let own = store.head();
    assert_eq!(heads.get(&own.chain), Some(&own), "the head in memory is the last row");
    (heads, states)
}

pub(super) async fn the_chain_can_be_computed(harness: &dyn Harness) {
    let mut store = open(harness).await;
    computed(&*store).await;
    let devices: Vec<_> = (0..16).map(|number| device(&owner(number), number)).collect();
    let mut states = vec![fresh(1); 16];
    for device in &devices {
        bind(&*store, device, fresh(1)).await;
    }
    for round in 0..6_u64 {
        let mut calls = Vec::new();
        for (number, device) in devices.iter().enumerate() {
            let next = after(&states[number], round * 37 + number as u64);
            let events = (0..1 + round % 3)
                .map(|part| event(&format!("{round} {number} {part}")))
                .collect();
            let change = Change::of_all(events).expect("one event at least");
            let used = row(&*store, &device.owner).await.with_state(device.id, next.clone());
            calls.push(store.commit(vec![change.with([used.used()])]));
            states[number] = next;
        }
        for answer in all(calls).await {
            answer.expect("the commit is answered");
        }
        // Two states in one change, and a missed one in between.
        let next = [after(&states[0], 3), after(&states[1], 5)];
        let mut writes = Vec::new();
        for (device, next) in devices.iter().zip(&next) {
            let read = row(&*store, &device.owner).await;
            writes.push(read.with_state(device.id, next.clone()).used());
        }
        let miss = change("missed", vec![first(&devices[2], states[2].clone())]);
        commit(&*store, vec![miss, change("both", writes)]).await;
        states[..2].clone_from_slice(&next);
        if round % 2 == 1 {
            store = reopen(harness, store).await;
        }
        let (_, told) = computed(&*store).await;
        for (number, device) in devices.iter().enumerate() {
            let found = row(&*store, &device.owner).await;
            assert_bound(&found.devices, &[(device, states[number].clone())]);
            let said = vec![(device.id, states[number].clone())];
            assert_eq!(told.get(&found.id), Some(&said), "what the trail says");
        }
    }
    let end = unbind(&*store, &devices[0], NOW).await;
    done(&*store, change("unbound", end)).await;
    let (_, told) = computed(&*store).await;
    let left = row(&*store, &devices[0].owner).await.id;
    assert_eq!(told.get(&left), Some(&Vec::new()), "nothing is left of it");
}

pub(super) async fn rows_come_in_pages(harness: &dyn Harness) {
    let store = open(harness).await;
    let said = |number: usize| Change::of(event(&number.to_string()));
    for number in 0..25 {
        done(&*store, said(number)).await;
    }
    let mut found: Vec<Row> = Vec::new();
    loop {
        let after = found.last().map(|row| row.cursor);
        let page = store.rows(after, 10).await.expect("a read");
        assert!(page.len() <= 10);
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found.len(), 25, "a row a commit");
    for (number, row) in found.iter().enumerate() {
        let wanted = event(&number.to_string());
        let [only] = &row.events[..] else {
            panic!("{} events", row.events.len())
        };
        assert_eq!(only.at, wanted.at);
        let (salt, payload) = (wanted.salt, wanted.payload);
        assert_eq!(only.payload, Payload::Kept { salt, payload });
        assert!(row.states.is_empty());
        let one = store.row(row.place).await.expect("a read").expect("it is there");
        assert_eq!(one.hash, row.hash);
    }
    let mut back: Vec<Row> = Vec::new();
    loop {
        let before = back.last().map(|row| row.cursor);
        let page = store.rows_before(before, 10).await.expect("a read");
        if page.is_empty() {
            break;
        }
        back.extend(page);
    }
    assert!(
        back.iter()
            .rev()
            .map(|row| row.place)
            .eq(found.iter().map(|row| row.place))
    );
    let mut asked: Vec<_> = found.iter().map(|row| row.cursor).collect();
    asked.rotate_left(7);
    asked.extend([asked[3], Cursor(i64::MAX), Cursor(0)]);
    let at = store.rows_at(asked.clone()).await.expect("a read");
    let cursors = at.iter().map(|row| row.as_ref().map(|row| (row.cursor, row.hash)));
    let hash = |cursor: &Cursor| found.iter().find(|row| row.cursor == *cursor).map(|row| row.hash);
    let wanted = asked.iter().map(|cursor| Some((*cursor, hash(cursor)?)));
    assert!(cursors.eq(wanted), "each row in its place, none where there is none");
    let nowhere = Place {
        position: 26,
        ..found[0].place
    };
    assert!(store.row(nowhere).await.expect("a read").is_none());
}

/// All that one call says is one row, whose events have ids of their own; what is missed says nothing.
pub(super) async fn a_call_is_a_row(harness: &dyn Harness) {
    let store = open(harness).await;
    let two = change("one", vec![Write::put(None, &protection(&owner(1), 1))]).and(event("two"));
    let miss = change("never", vec![Write::put(Some(7), &protection(&owner(2), 8))]);
    commit(&*store, vec![two, miss, Change::of(event("three"))]).await;
    let store = reopen(harness, store).await;
    let [row] = &store.rows(None, 10).await.expect("a read")[..] else {
        panic!("one row")
    };
    assert_eq!(
        store.newest().await.expect("a read").map(|newest| newest.place),
        Some(row.place)
    );
    let said: Vec<_> = row
        .clone()
        .identified()
        .map(|(id, event)| (id.to_string(), event.payload))
        .collect();
    let wanted = [("1.1.1", "one"), ("1.1.2", "two"), ("1.1.3", "three")];
    let wanted = wanted.map(|(id, text)| {
        let Event { salt, payload, .. } = event(text);
        (id.to_owned(), Payload::Kept { salt, payload })
    });
    assert_eq!(said, wanted);
    for (id, _) in said {
        assert_eq!(id.parse::<EventId>().expect("an id").to_string(), id);
    }
    for text in ["", "1", "1.1", "1.1.1.1", "1..1", "+1.1.1", "1.1.99999999999", "a.b.c"] {
        assert!(text.parse::<EventId>().is_err(), "{text}");
    }
    computed(&*store).await;
}

pub(super) async fn a_killed_chain_is_closed_where_it_ended(harness: &dyn Harness) {
    let store = open(harness).await;
    bind(&*store, &device(&owner(1), 1), fresh(1)).await;
    let first = store.head();
    // One that never wrote anything, and one that did.
    let store = reopen(harness, store).await;
    let second = store.head();
    let store = reopen(harness, store).await;
    bind(&*store, &device(&owner(1), 2), fresh(1)).await;
    let chains = store.chains().await.expect("a read");
    let ends: Vec<_> = chains
        .iter()
        .map(|chain| chain.closing.as_ref().map(|closing| closing.head))
        .collect();
    assert_eq!(ends, [Some(first), Some(second), None]);
    computed(&*store).await;
}

pub(super) async fn a_closing_stands(harness: &dyn Harness) {
    let store = open(harness).await;
    bind(&*store, &device(&owner(1), 1), fresh(1)).await;
    let head = store.head();
    let closing = Closing {
        head,
        signature: vec![1, 2, 3],
    };
    store.close_chain(closing.clone()).await.expect("it closes");
    store
        .close_chain(Closing {
            signature: vec![4],
            ..closing.clone()
        })
        .await
        .expect("it is closed");
    assert_eq!(
        store.chains().await.expect("a read")[0].closing,
        Some(closing.clone()),
        "the first one"
    );
    let behind = change("bound", vec![first(&device(&owner(2), 2), fresh(1))]);
    let late = store.commit(vec![behind]).await;
    assert!(late.is_err(), "nothing is written behind a closed chain");
    let store = reopen(harness, store).await;
    assert_eq!(store.chains().await.expect("a read")[0].closing, Some(closing));
    assert_eq!(store.head().chain, head.chain + 1);
    bind(&*store, &device(&owner(1), 2), fresh(1)).await;
    computed(&*store).await;
}

/// A clock that jumps is somebody else's business: what was told is kept, and the order is that of commitment.
pub(super) async fn times_are_kept_as_told(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device(&owner(1), 1);
    let mut last = fresh(1);
    bind(&*store, &mine, last.clone()).await;
    let times = [5, -3_600_000, 3_600_000, 0, i64::MIN / 2, i64::MAX / 2].map(|ms| NOW.plus(ms));
    for at in times {
        let next = DeviceState::restored(DeviceParts {
            last_success_at: Some(at),
            drift_learned_at: Some(at),
            ..after(&last, 0).parts().clone()
        });
        let said = Event { at, ..event("used") };
        let read = row(&*store, &owner(1)).await;
        let used = read.clone().with_state(mine.id, next.clone()).used();
        done(&*store, Change::of(said).with([used])).await;
        missed(
            &*store,
            change("late", vec![read.used()]),
            "an earlier time is no earlier revision",
        )
        .await;
        last = next;
        assert_eq!(
            store.newest().await.expect("a read").map(|newest| newest.at),
            Some(at),
            "of the newest row, not the latest time"
        );
    }
    let store = reopen(harness, store).await;
    assert_bound(&store.bound(owner(1)).await.expect("a read"), &[(&mine, last)]);
    let rows = store.rows(None, 100).await.expect("a read");
    let told: Vec<UnixMs> = rows.iter().skip(1).map(|row| row.events[0].at).collect();
    assert_eq!(told, times);
    done(
        &*store,
        change("end", vec![Write::put(None, &protection(&owner(1), 1))]),
    )
    .await;
    computed(&*store).await;
}
