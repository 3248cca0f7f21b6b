//! One verification through the service, 1,024 in one call, and one as a whole HTTP request over loopback; each beside the
//! least that it could take: an append and its `fdatasync`, the same rows in a bare database, an echo.
//!
//! Every code is right and fresh. The users take turns, and the clock moves on by a time step when all have had theirs, so
//! that each question is judged, and each acceptance is on disk before the answer.
#![allow(dead_code, reason = "`load` uses the rest of what they share")]

#[path = "../support/bare.rs"]
mod bare;
#[path = "../support/client.rs"]
mod client;
#[path = "../support/disk.rs"]
mod disk;
#[path = "../support/filled.rs"]
mod filled;
#[path = "../support/population.rs"]
mod population;
mod world;

use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput};

use crate::{bare::Bare, disk::Disk, world::World};

type Any<T> = Result<T, Box<dyn std::error::Error>>;

/// Verifications of one call: as many as the service judges in one batch.
const BATCH: u32 = 1_024;

fn main() -> Any<()> {
    let program = std::env::current_exe()?;
    let beside = program.parent().ok_or("this program lies nowhere")?;
    let dir = tempfile::Builder::new().prefix("verification-").tempdir_in(beside)?;
    let world = World::new(dir.path())?;
    let mut disk = Disk::new(dir.path())?;
    let mut append = || disk.append().expect("the disk takes it");
    let mut database = Bare::new(dir.path(), world::DEVICES)?;
    let mut transaction = || database.transaction(BATCH.into()).expect("the database takes it");

    let mut criterion = Criterion::default().configure_from_args();
    groups(&mut criterion, &world, &mut append, &mut transaction);
    criterion.final_summary();
    // `--test` only asks whether it runs
    if !std::env::args().any(|argument| argument == "--test") {
        ratios(&world, &mut append, &mut transaction);
    }
    world.close()
}

fn groups(criterion: &mut Criterion, world: &World, append: &mut impl FnMut(), transaction: &mut impl FnMut()) {
    let each = BatchSize::PerIteration; // what was made ahead would no longer be fresh

    let mut group = criterion.benchmark_group("verification/one");
    group.bench_function("service", |b| {
        b.iter_batched(|| world.questions(1), |asked| world.verify(asked), each);
    });
    group.bench_function("append and fdatasync", |b| b.iter(&mut *append));
    group.finish();

    let mut group = criterion.benchmark_group(format!("verification/{BATCH}"));
    group.throughput(Throughput::Elements(BATCH.into()));
    group.bench_function("service", |b| {
        b.iter_batched(|| world.questions(BATCH), |asked| world.verify(asked), each);
    });
    group.bench_function("bare update and insert", |b| b.iter(&mut *transaction));
    group.finish();

    let mut group = criterion.benchmark_group("verification/http");
    group.bench_function("verify", |b| {
        b.iter_batched(|| world.body(), |body| world.post(&body), each);
    });
    group.bench_function("echo", |b| {
        b.iter_batched(|| world.body(), |body| world.echo(&body), each);
    });
    group.finish();
}

/// Ratios of neighbours in time: a shared machine that slows down slows both sides.
fn ratios(world: &World, append: &mut impl FnMut(), transaction: &mut impl FnMut()) {
    let one = median_ratio(
        2_001,
        || took(world.questions(1), |asked| world.verify(asked)),
        || took((), |()| append()),
    );
    println!("verification/one: {one:.2}x an append and its fdatasync");
    let batch = median_ratio(
        301,
        || took(world.questions(BATCH), |asked| world.verify(asked)),
        || took((), |()| transaction()),
    );
    println!("verification/{BATCH}: {batch:.2}x a bare update and insert of as many rows");
    let http = median_ratio(
        2_001,
        || took(world.body(), |body| world.post(&body)),
        || took(world.body(), |body| world.echo(&body)),
    );
    println!("verification/http: {http:.2}x an echo");
    let over_http = median_ratio(
        2_001,
        || took(world.body(), |body| world.post(&body)),
        || took(world.questions(1), |asked| world.verify(asked)),
    );
    println!("verification/http: {over_http:.2}x one through the service");
}

fn took<T>(input: T, work: impl FnOnce(T)) -> Duration {
    let begun = Instant::now();
    work(input);
    begun.elapsed()
}

fn median_ratio(rounds: usize, mut ours: impl FnMut() -> Duration, mut theirs: impl FnMut() -> Duration) -> f64 {
    let mut ratios: Vec<f64> = (0..rounds)
        .map(|_| ours().as_secs_f64() / theirs().as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[rounds / 2]
}
