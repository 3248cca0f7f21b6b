//! `countersign user …`: a user's devices, through a running service; one subcommand a file.

mod asked;
mod bind;
mod codes;
mod devices;
mod history;
mod resync;
mod unbind;
mod unlock;
mod verify;
mod why;

use api::{Actor, ActorKind, Device, Name};
use clap::{Args, Subcommand};
use uuid::Uuid;

pub(super) use self::codes::{CodeSource, Codes};
use super::{Done, server::Server};
use crate::{
    Failure,
    client::{Client, User as UserName},
};

/// `countersign user …`, over HTTP.
#[derive(Args)]
pub(super) struct User {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
}

#[derive(Subcommand)]
enum Command {
    /// Binds an authenticator app: draws its QR code, asks for its code
    Bind(bind::Bind),
    /// Lists a user's devices and what protects them
    Devices(devices::Devices),
    /// Says whether a code is right; exit code 1 if it is not
    Verify(verify::Verify),
    /// Measures a device's clock, or finds its counter, by two consecutive codes
    Resync(resync::Resync),
    /// Ends a device by a code of it
    Unbind(unbind::Unbind),
    /// Lifts a lock, or a suspension, of a device
    Unlock(unlock::Unlock),
    /// Lists what happened to a user, the newest first, with the causes
    History(history::History),
    /// Says why the last codes were refused, what stands in the way, and what to tell the user
    Why(why::Why),
}

impl Command {
    fn codes(&self) -> Option<&Codes> {
        match self {
            Self::Bind(bind) => Some(&bind.codes),
            Self::Devices(_) | Self::Unlock(_) | Self::History(_) | Self::Why(_) => None,
            Self::Verify(verify) => Some(&verify.codes),
            Self::Resync(resync) => Some(&resync.of.codes),
            Self::Unbind(unbind) => Some(&unbind.of.codes),
        }
    }
}

impl User {
    pub(super) fn run(self) -> Done {
        self.command.codes().map_or(Ok(()), Codes::are_elsewhere)?;
        let client = self.server.client()?;
        let output = self.server.output();
        match self.command {
            Command::Bind(bind) => bind.run(&client, &output),
            Command::Devices(devices) => devices.run(&client, &output),
            Command::Verify(verify) => verify.run(&client, &output),
            Command::Resync(resync) => resync.run(&client, &output),
            Command::Unbind(unbind) => unbind.run(&client, &output),
            Command::Unlock(unlock) => unlock.run(&client, &output),
            Command::History(history) => history.run(&client, &output),
            Command::Why(why) => why.run(&client, &output),
        }
    }
}

#[derive(Args)]
struct Who {
    /// The account
    account: Name,
    /// The user under it
    user: Name,
}

impl Who {
    fn name(&self) -> UserName<'_> {
        UserName {
            account: self.account.as_str(),
            user: self.user.as_str(),
        }
    }
}

/// A device of a user.
#[derive(Args)]
struct OneDevice {
    #[command(flatten)]
    who: Who,
    /// The device [default: the only one]
    #[arg(long)]
    device: Option<Uuid>,
    #[command(flatten)]
    codes: Codes,
}

impl OneDevice {
    /// The path of a call to the device that is meant.
    fn path(&self, client: &Client, call: &str) -> Result<String, Failure> {
        let id = match self.device {
            Some(id) => id,
            None => only(&self.who, client)?,
        };
        Ok(self.who.name().path(&format!("/devices/{id}{call}")))
    }
}

/// The only device of a user.
fn only(who: &Who, client: &Client) -> Result<Uuid, Failure> {
    let user = client.get::<api::User>(&who.name().path(""))?;
    match &user.devices[..] {
        [Device { id, .. }] => Ok(*id),
        [] => Err(Failure::new("the user has no bound device")
            .help("`countersign user bind ACCOUNT USER` binds one; names are told apart by every letter")),
        _ => Err(Failure::usage("the user has several devices")
            .help("name one with --device ID; `countersign user devices ACCOUNT USER` lists them")),
    }
}

fn actor() -> Actor {
    Actor::named("countersign user", ActorKind::Admin)
}
