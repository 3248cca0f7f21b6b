//! `countersign token …`: what is done with hardware tokens, one subcommand a file.

mod batch;
mod drift;
mod export;
mod find;
pub(super) mod import;
mod info;
mod inventory;
mod list;
mod mark;
pub(super) mod port;
mod ports;
mod provision;
pub(super) mod seed_key;
mod set_time;
mod simulate;
mod status;
mod verify;
mod wipe;

use clap::Subcommand;

use self::inventory::Asked;
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
    /// Programs tokens in a row: secret, serial number, time; then seals them
    Provision(Box<provision::Provision>),
    /// Sets a sealed token's clock by this machine's, ten minutes a year at most
    SetTime(set_time::SetTime),
    /// Has a token prove that it has the secret of a seed file; exit code 1 if it has not
    Verify(verify::Verify),
    /// Erases a token's secret
    Wipe(wipe::Wipe),
    /// Runs a token on this machine, to try everything without one
    Simulate(simulate::Simulate),
    /// Takes the tokens of a seed file into the inventory: all of them, or none
    Import(Asked<import::Import>),
    /// Lists the inventory, by serial number
    List(Asked<list::List>),
    /// Counts devices by batch and clock, and lists those about to leave the window
    Drift(Asked<drift::Drift>),
    /// Says whose token it is, by the code it shows
    Find(Asked<find::Find>),
    /// Sets a token aside for a user
    Assign(Asked<mark::Assign>),
    /// Says what has become of a token
    Mark(Asked<mark::Mark>),
    /// Lists batches, and opens them to those who may bind
    #[command(subcommand)]
    Batch(batch::Batch),
    /// Lets seeds of unbound tokens leave, encrypted, by four eyes
    #[command(subcommand)]
    Export(export::Export),
}

impl Token {
    pub(super) fn run(self) -> Done {
        match self {
            Self::Ports(ports) => ports.run(),
            Self::Info(info) => info.run(),
            Self::Status(status) => status.run(),
            Self::Provision(provision) => provision.run(),
            Self::SetTime(set_time) => set_time.run(),
            Self::Verify(verify) => verify.run(),
            Self::Wipe(wipe) => wipe.run(),
            Self::Simulate(simulate) => simulate.run(),
            Self::Import(asked) => asked.run(import::Import::run),
            Self::List(asked) => asked.run(list::List::run),
            Self::Drift(asked) => asked.run(drift::Drift::run),
            Self::Find(asked) => asked.run(find::Find::run),
            Self::Assign(asked) => asked.run(mark::Assign::run),
            Self::Mark(asked) => asked.run(mark::Mark::run),
            Self::Batch(batch) => batch.run(),
            Self::Export(export) => export.run(),
        }
    }
}
