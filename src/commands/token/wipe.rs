use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::Args;
use link::Comparing;

use super::{
    port::{Port, random},
    seed_key::SeedFile,
};
use crate::{Failure, commands::Done};

#[derive(Args)]
pub(in crate::commands) struct Wipe {
    #[command(flatten)]
    port: Port,
    #[command(flatten)]
    seeds: SeedFile,
    /// Does not ask whether it is meant
    #[arg(long)]
    yes: bool,
}

impl Wipe {
    pub(super) fn run(self) -> Done {
        let mut link = self.port.link()?;
        let about = link.hello()?;
        let serial_number = about
            .serial_number
            .ok_or_else(|| Failure::new("the token has no secret: there is nothing to erase"))?;
        let key = self.seeds.management_key(&serial_number)?;
        if !self.yes && !is_meant(&serial_number)? {
            return Err(Failure::new("nothing was erased"));
        }
        link.open(&*random()?, Comparing::No)?.wipe(key.expose_secret())?;
        eprintln!("{serial_number}: erased; the token can be provisioned anew");
        Ok(ExitCode::SUCCESS)
    }
}

fn is_meant(serial_number: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(
            Failure::usage("an erased secret does not come back, so somebody has to say that it is meant")
                .help("say so with --yes"),
        );
    }
    let serial_number = vault::shown(serial_number);
    eprint!("Erase the secret of {serial_number}? Its codes end at once. [y/N] ");
    io::stderr().flush().map_err(Failure::new)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Failure::new)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
