//! The inventory: lists and their pages, and each secret only once.

use super::{Harness, all, commit, done, missed, open, reopen, sample::*};
use crate::{
    Change, Fingerprint, Noun as _, Outcome, Owner, Store, Token, TokenFilter, TokenState, TokenStatus, Write,
};

async fn one(store: &dyn Store, number: u32) -> Token {
    let found = store.tokens_of(vec![token(number).serial_number]).await;
    found.expect("a read").remove(0).expect("it was imported")
}

async fn serial_numbers(store: &dyn Store, filter: &TokenFilter, after: Option<u32>, limit: u32) -> Vec<String> {
    let is_first = after.is_none();
    let after = after.map(|number| token(number).serial_number);
    let page = store.tokens(filter.clone(), after, limit).await.expect("a read");
    if is_first {
        let counted = store.count_tokens(filter.clone(), limit).await;
        assert_eq!(counted, Ok(page.len() as u32), "{filter:?}");
    }
    page.into_iter().map(|token| token.serial_number).collect()
}

pub(super) fn named(numbers: &[u32]) -> Vec<String> {
    numbers.iter().map(|number| token(*number).serial_number).collect()
}

/// The device that a token becomes.
fn binding(token: &Token, number: u32, owner: &Owner) -> Change {
    let device = crate::Device {
        serial_number: Some(token.serial_number.clone()),
        ..device(owner, number)
    };
    let state = token
        .state
        .clone()
        .bound(owner.clone(), device.id)
        .expect("it can be bound");
    let next = token.clone().become_state(state, NOW.plus(9));
    change(
        "bound",
        vec![first(&device, fresh(number)), Write::put(Some(token.version), &next)],
    )
}

pub(super) async fn tokens_round_trip(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let bound = Some((owner(3), id(33)));
    let states = [
        TokenState::Imported { sealed: sealed(1) },
        TokenState::Assigned {
            sealed: sealed(2),
            owner: owner(2),
        },
        TokenState::Bound {
            owner: owner(3),
            device: id(33),
        },
        TokenState::Lost { bound },
        TokenState::Lost { bound: None },
        TokenState::Returned,
        TokenState::Retired,
    ];
    let mut wanted = Vec::new();
    for (number, state) in (1..).zip(states) {
        done(&*store, put_token(None, &token(number))).await;
        let next = token(number).become_state(state, NOW.plus(7));
        done(&*store, put_token(Some(1), &next)).await;
        missed(&*store, put_token(Some(1), &next), "an old version").await;
        missed(&*store, put_token(None, &next), "there is one").await;
        wanted.push(Some(next));
    }
    let never = token(99).become_state(TokenState::Returned, NOW);
    missed(&*store, put_token(Some(1), &never), "there is none").await;
    wanted.push(None);
    wanted.reverse();
    for _ in 0..2 {
        let asked = named(&[99, 7, 6, 5, 4, 3, 2, 1]);
        let found = store.tokens_of(asked).await.expect("a read");
        assert!(found == wanted, "each in its place");
        store = reopen(harness, store).await;
    }
}

pub(super) async fn tokens_come_in_pages(harness: &dyn Harness) {
    let store = open(harness).await;
    commit(
        &*store,
        (0..20).rev().map(|number| put_token(None, &token(number))).collect(),
    )
    .await;
    for number in 4..8 {
        let next = token(number).become_state(TokenState::Returned, NOW);
        done(&*store, put_token(Some(1), &next)).await;
    }
    let all = TokenFilter::default();
    assert_eq!(serial_numbers(&*store, &all, None, 3).await, named(&[0, 1, 2]));
    assert_eq!(serial_numbers(&*store, &all, Some(2), 3).await, named(&[3, 4, 5]));
    assert_eq!(serial_numbers(&*store, &all, Some(17), 100).await, named(&[18, 19]));
    assert!(serial_numbers(&*store, &all, Some(19), 100).await.is_empty());
    assert!(serial_numbers(&*store, &all, None, 0).await.is_empty());
    let returned = TokenFilter {
        status: Some(TokenStatus::Returned),
        lot: None,
    };
    assert_eq!(
        serial_numbers(&*store, &returned, Some(4), 100).await,
        named(&[5, 6, 7])
    );
    let odd = TokenFilter {
        status: None,
        lot: Some("batch 1".into()),
    };
    assert_eq!(serial_numbers(&*store, &odd, Some(1), 3).await, named(&[3, 5, 7]));
    let both = TokenFilter {
        status: Some(TokenStatus::Returned),
        lot: Some("batch 1".into()),
    };
    assert_eq!(serial_numbers(&*store, &both, None, 100).await, named(&[5, 7]));
}

