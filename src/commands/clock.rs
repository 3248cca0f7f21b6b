use std::{
    io::{self, BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use serde_json::json;
use service::{Actor, ActorKind, ClockStatus, DeviceAhead, Origin};

use super::{Done, key::beside, print_json};
use crate::{Failure, heads::SecondCopy, home::Home, real};

/// `countersign clock …`
#[derive(Subcommand)]
pub(super) enum Clock {
    /// Shows the clock beside the newest record, and the devices that are refused because it was ahead once
    Status(Status),
    /// Says that the clock is right: a service that doubts it goes on with it, now or when it starts
    Accept(Accept),
}

#[derive(Args)]
pub(super) struct Status {
    /// Prints an object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    home: Home,
}

#[derive(Args)]
pub(super) struct Accept {
    /// Asks nothing
    #[arg(long)]
    yes: bool,
    /// Who says so, for the audit trail [default: who is logged in]
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    second: SecondCopy,
    #[command(flatten)]
    home: Home,
}

impl Clock {
    pub(super) fn run(self) -> Done {
        match self {
            Self::Status(status) => status.run(),
            Self::Accept(accept) => accept.run(),
        }
    }
}

impl Status {
    fn run(self) -> Done {
        let (status, ahead) = look(&self.home)?;
        if self.json {
            let ahead: Vec<_> = ahead.iter().map(described).collect();
            print_json(&json!({
                "now": time(status.now),
                "newest_record": status.newest_record.map(time),
                "gap_s": status.gap_ms() / 1_000,
                "synchronised": status.synchronised,
                "trouble": status.trouble,
                "devices_ahead": ahead,
            }))?;
        } else {
            tell(&status, &ahead)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Accept {
    fn run(self) -> Done {
        let (status, ahead) = look(&self.home)?;
        tell(&status, &ahead)?;
        if !self.yes {
            confirm()?;
        }
        let origin = Origin {
            actor: Some(Actor {
                id: self
                    .actor
                    .or_else(real::login_name)
                    .unwrap_or_else(|| "operator".into()),
                kind: ActorKind::Admin,
                ip: None,
            }),
            ..Origin::default()
        };
        beside(&self.home, self.second.heads_file, "clock", async |service| {
            service.accept_clock(&origin).await
        })?;
        eprintln!("accepted; a service that doubted the clock goes on within seconds");
        Ok(ExitCode::SUCCESS)
    }
}

fn look(home: &Home) -> Result<(ClockStatus, Vec<DeviceAhead>), Failure> {
    beside(home, None, "clock", async |service| {
        Ok((service.clock_status().await?, service.devices_ahead().await?))
    })
}

fn tell(status: &ClockStatus, ahead: &[DeviceAhead]) -> Result<(), Failure> {
    tell!("now            {}", time(status.now))?;
    match status.newest_record {
        Some(newest) => tell!("newest record  {}", time(newest))?,
        None => tell!("newest record  none")?,
    }
    tell!("gap            {}", status.gap())?;
    let word = if status.synchronised {
        "yes"
    } else {
        "no, as far as the kernel says"
    };
    tell!("synchronised   {word}")?;
    let believed = status.trouble.as_deref().unwrap_or("yes");
    tell!("believed       {believed}")?;
    tell!("devices ahead  {}", ahead.len())?;
    ahead.iter().try_for_each(|device| {
        let (owner, until) = (&device.owner, time(device.refused_until));
        tell!(
            "  {}/{}  {}  refused until {until}",
            owner.account,
            owner.user,
            device.id
        )
    })
}

/// Goes on with a yes, and with nothing else.
fn confirm() -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(
            Failure::usage("nobody is there to be asked whether this clock is right")
                .help("look at the lines above; if the clock is right, say so with --yes"),
        );
    }
    eprint!("Is this the right time? What is judged by a clock that is ahead stays refused afterwards. [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(Failure::new)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new("not accepted; the clock is doubted as before"))
}

fn described(device: &DeviceAhead) -> serde_json::Value {
    json!({
        "account": device.owner.account,
        "user": device.owner.user,
        "device_id": device.id,
        "refused_until": time(device.refused_until),
    })
}

fn time(at: service::UnixMs) -> api::Timestamp {
    api::Timestamp::from(at.get())
}
