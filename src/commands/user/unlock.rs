//! `countersign user unlock`: the end of a lock, or of a suspension.

use std::process::ExitCode;

use api::{Actor, ActorKind, Device, Timestamp, UnlockRequest};
use clap::Args;
use uuid::Uuid;

use super::{Who, only};
use crate::{
    client::Client,
    commands::{Done, output::Output, word},
};

#[derive(Args)]
pub(super) struct Unlock {
    #[command(flatten)]
    who: Who,
    /// The device [default: the only one]
    #[arg(long)]
    device: Option<Uuid>,
    /// When the user's password, or its like, was changed: for the third suspension within 13 weeks
    #[arg(long, value_name = "TIME")]
    first_factor_changed_at: Option<Timestamp>,
}

impl Unlock {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let id = match self.device {
            Some(id) => id,
            None => only(&self.who, client)?,
        };
        let body = UnlockRequest {
            first_factor_changed_at: self.first_factor_changed_at,
            actor: Actor::named("countersign user", ActorKind::Support),
        };
        let path = self.who.name().path(&format!("/devices/{id}/unlock"));
        let device = client.post::<Device>(&path, &body)?;
        output.print(&device, || {
            format!("{}: {}, its codes are judged again", device.id, word(&device.state))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
