//! Readers of the trail, and the index that one of them fills.

use super::{Harness, begin, commit, done, missed, open, reopen, sample::*};
use crate::{
    Change, Outcome, Pending, Store, TrailReader, Write,
    audit::Cursor,
    history::{Entry, EventCursor, Subject},
};

fn reader(name: &str, version: u64, through: i64) -> TrailReader {
    TrailReader {
        name: name.into(),
        version,
        through: (through > 0).then_some(Cursor(through)),
    }
}

/// The history's reader comes from one version to the next, with these entries.
fn indexed(version: u64, through: i64, entries: Vec<Entry>) -> Change {
    let next = reader(TrailReader::HISTORY, version + 1, through);
    Change::of_reading((version > 0).then_some(version), &next).with([Write::Index { entries }])
}

fn at(row: i64, index: u32) -> EventCursor {
    let row = Cursor(row);
    EventCursor { row, index }
}

fn entry(subject: &Subject, row: i64, index: u32) -> Entry {
    Entry {
        subject: subject.clone(),
        event: at(row, index),
    }
}

async fn all_of(store: &dyn Store, subject: &Subject) -> Vec<EventCursor> {
    store.events_of(subject.clone(), None, 1_000).await.expect("a read")
}

pub(super) async fn readers_go_on_where_they_stopped(harness: &dyn Harness) {
    let store = open(harness).await;
    assert!(store.trail_readers().await.expect("a read").is_empty());
    for name in ["webhooks", "notices"] {
        done(&*store, Change::of_reading(None, &reader(name, 1, 0))).await;
    }
    done(&*store, Change::of_reading(Some(1), &reader("notices", 2, 7))).await;
    missed(
        &*store,
        Change::of_reading(Some(1), &reader("notices", 2, 9)),
        "read by somebody else",
    )
    .await;
    let store = reopen(harness, store).await;
    let found = store.trail_reader("notices").await.expect("a read");
    assert_eq!(found, Some(reader("notices", 2, 7)));
    assert_eq!(store.trail_reader("nobody").await.expect("a read"), None);
    let all = [reader("notices", 2, 7), reader("webhooks", 1, 0)];
    assert_eq!(store.trail_readers().await.expect("a read"), all);
    assert!(
        store.rows(None, 10).await.expect("a read").is_empty(),
        "that the trail was read is nothing to say in it"
    );
}

