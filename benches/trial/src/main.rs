//! `compare` (the default), `crash` and `reopen`; settings as `name=value`. The figures: `src/manual/storage_trial.md`.

mod fold;
mod hot_row;
mod measure;
mod trial;

use fold::Fold;
use hot_row::HotRow;
use measure::{Rng, Usage, batch, median, slice};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use trial::{Options, Trial};

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
    /// Settings of one engine: `a.cache=64` goes before `cache=64`.
    fn options(&self, engine: &str) -> Options {
        let number = |name: &str, default| self.number(&format!("{engine}.{name}"), self.number(name, default));
        Options {
            page_size: number("page", 4096) as u32,
            cache_mib: number("cache", 128) as u32,
            mmap_mib: number("mmap", 0) as u32,
            checkpoint_pages: number("checkpoint", 4096) as u32,
            checkpointer: number("checkpointer", 1) == 1,
            reader: number("reader", 0) == 1,
            without_rowid: number("without_rowid", 0) == 1,
            audit_index: number("audit_index", 0) == 1,
            insert_rows: number("insert", 1) as usize,
            fold_rows: number("fold", 1_000_000),
            fold_chunk: number("chunk", 256),
        }
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
    let args: Vec<String> = std::env::args().skip(1).collect();
    let pairs = args
        .iter()
        .filter_map(|arg| arg.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let words: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| !arg.contains('='))
        .collect();
    match words[..] {
        [] | ["compare"] => compare(&Args(pairs)),
        ["crash"] => crash(&Args(pairs), &args),
        ["crash-child", path] => crash_child(&Args(pairs), Path::new(path)),
        ["reopen"] => reopen(&Args(pairs), &args),
        ["open", path] => open(&Args(pairs), Path::new(path)),
        _ => Err("compare | crash | reopen, and name=value".into()),
    }
}

fn size(path: &Path) -> f64 {
    std::fs::metadata(path).map_or(0.0, |meta| meta.len() as f64 / f64::from(1 << 20))
}

