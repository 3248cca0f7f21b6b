//! Developer commands: `cargo xtask` lists them. A command is a file in `commands/`.
#![allow(clippy::disallowed_methods, reason = "a developer's tool asks its own machine")]

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

mod benchmarks;
mod commands;
mod cortex_m;
#[path = "../../../tests/support/emulator.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod emulator;
mod firmware;
mod footprint;
mod machine;
mod packages;
mod python;
mod report;
mod tidy;
mod workspaces;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Developer commands of Countersign")]
struct Arguments {
    #[command(subcommand)]
    command: Option<commands::Command>,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Some(command) => command.run(),
        None => {
            let _ = Arguments::command().print_help(); // a closed stdout is no failure of ours
            ExitCode::SUCCESS
        }
    }
}
