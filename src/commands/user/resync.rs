//! `countersign user resync`: a device's clock measured, or its counter found, by two consecutive codes.

use std::process::ExitCode;

use api::{Device, OtpType, ResyncRequest};
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
        let second = codes.next("The next code, once it changed, or after another press of the button")?;
        let body = ResyncRequest {
            codes: [first, second],
            identity_proof: None,
            actor: actor(),
        };
        let device = client.post::<Device>(&path, &body)?;
        output.print(&device, || match device.otp_type {
            OtpType::Totp => format!(
                "resynced: the device is {} steps off, and expected there",
                device.drift_steps
            ),
            OtpType::Hotp => "resynced: the token's counter is found, and its next code expected".into(),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
