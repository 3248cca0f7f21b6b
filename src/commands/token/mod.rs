//! `countersign token …`: what is done with hardware tokens, one subcommand a file.

mod info;
mod port;
mod ports;
mod simulate;
mod status;

use clap::Subcommand;

use super::Done;

/// `countersign token …`
#[derive(Subcommand)]
pub(super) enum Token {
    /// Lists the serial ports of this machine
    Ports(ports::Ports),
    /// Asks who is there
    Info(info::Info),
    /// Asks a token how it is: clock, battery, last error
    Status(status::StatusOf),
    /// Runs a token on this machine, to try everything without one
    Simulate(simulate::Simulate),
}

impl Token {
    pub(super) fn run(self) -> Done {
        match self {
            Self::Ports(ports) => ports.run(),
            Self::Info(info) => info.run(),
            Self::Status(status) => status.run(),
            Self::Simulate(simulate) => simulate.run(),
        }
    }
}
