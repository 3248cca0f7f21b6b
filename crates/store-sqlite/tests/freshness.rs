//! A read is at least as new as the moment it began, whatever is folded meanwhile.

mod common;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use common::*;
use countersign_store_sqlite::Tuning;
use store::{Commit, Devices, Outcome};

const DEVICES: u32 = 8;

#[test]
fn no_read_is_older_than_what_was_answered() {
    let dir = tempfile::tempdir().expect("a directory");
    let tuning = Tuning {
        fold_at: 4,
        fold_chunk: 1,
        ..Tuning::default()
    };
    let store = open_as(dir.path(), "serve/here/1", true, tuning).expect("it opens");
    done(&store, (0..DEVICES).map(bind).collect());
    let answered: Vec<_> = (0..DEVICES).map(|_| AtomicU64::new(1)).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let before: Vec<_> = answered.iter().map(|version| version.load(Ordering::SeqCst)).collect();
                    let found = block_on(store.bound((0..DEVICES).map(owner).collect())).expect("a read");
                    for (found, before) in found.iter().zip(before) {
                        assert!(
                            found[0].state.version >= before,
                            "{} after {before}",
                            found[0].state.version
                        );
                    }
                }
            });
        }
        let mut states = vec![fresh(); DEVICES as usize];
        for round in 0..4_000 {
            let number = round * 5 % DEVICES;
            let state = &mut states[number as usize];
            assert_eq!(
                block_on(store.commit(vec![used(number, state.clone())])),
                Ok(vec![Outcome::Done])
            );
            *state = next(state.clone());
            answered[number as usize].store(state.version, Ordering::SeqCst);
        }
        over.store(true, Ordering::SeqCst);
    });
}