pub(super) async fn an_index_comes_newest_first(harness: &dyn Harness) {
    let mut store = open(harness).await;
    // Ids and serial numbers of which one is another's beginning, or the same bytes.
    let same = id(1).to_string();
    let subjects = [
        Subject::User(id(1)),
        Subject::Device(id(1)),
        Subject::Device(id(2)),
        Subject::Token(String::new()),
        Subject::Token("SN-1".into()),
        Subject::Token("SN-10".into()),
        Subject::Token("n\u{0}l, № 1".into()),
        Subject::Token(same),
    ];
    // Rows and their events beyond what a byte holds, in no order, in several changes.
    let events_of = |number: i64| {
        let rows = (0..40).map(move |step| (step * 37 % 40) * 25 + number);
        rows.flat_map(|row| [at(row, 2), at(row, 1), at(row, 300)])
    };
    for version in 0..4 {
        let mut entries = Vec::new();
        for (number, subject) in (1..).zip(&subjects) {
            let events = events_of(number).skip(30 * version as usize).take(30);
            entries.extend(events.map(|event| entry(subject, event.row.0, event.index)));
        }
        // An entry that is there already, in this change or before, stays one.
        let twice = entries[..5].to_vec();
        entries.extend(twice);
        entries.push(entry(&subjects[0], 38, 1));
        done(&*store, indexed(version, 1_000, entries)).await;
    }
    for _ in 0..2 {
        for (number, subject) in (1..).zip(&subjects) {
            let mut wanted: Vec<_> = events_of(number).collect();
            if number == 1 {
                wanted.push(at(38, 1));
            }
            wanted.sort();
            wanted.reverse();
            assert_eq!(all_of(&*store, subject).await, wanted, "{subject:?}");
            let mut found = Vec::new();
            loop {
                let before = found.last().copied();
                let page = store.events_of(subject.clone(), before, 7).await.expect("a read");
                assert!(page.len() <= 7);
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            assert_eq!(found, wanted, "{subject:?} in pages");
            for before in [at(500, 0), at(500, 1), at(500 + number, 2), at(501 + number, u32::MAX)] {
                let page = store.events_of(subject.clone(), Some(before), 3).await.expect("a read");
                let earlier = wanted.iter().filter(|event| **event < before).take(3).copied();
                assert_eq!(page, earlier.collect::<Vec<_>>(), "{subject:?} before {before:?}");
            }
            wanted.reverse();
            let mut found: Vec<EventCursor> = Vec::new();
            loop {
                let after = found.last().copied();
                let page = store.events_after(subject.clone(), after, 7).await.expect("a read");
                assert!(page.len() <= 7);
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            assert_eq!(found, wanted, "{subject:?} in pages from the first");
            for after in [at(500, 0), at(500 + number, 2), at(501 + number, u32::MAX)] {
                let page = store
                    .events_after(subject.clone(), Some(after), 3)
                    .await
                    .expect("a read");
                let later = wanted.iter().filter(|event| **event > after).take(3).copied();
                assert_eq!(page, later.collect::<Vec<_>>(), "{subject:?} after {after:?}");
            }
            assert!(
                store
                    .events_of(subject.clone(), None, 0)
                    .await
                    .expect("a read")
                    .is_empty()
            );
        }
        store = reopen(harness, store).await;
    }
    assert!(all_of(&*store, &Subject::User(id(2))).await.is_empty());
    assert!(store.rows(None, 10).await.expect("a read").is_empty());
}

/// Else nobody would know what the index has.
pub(super) async fn an_index_and_its_cursor_are_one_change(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = Subject::Device(id(1));
    let index = || Write::Index {
        entries: vec![entry(&mine, 1, 1)],
    };
    let reading = || Change::of_reading(None, &reader(TrailReader::HISTORY, 1, 1));
    let other = || Write::put(None, &protection(&owner(1), 1));
    let wrong = [
        change("said", vec![index()]),
        change(
            "said",
            vec![Write::put(None, &reader(TrailReader::HISTORY, 1, 1)), index()],
        ),
        Change::of_reading(None, &reader("notices", 1, 1)).with([index()]),
        reading().with([index(), index()]),
        reading().with([index(), other()]),
        reading().with([other(), index()]),
        reading().with([index()]).and(event("said")),
        // Nor does a cursor take anything else with it that nobody was told of.
        reading().with([other()]),
        reading().with([Write::put(None, &reader("notices", 1, 1))]),
    ];
    for (number, change) in (0..).zip(wrong) {
        let refused = store.commit(vec![reading(), change]).await;
        assert!(refused.is_err(), "change {number}");
    }
    assert!(store.trail_readers().await.expect("a read").is_empty());
    assert!(all_of(&*store, &mine).await.is_empty());

    // Who was slower writes nothing.
    let two = vec![
        indexed(0, 1, vec![entry(&mine, 1, 1)]),
        indexed(0, 2, vec![entry(&mine, 2, 1)]),
        indexed(1, 3, vec![entry(&mine, 3, 1)]),
        indexed(2, 4, Vec::new()),
    ];
    use Outcome::{Done, Missed};
    assert_eq!(commit(&*store, two).await, [Done, Missed, Done, Done]);
    let store = reopen(harness, store).await;
    assert_eq!(all_of(&*store, &mine).await, [at(3, 1), at(1, 1)]);
    let found = store.trail_reader(TrailReader::HISTORY).await.expect("a read");
    assert_eq!(found, Some(reader(TrailReader::HISTORY, 3, 4)));
}

/// Whoever filled it and was killed is believed by the cursor.
pub(super) async fn an_index_that_nobody_answered_is_whole_or_absent(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let mine = Subject::Token("SN-1".into());
    let mut version = 0;
    for round in 1..20 {
        let entries = vec![entry(&mine, round, 1), entry(&mine, round, 2)];
        let mut pending: Pending<'_, _> = store.commit(vec![indexed(version, round, entries)]);
        begin(&mut pending);
        drop(pending);
        store = reopen(harness, store).await;
        let read = store.trail_reader(TrailReader::HISTORY).await.expect("a read");
        let whole = read.as_ref().and_then(|read| read.through) == Some(Cursor(round));
        let newest = store.events_of(mine.clone(), None, 2).await.expect("a read");
        let wanted = [at(round, 2), at(round, 1)];
        assert_eq!(newest == wanted, whole, "round {round}");
        assert_eq!(
            newest.iter().any(|event| event.row == Cursor(round)),
            whole,
            "round {round}"
        );
        version = read.map_or(0, |read| read.version);
    }
}
