use std::process::ExitCode;

use clap::Args;
use link::{Comparing, LinkError};
use serde_json::json;

use super::{
    port::{Port, random},
    seed_key::SeedFile,
};
use crate::{
    Failure,
    commands::{Done, print_json},
};

#[derive(Args)]
pub(in crate::commands) struct Verify {
    #[command(flatten)]
    port: Port,
    #[command(flatten)]
    seeds: SeedFile,
    /// Prints an object
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Done {
        let mut link = self.port.link()?;
        let about = link.hello()?;
        let serial_number = about.serial_number.ok_or_else(|| {
            Failure::new("the token has no secret").help("`countersign token provision` gives it one")
        })?;
        let seed = self.seeds.seed(&serial_number)?;
        let mut session = link.open(&*random()?, Comparing::No)?;
        let proved = match session.prove(seed.secret.expose_secret(), &*random()?) {
            Ok(()) => true,
            Err(LinkError::WrongProof) => false,
            Err(error) => return Err(error.into()),
        };
        if self.json {
            print_json(&json!({"serial_number": serial_number, "proved": proved}))?;
        } else if proved {
            tell!("{serial_number}: the token has the secret of the file")?;
        } else {
            tell!("{serial_number}: the token has another secret than the file: put it aside")?;
        }
        Ok(if proved { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}
