//! Documents of whatever noun, and the lists and lookups by which they are found.

use super::{
    Harness, all,
    bicycle::{Bicycle, bicycle},
    commit, done, missed, open, reopen,
    sample::*,
};
use crate::{Change, List, Noun, Outcome, Owner, Store, Write, document::value};

fn put(expected: Option<u64>, next: &Bicycle) -> Change {
    change("bicycle", vec![Write::put(expected, next)])
}

async fn get(store: &dyn Store, number: u32) -> Option<Bicycle> {
    let Bicycle { owner, name, .. } = bicycle(number);
    store.one(Bicycle::key_of(&owner, &name)).await.expect("a read")
}

async fn names(store: &dyn Store, list: List, limit: u32) -> Vec<String> {
    let counted = store.count_in(Bicycle::NAME, list.clone(), limit).await;
    let found: Vec<Bicycle> = store.list(list, limit).await.expect("a read");
    assert_eq!(counted, Ok(found.len() as u32));
    found.into_iter().map(|bicycle| bicycle.name).collect()
}

fn named(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| bicycle(number).name).collect()
}

pub(super) async fn a_noun_of_any_shape_round_trips(harness: &dyn Harness) {
    let store = open(harness).await;
    assert!(get(&*store, 1).await.is_none());
    commit(&*store, (0..12).map(|number| put(None, &bicycle(number))).collect()).await;
    // Every combination of secrets becomes every other; what stays keeps what it had.
    let mut wanted: Vec<Bicycle> = (0..12).map(bicycle).collect();
    for round in 2..8_u32 {
        for (number, bicycle) in (0..).zip(&mut wanted) {
            let expected = bicycle.version;
            bicycle.version += 1;
            match (round + number) % 4 {
                0 => bicycle.lock = None,
                1 => bicycle.alarm = Some(sealed(round * 100 + number)),
                2 => std::mem::swap(&mut bicycle.lock, &mut bicycle.alarm),
                _ => bicycle.lock = Some(sealed(round * 200 + number)),
            }
            done(&*store, put(Some(expected), bicycle)).await;
        }
    }
    let store = reopen(harness, store).await;
    for (number, wanted) in (0..).zip(&wanted) {
        assert!(get(&*store, number).await.as_ref() == Some(wanted), "bicycle {number}");
    }
    let keys = [3, 99, 0].map(|number| bicycle(number).key());
    let found: Vec<Option<Bicycle>> = store.each(keys.to_vec()).await.expect("a read");
    assert!(
        found == [Some(wanted[3].clone()), None, Some(wanted[0].clone())],
        "in the order asked"
    );
}

pub(super) async fn lists_are_in_order(harness: &dyn Harness) {
    let store = open(harness).await;
    commit(
        &*store,
        (0..12).rev().map(|number| put(None, &bicycle(number))).collect(),
    )
    .await;
    let red = |after: &str| List::Lookup {
        name: "colour",
        prefix: value(&["red"]),
        after: after.into(),
    };
    // "red" is no beginning of "red and white".
    assert_eq!(names(&*store, red(""), 100).await, named([0, 2, 4, 6, 8, 10]));
    assert_eq!(names(&*store, red(""), 2).await, named([0, 2]));
    assert_eq!(names(&*store, red(&bicycle(2).name), 2).await, named([4, 6]));
    assert!(names(&*store, red(&bicycle(10).name), 2).await.is_empty());
    let any = |after: &str| List::Lookup {
        name: "colour",
        prefix: String::new(),
        after: after.into(),
    };
    assert_eq!(names(&*store, any(""), 7).await, named([0, 2, 4, 6, 8, 10, 1]));
    assert_eq!(names(&*store, any("red"), 100).await, named([1, 3, 5, 7, 9, 11]));
    // One found by its unique value, and nothing by the beginning of one.
    let frame = |number: &str| List::Lookup {
        name: "frame_number",
        prefix: value(&[number]),
        after: String::new(),
    };
    assert_eq!(names(&*store, frame("F1"), 100).await, named([1]));
    assert!(names(&*store, frame("F"), 100).await.is_empty());
    // The longest overdue first, before this moment and not at it.
    let expired = |at: i64| List::Expired(NOW.plus(at));
    assert_eq!(names(&*store, expired(1), 100).await, named([11, 10, 8, 7, 5, 4, 2, 1]));
    assert_eq!(names(&*store, expired(-7), 2).await, named([11, 10]));
    assert_eq!(names(&*store, expired(-7), 100).await, named([11, 10, 8]));
    // It is painted, and moves.
    let painted = Bicycle {
        version: 2,
        colour: "blue".into(),
        rented_until_ms: None,
        ..bicycle(2)
    };
    done(&*store, put(Some(1), &painted)).await;
    let store = reopen(harness, store).await;
    assert_eq!(names(&*store, red(""), 2).await, named([0, 4]));
    assert_eq!(names(&*store, any(""), 1).await, named([2]), "blue is before red");
    assert_eq!(names(&*store, expired(-1), 100).await, named([11, 10, 8, 7, 5, 4]));
}

