//! `countersign token export …`: seeds leave by four eyes.

use std::{path::PathBuf, process::ExitCode};

use api::{Actor, ActorKind, Export as Asking, ExportActRequest, ExportFileRequest, ExportRequest, Name};
use clap::{ArgGroup, Args, Subcommand};
use keyring::private_file;
use serde_json::json;

use super::{inventory::Asked, seed_key::SeedKey};
use crate::{
    Failure,
    client::{Client, encoded},
    commands::{Done, output::Output, word},
};

/// `countersign token export …`
#[derive(Subcommand)]
pub(in crate::commands) enum Export {
    /// Asks that seeds of unbound tokens leave; another person approves
    Request(Asked<Request>),
    /// Shows what was asked for
    Show(Asked<Show>),
    /// Approves of what another asked for, with a key that another owner answers for
    Approve(Asked<Act>),
    /// Fetches the encrypted file of what was approved, once
    Fetch(Asked<Fetch>),
    /// Ends an export before anything has left
    Withdraw(Asked<Act>),
}

impl Export {
    pub(super) fn run(self) -> Done {
        match self {
            Self::Request(asked) => asked.run(Request::run),
            Self::Show(asked) => asked.run(Show::run),
            Self::Approve(asked) => asked.run(|act, client, output| act.run("approve", client, output)),
            Self::Fetch(asked) => asked.run(Fetch::run),
            Self::Withdraw(asked) => asked.run(|act, client, output| act.run("withdraw", client, output)),
        }
    }
}

/// Who acts.
#[derive(Args)]
struct Person {
    /// Who you are, for the trail; whoever approves is another
    #[arg(long, value_name = "NAME")]
    actor: Name,
}

impl Person {
    fn actor(self) -> Actor {
        Actor {
            id: self.actor,
            kind: ActorKind::Admin,
            ip: None,
        }
    }
}

#[derive(Args)]
#[command(group = ArgGroup::new("whose").required(true).args(["serial_numbers", "batch"]))]
pub(in crate::commands) struct Request {
    /// Whose seeds: serial numbers, at most 1,000
    serial_numbers: Vec<Name>,
    /// Instead: whatever is unbound in this batch
    #[arg(long)]
    batch: Option<Name>,
    /// What people call the recipient's key; stands in the file
    #[arg(long, value_name = "NAME")]
    recipient: Name,
    /// A file with the recipient's key: 16, 24 or 32 bytes, as they are or hexadecimal
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    #[command(flatten)]
    person: Person,
}

impl Request {
    fn run(self, client: &Client, output: &Output) -> Done {
        let key = SeedKey::read(&self.key_file)?;
        let body = ExportRequest {
            serial_numbers: self.batch.is_none().then_some(self.serial_numbers),
            batch: self.batch,
            recipient: self.recipient,
            key_base64: key.to_base64(),
            actor: self.person.actor(),
        };
        let export = client.post::<Asking>("/v1/exports", &body)?;
        output.print(&export, || {
            format!(
                "{}\nanother person approves with a key of their own: countersign token export approve {}",
                words(&export),
                export.id
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub(in crate::commands) struct Show {
    /// The export's id
    id: String,
}

impl Show {
    fn run(self, client: &Client, output: &Output) -> Done {
        let export = client.get::<Asking>(&format!("/v1/exports/{}", encoded(&self.id)))?;
        output.print(&export, || {
            let tokens = export.serial_numbers.iter().map(|token| format!("\n  {token}"));
            words(&export) + &tokens.collect::<String>()
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub(in crate::commands) struct Act {
    /// The export's id
    id: String,
    #[command(flatten)]
    person: Person,
}

impl Act {
    fn run(self, act: &str, client: &Client, output: &Output) -> Done {
        let path = format!("/v1/exports/{}/{act}", encoded(&self.id));
        let actor = self.person.actor();
        let export = client.post::<Asking>(&path, &ExportActRequest { actor })?;
        output.print(&export, || words(&export))?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub(in crate::commands) struct Fetch {
    /// The export's id
    id: String,
    /// Where the file is written; no other file is overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A file with the key that it was asked for with
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    #[command(flatten)]
    person: Person,
}

impl Fetch {
    fn run(self, client: &Client, output: &Output) -> Done {
        let key = SeedKey::read(&self.key_file)?;
        let out = self.out.display();
        // There is one file: whatever can fail here fails before it is fetched.
        if self.out.exists() {
            return Err(
                Failure::usage(format!("{out} is there already")).help("name a file that is not, with --out FILE")
            );
        }
        let kept = |bytes: &[u8]| {
            private_file::write(&self.out, bytes)
                .map_err(|error| Failure::new(format!("{out} cannot be written: {error}")))
        };
        kept(&[])?;
        let body = ExportFileRequest {
            key_base64: key.to_base64(),
            actor: self.person.actor(),
        };
        let fetched = client.post_for_bytes(&format!("/v1/exports/{}/file", encoded(&self.id)), &body);
        let file = fetched.inspect_err(|_| drop(std::fs::remove_file(&self.out)))?;
        kept(&file)?;
        output.print(&json!({"file": self.out, "bytes": file.len()}), || {
            format!("{out} is written, encrypted")
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn words(export: &Asking) -> String {
    let mut words = format!(
        "export {}: {} token(s) for {}, {}; asked for by {}",
        export.id,
        export.serial_numbers.len(),
        export.recipient,
        word(&export.state),
        export.requested_by,
    );
    if let Some(person) = &export.approved_by {
        words += &format!(", approved by {person}");
    }
    words
}
