//! API keys, and how a cache of them learns that it is old.

use super::{Harness, done, missed, open, reopen, sample::*};
use crate::{ApiKey, Sealed, Write};

pub(super) async fn api_keys_round_trip(harness: &dyn Harness) {
    let store = open(harness).await;
    let mut keys: Vec<_> = (1..8).map(api_key).collect();
    for key in keys.iter().rev() {
        done(&*store, change("key", vec![Write::NewApiKey(key.clone())])).await;
    }
    missed(
        &*store,
        change("key", vec![Write::NewApiKey(keys[0].clone())]),
        "its id exists",
    )
    .await;
    let revoke = |id| change("revoked", vec![Write::RevokeApiKey { id, at: NOW }]);
    done(&*store, revoke(keys[2].id)).await;
    missed(&*store, revoke(keys[2].id), "it is dead").await;
    missed(&*store, revoke(id(99)), "there is none").await;
    keys[2] = ApiKey {
        revoked_at: Some(NOW),
        ..keys[2].clone()
    };

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
        done(&*store, change("key", vec![Write::NewApiKey(key.clone())])).await;
        seen.push(store.api_key_generation().expect("a number"));
        done(
            &*store,
            change("revoked", vec![Write::RevokeApiKey { id: key.id, at: NOW }]),
        )
        .await;
        seen.push(store.api_key_generation().expect("a number"));
    }
    let settled = store.api_key_generation().expect("a number");
    assert_eq!(seen.last(), Some(&settled), "the same while nothing changes");
    done(&*store, bind(&device(&owner(1), 1), fresh(1))).await;
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
    let witness = |key_id, byte| Sealed {
        key_id,
        bytes: vec![byte; 49],
    };
    for key_id in [2, 1] {
        done(&*store, change("witness", vec![Write::Witness(witness(key_id, 7))])).await;
        let another = change("witness", vec![Write::Witness(witness(key_id, 8))]);
        missed(&*store, another, "there is one").await;
    }
    done(&*store, bind(&device(&owner(1), 1), fresh(1))).await;
    let store = reopen(harness, store).await;
    let found = store.witnesses().await.expect("a read");
    assert!(found == [witness(1, 7), witness(2, 7)]);
    let (devices, tokens) = store.sealed_samples().await.expect("a read");
    assert!(devices.len() == 1 && devices[0].sealed == device(&owner(1), 1).sealed && tokens.is_empty());
}
