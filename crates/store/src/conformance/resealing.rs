//! Secrets sealed under another key: only what was read is replaced, and nothing of the old one stays.

use super::{Harness, all, done, missed, open, reopen, sample::*, sealing::*};
use crate::{Device, EnrollmentState, Outcome, Sealed, StoreError, Write};

pub(super) async fn a_secret_is_sealed_anew(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let mine = device_under(1, &owner(1), 1);
    let begun = enrollment_under(1, &owner(2), 3);
    let token = token_under(1, 2);
    bind(&*store, &mine, fresh(1)).await;
    done(&*store, put(None, &begun)).await;
    done(&*store, put_token(None, &token)).await;
    assert_eq!(all_under(&*store, 1).await.len(), 4);
    // The higher a key's number, the more room it may take.
    let mut from = 1;
    for to in [2, 300, 70_000, 1 << 25, u32::MAX, 3] {
        let found = all_under(&*store, from).await;
        let head = store.head();
        let writes = found.iter().map(|one| reseal(one, anew(&one.1, to))).collect();
        done(&*store, change("sealed anew", writes)).await;
        assert_eq!(store.head().position, head.position + 1, "and the trail says so");
        assert!(all_under(&*store, from).await.is_empty(), "key {from} is free");
        let wanted: Vec<_> = found.iter().map(|(number, old)| (*number, anew(old, to))).collect();
        let now = all_under(&*store, to).await;
        assert!(now == wanted, "each where it was, under key {to}");
        store = reopen(harness, store).await;
        // No record has changed, but for its secrets.
        let is_new = |sealed: Option<&Sealed>| now.iter().any(|(_, new)| Some(new) == sealed);
        let bound = store.bound(owner(1)).await.expect("a read");
        let sealed = bound[0].device.sealed.clone();
        assert!(is_new(Some(&sealed)), "the device's, under key {to}");
        let as_bound = Device { sealed, ..mine.clone() };
        assert_bound(&bound, &[(&as_bound, fresh(1))]);
        let enrollment = store.enrollment(owner(2), begun.id).await.expect("a read");
        let enrollment = enrollment.expect("it is there");
        assert_eq!(enrollment.version, 1);
        assert!(is_new(enrollment.state.sealed()), "the enrollment's, under key {to}");
        let found = store
            .tokens_of(vec![token.serial_number.clone()])
            .await
            .expect("a read");
        let found = found[0].as_ref().expect("it is there");
        assert_eq!(found.version, 1);
        assert!(is_new(found.state.sealed()) && is_new(found.management.as_ref()));
        assert!(
            found.state.sealed() != found.management.as_ref(),
            "each of the two in its place"
        );
        from = to;
    }
    // A record that is written with what was read keeps the secret where it is.
    let read = store.enrollment(owner(2), begun.id).await.expect("a read");
    let read = read.expect("it is there");
    let before = all_under(&*store, 3).await;
    let next = become_state(&read, read.state.clone());
    done(&*store, put(Some(1), &next)).await;
    assert!(all_under(&*store, 3).await == before);
    // And what ends is erased, whatever it was sealed under.
    let end = unbind(&*store, &mine, NOW).await;
    done(&*store, change("unbound", end)).await;
    done(&*store, put(Some(2), &become_state(&next, EnrollmentState::Abandoned))).await;
    assert_eq!(all_under(&*store, 3).await.len(), 2, "the token's");
}

pub(super) async fn only_what_was_read_is_sealed_anew(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device_under(1, &owner(1), 1);
    let begun = enrollment_under(2, &owner(1), 3);
    bind(&*store, &mine, fresh(1)).await;
    done(&*store, put(None, &begun)).await;
    let (device, offered) = (one_under(&*store, 1).await, one_under(&*store, 2).await);
    let to = |one: &(i64, Sealed), key: u32| change("anew", vec![reseal(one, anew(&one.1, key))]);
    let rows = store.rows(None, 100).await.expect("a read").len();

    missed(&*store, to(&(device.0 + 99, device.1.clone()), 9), "nothing is there").await;
    missed(&*store, to(&(offered.0, device.1.clone()), 9), "another one is there").await;
    let of_key = |key_id| Sealed {
        key_id,
        ..device.1.clone()
    };
    missed(&*store, to(&(device.0, of_key(4)), 9), "the key is another").await;
    let mut bytes = device.clone();
    bytes.1.bytes[0] ^= 1;
    missed(&*store, to(&bytes, 9), "the bytes are others").await;
    // All or nothing.
    let changed = (offered.0, anew(&offered.1, 2));
    let both = vec![
        reseal(&device, anew(&device.1, 9)),
        reseal(&changed, anew(&offered.1, 9)),
    ];
    missed(&*store, change("both", both), "one of two changed").await;
    assert!(all_under(&*store, 9).await.is_empty());
    assert_eq!(store.rows(None, 100).await.expect("a read").len(), rows);

    // Once: the next one read what is not there any more.
    done(&*store, to(&device, 9)).await;
    missed(&*store, to(&device, 9), "it was done").await;
    missed(&*store, to(&device, 8), "it was done by somebody else").await;

    // Its record changed it.
    let other = EnrollmentState::Started {
        sealed: Some(under(2, 77)),
        wrong_codes: 0,
    };
    done(&*store, put(Some(1), &become_state(&begun, other))).await;
    missed(&*store, to(&offered, 9), "another secret stands there").await;

    // It ended, and its number went to another one.
    let device = one_under(&*store, 9).await;
    let end = unbind(&*store, &mine, NOW).await;
    done(&*store, change("unbound", end)).await;
    missed(&*store, to(&device, 8), "it was erased").await;
    let zeroes = Sealed {
        key_id: 9,
        bytes: vec![0; 48],
    };
    missed(&*store, to(&(device.0, zeroes), 8), "what was erased is nobody's").await;
    for number in 11..21 {
        bind(&*store, &device_under(9, &owner(1), number), fresh(number)).await;
    }
    missed(&*store, to(&device, 8), "its number is another's").await;
    let store = reopen(harness, store).await;
    missed(&*store, to(&device, 8), "for good").await;
    assert_eq!(all_under(&*store, 9).await.len(), 10);
    assert!(all_under(&*store, 8).await.is_empty());
}