pub(super) async fn a_secret_comes_in_once(harness: &dyn Harness) {
    let store = open(harness).await;
    let imported = |expected, next: &Token| change("imported", import(expected, next));
    done(&*store, imported(None, &token(1))).await;
    let twin = Token {
        fingerprint: token(1).fingerprint,
        ..token(2)
    };
    missed(&*store, imported(None, &twin), "another token's secret").await;
    let returned = token(1).become_state(TokenState::Returned, NOW);
    done(&*store, put_token(Some(1), &returned)).await;
    missed(&*store, imported(None, &twin), "it was another token's").await;

    // Anew under the same serial number, with a secret that nobody had.
    let anew = Token {
        id: id(11),
        version: 3,
        fingerprint: Fingerprint {
            mac: [11; 32],
            key_id: 7,
        },
        ..token(1)
    };
    done(&*store, imported(Some(2), &anew)).await;
    let back = Token { version: 4, ..token(1) };
    missed(&*store, imported(Some(3), &back), "its own, which was erased").await;
    let store = reopen(harness, store).await;
    assert!(one(&*store, 1).await == anew);
    let known = store.known_fingerprints(vec![[1; 32], [2; 32], [11; 32]]).await;
    assert_eq!(known.expect("a read"), [true, false, true]);
}

pub(super) async fn a_token_that_ends_loses_its_secret(harness: &dyn Harness) {
    let store = open(harness).await;
    // With a management key, and without one.
    for number in [1, 3] {
        done(&*store, put_token(None, &token(number))).await;
        let lost = token(number).become_state(TokenState::Lost { bound: None }, NOW);
        done(&*store, put_token(Some(1), &lost)).await;
        let retired = lost.clone().become_state(TokenState::Retired, NOW);
        done(&*store, put_token(Some(2), &retired)).await;
        let found = one(&*store, number).await;
        assert!(found.state.sealed().is_none() && found.management.is_none());
        assert!(
            lost.management.is_some() == (number == 1),
            "a lost one can still be wiped"
        );
    }
    // What was erased makes room, and nothing that stays is touched.
    for number in 4..8 {
        done(&*store, put_token(None, &token(number))).await;
    }
    let store = reopen(harness, store).await;
    for number in 4..8 {
        assert!(one(&*store, number).await == token(number));
    }
}

