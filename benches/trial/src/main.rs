//! `compare` (the default), `reopen` and `crash`; settings as `name=value`. The figures: `src/manual/storage_trial.md`.

mod engine;
mod layout;
mod measure;
mod workload;

use engine::{Engine, Options};
use layout::{Key, LAYOUTS, Layout, version};
use measure::{Usage, at, median, slice, sorted};
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use workload::{Rng, User, judge};

type Any<T> = Result<T, Box<dyn std::error::Error>>;

struct Args(HashMap<String, String>);

impl Args {
    fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.0.get(name).map_or(default, |value| value)
    }

    fn number(&self, name: &str, default: u64) -> u64 {
        self.text(name, &default.to_string())
            .parse()
            .unwrap_or_else(|_| panic!("{name} wants a number"))
    }

    fn list(&self, name: &str, default: &str) -> Vec<u64> {
        self.text(name, default)
            .split(',')
            .map(|item| item.parse().unwrap_or_else(|_| panic!("{name} wants numbers")))
            .collect()
    }

    fn options(&self) -> Options {
        Options {
            cache_mib: self.number("cache", 64),
            checkpoint_pages: self.number("checkpoint", 16_384),
            fold_events: self.number("fold", 250_000),
            fold_chunk: self.number("chunk", 256),
            device_memo: self.number("device_memo", 0) as usize,
        }
    }

    /// All, or those that are named.
    fn layouts(&self) -> Vec<Layout> {
        let names: Vec<&str> = self.text("layouts", "device,user,group,update").split(',').collect();
        let chosen = LAYOUTS.iter().filter(|layout| names.contains(&layout.name));
        chosen.copied().collect()
    }
}

