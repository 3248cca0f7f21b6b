//! API keys, and how a cache of them learns that it is old.

use super::{Harness, done, missed, open, reopen, sample::*};
use crate::{ApiKey, MacWitness, Sealed, Witness, Write};

pub(super) async fn api_keys_round_trip(harness: &dyn Harness) {
    let store = open(harness).await;
    let mut keys: Vec<_> = (1..8).map(api_key).collect();
    for key in keys.iter().rev() {
        done(&*store, change("key", vec![Write::put(None, key)])).await;
    }
    missed(
        &*store,
        change("key", vec![Write::put(None, &keys[0])]),
        "its id exists",
    )
    .await;
    let revoke = |key: ApiKey| change("revoked", vec![Write::put(Some(1), &key.revoked(NOW))]);
    done(&*store, revoke(keys[2].clone())).await;
    missed(&*store, revoke(keys[2].clone()), "it is dead").await;
    missed(&*store, revoke(api_key(99)), "there is none").await;
    keys[2] = keys[2].clone().revoked(NOW);

    let store = reopen(harness, store).await;
    assert_eq!(store.api_keys().await.expect("a read"), keys, "oldest first");
    for key in keys {
        assert_eq!(store.api_key(key.id).await.expect("a read"), Some(key));
    }
}

pub(super) async fn every_change_of_keys_is_noticed(harness: &dyn Harness) {
    let store = open(harness).await;
    let mut seen = vec![store.api_key_generation().expect("a number")];
    for number in 1..5 {
        let key = api_key(number);
        done(&*store, change("key", vec![Write::put(None, &key)])).await;
        seen.push(store.api_key_generation().expect("a number"));
        done(&*store, change("revoked", vec![Write::put(Some(1), &key.revoked(NOW))])).await;
        seen.push(store.api_key_generation().expect("a number"));
    }
    let settled = store.api_key_generation().expect("a number");
    assert_eq!(seen.last(), Some(&settled), "the same while nothing changes");
    bind(&*store, &device(&owner(1), 1), fresh(1)).await;
    assert_eq!(
        store.api_key_generation().expect("a number"),
        settled,
        "of keys, not of devices"
    );
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 9, "another number after each change");
}

pub(super) async fn a_key_has_one_witness(harness: &dyn Harness) {
    let store = open(harness).await;
    assert_eq!(store.witnesses().await.expect("a read").len(), 0);
    let witness = |key_id, byte| Witness {
        key_id,
        sealed: Sealed {
            key_id,
            bytes: vec![byte; 49],
        },
    };
    for key_id in [2, 1] {
        done(&*store, change("witness", vec![Write::put(None, &witness(key_id, 7))])).await;
        let another = change("witness", vec![Write::put(None, &witness(key_id, 8))]);
        missed(&*store, another, "there is one").await;
    }
    bind(&*store, &device(&owner(1), 1), fresh(1)).await;
    let store = reopen(harness, store).await;
    let found = store.witnesses().await.expect("a read");
    assert!(found == [witness(1, 7), witness(2, 7)]);
}

pub(super) async fn a_mac_key_has_one_witness(harness: &dyn Harness) {
    let store = open(harness).await;
    assert_eq!(store.mac_witnesses().await.expect("a read").len(), 0);
    let witness = |key_id, byte| MacWitness {
        key_id,
        mac: [byte; 32],
    };
    for key_id in [2, 1] {
        done(&*store, change("witness", vec![Write::put(None, &witness(key_id, 7))])).await;
        let another = change("witness", vec![Write::put(None, &witness(key_id, 8))]);
        missed(&*store, another, "there is one").await;
    }
    let store = reopen(harness, store).await;
    let found = store.mac_witnesses().await.expect("a read");
    assert!(found == [witness(1, 7), witness(2, 7)]);
    assert!(
        store.witnesses().await.expect("a read").is_empty(),
        "sealing keys are others"
    );
}