pub(super) async fn bound_tokens_come_with_their_devices(harness: &dyn Harness) {
    let store = open(harness).await;
    let mut states = Vec::new();
    for number in 1..9 {
        done(&*store, put_token(None, &token(number))).await;
        done(&*store, binding(&token(number), number, &owner(number))).await;
        let next = after(&fresh(number), u64::from(number));
        let device = device(&owner(number), number);
        used(&*store, &device, next.clone()).await;
        states.push(next);
    }
    done(&*store, put_token(None, &token(20))).await;
    let bound = one(&*store, 2).await;
    let lost = bound.state.clone().lost().expect("it is bound");
    done(&*store, put_token(Some(2), &bound.clone().become_state(lost, NOW))).await;
    let unbound = one(&*store, 3).await;
    let returned = unbound.state.clone().unbound(id(3)).expect("it is this device");
    let mut end = unbind(&*store, &device(&owner(3), 3), NOW).await;
    end.push(Write::put(Some(2), &unbound.become_state(returned, NOW)));
    done(&*store, change("unbound", end)).await;

    let store = reopen(harness, store).await;
    let mut found = Vec::new();
    loop {
        let after = found
            .last()
            .map(|token: &crate::BoundToken| token.token.serial_number.clone());
        let page = store.bound_tokens(after, 3).await.expect("a read");
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    let numbers = [1, 2, 4, 5, 6, 7, 8];
    let serial_numbers: Vec<_> = found.iter().map(|found| found.token.serial_number.clone()).collect();
    assert_eq!(serial_numbers, named(&numbers));
    for (found, number) in found.iter().zip(numbers) {
        assert_eq!(found.bound.state, states[number as usize - 1], "the newest state");
        assert_eq!(found.token.state.device(), Some(found.bound.device.id));
        assert!(found.bound.device.sealed == sealed(number));
    }
}

/// What makes the codes of each token that nobody has bound, by [`Store::unread_tokens`], as its record says it.
pub(super) async fn unbound_tokens_are_looked_through(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let mut tokens: Vec<Token> = (0..12).map(token).collect();
    tokens[7].counter = Some(u64::MAX);
    tokens[8].measured_offset_steps = i32::MIN;
    commit(&*store, tokens.iter().map(|token| put_token(None, token)).collect()).await;
    let bound = tokens[1].state.clone().bound(owner(1), id(1));
    let lost = bound.clone().and_then(TokenState::lost);
    let becomes = [
        (1, bound),
        (1, lost),
        (2, tokens[2].state.clone().assigned(owner(2))),
        (3, tokens[3].state.clone().lost()),
        (4, tokens[4].state.clone().returned()),
        (5, tokens[5].state.clone().returned()),
        (6, tokens[6].state.clone().retired()),
        // Provisioned anew.
        (5, Some(TokenState::Imported { sealed: sealed(905) })),
        // As it is, and with another label.
        (9, Some(tokens[9].state.clone())),
    ];
    for (number, state) in becomes {
        let before = tokens[number].clone();
        let expected = before.version;
        tokens[number] = before.become_state(state.expect("it can become so"), NOW);
        done(&*store, put_token(Some(expected), &tokens[number])).await;
    }
    let secrets = store.sealed_under(sealed(10).key_id, 0, 1).await.expect("a read");
    let anew = Write::Reseal {
        number: secrets[0].0,
        old: sealed(10),
        new: sealed(910),
    };
    done(&*store, change("resealed", vec![anew])).await;
    tokens[10].state = TokenState::Imported { sealed: sealed(910) };
    let delete = Write::Delete {
        expected: 1,
        key: tokens[11].key(),
    };
    done(&*store, change("gone", vec![delete])).await;
    tokens.pop();

    for _ in 0..2 {
        let mut unbound = tokens.iter().filter(|token| token.state.sealed().is_some());
        let mut after = None;
        loop {
            let page = store.unread_tokens(after, 3).await.expect("a read");
            let Some(last) = page.last() else { break };
            after = Some(last.serial_number().to_owned());
            for found in &page {
                let (found, token) = (found.read().expect("it is read"), unbound.next().expect("one more"));
                assert_eq!(found.serial_number, token.serial_number);
                assert_eq!((found.id, found.parameters), (token.id, token.parameters));
                assert_eq!(found.measured_offset_steps, token.measured_offset_steps);
                assert_eq!(found.counter, token.counter);
                assert!(Some(found.sealed) == token.state.sealed(), "{}", token.serial_number);
            }
        }
        assert!(unbound.next().is_none(), "all of them were found");
        store = reopen(harness, store).await;
    }
}

pub(super) async fn an_import_is_whole_or_absent(harness: &dyn Harness) {
    let store = open(harness).await;
    let import = |numbers: std::ops::Range<u32>| {
        let writes = numbers.flat_map(|number| import(None, &token(number)));
        change("imported", writes.collect())
    };
    done(&*store, import(0..100)).await;
    missed(&*store, import(50..150), "half of it is there").await;
    let store = reopen(harness, store).await;
    let count = store
        .tokens(TokenFilter::default(), None, 1_000)
        .await
        .expect("a read")
        .len();
    assert_eq!(count, 100);
    assert_eq!(
        store.rows(None, 100).await.expect("a read").len(),
        1,
        "one event for all"
    );
}

pub(super) async fn one_of_many_users_gets_a_token(harness: &dyn Harness) {
    let store = open(harness).await;
    done(&*store, put_token(None, &token(1))).await;
    let racers = (0..64).map(|number| binding(&token(1), 100 + number, &owner(number)));
    let answers = all(racers.map(|change| store.commit(vec![change])).collect()).await;
    let winners: Vec<u32> = (0..)
        .zip(answers)
        .filter(|(_, answer)| matches!(answer.as_deref(), Ok([Outcome::Done])))
        .map(|(number, _)| number)
        .collect();
    let [winner] = winners[..] else {
        panic!("{winners:?} have it");
    };
    let bound = one(&*store, 1).await;
    assert!(bound.state.owner() == Some(&owner(winner)), "the one that was told so");
    for number in 0..64 {
        let devices = store.bound(owner(number)).await.expect("a read").len();
        assert_eq!(devices, usize::from(number == winner));
    }
}
