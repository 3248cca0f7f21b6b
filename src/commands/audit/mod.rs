//! `countersign audit …`: the trail, read and held against its heads.

mod list;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use service::{Finding, verify_trail};
use store_sqlite::Sqlite;

pub(super) use self::list::{HEAD, cause, event, line};
use super::{Done, block_on, print_json};
use crate::{
    Failure,
    heads::Heads,
    home::{Environment, HEADS},
    settings::Configured,
};

/// `countersign audit …`
#[derive(Subcommand)]
pub(super) enum Audit {
    /// Lists records of the trail, the newest first, through a running service
    List(list::List),
    /// Finds rows that were changed, removed or cut off, and chains that are missing; exit code 1 if any were
    Verify(Verify),
}

#[derive(Args)]
pub(super) struct Verify {
    /// Signed heads that were kept apart from the database: a copy of audit.heads, or what GET /v1/audit/heads answered
    /// [default: audit.heads in the data directory]
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
    /// Prints the report as one object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    configured: Configured,
}

impl Audit {
    pub(super) fn run(self) -> Done {
        match self {
            Self::List(list) => list.run(),
            Self::Verify(verify) => verify.run(),
        }
    }
}

impl Verify {
    fn run(self) -> Done {
        if let Some(path) = self.heads.as_ref().filter(|path| !path.exists()) {
            return Err(Failure::usage(format!("{} does not exist", path.display()))
                .help("name a copy of audit.heads that is there, or leave out --heads"));
        }
        let (dir, _) = self.configured.read()?;
        let environment = Environment::of(&dir)?;
        let is_a_copy = self.heads.is_some();
        let path = self.heads.unwrap_or_else(|| dir.join(HEADS));
        let heads = Heads::kept(&path)?.unwrap_or_default();
        // Each line of a copy counts for itself: somebody may have kept the newest ones alone.
        heads.whole(&path, &*environment.keyring, is_a_copy)?;
        let store = Sqlite::open_to_read(&dir).map_err(Failure::new)?;
        let mut report =
            block_on(verify_trail(&store, &*environment.keyring, heads.as_slice()))?.map_err(Failure::new)?;
        store.close().map_err(Failure::new)?;
        if report.heads == 0 && report.rows > 0 {
            report.findings.push(Finding::of_all(format!(
                "no head to hold it against in {}: a cut tail cannot be seen; name a kept copy with --heads FILE",
                path.display()
            )));
        }
        if self.json {
            print_json(&report)?;
        } else {
            tell!(
                "{} rows in {} chains, held against {} heads",
                report.rows,
                report.chains,
                report.heads
            )?;
            report.findings.iter().try_for_each(|finding| tell!("{finding}"))?;
        }
        if report.findings.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Err(
            Failure::new(format!("the trail does not hold: {} finding(s)", report.findings.len()))
                .help("keep the database and the heads file as they are, and find out who could write to them"),
        )
    }
}
