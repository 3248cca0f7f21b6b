//! One command, one file: a new one is a file here, a variant and an arm.

use std::process::ExitCode;

mod bench;
mod firmware;
mod lint;
mod load;
mod measure;
mod soak;
mod test;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Install what the tests need (with apt, when root), build for a Cortex-M, run every test, and every benchmark for a
    /// moment
    Test,
    /// Formatting and clippy in every workspace, documentation and the tidiness of the tree
    Lint,
    /// Run the benchmarks beside their peers
    Bench(bench::Arguments),
    /// Verifications over HTTP beside an echo, a bare database and an fdatasync; latencies at fixed rates, the traffic of a day,
    /// a flood, a large store: in one run
    Load(load::Arguments),
    /// The token's firmware: build it for every board, measure it, run it in the emulator
    #[command(subcommand)]
    Firmware(firmware::Command),
    /// The size of functions and files, and how much is explained, of each crate
    Measure(measure::Arguments),
    /// Run every test with its full count, and the load over a large store: hours, not minutes
    Soak,
}

impl Command {
    pub(crate) fn run(self) -> ExitCode {
        match self {
            Self::Test => test::run(),
            Self::Lint => lint::run(),
            Self::Bench(arguments) => bench::run(&arguments),
            Self::Load(arguments) => load::run(&arguments),
            Self::Firmware(command) => command.run(),
            Self::Measure(arguments) => measure::run(&arguments),
            Self::Soak => soak::run(),
        }
    }
}
