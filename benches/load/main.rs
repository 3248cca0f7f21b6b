//! What the service bears: `cargo xtask load` runs this.
//!
//! The server runs in a process of its own, this same program with a private argument, on a directory of its
//! own on the disk where the program lies. Everything is on as in production but two things: the clock is one that
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
#[path = "../support/disk.rs"]
mod disk;
mod expected;
#[path = "../support/filled.rs"]
mod filled;
mod lone;
mod pages;
#[path = "../support/population.rs"]
mod population;
mod report;
mod run;
mod scenario;
mod served;
mod server_process;
mod silence;

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
    /// Bound devices in the store
    #[arg(long, default_value_t = 10_000)]
    devices: u32,
    /// Measured seconds of each scenario
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Only the scenarios whose name contains this, with what they are held against
    #[arg(long)]
    scenario: Option<String>,
    /// This process is the server, on this directory
    #[arg(long, hide = true)]
    serve: Option<PathBuf>,
    /// What cargo says to a benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.serve {
        Some(dir) => served::serve(dir, arguments.devices),
        None => run::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
