//! The contract, kept by the in-memory engine.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use store::{
    Pending, Store,
    conformance::{CASES, Harness},
    memory::{Disk, Memory},
};
use verify::UnixMs;

/// This engine never waits.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

struct InMemory(Disk);

impl Harness for InMemory {
    fn open(&self) -> Pending<'_, Arc<dyn Store>> {
        let sign = |statement: &[u8]| statement.iter().rev().copied().take(64).collect();
        let opened = Memory::open(&self.0, "serve/here/1", UnixMs::new(1_795_219_200_000), &sign);
        Box::pin(std::future::ready(Ok(Arc::new(opened) as Arc<dyn Store>)))
    }

    fn crash(&self, store: Arc<dyn Store>) {
        assert_eq!(Arc::strong_count(&store), 1);
        drop(store);
    }
}

#[test]
fn keeps_the_contract() {
    for case in CASES {
        eprintln!("{}", case.name);
        ready((case.run)(&InMemory(Disk::default())));
    }
}
