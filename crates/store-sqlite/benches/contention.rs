//! Callers that commit at the same time: each reads a user of its own, changes the state of their device, with a row of
//! the trail, and waits until that is on disk.

use std::{
    path::Path,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use countersign_store_sqlite::Sqlite;
use criterion::{Criterion, Throughput};

#[path = "../tests/common/mod.rs"]
mod common;

const CALLERS: [u32; 3] = [1, 8, 64];

struct Contended {
    store: Sqlite,
}

impl Contended {
    fn new(dir: &Path, callers: u32) -> Self {
        let store = common::open(dir);
        common::done(&store, (0..callers).map(common::bind).collect());
        Self { store }
    }

    /// How long it took so many callers to commit this often each.
    fn commit(&mut self, callers: u32, times: u64) -> Duration {
        let ready = Barrier::new(callers as usize + 1);
        let (store, ready) = (&self.store, &ready);
        let begun = thread::scope(|scope| {
            for number in 0..callers {
                scope.spawn(move || {
                    ready.wait();
                    for _ in 0..times {
                        common::done(store, vec![common::used(store, number)]);
                    }
                });
            }
            ready.wait();
            Instant::now()
        });
        begun.elapsed()
    }
}

fn main() {
    let program = std::env::current_exe().expect("this program lies somewhere");
    let beside = program.parent().expect("in a directory");
    let dir = tempfile::tempdir_in(beside).expect("a directory for the database");
    let most = CALLERS[CALLERS.len() - 1];
    let mut contended = Contended::new(dir.path(), most);

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("store-sqlite/contention");
    for callers in CALLERS {
        group.throughput(Throughput::Elements(callers.into()));
        group.bench_function(format!("{callers} callers"), |b| {
            b.iter_custom(|times| contended.commit(callers, times));
        });
    }
    group.finish();
    criterion.final_summary();
    // `--test` only asks whether it runs
    if !std::env::args().any(|argument| argument == "--test") {
        for callers in &CALLERS[1..] {
            let ratio = median_ratio(&mut contended, *callers);
            println!("store-sqlite/contention: {callers} callers commit {ratio:.1}x as much as one");
        }
    }
    contended.store.close().expect("the database closes");
}

/// Ratios of neighbours in time: a shared machine that slows down slows both sides.
fn median_ratio(contended: &mut Contended, callers: u32) -> f64 {
    const ROUNDS: usize = 31;
    const TIMES: u64 = 50;
    let mut per_s = |callers| f64::from(callers) / contended.commit(callers, TIMES).as_secs_f64();
    let mut ratios: Vec<f64> = (0..ROUNDS).map(|_| per_s(callers) / per_s(1)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ROUNDS / 2]
}
