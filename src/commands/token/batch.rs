//! `countersign token batch …`: tokens that came together, and who may bind them.

use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use super::inventory::{Asked, actor, pages};
use crate::{
    client::{Client, encoded},
    commands::{Done, user::Said},
};

/// `countersign token batch …`
#[derive(Subcommand)]
pub(in crate::commands) enum Batch {
    /// Lists the batches, by name
    List(Asked<List>),
    /// Says who may bind a token of it; devices that are bound stay
    Open(Asked<Open>),
}

impl Batch {
    pub(super) fn run(self) -> Done {
        match self {
            Self::List(asked) => asked.run(List::run),
            Self::Open(asked) => asked.run(Open::run),
        }
    }
}

#[derive(Args)]
pub(in crate::commands) struct List {}

impl List {
    fn run(self, client: &Client, said: &Said) -> Done {
        pages("/v1/batches?limit=1000", client, said, line)
    }
}

#[derive(Args)]
#[command(group = ArgGroup::new("to").required(true).args(["everybody", "nobody", "account", "user"]))]
pub(in crate::commands) struct Open {
    /// The batch
    name: String,
    /// To every user
    #[arg(long)]
    everybody: bool,
    /// Closes it
    #[arg(long)]
    nobody: bool,
    /// To every user of this account; several times for several
    #[arg(long)]
    account: Vec<String>,
    /// To this user of this account; several times for several
    #[arg(long, num_args = 2, value_names = ["ACCOUNT", "USER"])]
    user: Vec<String>,
}

impl Open {
    fn run(self, client: &Client, said: &Said) -> Done {
        let open_to = if self.everybody {
            json!({"kind": "everybody"})
        } else if self.nobody {
            json!({"kind": "nobody"})
        } else if !self.account.is_empty() {
            json!({"kind": "accounts", "accounts": self.account})
        } else {
            let user = |pair: &[String]| json!({"account": pair[0], "user": pair[1]});
            let users: Vec<Value> = self.user.chunks_exact(2).map(user).collect();
            json!({"kind": "users", "users": users})
        };
        let body = json!({"open_to": open_to, "actor": actor()});
        let batch = client.patch(&format!("/v1/batches/{}", encoded(&self.name)), &body)?;
        said.say(&batch, || line(&batch))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A batch in a line.
fn line(batch: &Value) -> String {
    let open_to = &batch["open_to"];
    let kind = open_to["kind"].as_str().unwrap_or_default();
    let named = open_to[kind].as_array().cloned().unwrap_or_default();
    let name = |name: &Value| match (name.as_str(), &name["account"], &name["user"]) {
        (Some(account), ..) => account.to_owned(),
        (None, account, user) => format!(
            "{}/{}",
            account.as_str().unwrap_or_default(),
            user.as_str().unwrap_or_default()
        ),
    };
    let names: Vec<String> = named.iter().map(name).collect();
    let line = format!(
        "{}  open to {kind} {}",
        batch["name"].as_str().unwrap_or_default(),
        names.join(", ")
    );
    line.trim_end().to_owned()
}
