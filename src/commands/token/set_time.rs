use std::process::ExitCode;

use clap::Args;
use link::Comparing;
use serde_json::json;

use super::{
    port::{Port, now_unix_s, random},
    seed_key::SeedFile,
};
use crate::{
    Failure,
    commands::{Done, print_json},
};

#[derive(Args)]
pub(in crate::commands) struct SetTime {
    #[command(flatten)]
    port: Port,
    #[command(flatten)]
    seeds: SeedFile,
    /// Prints an object
    #[arg(long)]
    json: bool,
}

impl SetTime {
    pub(super) fn run(self) -> Done {
        let mut link = self.port.link()?;
        let about = link.hello()?;
        let serial_number = about.serial_number.ok_or_else(|| {
            Failure::new("the token has no secret, so its clock is set when it gets one")
                .help("`countersign token provision` does both")
        })?;
        let key = self.seeds.management_key(&serial_number)?;
        let set = link
            .open(&*random()?, Comparing::No)?
            .set_time(now_unix_s(), key.expose_secret())?;
        if self.json {
            print_json(&json!({
                "serial_number": serial_number,
                "shift_s": set.shift_s,
                "allowance_s": set.allowance_s,
            }))?;
        } else {
            tell!(
                "{serial_number}: the clock was set by {:+} s; {} s are left for this year",
                set.shift_s,
                set.allowance_s
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