/// On the disk the program lies on, gone at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Any<Self> {
        let path = std::env::current_exe()?.with_file_name(format!("trial-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn main() -> Any<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let pairs = given.iter().filter_map(|arg| arg.split_once('='));
    let args = Args(pairs.map(|(name, value)| (name.into(), value.into())).collect());
    let words: Vec<&str> = given
        .iter()
        .map(|arg| &**arg)
        .filter(|arg| !arg.contains('='))
        .collect();
    match words[..] {
        [] | ["compare"] => compare(&args),
        ["reopen"] => reopen(&args, &given),
        ["open", path] => open(&args, Path::new(path)),
        ["crash"] => crash(&args, &given),
        ["crash-child", path] => crash_child(&args, Path::new(path)),
        _ => Err("compare | reopen | crash, and name=value".into()),
    }
}

/// A database of each layout, with its users.
fn seeded(args: &Args, directory: &Directory, devices: u64) -> Any<Vec<Engine>> {
    let seed = |layout: Layout| {
        let path = directory.0.join(format!("{}-{devices}", layout.name));
        let mut engine = Engine::open(&path, layout, args.options())?;
        engine.seed((0..User::count(devices)).map(User::new))?;
        Ok(engine)
    };
    args.layouts().into_iter().map(seed).collect()
}

fn compare(args: &Args) -> Any<()> {
    let directory = Directory::new()?;
    let rng = &mut Rng(args.number("seed", 1));
    for devices in args.list("devices", "10000,2000000") {
        let (users, mut engines) = (User::count(devices), seeded(args, &directory, devices)?);
        // Until the tail has its usual length and the caches are warm.
        for engine in &mut engines {
            slice(engine, rng, users, 100, args.number("warm", 500_000))?;
        }
        println!(
            "| devices | group | layout | commit us | x | load us | x | CPU us | x | written B | grown B | p50 ms | p99 ms | \
             tail |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
        );
        let groups = args.list("batch", "1,10,100,1000");
        let counts = args.list("items", "4000,40000,100000,200000");
        for (&group, &events) in groups.iter().zip(&counts) {
            let mut runs: Vec<Vec<Usage>> = engines.iter().map(|_| Vec::new()).collect();
            for round in 0..args.number("rounds", 3) {
                // There and back, so that each follows the one and the other of its neighbours.
                let mut turns: Vec<_> = engines.iter_mut().zip(&mut runs).collect();
                if round % 2 == 1 {
                    turns.reverse();
                }
                for (engine, runs) in turns {
                    runs.push(slice(engine, rng, users, group as usize, events)?);
                }
            }
            for (engine, own) in engines.iter().zip(&runs) {
                let figure = |of: fn(&Usage) -> f64| median(own.iter().map(of));
                // How many times as fast as the first, turn by turn.
                let times = |of: fn(&Usage) -> f64| {
                    let ratios = sorted(runs[0].iter().zip(own).map(|(first, own)| of(first) / of(own)));
                    format!("**{:.2}** {:.2}-{:.2}", at(&ratios, 0.5), ratios[0], at(&ratios, 1.0))
                };
                let latencies = sorted(own.iter().flat_map(|run| run.latencies_ms.iter().copied()));
                println!(
                    "| {devices} | {group} | {} | {:.2} | {} | {:.2} | {} | {:.2} | {} | {:.0} | {:.0} | {:.3} | {:.3} | {} |",
                    engine.layout.name,
                    figure(|run| run.commit_us),
                    times(|run| run.commit_us),
                    figure(|run| run.load_us),
                    times(|run| run.load_us),
                    figure(|run| run.cpu_us),
                    times(|run| run.cpu_us),
                    figure(|run| run.written),
                    figure(|run| run.grown),
                    at(&latencies, 0.5),
                    at(&latencies, 0.99),
                    engine.tail(),
                );
            }
            std::io::stdout().flush()?;
        }
    }
    Ok(())
}

/// How long opening takes after a while of work, and what the tail weighs.
fn reopen(args: &Args, given: &[String]) -> Any<()> {
    println!(
        "| devices | group | layout | open s | x | states read | tail | resident MiB |\n|---|---|---|---|---|---|---|---|"
    );
    for devices in args.list("devices", "10000,2000000") {
        for group in args.list("batch", "1,10,100,1000") {
            let directory = Directory::new()?;
            for engine in &mut seeded(args, &directory, devices)? {
                let events = args.number("items", 2 * args.options().fold_events);
                // In large groups at first, for that is quick: what counts is how the tail's rows came.
                slice(engine, &mut Rng(1), User::count(devices), 100, events)?;
                slice(engine, &mut Rng(2), User::count(devices), group as usize, events)?;
            }
            let layouts = args.layouts();
            let mut runs: Vec<Vec<Vec<f64>>> = layouts.iter().map(|_| Vec::new()).collect();
            for _ in 0..args.number("rounds", 5) {
                for (layout, runs) in layouts.iter().zip(&mut runs) {
                    // A process of its own, for its memory.
                    let output = Command::new(std::env::current_exe()?)
                        .arg("open")
                        .arg(directory.0.join(format!("{}-{devices}", layout.name)))
                        .args(given.iter().filter(|arg| arg.contains('=')))
                        .arg(format!("layouts={}", layout.name))
                        .output()?;
                    let figures = String::from_utf8(output.stdout)?;
                    runs.push(figures.split_whitespace().map(str::parse).collect::<Result<_, _>>()?);
                }
            }
            for (layout, own) in layouts.iter().zip(&runs) {
                let figure = |index: usize| median(own.iter().map(|run| run[index]));
                println!(
                    "| {devices} | {group} | {} | {:.3} | {:.2} | {} | {} | {:.0} |",
                    layout.name,
                    figure(0),
                    median(own.iter().zip(&runs[0]).map(|(own, first)| own[0] / first[0])),
                    figure(1),
                    figure(2),
                    figure(3),
                );
            }
        }
    }
    Ok(())
}

fn open(args: &Args, path: &Path) -> Any<()> {
    let (before, start) = (measure::resident()?, Instant::now());
    let engine = Engine::open(path, args.layouts()[0], args.options())?;
    let (seconds, bytes) = (start.elapsed().as_secs_f64(), measure::resident()? - before);
    println!(
        "{seconds} {} {} {}",
        engine.read(),
        engine.tail(),
        bytes / f64::from(1 << 20)
    );
    Ok(())
}

/// A child commits and says so; it is killed; all it said must be there, and the fold must agree with the whole trail.
fn crash(args: &Args, given: &[String]) -> Any<()> {
    let devices = args.number("devices", 20_000);
    for layout in args.layouts() {
        let directory = Directory::new()?;
        let path = directory.0.join("killed");
        let all = || (0..User::count(devices)).map(User::new);
        Engine::open(&path, layout, args.options())?.seed(all())?;
        let mut said: HashMap<String, u64> = HashMap::new();
        let (mut lines, mut newer) = (0_u64, 0);
        for round in 0..args.number("rounds", 20) {
            let mut child = Command::new(std::env::current_exe()?)
                .arg("crash-child")
                .arg(&path)
                .args(given.iter().filter(|arg| arg.contains('=')))
                .args([format!("layouts={}", layout.name), format!("seed={round}")])
                .stdout(Stdio::piped())
                .spawn()?;
            let output = child.stdout.take().ok_or("no output")?;
            let reader =
                std::thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).collect::<Vec<_>>());
            std::thread::sleep(Duration::from_millis(300 + 77 * (round % 9)));
            child.kill()?;
            child.wait()?;
            for line in reader.join().map_err(|_| "the reader of the child's words died")? {
                // The last line may be cut; a cut line ends without the full stop.
                let Some((key, version)) = line.strip_suffix('.').and_then(|line| line.rsplit_once(' ')) else {
                    continue;
                };
                said.insert(key.into(), version.parse()?);
                lines += 1;
            }
            let engine = Engine::open(&path, layout, args.options())?;
            let loaded = engine.load(&all().collect::<Vec<_>>())?;
            let states: HashMap<Key, Box<[u8]>> = loaded.into_iter().flatten().collect();
            for (key, state) in &states {
                let (acknowledged, found) = (said.get(&format!("{key:?}")).copied().unwrap_or(0), version(state));
                assert!(
                    found >= acknowledged,
                    "{key:?}: {acknowledged} was acknowledged, {found} is there"
                );
                newer += u64::from(found > acknowledged);
            }
            let (mut given, mut newest) = (HashSet::new(), HashMap::new());
            engine.trail(0, |key, state| {
                assert!(
                    given.insert((key.clone(), version(state))),
                    "{key:?}: a version was given twice"
                );
                newest.insert(key, state.to_vec());
            })?;
            for (key, state) in newest {
                assert_eq!(*states[&key], *state, "{key:?}: the fold and the trail");
            }
            assert!(engine.is_sound()?);
        }
        println!(
            "{}: {lines} acknowledged states, none lost; {newer} committed, never acknowledged (the kill came between)",
            layout.name
        );
    }
    Ok(())
}

fn crash_child(args: &Args, path: &Path) -> Any<()> {
    let mut engine = Engine::open(path, args.layouts()[0], args.options())?;
    let (users, rng) = (
        User::count(args.number("devices", 20_000)),
        &mut Rng(args.number("seed", 1)),
    );
    let mut out = std::io::stdout().lock();
    loop {
        let group = 1 + rng.below(64) as usize;
        let loaded = engine.load(&rng.users(users, group))?;
        let changes = judge(rng, loaded);
        let held = engine.commit(&changes)?;
        assert!(held.into_iter().all(|held| held), "nobody else writes");
        for (key, _, state) in changes.iter().flat_map(|change| &change.states) {
            writeln!(out, "{key:?} {}.", version(state))?;
        }
        out.flush()?;
    }
}
