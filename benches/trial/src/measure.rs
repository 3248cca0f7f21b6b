//! The workload and what it costs.

use crate::trial::{Audit, State, Trial};
use std::{collections::HashSet, fs, time::Instant};

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
    pub fn distinct(&mut self, end: u64, count: usize) -> Vec<u64> {
        let mut seen = HashSet::with_capacity(count);
        while seen.len() < count {
            seen.insert(self.below(end));
        }
        seen.into_iter().collect()
    }
    fn fill<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        out
    }
}

/// What judging would make of these states: one in sixteen codes is wrong.
pub fn batch(rng: &mut Rng, devices: &[u64], states: &[State]) -> Vec<(u64, u64, State, Audit)> {
    let time = 1_750_000_000_000 + rng.below(1 << 30) as i64;
    let change = |(device, old): (&u64, &State)| {
        let mut new = State {
            version: old.version + 1,
            request_mac: rng.fill(),
            request_at: time,
            ..*old
        };
        if rng.below(16) == 0 {
            (new.failures, new.first_failure_at) = (old.failures + 1, time);
        } else {
            (new.failures, new.first_failure_at, new.last_step, new.last_success_at) = (0, 0, old.last_step + 1, time);
        }
        (
            *device,
            old.version,
            new,
            Audit {
                time,
                commitment: rng.fill(),
                hash: rng.fill(),
                payload: rng.fill(),
            },
        )
    };
    devices.iter().zip(states).map(change).collect()
}

/// Costs per item of one stretch of load and commit.
pub struct Usage {
    pub items_per_s: f64,
    pub load_us: f64,
    pub cpu_us: f64,
    pub bytes: f64,
    pub latencies_ms: Vec<f64>,
}

pub fn slice(
    engine: &mut dyn Trial,
    rng: &mut Rng,
    devices: u64,
    length: usize,
    items: u64,
) -> rusqlite::Result<Usage> {
    let count = items.div_ceil(length as u64);
    let mut latencies_ms = Vec::with_capacity(count as usize);
    let (mut loading, mut working, mut making_s) = (0.0, 0.0, 0.0);
    let (cpu, bytes) = (cpu_s(), written());
    for _ in 0..count {
        let making = Instant::now();
        let keys = rng.distinct(devices, length);
        making_s += making.elapsed().as_secs_f64();
        let start = Instant::now();
        let states = engine.load(&keys)?;
        let loaded = start.elapsed().as_secs_f64();
        let making = Instant::now();
        let batch = batch(rng, &keys, &states);
        making_s += making.elapsed().as_secs_f64();
        let start = Instant::now();
        let held = engine.commit(&batch)?;
        let committed = start.elapsed().as_secs_f64();
        assert!(held.into_iter().all(|held| held), "nobody else writes");
        loading += loaded;
        working += loaded + committed;
        latencies_ms.push(committed * 1e3);
    }
    let items = (count * length as u64) as f64;
    Ok(Usage {
        items_per_s: items / working,
        load_us: loading / items * 1e6,
        cpu_us: (cpu_s() - cpu - making_s) / items * 1e6,
        bytes: (written() - bytes) / items,
        latencies_ms,
    })
}

pub fn median<T>(runs: &[T], of: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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

pub fn resident() -> std::io::Result<i64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    Ok(statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<i64>().ok())
        .unwrap_or(0)
        * 4096)
}
