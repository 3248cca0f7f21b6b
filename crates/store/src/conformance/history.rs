//! A long history of many devices, many changes, some crashes: the states are those of a map in memory.

use std::collections::HashSet;

use super::{Harness, commit, open, reopen, sample::*};
use crate::Outcome;

pub(super) async fn a_long_history_is_kept(harness: &dyn Harness) {
    let mut store = open(harness).await;
    let devices: Vec<_> = (0..200).map(|number| device(&owner(number / 2), number)).collect();
    let mut states = vec![fresh(1); 200];
    for device in &devices {
        bind(&*store, device, fresh(1)).await;
    }
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..60 {
        let mut changes = Vec::new();
        let mut changed = HashSet::new();
        for _ in 0..1 + seed % 40 {
            // Xorshift: any spread will do.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            // Some devices are used much more than others.
            let at = (seed % 200).min(seed >> 32 & 0xff) as usize % 200;
            // A user changes once in a call.
            if changed.insert(at / 2) {
                let next = after(&states[at], seed);
                changes.push(use_of(&*store, &devices[at], next.clone()).await);
                states[at] = next;
            }
        }
        let outcomes = commit(&*store, changes).await;
        assert!(
            outcomes.iter().all(|outcome| *outcome == Outcome::Done),
            "round {round}"
        );
        if round % 13 == 12 {
            store = reopen(harness, store).await;
        }
        let found = store.users((0..100).map(owner).collect()).await.expect("a read");
        for (user, found) in found.iter().enumerate() {
            let wanted = [2 * user, 2 * user + 1].map(|at| (&devices[at], states[at].clone()));
            assert_bound(&found.as_ref().expect("a row").devices, &wanted);
        }
    }
}
