//! What the service bears: `cargo xtask load` runs this.
//!
//! The server runs in a process of its own, this same program with a private argument, on a directory of its
//! own on the disk where the program lies; another one has filled it before. Everything is on as in production but two things: the clock is one that
//! is moved on when the users have no fresh code left, and beside the calls there is an echo route, the ceiling
//! that every figure is held against. Scenarios and ceilings take turns in short slices, so that whatever else the
//! machine does slows down both.
#![allow(clippy::disallowed_methods, reason = "a developer's tool asks its own machine")]

#[path = "../support/bare.rs"]
mod bare;
mod callers;
mod challenge;
#[path = "../support/client.rs"]
mod client;
mod closed;
mod counted;
#[path = "../support/disk.rs"]
mod disk;
mod expected;
#[path = "../support/filled.rs"]
mod filled;
mod filling;
mod flood;
mod growth;
mod heads;
mod lone;
mod measured;
mod mixed;
mod open;
mod pages;
mod picture;
#[path = "../support/population.rs"]
mod population;
mod rates;
mod report;
mod request;
mod run;
mod scenario;
mod served;
mod server_process;
mod shots;
mod silence;
mod trail;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

type Any<T> = Result<T, Box<dyn std::error::Error>>;

/// What the service bears, beside an echo and the bare database.
#[derive(Parser)]
#[command(bin_name = "cargo xtask load")]
struct Arguments {
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Bound devices in the store, 64 at least: one for each connection
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(scenario::CONNECTIONS as i64..))]
    devices: u32,
    /// Measured seconds of each scenario
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// Only the scenario of this name, or those whose name contains this, with what they are held against
    #[arg(long)]
    scenario: Option<String>,
    /// Nothing that scenarios are held against, so that a profile of the server shows them alone; its process id is told
    #[arg(long)]
    no_echo: bool,
    /// Draws the latencies of `http single` and of the echo at shares of their capacity into this file
    #[arg(long, value_name = "FILE", conflicts_with = "no_echo")]
    svg: Option<PathBuf>,
    /// Measures at once, not only when the server has read everybody's row, which takes half a minute for a million
    #[arg(long)]
    cold: bool,
    /// Further events in the trail, about 350 bytes each
    #[arg(long, value_name = "N", default_value_t = 0)]
    audit_events: u64,
    /// Where the developer is
    #[arg(long, hide = true, default_value = ".")]
    here: PathBuf,
    /// This process is the server, on this directory
    #[arg(long, hide = true)]
    serve: Option<PathBuf>,
    /// How often its clock was moved before
    #[arg(long, hide = true, default_value_t = 0)]
    moves: u64,
    /// This process fills the store of this directory, and ends
    #[arg(long, hide = true, conflicts_with = "serve")]
    fill: Option<PathBuf>,
    /// What cargo says to a benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn seconds(typed: &str) -> Result<f64, String> {
    let seconds = typed.parse().ok().filter(|seconds| (0.1..=86_400.0).contains(seconds));
    seconds.ok_or_else(|| "from 0.1 to 86400".into())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (&arguments.serve, &arguments.fill) {
        (Some(dir), _) => served::serve(dir, arguments.moves),
        (None, Some(dir)) => filling::fill(dir, arguments.devices, arguments.audit_events),
        (None, None) => run::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
