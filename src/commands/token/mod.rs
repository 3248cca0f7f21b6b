//! `countersign token …`: hardware tokens, at the desk and in the inventory; one subcommand a file.

mod find;
mod import;
mod info;
mod list;
mod port;
mod ports;
mod provision;
mod seed_key;
mod set_time;
mod simulate;
mod status;
mod verify;
mod wipe;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Done, user::Server};

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
    Import(AtService<import::Import>),
    /// Lists the inventory, by serial number
    List(AtService<list::List>),
    /// Says whose token it is, by the code it shows
    Find(AtService<find::Find>),
}

/// What is asked of a running service.
#[derive(Args)]
pub(super) struct AtService<T: Args> {
    #[command(flatten)]
    what: T,
    #[command(flatten)]
    server: Server,
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
            Self::Import(AtService { what, server }) => what.run(&server.client()?, &server.said()),
            Self::List(AtService { what, server }) => what.run(&server.client()?, &server.said()),
            Self::Find(AtService { what, server }) => what.run(&server.client()?, &server.said()),
        }
    }
}

fn actor() -> Value {
    json!({"id": "countersign token", "kind": "admin"})
}

/// A token in a line.
fn line(token: &Value) -> String {
    let text = |field: &str| token[field].as_str().unwrap_or_default();
    let mut line = format!("{}  {}  {}", text("serial_number"), text("state"), text("batch"));
    if let (Some(account), Some(user)) = (token["account"].as_str(), token["user"].as_str()) {
        line += &format!("  {account}/{user}");
    }
    match token["drift_steps"].as_i64() {
        Some(0) | None => {}
        Some(steps) => line += &format!("  clock {steps:+} steps"),
    }
    line
}