/// No version says that a secret was sealed anew. What was read before and is written after is as good as it was, under
/// the older key: found there by whoever asks again.
pub(super) async fn a_record_that_was_read_before_puts_its_secret_back(harness: &dyn Harness) {
    let store = open(harness).await;
    let begun = enrollment_under(1, &owner(1), 3);
    done(&*store, put(None, &begun)).await;
    let found = one_under(&*store, 1).await;
    done(&*store, change("anew", vec![reseal(&found, anew(&found.1, 2))])).await;
    done(&*store, put(Some(1), &become_state(&begun, begun.state.clone()))).await;
    let back = one_under(&*store, 1).await;
    assert!(Some(&back.1) == begun.state.sealed());
    assert!(all_under(&*store, 2).await.is_empty(), "the other one is erased");
    done(&*store, change("anew", vec![reseal(&back, anew(&back.1, 2))])).await;
    let store = reopen(harness, store).await;
    assert!(all_under(&*store, 1).await.is_empty());
    let read = store.enrollment(owner(1), begun.id).await.expect("a read");
    let read = read.expect("it is there");
    assert!(read.version == 2 && read.state.sealed() == Some(&anew(&back.1, 2)));
}

/// The same of a user's row, where its devices are written; a use of one writes no secret.
pub(super) async fn so_does_a_row_whose_devices_are_written(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device_under(1, &owner(1), 1);
    bind(&*store, &mine, fresh(1)).await;
    let before = use_of(&*store, &mine, fresh(2)).await;
    let found = one_under(&*store, 1).await;
    done(&*store, change("anew", vec![reseal(&found, anew(&found.1, 2))])).await;
    done(&*store, before).await;
    let now = store.bound(owner(1)).await.expect("a read");
    assert!(now[0].device.sealed == anew(&found.1, 2), "used, and no secret with it");
    let read = row(&*store, &owner(1)).await;
    let mut old = read.clone();
    old.devices[0].device.sealed = found.1.clone();
    done(&*store, change("another", vec![old.changed()])).await;
    assert!(one_under(&*store, 1).await.1 == mine.sealed);
    assert!(all_under(&*store, 2).await.is_empty());
    missed(&*store, change("late", vec![read.changed()]), "somebody was faster").await;
}

pub(super) async fn one_of_many_seals_anew(harness: &dyn Harness) {
    let store = open(harness).await;
    bind(&*store, &device_under(1, &owner(1), 1), fresh(1)).await;
    let found = one_under(&*store, 1).await;
    let racers = (2..66).map(|key| change("anew", vec![reseal(&found, anew(&found.1, key))]));
    let answers = all(racers.map(|racer| store.commit(vec![racer])).collect()).await;
    let done = |answer: &Result<Vec<Outcome>, StoreError>| *answer == Ok(vec![Outcome::Done]);
    let winners: Vec<u32> = (2..)
        .zip(&answers)
        .filter(|(_, answer)| done(answer))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(winners.len(), 1);
    let (number, sealed) = one_under(&*store, winners[0]).await;
    assert!(number == found.0 && sealed == anew(&found.1, winners[0]));
}

pub(super) async fn what_cannot_be_sealed_anew_is_refused(harness: &dyn Harness) {
    let store = open(harness).await;
    let mine = device_under(1, &owner(1), 1);
    bind(&*store, &mine, fresh(1)).await;
    let found = one_under(&*store, 1).await;
    let new = anew(&found.1, 2);
    let with = |new: Sealed| vec![reseal(&found, new)];
    let longer = |by: usize| Sealed {
        bytes: vec![7; new.bytes.len() + by],
        ..new.clone()
    };
    let keyless = |sealed: &Sealed| Sealed {
        key_id: 0,
        ..sealed.clone()
    };
    let empty = Sealed {
        bytes: Vec::new(),
        ..found.1.clone()
    };
    let wrong = [
        // It would change nothing, or leave nothing.
        with(anew(&found.1, 1)),
        with(found.1.clone()),
        with(keyless(&new)),
        vec![reseal(&(found.0, keyless(&found.1)), new.clone())],
        vec![reseal(
            &(found.0, empty),
            Sealed {
                bytes: Vec::new(),
                ..new.clone()
            },
        )],
        // It would not lie where the other one lay.
        with(longer(1)),
        // One secret twice; something else beside it, which could erase the secret.
        vec![reseal(&found, new.clone()), reseal(&found, anew(&found.1, 3))],
        [vec![reseal(&found, new.clone())], unbind(&*store, &mine, NOW).await].concat(),
        vec![Write::put(None, &protection(&owner(1), 1)), reseal(&found, new.clone())],
        // Nor may a secret come in that is under no key.
        vec![Write::put(None, &enrollment_under(0, &owner(1), 3))],
        vec![first(&device_under(0, &owner(2), 3), fresh(3))],
    ];
    for (number, writes) in (0..).zip(wrong) {
        let refused = store.commit(vec![change("wrong", writes)]).await;
        assert!(refused.is_err(), "change {number}");
    }
    assert!(one_under(&*store, 1).await == found);
    assert_eq!(store.protection(owner(1)).await.expect("a read"), None);
    assert_eq!(store.rows(None, 100).await.expect("a read").len(), 1);
}
