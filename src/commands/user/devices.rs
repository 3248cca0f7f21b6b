//! `countersign user devices`: a user's devices, and what protects the user.

use std::process::ExitCode;

use api::{Device, Road, Timestamp, User};
use clap::Args;

use super::Who;
use crate::{
    client::Client,
    commands::{Done, output::Output, word},
};

#[derive(Args)]
pub(super) struct Devices {
    #[command(flatten)]
    who: Who,
}

impl Devices {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let user = client.get::<User>(&self.who.name().path(""))?;
        output.print(&user, || words(&user))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn words(user: &User) -> String {
    let mut lines: Vec<_> = user.devices.iter().map(line).collect();
    if lines.is_empty() {
        lines.push("no device is bound".into());
    }
    lines.push(format!(
        "login protection: {}, operation protection: {}, recovery codes left: {}",
        word(&user.protection.login_protection),
        word(&user.protection.operation_protection),
        user.recovery_codes_left,
    ));
    lines.join("\n")
}

/// A device in a line.
fn line(device: &Device) -> String {
    let until = |what: &str, until: Option<Timestamp>| {
        let until = until.map(|until| format!(", {what} until {until}"));
        until.unwrap_or_default()
    };
    format!(
        "{}  {}  {}{}{}{}  {}  bound {}",
        device.id,
        word(&device.kind),
        word(&device.state),
        until("locked", device.locked_until),
        until("refused", device.refused_until),
        suspended(&device.suspended),
        device.label,
        device.bound_at
    )
}

fn suspended(roads: &[Road]) -> String {
    if roads.is_empty() {
        return String::new();
    }
    let names: Vec<_> = roads.iter().map(word).collect();
    format!(", suspended: {}", names.join(" and "))
}
