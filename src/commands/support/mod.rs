//! `countersign support …`: what support does for users who are stuck, through a running service; one subcommand a file.

mod diagnose;
mod passcode;
mod unbind;
mod unbind_words;

use api::{Actor, ActorKind, Approver, FactorMethod, Name};
use clap::{Args, Subcommand};

use super::{
    Done,
    output::Output,
    server::Server,
    user::{CodeSource, Codes},
};
use crate::Failure;

/// `countersign support …`, over HTTP.
#[derive(Args)]
pub(super) struct Support {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
}

#[derive(Subcommand)]
enum Command {
    /// Says why a code of a user was refused, once its time is over
    Diagnose(diagnose::Diagnose),
    /// Lets a user who lost their device log in once: asked for by one person, approved by another
    #[command(subcommand)]
    Passcode(passcode::Passcode),
    /// Ends devices that their user cannot end: opened by one person, approved by another, finished by the user
    #[command(subcommand)]
    Unbind(unbind::Unbind),
}

impl Support {
    pub(super) fn run(self) -> Done {
        let client = self.server.client()?;
        let output = self.server.output();
        match self.command {
            Command::Diagnose(diagnose) => diagnose.run(&client, &output),
            Command::Passcode(passcode) => passcode.run(&client, &output),
            Command::Unbind(unbind) => unbind.run(&client, &output),
        }
    }
}

fn actor() -> Actor {
    Actor::named("countersign support", ActorKind::Support)
}

/// Who acts.
#[derive(Args)]
struct Person {
    /// Who you are, for the trail; whoever approves is another
    #[arg(long, value_name = "NAME")]
    actor: Name,
}

impl Person {
    fn actor(&self) -> Actor {
        Actor {
            id: self.actor.clone(),
            kind: ActorKind::Support,
            ip: None,
        }
    }
}

/// Who approves: the person whom the key is bound to, and a code of theirs.
#[derive(Args)]
struct Approving {
    /// The user whom your key is bound to
    #[arg(long = "as", value_name = "ACCOUNT/USER", value_parser = user)]
    approver: (Name, Name),
    /// The code is one of your recovery codes
    #[arg(long)]
    recovery_code: bool,
    #[command(flatten)]
    codes: Codes,
    #[command(flatten)]
    person: Person,
}

impl Approving {
    fn approver(&self, output: &Output) -> Result<Approver, Failure> {
        let mut codes = CodeSource::open(&self.codes, output)?;
        let code = codes.next("Code of your own device, to approve")?;
        let (account, user) = self.approver.clone();
        let method = match self.recovery_code {
            true => FactorMethod::RecoveryCode,
            false => FactorMethod::Totp,
        };
        Ok(Approver {
            account,
            user,
            code,
            method,
        })
    }
}

/// `ACCOUNT/USER`.
pub(super) fn user(text: &str) -> Result<(Name, Name), String> {
    let both = text.split_once('/').ok_or("it is ACCOUNT/USER")?;
    let name = |text: &str| text.parse::<Name>().map_err(|error| error.to_string());
    Ok((name(both.0)?, name(both.1)?))
}
