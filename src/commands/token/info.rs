use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use vault::shown;

use super::port::{Port, status_name};
use crate::commands::{Done, print_json};

#[derive(Args)]
pub(in crate::commands) struct Info {
    #[command(flatten)]
    port: Port,
    /// Prints an object
    #[arg(long)]
    json: bool,
}

impl Info {
    pub(super) fn run(self) -> Done {
        let about = self.port.link()?.hello()?;
        let state = status_name(about.status);
        if self.json {
            print_json(&json!({
                "model": about.model,
                "firmware_version": about.firmware_version,
                "serial_number": about.serial_number,
                "state": state,
            }))?;
        } else {
            let serial_number = about.serial_number.as_deref().unwrap_or("no serial number");
            let (model, version) = (shown(&about.model), shown(&about.firmware_version));
            tell!("{model} {version}, {}, {state}", shown(serial_number))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