fn compare(args: &Args) -> Any<()> {
    let directory = Directory::new()?;
    let rng = &mut Rng(args.number("seed", 1));
    for devices in args.list("devices", "10000,2000000") {
        let mut engines: Vec<(&str, PathBuf, Box<dyn Trial>)> = Vec::new();
        for name in args.text("engines", "a,b").split(',') {
            let (path, options) = (directory.0.join(format!("{name}-{devices}")), args.options(name));
            // Any name that begins with `a` is a hot row, with `b` a fold: `engines=a,a2,b a2.checkpoint=1000`.
            let engine: Box<dyn Trial> = if name.starts_with('a') {
                let mut engine = HotRow::open(&path, &options)?;
                engine.file.seed(devices)?;
                Box::new(engine)
            } else {
                assert!(name.starts_with('b'), "{name}: neither a… nor b…");
                let mut engine = Fold::open(&path, &options)?;
                engine.file.seed(devices)?;
                Box::new(engine)
            };
            engines.push((name, path, engine));
        }
        // Until the tail has its usual length and the caches are warm.
        for (_, _, engine) in &mut engines {
            slice(&mut **engine, rng, devices, 1000, args.number("warm", 600_000))?;
        }
        println!(
            "| devices | batch | engine | items/s | load us | CPU us | bytes | p50 ms | p99 ms | max ms | db MiB | wal MiB | tail |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        let sizes = args.list("batch", "1,16,64,256,1000");
        let counts = args.list("items", "16000,100000,200000,300000,300000");
        for (&length, &items) in sizes.iter().zip(&counts) {
            let mut runs: Vec<Vec<Usage>> = engines.iter().map(|_| Vec::new()).collect();
            for _ in 0..args.number("rounds", 3) {
                for (index, (_, _, engine)) in engines.iter_mut().enumerate() {
                    runs[index].push(slice(&mut **engine, rng, devices, length as usize, items)?);
                }
            }
            for ((name, path, engine), runs) in engines.iter().zip(&mut runs) {
                let mut latencies: Vec<f64> = runs
                    .iter_mut()
                    .flat_map(|run| std::mem::take(&mut run.latencies_ms))
                    .collect();
                latencies.sort_by(f64::total_cmp);
                let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
                println!(
                    "| {devices} | {length} | {name} | {:.0} | {:.2} | {:.2} | {:.0} | {:.3} | {:.3} | {:.0} | {:.0} | {:.0} | {} |",
                    median(runs, |run| run.items_per_s),
                    median(runs, |run| run.load_us),
                    median(runs, |run| run.cpu_us),
                    median(runs, |run| run.bytes),
                    at(0.5),
                    at(0.99),
                    at(1.0),
                    size(path),
                    size(&PathBuf::from(format!("{}-wal", path.display()))),
                    engine.tail(),
                );
            }
            for index in 1..engines.len() {
                let ratios: Vec<f64> = runs[index]
                    .iter()
                    .zip(&runs[0])
                    .map(|(b, a)| b.items_per_s / a.items_per_s)
                    .collect();
                println!(
                    "| {devices} | {length} | {}/{} | **{:.2}** {} | | {:.2} | {:.2} | | | | | | |",
                    engines[index].0,
                    engines[0].0,
                    median(&ratios, |ratio| *ratio),
                    ratios
                        .iter()
                        .map(|ratio| format!("{ratio:.2}"))
                        .collect::<Vec<_>>()
                        .join(" "),
                    median(&runs[index], |run| run.cpu_us) / median(&runs[0], |run| run.cpu_us),
                    median(&runs[index], |run| run.bytes) / median(&runs[0], |run| run.bytes),
                );
            }
            std::io::stdout().flush()?;
        }
    }
    Ok(())
}

/// How long B takes to open with a long tail, and what that tail weighs.
fn reopen(args: &Args, given: &[String]) -> Any<()> {
    let directory = Directory::new()?;
    let (path, devices, options) = (
        directory.0.join("b"),
        args.number("devices", 2_000_000),
        args.options("b"),
    );
    let mut engine = Fold::open(&path, &options)?;
    engine.file.seed(devices)?;
    slice(
        &mut engine,
        &mut Rng(1),
        devices,
        1000,
        args.number("items", 4 * options.fold_rows),
    )?;
    drop(engine);
    for forget in [false, true] {
        if forget {
            // `dd` tells the kernel to drop the file's pages, so that this opening reads the disk.
            let of = format!("of={}", path.display());
            Command::new("dd")
                .args([
                    &*of,
                    "if=/dev/null",
                    "oflag=nocache",
                    "conv=notrunc,fdatasync",
                    "count=0",
                    "status=none",
                ])
                .status()?;
        }
        print!("forget={forget}: ");
        std::io::stdout().flush()?;
        Command::new(std::env::current_exe()?)
            .arg("open")
            .arg(&path)
            .args(given.iter().filter(|arg| arg.contains('=')))
            .status()?;
    }
    Ok(())
}

fn open(args: &Args, path: &Path) -> Any<()> {
    let (before, start) = (measure::resident()?, Instant::now());
    let engine = Fold::open(path, &args.options("b"))?;
    let (seconds, mib) = (start.elapsed().as_secs_f64(), (measure::resident()? - before) >> 20);
    let rows: i64 =
        engine
            .file
            .writer
            .query_row("SELECT max(seq) - (SELECT through FROM fold) FROM audit", [], |row| {
                row.get(0)
            })?;
    println!(
        "{seconds:.2} s, {rows} rows behind, {} devices in the tail, resident +{mib} MiB",
        engine.tail()
    );
    Ok(())
}

/// A child commits and says so; it is killed; all it said must be there, and the fold must agree with the whole trail.
fn crash(args: &Args, given: &[String]) -> Any<()> {
    let directory = Directory::new()?;
    let (path, devices) = (directory.0.join("b"), args.number("devices", 20_000));
    Fold::open(&path, &args.options("b"))?.file.seed(devices)?;
    let mut said: HashMap<u64, u64> = HashMap::new();
    let (mut lines, mut newer) = (0_u64, 0);
    for round in 0..args.number("rounds", 20) {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("crash-child")
            .arg(&path)
            .args(given.iter().filter(|arg| arg.contains('=')))
            .arg(format!("seed={round}"))
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
            let Some((device, version)) = line.strip_suffix('.').and_then(|line| line.split_once(' ')) else {
                continue;
            };
            said.insert(device.parse()?, version.parse()?);
            lines += 1;
        }
        let engine = Fold::open(&path, &args.options("b"))?;
        let all: Vec<u64> = (0..devices).collect();
        let states = engine.load(&all)?;
        for (device, version) in &said {
            let found = states[*device as usize].version;
            assert!(
                found >= *version,
                "device {device}: {version} was acknowledged, {found} is there"
            );
            newer += u64::from(found > *version);
        }
        let mut newest = engine
            .file
            .writer
            .prepare("SELECT device, state, max(seq) FROM audit GROUP BY device")?;
        let mut rows = newest.query([])?;
        while let Some(row) = rows.next()? {
            let device: u64 = row.get(0)?;
            assert_eq!(
                states[device as usize],
                trial::State::decode(row.get_ref(1)?.as_blob()?),
                "device {device}: the fold and the trail"
            );
        }
        let twice: u64 = engine.file.writer.query_row(
            "SELECT count(*) FROM (SELECT 1 FROM audit GROUP BY device, substr(state, 1, 8) HAVING count(*) > 1)",
            [],
            |row| row.get(0),
        )?;
        assert_eq!(twice, 0, "a version was given twice");
        let sound: String = engine
            .file
            .writer
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        assert_eq!(sound, "ok");
    }
    println!("{lines} acknowledged changes, none lost; {newer} committed, never acknowledged (the kill came between)");
    Ok(())
}

fn crash_child(args: &Args, path: &Path) -> Any<()> {
    let mut engine = Fold::open(path, &args.options("b"))?;
    let (devices, rng) = (engine.file.devices()?, &mut Rng(args.number("seed", 1)));
    let mut out = std::io::stdout().lock();
    loop {
        let length = 1 + rng.below(64) as usize;
        let keys = rng.distinct(devices, length);
        let batch = batch(rng, &keys, &engine.load(&keys)?);
        let held = engine.commit(&batch)?;
        for ((device, _, state, _), held) in batch.iter().zip(held) {
            assert!(held);
            writeln!(out, "{device} {}.", state.version)?;
        }
        out.flush()?;
    }
}
