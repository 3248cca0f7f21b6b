//! A read is at least as new as the moment it began, whatever is folded meanwhile.

mod common;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use common::*;
use countersign_store_sqlite::Tuning;
use store::Users;

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
    let answered: Vec<_> = (0..DEVICES).map(|_| AtomicU64::new(0)).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let before: Vec<_> = answered.iter().map(|uses| uses.load(Ordering::SeqCst)).collect();
                    let found = block_on(store.users((0..DEVICES).map(owner).collect())).expect("a read");
                    for (found, before) in found.iter().zip(before) {
                        let found = uses(&found.as_ref().expect("a row").devices[0].state);
                        assert!(found >= before, "{found} after {before}");
                    }
                }
            });
        }
        for round in 0..4_000 {
            let number = round * 5 % DEVICES;
            done(&store, vec![used(&store, number)]);
            answered[number as usize].fetch_add(1, Ordering::SeqCst);
        }
        over.store(true, Ordering::SeqCst);
    });
}
