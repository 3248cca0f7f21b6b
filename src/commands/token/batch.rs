//! `countersign token batch …`: tokens that came together, and who may bind them.

use std::process::ExitCode;

use api::{Batch as Lot, BatchChangeRequest, BatchPage, BatchQuery, BetaUser, OpenTo, OpenToKind, PageSize};
use clap::{ArgGroup, Args, Subcommand};

use super::inventory::{Asked, actor, pages};
use crate::{
    client::{Client, encoded},
    commands::{Done, output::Output, word},
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
    fn run(self, client: &Client, output: &Output) -> Done {
        let limit = PageSize::MAX;
        let page = |cursor| client.list::<BatchPage>("/v1/batches", &BatchQuery { limit, cursor });
        pages(page, output, line)
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
    fn run(self, client: &Client, output: &Output) -> Done {
        let path = format!("/v1/batches/{}", encoded(&self.name));
        let body = BatchChangeRequest {
            open_to: Some(self.open_to()),
            note: None,
            actor: actor(),
        };
        let batch = client.patch::<Lot>(&path, &body)?;
        output.print(&batch, || line(&batch))?;
        Ok(ExitCode::SUCCESS)
    }

    fn open_to(self) -> OpenTo {
        let (mut accounts, mut users) = (None, None);
        let kind = if self.everybody {
            OpenToKind::Everybody
        } else if self.nobody {
            OpenToKind::Nobody
        } else if !self.account.is_empty() {
            accounts = Some(self.account);
            OpenToKind::Accounts
        } else {
            users = Some(pairs(self.user));
            OpenToKind::Users
        };
        OpenTo { kind, accounts, users }
    }
}

/// Accounts and users, which clap has in a row.
fn pairs(names: Vec<String>) -> Vec<BetaUser> {
    let mut names = names.into_iter();
    std::iter::from_fn(|| {
        let (account, user) = names.next().zip(names.next())?;
        Some(BetaUser { account, user })
    })
    .collect()
}

/// A batch in a line.
fn line(batch: &Lot) -> String {
    let open_to = &batch.open_to;
    let accounts = open_to.accounts.iter().flatten().cloned();
    let users = open_to.users.iter().flatten();
    let users = users.map(|BetaUser { account, user }| format!("{account}/{user}"));
    let names: Vec<_> = accounts.chain(users).collect();
    let line = format!("{}  open to {} {}", batch.name, word(&open_to.kind), names.join(", "));
    line.trim_end().to_owned()
}
