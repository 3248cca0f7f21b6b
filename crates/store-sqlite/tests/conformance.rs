//! The contract of `store`, kept by this engine under two tunings.

mod common;

use std::sync::Arc;

use common::{block_on, eager, open_as};
use countersign_store_sqlite::Tuning;
use store::{
    Pending, Store,
    conformance::{CASES, Harness},
};
use tempfile::TempDir;

struct Directory {
    dir: TempDir,
    tuning: Tuning,
}

impl Harness for Directory {
    fn open(&self) -> Pending<'_, Arc<dyn Store>> {
        let opened = open_as(self.dir.path(), "serve/here/1", true, self.tuning.clone()).expect("the database opens");
        Box::pin(std::future::ready(Ok(Arc::new(opened) as Arc<dyn Store>)))
    }

    /// Dropping without closing is this engine's kill.
    fn crash(&self, store: Arc<dyn Store>) {
        assert_eq!(Arc::strong_count(&store), 1);
        drop(store);
    }
}

fn run(tuning: &Tuning) {
    for case in CASES {
        eprintln!("{}", case.name);
        let dir = tempfile::tempdir().expect("a directory");
        block_on((case.run)(&Directory {
            dir,
            tuning: tuning.clone(),
        }));
    }
}

#[test]
fn keeps_the_contract() {
    run(&Tuning::default());
}

#[test]
fn keeps_the_contract_while_it_folds_all_the_time() {
    run(&eager());
}
