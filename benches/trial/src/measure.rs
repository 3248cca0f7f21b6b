//! What a slice of the workload costs.

use crate::engine::Engine;
use crate::workload::{Rng, judge};
use std::{fs, time::Instant};

/// Per event, unless said otherwise.
pub struct Usage {
    pub load_us: f64,
    pub commit_us: f64,
    /// Of the whole process, without making the workload.
    pub cpu_us: f64,
    /// What the disk was made to write, checkpoints included.
    pub written: f64,
    /// What the database has grown.
    pub grown: f64,
    /// Of one commit each.
    pub latencies_ms: Vec<f64>,
}

pub fn slice(engine: &mut Engine, rng: &mut Rng, users: u64, group: usize, events: u64) -> rusqlite::Result<Usage> {
    let count = events.div_ceil(group as u64);
    let mut latencies_ms = Vec::with_capacity(count as usize);
    let (mut loading, mut committing, mut making) = (0.0, 0.0, 0.0);
    let (cpu, bytes, length) = (cpu_s(), written(), engine.length()?);
    let mut start = Instant::now();
    let mut lap = || std::mem::replace(&mut start, Instant::now()).elapsed().as_secs_f64();
    for _ in 0..count {
        let users = rng.users(users, group);
        making += lap();
        let states = engine.load(&users)?;
        loading += lap();
        let changes = judge(rng, states);
        making += lap();
        let held = engine.commit(&changes)?;
        let committed = lap();
        assert!(held.into_iter().all(|held| held), "nobody else writes");
        committing += committed;
        latencies_ms.push(committed * 1e3);
    }
    let events = (count * group as u64) as f64;
    Ok(Usage {
        load_us: loading / events * 1e6,
        commit_us: committing / events * 1e6,
        cpu_us: (cpu_s() - cpu - making) / events * 1e6,
        written: (written() - bytes) / events,
        grown: (engine.length()? - length) / events,
        latencies_ms,
    })
}

pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    at(&sorted(values), 0.5)
}

pub fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which this share of them is.
pub fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

/// User and system time of this process; 100 ticks a second.
fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("procfs");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    [11, 12]
        .iter()
        .map(|&index| fields[index].parse::<f64>().expect("ticks") / 100.0)
        .sum()
}

/// What this process made the disk write, or will make it write.
fn written() -> f64 {
    let io = fs::read_to_string("/proc/self/io").expect("procfs");
    io.lines()
        .find_map(|line| line.strip_prefix("write_bytes: "))
        .and_then(|value| value.parse().ok())
        .expect("a count")
}

/// The memory of this process, in bytes.
pub fn resident() -> std::io::Result<f64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    Ok(pages.unwrap_or(0.0) * 4096.0)
}
