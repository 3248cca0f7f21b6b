//! The path of a verification in steps, each alone, so that one that became slower has an address.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use criterion::Criterion;

use crate::{engine::Engine, judged::Judged, median, world::World};

/// How long a step takes so many times.
type Times<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

/// Rounds of the summary, in each of which every step has its turn.
const ROUNDS: usize = 501;

/// A step, or what it is held against.
struct Step<'a> {
    name: &'static str,
    times: Times<'a>,
    /// As often as it is done in one round, for the clock takes part of a microsecond.
    at_once: u64,
}

/// One that leaves everything as it was.
fn pure<'a>(name: &'static str, mut work: impl FnMut() + 'a) -> Step<'a> {
    let times = move |times: u64| {
        let begun = Instant::now();
        (0..times).for_each(|_| work());
        begun.elapsed()
    };
    Step {
        name,
        times: Box::new(times),
        at_once: 64,
    }
}

/// One that takes something fresh each time, which is made outside the time that is taken.
fn fresh<'a, T>(name: &'static str, mut make: impl FnMut() -> T + 'a, mut work: impl FnMut(T) + 'a) -> Step<'a> {
    let mut once = move || {
        let made = make();
        let begun = Instant::now();
        work(made);
        begun.elapsed()
    };
    Step {
        name,
        times: Box::new(move |times: u64| (0..times).map(|_| once()).sum()),
        at_once: 1,
    }
}

/// The steps in the order of a request, which is the last one; then what they are held against.
pub(crate) struct Steps<'a>(Vec<Step<'a>>);

const HTTP: &str = "HTTP request";
const ON_DISK: &str = "commit on disk";
const JUDGE: &str = "judge";
const HELD_AGAINST: [(&str, &str); 3] = [
    (JUDGE, "totp-rs"),
    (JUDGE, "HMAC-SHA-1 of three steps"),
    (ON_DISK, "bare update and insert"),
];

impl<'a> Steps<'a> {
    pub(crate) fn of(
        world: &'a World,
        judged: &'a Judged<'a>,
        on_disk: &'a RefCell<Engine>,
        in_memory: Option<&'a RefCell<Engine>>,
    ) -> Self {
        let one = move || world.questions(1).remove(0);
        let commit = |name, engine: &'a RefCell<Engine>| {
            let commit = move |change| engine.borrow().commit(world, change);
            fresh(name, move || engine.borrow_mut().change(world), commit)
        };
        let mut steps = vec![
            pure("decode", || judged.decode()),
            pure("authenticate", || world.authenticate()),
            pure("unseal and judge", || judged.unseal_and_judge()),
            pure(JUDGE, || judged.judge()),
            fresh("queue and judge", one, |asked| world.verify_one_in_memory(asked)),
        ];
        steps.extend(in_memory.map(|engine| commit("commit in memory", engine)));
        steps.extend([
            commit(ON_DISK, on_disk),
            fresh("whole on SQLite", one, |asked| world.verify_one(asked)),
            pure("encode", || judged.encode()),
            fresh(HTTP, || world.body(), |body| world.post(&body)),
            pure("totp-rs", || judged.totp_rs()),
            pure("HMAC-SHA-1 of three steps", || judged.hash()),
            fresh("bare update and insert", || (), |()| on_disk.borrow_mut().bare()),
        ]);
        Self(steps)
    }

    pub(crate) fn measure(&mut self, criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group("verification/steps");
        for step in &mut self.0 {
            group.bench_function(step.name, |b| b.iter_custom(&mut step.times));
        }
        group.finish();
    }

    /// Each step's time, and its share of a request; the steps take turns, for the machine is not alike for long.
    pub(crate) fn summary(&mut self) {
        let mut rounds: Vec<Vec<f64>> = vec![Vec::with_capacity(ROUNDS); self.0.len()];
        for _ in 0..ROUNDS {
            for (step, times_us) in self.0.iter_mut().zip(&mut rounds) {
                let took = (step.times)(step.at_once);
                times_us.push(took.as_secs_f64() * 1e6 / step.at_once as f64);
            }
        }
        let times_us = |name: &str| {
            let place = self.0.iter().position(|step| step.name == name);
            &rounds[place.expect("it is in the table")]
        };
        let whole = median(times_us(HTTP).clone());
        for step in &self.0 {
            let step_us = median(times_us(step.name).clone());
            let share = 100.0 * step_us / whole;
            println!("verification/steps: {:<26}{step_us:>10.2} us{share:>7.1} %", step.name);
        }
        for (ours, theirs) in HELD_AGAINST {
            let ratios = times_us(ours).iter().zip(times_us(theirs)).map(|(a, b)| a / b);
            println!(
                "verification/steps: {ours} is {:.2}x {theirs}",
                median(ratios.collect())
            );
        }
    }
}
