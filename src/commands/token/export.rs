//! `countersign token export …`: seeds leave by four eyes.

use std::{path::PathBuf, process::ExitCode};

use clap::{ArgGroup, Args, Subcommand};
use data_encoding::BASE64;
use keyring::private_file;
use serde_json::{Value, json};

use super::{inventory::Asked, seed_key::SeedKey};
use crate::{
    Failure,
    client::{Client, encoded},
    commands::{Done, user::Said},
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
            Self::Approve(asked) => asked.run(|act, client, said| act.run("approve", client, said)),
            Self::Fetch(asked) => asked.run(Fetch::run),
            Self::Withdraw(asked) => asked.run(|act, client, said| act.run("withdraw", client, said)),
        }
    }
}

/// Who acts.
#[derive(Args)]
struct Person {
    /// Who you are, for the trail; whoever approves is another
    #[arg(long, value_name = "NAME")]
    actor: String,
}

impl Person {
    fn body(&self) -> Value {
        json!({"actor": {"id": self.actor, "kind": "admin"}})
    }
}

#[derive(Args)]
#[command(group = ArgGroup::new("whose").required(true).args(["serial_numbers", "batch"]))]
pub(in crate::commands) struct Request {
    /// Whose seeds: serial numbers, at most 1,000
    serial_numbers: Vec<String>,
    /// Instead: whatever is unbound in this batch
    #[arg(long)]
    batch: Option<String>,
    /// What people call the recipient's key; stands in the file
    #[arg(long, value_name = "NAME")]
    recipient: String,
    /// A file with the recipient's key: 16, 24 or 32 bytes, as they are or hexadecimal
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    #[command(flatten)]
    person: Person,
}

impl Request {
    fn run(self, client: &Client, said: &Said) -> Done {
        let key = SeedKey::read(&self.key_file)?;
        let mut body = self.person.body();
        body["recipient"] = self.recipient.into();
        body["key_base64"] = BASE64.encode(key.expose_secret()).into();
        match self.batch {
            Some(batch) => body["batch"] = batch.into(),
            None => body["serial_numbers"] = self.serial_numbers.into(),
        }
        let export = client.post("/v1/exports", &body)?;
        said.say(&export, || {
            let id = text(&export, "id");
            format!(
                "{}\nanother person approves with a key of their own: countersign token export approve {id}",
                words(&export)
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
    fn run(self, client: &Client, said: &Said) -> Done {
        let export = client.get(&format!("/v1/exports/{}", encoded(&self.id)))?;
        said.say(&export, || {
            let tokens = export["serial_numbers"].as_array().cloned().unwrap_or_default();
            let tokens: String = tokens
                .iter()
                .flat_map(Value::as_str)
                .map(|token| format!("\n  {token}"))
                .collect();
            words(&export) + &tokens
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
    fn run(self, act: &str, client: &Client, said: &Said) -> Done {
        let export = client.post(&format!("/v1/exports/{}/{act}", encoded(&self.id)), &self.person.body())?;
        said.say(&export, || words(&export))?;
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
    fn run(self, client: &Client, said: &Said) -> Done {
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
        let mut body = self.person.body();
        body["key_base64"] = BASE64.encode(key.expose_secret()).into();
        let fetched = client.post_for_bytes(&format!("/v1/exports/{}/file", encoded(&self.id)), &body);
        let file = fetched.inspect_err(|_| drop(std::fs::remove_file(&self.out)))?;
        kept(&file)?;
        said.say(&json!({"file": self.out, "bytes": file.len()}), || {
            format!("{out} is written, encrypted")
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn text<'a>(export: &'a Value, field: &str) -> &'a str {
    export[field].as_str().unwrap_or_default()
}

fn words(export: &Value) -> String {
    let count = export["serial_numbers"].as_array().map_or(0, Vec::len);
    let mut words = format!(
        "export {}: {} token(s) for {}, {}; asked for by {}",
        text(export, "id"),
        count,
        text(export, "recipient"),
        text(export, "state"),
        text(export, "requested_by"),
    );
    if let Some(person) = export["approved_by"].as_str() {
        words += &format!(", approved by {person}");
    }
    words
}
