use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use service::Caller;

use super::{Done, beside::beside, print_json};
use crate::{
    Failure,
    heads::SecondCopy,
    home::{Environment, KEYRING},
    settings::Configured,
};

/// `countersign keyring …`
#[derive(Subcommand)]
pub(super) enum Keyring {
    /// Adds a key to take over from the newest of its kind
    Rotate(Rotate),
}

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Rotate {
    /// Which keys: those that sign grants
    kind: KeyKind,
    /// Prints an object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    second: SecondCopy,
    #[command(flatten)]
    configured: Configured,
}

/// Keys that rotate.
#[derive(Clone, Copy, ValueEnum)]
enum KeyKind {
    Grant,
}

const AFTER_HELP: &str = "A grant key is published at once, signs after ten minutes, when verifiers have had time to fetch it, \
                          and its predecessor is published for an hour more: every grant is good until it expires. A \
                          service that runs takes it in within a second. Keep a new copy of the keyring then.";

impl Keyring {
    pub(super) fn run(self) -> Done {
        match self {
            Self::Rotate(rotate) => match rotate.kind {
                KeyKind::Grant => rotate.grant(),
            },
        }
    }
}

impl Rotate {
    fn grant(self) -> Done {
        let (dir, _) = self.configured.read()?;
        let environment = Environment::of(&dir)?;
        let key = environment.keyring.new_grant_key().map_err(Failure::new)?;
        beside(&self.configured, &self.second, "keyring", async |service| {
            service.record_grant_key(&Caller::shell(), key.id()).await
        })?;
        let now = environment.clock.now();
        let added = environment.keyring.add_grant_key(&dir.join(KEYRING), &key, now);
        added.map_err(|error| {
            Failure::new(error).help("the trail has a record of this key, which was not made: try again")
        })?;
        if self.json {
            print_json(&json!({"kid": key.id()}))?;
        } else {
            tell!("{}", key.id())?;
        }
        eprintln!(
            "published; it signs in ten minutes. Keep a new copy of the keyring, apart from the database's backups"
        );
        Ok(ExitCode::SUCCESS)
    }
}
