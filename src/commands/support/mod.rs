//! `countersign support …`: what support asks for users who are stuck, through a running service; one subcommand a file.

mod diagnose;

use api::{Actor, ActorKind};
use clap::{Args, Subcommand};

use super::{Done, server::Server};

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
}

impl Support {
    pub(super) fn run(self) -> Done {
        let client = self.server.client()?;
        let output = self.server.output();
        match self.command {
            Command::Diagnose(diagnose) => diagnose.run(&client, &output),
        }
    }
}

fn actor() -> Actor {
    Actor::named("countersign support", ActorKind::Support)
}
