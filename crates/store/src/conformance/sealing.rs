//! Secrets by themselves: what a key seals is found, and sealed under another one.

use super::{Harness, done, open, reopen, sample::*};
use crate::{Device, Enrollment, EnrollmentState, Owner, Sealed, Store, Token, TokenState, Write};

/// As long as any other, and under this key.
pub(super) fn under(key_id: u32, number: u32) -> Sealed {
    Sealed {
        key_id,
        ..sealed(number)
    }
}

pub(super) fn device_under(key_id: u32, owner: &Owner, number: u32) -> Device {
    Device {
        sealed: under(key_id, number),
        ..device(owner, number)
    }
}

pub(super) fn enrollment_under(key_id: u32, owner: &Owner, number: u32) -> Enrollment {
    let state = EnrollmentState::Started {
        sealed: Some(under(key_id, number)),
        wrong_codes: 0,
    };
    Enrollment {
        state,
        ..enrollment(owner, number)
    }
}

pub(super) fn token_under(key_id: u32, number: u32) -> Token {
    Token {
        management: Some(under(key_id, number + 5_000)),
        state: TokenState::Imported {
            sealed: under(key_id, number),
        },
        ..token(number)
    }
}

pub(super) fn reseal((number, old): &(i64, Sealed), new: Sealed) -> Write {
    Write::Reseal {
        number: *number,
        old: old.clone(),
        new,
    }
}

/// Under this other key, the bytes as if encrypted anew.
pub(super) fn anew(old: &Sealed, key_id: u32) -> Sealed {
    Sealed {
        key_id,
        bytes: old.bytes.iter().map(|byte| byte ^ 0xa5).collect(),
    }
}

pub(super) async fn all_under(store: &dyn Store, key_id: u32) -> Vec<(i64, Sealed)> {
    store.sealed_under(key_id, 0, u32::MAX).await.expect("a read")
}

/// The only secret under this key, with its number.
pub(super) async fn one_under(store: &dyn Store, key_id: u32) -> (i64, Sealed) {
    let mut found = all_under(store, key_id).await;
    assert_eq!(found.len(), 1, "secrets under key {key_id}");
    found.remove(0)
}

/// In no order but that of their bytes.
pub(super) fn secrets_of(found: Vec<(i64, Sealed)>) -> Vec<Vec<u8>> {
    let mut bytes: Vec<_> = found.into_iter().map(|(_, sealed)| sealed.bytes).collect();
    bytes.sort();
    bytes
}

pub(super) async fn secrets_are_listed_by_their_key(harness: &dyn Harness) {
    let store = open(harness).await;
    assert!(all_under(&*store, 1).await.is_empty());
    // Of each kind of record that has any, in turn under one key and under the other.
    let mut wanted = [Vec::new(), Vec::new()];
    for number in 1..31_u32 {
        let key = 1 + number % 2;
        let mut secrets = vec![under(key, number).bytes];
        match number % 3 {
            0 => bind(&*store, &device_under(key, &owner(number), number), fresh(number)).await,
            1 => done(&*store, put(None, &enrollment_under(key, &owner(number), number))).await,
            _ => {
                secrets.push(under(key, number + 5_000).bytes);
                done(&*store, put_token(None, &token_under(key, number))).await;
            }
        }
        wanted[key as usize - 1].extend(secrets);
    }
    wanted.iter_mut().for_each(|wanted| wanted.sort());
    let store = reopen(harness, store).await;
    for (key, wanted) in (1..).zip(&wanted) {
        let found = all_under(&*store, key).await;
        assert!(
            found.is_sorted_by(|(a, _), (b, _)| a < b),
            "in the order of the numbers"
        );
        assert!(found.iter().all(|(number, sealed)| *number > 0 && sealed.key_id == key));
        assert!(secrets_of(found.clone()) == *wanted, "all of key {key}");
        // In pages, it is the same.
        for limit in [1, 7, 100] {
            let (mut after, mut paged) = (0, Vec::new());
            loop {
                let page = store.sealed_under(key, after, limit).await.expect("a read");
                assert!(page.len() <= limit as usize);
                let Some((last, _)) = page.last() else { break };
                after = *last;
                paged.extend(page);
            }
            assert!(paged == found, "pages of {limit}");
        }
        assert!(store.sealed_under(key, 0, 0).await.expect("a read").is_empty());
        let last = found.last().map_or(0, |(number, _)| *number);
        assert!(store.sealed_under(key, last, 9).await.expect("a read").is_empty());
        assert!(store.sealed_under(key, i64::MAX, 9).await.expect("a read").is_empty());
    }
    for nobodys in [3, 1 << 24, u32::MAX] {
        assert!(all_under(&*store, nobodys).await.is_empty(), "key {nobodys}");
    }
}

pub(super) async fn what_was_erased_is_not_listed(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let mine = device_under(7, &owner(1), 1);
    let begun = enrollment_under(7, &owner(1), 3);
    let stays = device_under(7, &owner(1), 5);
    bind(&*store, &mine, fresh(1)).await;
    done(&*store, put(None, &begun)).await;
    bind(&*store, &stays, fresh(5)).await;
    assert_eq!(all_under(&*store, 7).await.len(), 3);
    let end = unbind(&*store, &mine, NOW).await;
    done(&*store, change("unbound", end)).await;
    done(&*store, put(Some(1), &become_state(&begun, EnrollmentState::Abandoned))).await;
    for _ in 0..2 {
        let (_, found) = one_under(&*store, 7).await;
        assert!(found == stays.sealed, "the one that is left");
        assert!(
            all_under(&*store, 0).await.is_empty(),
            "key 0 is no key, whatever lies there"
        );
        store = reopen(harness, store).await;
    }
}
