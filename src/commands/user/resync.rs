//! `countersign user resync`: a device's clock, measured by two consecutive codes.

use std::process::ExitCode;

use api::{Device, ResyncRequest};
use clap::Args;

use super::{CodeSource, OneDevice, actor};
use crate::{
    client::Client,
    commands::{Done, output::Output},
};

#[derive(Args)]
pub(super) struct Resync {
    #[command(flatten)]
    pub(super) of: OneDevice,
}

impl Resync {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let path = self.of.path(client, "/resync")?;
        let mut codes = CodeSource::open(&self.of.codes, output)?;
        let first = codes.next("Code that the device shows")?;
        let second = codes.next("The next code, once it changed")?;
        let body = ResyncRequest {
            codes: [first, second],
            identity_proof: None,
            actor: actor(),
        };
        let device = client.post::<Device>(&path, &body)?;
        output.print(&device, || {
            format!(
                "resynced: the device is {} steps off, and expected there",
                device.drift_steps
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