pub(super) async fn a_unique_lookup_is_taken_once(harness: &dyn Harness) {
    let store = open(harness).await;
    let taken = [Outcome::Taken("frame_number")];
    done(&*store, put(None, &bicycle(1))).await;
    let twin = Bicycle {
        frame_number: "F1".into(),
        ..bicycle(2)
    };
    assert_eq!(commit(&*store, vec![put(None, &twin)]).await, taken);
    assert!(get(&*store, 2).await.is_none(), "nothing of it was written");
    // A condition is told before: nobody learns of a value by a change that is late.
    missed(
        &*store,
        put(
            Some(1),
            &Bicycle {
                version: 2,
                ..twin.clone()
            },
        ),
        "there is none",
    )
    .await;
    let repainted = Bicycle {
        version: 2,
        colour: "green".into(),
        ..bicycle(1)
    };
    done(&*store, put(Some(1), &repainted)).await;
    let another = Bicycle {
        version: 3,
        frame_number: "F9".into(),
        ..repainted
    };
    assert_eq!(
        commit(&*store, vec![put(Some(2), &another), put(None, &twin)]).await,
        [Outcome::Done; 2],
        "it was given up"
    );
    let racers = (20..84).map(|number| Bicycle {
        frame_number: "of all".into(),
        ..bicycle(number)
    });
    let asked = racers.map(|racer| store.commit(vec![put(None, &racer)])).collect();
    let outcomes: Vec<_> = all(asked)
        .await
        .into_iter()
        .map(|answer| answer.expect("an answer"))
        .collect();
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == [Outcome::Done]).count(),
        1
    );
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == taken).count(), 63);
}

pub(super) async fn a_deleted_document_is_gone(harness: &dyn Harness) {
    let store = open(harness).await;
    let delete = |number: u32, expected| {
        let key = bicycle(number).key();
        change("sold", vec![Write::Delete { expected, key }])
    };
    commit(&*store, (0..4).map(|number| put(None, &bicycle(number))).collect()).await;
    missed(&*store, delete(1, 2), "it has not changed").await;
    done(&*store, delete(1, 1)).await;
    missed(&*store, delete(1, 1), "it is gone").await;
    let store = reopen(harness, store).await;
    assert!(get(&*store, 1).await.is_none());
    assert_eq!(names(&*store, List::Expired(NOW.plus(1)), 100).await, named([2]));
    let again = Bicycle {
        lock: Some(sealed(77)),
        ..bicycle(1)
    };
    done(&*store, put(None, &again)).await;
    assert!(
        get(&*store, 1).await == Some(again),
        "the same name and frame number, anew"
    );
    for number in [0, 2, 3] {
        assert!(
            get(&*store, number).await == Some(bicycle(number)),
            "bicycle {number} is untouched"
        );
    }
}

pub(super) async fn required_documents_are_shared(harness: &dyn Harness) {
    let store = open(harness).await;
    let shed = bicycle(1);
    done(&*store, put(None, &shed)).await;
    let beside = |number: u32| {
        change(
            "beside",
            vec![Write::require(&shed), Write::put(None, &bicycle(number))],
        )
    };
    let asked = (20..52).map(|number| store.commit(vec![beside(number)])).collect();
    for answer in all(asked).await {
        assert_eq!(
            answer.expect("an answer"),
            [Outcome::Done],
            "nobody is in another's way"
        );
    }
    let absent = Write::Require {
        expected: None,
        key: bicycle(2).key(),
    };
    done(&*store, change("without", vec![absent.clone()])).await;
    done(
        &*store,
        put(
            Some(1),
            &Bicycle {
                version: 2,
                ..shed.clone()
            },
        ),
    )
    .await;
    missed(&*store, beside(60), "it changed").await;
    done(&*store, put(None, &bicycle(2))).await;
    missed(&*store, change("without", vec![absent]), "there is one now").await;
}

/// Names that look like parts of others, or like nothing a person types.
pub(super) async fn keys_are_what_they_are(harness: &dyn Harness) {
    let store = open(harness).await;
    let owners = [
        Owner::new("a", "b"),
        Owner::new("a", "B"),
        Owner::new("a ", "b"),
        Owner::new("ab", "c"),
        Owner::new("a", "bc"),
        Owner::new("ä", "b"),
        Owner::new("a", "b\u{323}\u{308}"),
        Owner::new("a/b", "c"),
        Owner::new("a", "b/c"),
        Owner::new("%", "_"),
        Owner::new("'", "\""),
        Owner::new("\u{10FFFF}", "\u{10FFFF}"),
    ];
    let of = |(number, owner): (u32, &Owner)| Bicycle {
        owner: owner.clone(),
        name: String::new(),
        frame_number: format!("%{number}"),
        ..bicycle(number)
    };
    for bicycle in (0..).zip(&owners).map(of) {
        done(&*store, put(None, &bicycle)).await;
    }
    let store = reopen(harness, store).await;
    for wanted in (0..).zip(&owners).map(of) {
        let found: Option<Bicycle> = store.one(wanted.key()).await.expect("a read");
        assert!(found == Some(wanted), "each is its own");
    }
    // Another noun under the same key is another record.
    assert_eq!(store.protection(owners[0].clone()).await.expect("a read"), None);
}
