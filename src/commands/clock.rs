use std::{
    io::{self, BufRead as _, IsTerminal as _},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, Subcommand};
use serde_json::json;
use service::{Actor, ActorKind, Caller, ClockStatus, DeviceAhead, look_at_clock};
use store_sqlite::Sqlite;

use super::{Done, beside::beside, block_on, print_json};
use crate::{
    Failure,
    heads::SecondCopy,
    real::{self, RealClock},
    settings::Configured,
};

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
    configured: Configured,
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
    configured: Configured,
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
        let (status, ahead) = look(&self.configured)?;
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
        let (status, ahead) = look(&self.configured)?;
        tell(&status, &ahead)?;
        if status.trouble.is_none() {
            // A running one may know better: it remembers times of which there is no record.
            eprintln!(
                "nothing on record speaks against this clock: there is nothing to accept, unless /readyz of a running \
                 service says that it doubts it"
            );
        }
        if !self.yes {
            confirm()?;
        }
        let caller = Caller::shell().acting(Actor {
            id: self
                .actor
                .or_else(real::login_name)
                .unwrap_or_else(|| "operator".into()),
            kind: ActorKind::Admin,
            ip: None,
        });
        beside(&self.configured, &self.second, "clock", async |service| {
            service.accept_clock(&caller).await
        })?;
        eprintln!("accepted; a service that doubted the clock goes on within seconds");
        Ok(ExitCode::SUCCESS)
    }
}

/// A look leaves nothing behind.
fn look(configured: &Configured) -> Result<(ClockStatus, Vec<DeviceAhead>), Failure> {
    let (dir, settings) = configured.read()?;
    let store = Sqlite::open_to_read(&dir).map_err(Failure::new)?;
    let clock = Arc::new(RealClock::new());
    let seen = block_on(look_at_clock(&store, clock, &settings))?.map_err(Failure::new)?;
    store.close().map_err(Failure::new)?;
    Ok(seen)
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
    match &status.trouble {
        Some(trouble) => tell!("believed       no: {trouble}")?,
        None => tell!("believed       yes")?,
    }
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
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new("not accepted; nothing was changed"))
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
