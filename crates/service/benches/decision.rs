//! One decision on a shipped operation, through the service on the engine in memory, and the catalogue's part of it.
//!
//! Of the decisions one has to be answered, which writes nothing, and one is allowed: that one is a signed grant and a record
//! in the trail beside.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark reads its own machine's randomness"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use service::{Caller, ChallengePurpose, Confirmation, Decision, NewChallenge, Owner, UnixMs, shipped_operation};
use support::{World, alice, bob, confirmation};
use tokio::runtime::{Builder, Runtime};

const RESTART: &str = "cloud-virtual-machine/restart-an-instance";

fn before(owner: &Owner) -> NewChallenge {
    NewChallenge {
        owner: owner.clone(),
        purpose: ChallengePurpose::Operation,
        audience: None,
        operation: Some(RESTART.into()),
        resource: None,
        session_id: Some("s1".into()),
        first_factor: None,
        client: None,
        is_risky: false,
        trusted_device: None,
    }
}

/// Alice is protected; Bob has a device, and no protection.
async fn bound() -> (World, Caller) {
    let world = World::new().await;
    let caller = world.all().await;
    world.bind(&caller, &alice()).await;
    let (offer, phone) = world.start(&caller, &bob()).await;
    let unprotected = Confirmation {
        login_protection: false,
        operation_protection: false,
        ..confirmation(&[&phone.shows(world.now())])
    };
    let confirmed = world
        .service
        .confirm_enrollment(&caller, &bob(), offer.id, &unprotected)
        .await;
    confirmed.expect("it is bound");
    world.clock.pass(UnixMs::MINUTE);
    (world, caller)
}

fn decide(runtime: &Runtime, world: &World, caller: &Caller, wanted: &NewChallenge, expected: Decision) {
    let told = runtime.block_on(world.service.create_challenge(caller, wanted));
    assert_eq!(told.expect("a decision").decision, expected);
}

fn decisions(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (world, caller) = runtime.block_on(bound());
    let mut group = criterion.benchmark_group("decision");
    let protected = before(&alice());
    group.bench_function("to be answered", |b| {
        b.iter(|| decide(&runtime, &world, &caller, &protected, Decision::Challenge));
    });
    let unprotected = before(&bob());
    group.bench_function("allowed", |b| {
        b.iter(|| decide(&runtime, &world, &caller, &unprotected, Decision::Allow));
    });
    group.bench_function("catalogue", |b| b.iter(|| shipped_operation(black_box(RESTART))));
    group.finish();
    runtime.block_on(world.service.close());
}

criterion_group!(benches, decisions);
criterion_main!(benches);
