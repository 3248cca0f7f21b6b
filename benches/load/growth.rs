//! What a large store takes: time to start, memory, disk.

use std::{env, fs, path::Path, process::Command, time::Instant};

use serde::Serialize;
use store_sqlite::{FILE_NAME, Tuning};

use crate::{Any, report::load_average, server_process::ServerProcess, shots::Shots};

/// Figures of the store that all scenarios had.
#[derive(Serialize)]
pub(crate) struct Growth {
    name: &'static str,
    devices: u32,
    /// Written beside those of the bindings.
    audit_events: u64,
    filled_in_s: f64,
    database_bytes: u64,
    /// From the start of the process to its first line, over a store that was closed: the engine's opening, the service's
    /// start, the listener.
    start_up_s: f64,
    /// The same after the server was killed at the end of the scenarios.
    start_up_after_kill_s: f64,
    /// Of the server, at the end of the scenarios, as the kernel counts it.
    server_rss_bytes: u64,
    /// The most that the page caches of the engine's connections may hold of this database: for each its limit, or the
    /// database where that is smaller.
    database_cache_bytes: u64,
    /// `server_rss_bytes` without `database_cache_bytes`, by device. What a service takes without any is in it too, so it is
    /// told of [`MANY`] only.
    rss_bytes_per_device: Option<f64>,
    load_average: f64,
}

/// Fills the store of `dir` by a process that ends, whose memory is nobody's any more. How long it took, in seconds.
pub(crate) fn fill(dir: &Path, devices: u32, audit_events: u64) -> Any<f64> {
    let begun = Instant::now();
    let done = Command::new(env::current_exe()?)
        .arg("--fill")
        .arg(dir)
        .args(["--devices", &devices.to_string()])
        .args(["--audit-events", &audit_events.to_string()])
        .status()?;
    if !done.success() {
        return Err("the store was not filled; the message is above".into());
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// So many devices that a service's own memory is little beside theirs.
const MANY: u32 = 100_000;

/// What the store was filled with.
pub(crate) struct Grown {
    pub(crate) devices: u32,
    pub(crate) audit_events: u64,
    pub(crate) filled_in_s: f64,
}

impl Grown {
    /// Ends the server as a crash does, and starts another.
    pub(crate) fn measured(self, shots: Shots, dir: &Path) -> Any<Growth> {
        let moves = shots.moves();
        let server = shots.into_process();
        let start_up_s = server.start_up.as_secs_f64();
        let server_rss_bytes = server.resident_bytes()?;
        let database_bytes = fs::metadata(dir.join(FILE_NAME))?.len();
        server.kill()?;
        let again = ServerProcess::start(dir, moves)?;
        let database_cache_bytes = cache_bytes(database_bytes);
        let beyond_bytes = server_rss_bytes as f64 - database_cache_bytes as f64;
        Ok(Growth {
            name: "growth",
            devices: self.devices,
            audit_events: self.audit_events,
            filled_in_s: self.filled_in_s,
            database_bytes,
            start_up_s,
            start_up_after_kill_s: again.start_up.as_secs_f64(),
            server_rss_bytes,
            database_cache_bytes,
            rss_bytes_per_device: (self.devices >= MANY).then(|| beyond_bytes / f64::from(self.devices)),
            load_average: load_average(),
        })
    }
}

fn cache_bytes(database_bytes: u64) -> u64 {
    let tuning = Tuning::default();
    let of = |mib: u32| (u64::from(mib) << 20).min(database_bytes);
    of(tuning.writer_cache_mib) + tuning.readers as u64 * of(tuning.reader_cache_mib)
}

impl Growth {
    pub(crate) fn print(&self) {
        println!(
            "{} devices and {} events of the trail besides, filled in {:.1} s: {:.0} MiB on disk",
            self.devices,
            self.audit_events,
            self.filled_in_s,
            mib(self.database_bytes),
        );
        println!(
            "the server starts in {:.2} s, after a kill in {:.2} s; it has {:.0} MiB in memory, of which up to {:.0} are the \
             database's caches",
            self.start_up_s,
            self.start_up_after_kill_s,
            mib(self.server_rss_bytes),
            mib(self.database_cache_bytes),
        );
        if let Some(bytes) = self.rss_bytes_per_device {
            println!("{bytes:.0} bytes a device without the caches");
        }
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
