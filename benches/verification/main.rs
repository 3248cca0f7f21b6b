//! One verification through the service, 1,024 in one call, and one as a whole HTTP request over loopback; each beside the
//! least that it could take: an append and its `fdatasync`, the same rows in a bare database, an echo. Then the steps of one.
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
mod engine;
#[path = "../support/filled.rs"]
mod filled;
mod judged;
#[path = "../support/population.rs"]
mod population;
mod steps;
mod world;

use std::{
    cell::RefCell,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput};
use tempfile::TempDir;

use crate::{bare::Bare, disk::Disk, engine::Engine, judged::Judged, steps::Steps, world::World};

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

    let judged = Judged::new(&world)?; // before anybody has used a code
    let on_disk = RefCell::new(Engine::new(dir.path(), &world)?);
    let memory = memory()?;
    let in_memory = memory.as_ref().map(|memory| Engine::new(memory.path(), &world));
    let in_memory = in_memory.transpose()?.map(RefCell::new);

    let mut criterion = Criterion::default().configure_from_args();
    groups(&mut criterion, &world, &mut append, &mut transaction);
    let mut steps = Steps::of(&world, &judged, &on_disk, in_memory.as_ref());
    steps.measure(&mut criterion);
    criterion.final_summary();
    // `--test` only asks whether it runs
    if !std::env::args().any(|argument| argument == "--test") {
        ratios(&world, &mut append, &mut transaction);
        steps.summary();
    }
    drop(steps);
    drop(judged);
    for engine in [Some(on_disk), in_memory].into_iter().flatten() {
        engine.into_inner().close()?;
    }
    world.close()
}

/// Where a sync costs nothing, if there is such a place.
fn memory() -> Any<Option<TempDir>> {
    let memory = Path::new("/dev/shm");
    Ok(memory.is_dir().then(|| tempfile::tempdir_in(memory)).transpose()?)
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
    median(
        (0..rounds)
            .map(|_| ours().as_secs_f64() / theirs().as_secs_f64())
            .collect(),
    )
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
