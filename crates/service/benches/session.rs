//! One check of a session, through the service on the engine in memory, among as many as a large node has.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark reads its own machine's randomness"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use service::{Caller, CheckedSession, NewSession, Owner, StartedSession, UnixMs};
use support::World;
use tokio::runtime::Builder;

const SESSIONS: usize = 10_000;

async fn begun() -> (World, Caller, Vec<StartedSession>) {
    let world = World::new().await;
    let caller = world.all().await;
    let wanted = NewSession::default();
    let mut sessions = Vec::with_capacity(SESSIONS);
    for number in 0..SESSIONS {
        let owner = Owner::new("acme", format!("user {}", number / 10));
        let session = world.service.create_session(&caller, &owner, &wanted).await;
        sessions.push(session.expect("a session"));
    }
    (world, caller, sessions)
}

fn checks(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (world, caller, sessions) = runtime.block_on(begun());
    let mut group = criterion.benchmark_group("session check");
    group.throughput(Throughput::Elements(1));
    for (name, is_seen) in [("seen", true), ("looked at", false)] {
        let mut turn = sessions.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| {
                let token = &turn.next().expect("one").token;
                let checked = world.service.check_session(&caller, black_box(token), is_seen);
                assert!(matches!(checked, Ok(CheckedSession::Active { .. })));
            });
        });
        world.clock.pass(UnixMs::MINUTE);
    }
    group.finish();
    runtime.block_on(world.service.close());
}

criterion_group!(benches, checks);
criterion_main!(benches);
