//! `countersign user-names …`: how the names of users stand in a data directory, and setting that where no service runs.

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use service::{
    Actor, ActorKind, Caller, NameCollision, RenamedUsers, UserNames as Names, UserNamesSet, set_user_names,
};
use store::Store;
use store_sqlite::Sqlite;

use super::{Done, beside::alone_before, block_on, print_json};
use crate::{Failure, heads::SecondCopy, real, settings::Configured};

/// `countersign user-names …`
#[derive(Subcommand)]
pub(super) enum UserNames {
    /// Shows how names are compared in the database
    Show(Show),
    /// Sets it, while no service runs: to fold the case of names, every user is renamed
    Set(Set),
}

#[derive(Args)]
pub(super) struct Show {
    /// Prints an object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    configured: Configured,
}

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Set {
    /// How names are to be compared
    #[arg(value_name = "HOW")]
    how: How,
    /// Asks nothing
    #[arg(long)]
    yes: bool,
    /// Prints an object
    #[arg(long)]
    json: bool,
    /// Who says so, for the audit trail [default: who is logged in]
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    second: SecondCopy,
    #[command(flatten)]
    configured: Configured,
}

const AFTER_HELP: &str = "\
Two users of one account who would have one name are listed, and nothing is changed: exit code 1.
Erase one of them while the service runs as before, and try again; that their devices are unbound
is not enough: DELETE /v1/accounts/ACCOUNT/users/USER?actor_id=ME&actor_kind=admin&erase=true. A
command that was interrupted goes on when it is run again; until then no service starts.

Back to `exact` nobody is renamed: names stay as they are, folded.";

/// How names are compared.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum How {
    /// Byte for byte
    Exact,
    /// Without their case
    CaseInsensitive,
}

impl UserNames {
    pub(super) fn run(self) -> Done {
        match self {
            Self::Show(show) => show.run(),
            Self::Set(set) => set.run(),
        }
    }
}

impl Show {
    fn run(self) -> Done {
        let (dir, _) = self.configured.read()?;
        // A look leaves nothing behind.
        let store = Sqlite::open_to_read(&dir).map_err(Failure::new)?;
        let read: &dyn Store = &store;
        let record = block_on(read.user_names())?.map_err(Failure::new)?;
        store.close().map_err(Failure::new)?;
        let names = record.as_ref().map_or(Names::default(), |record| record.user_names);
        let renaming = record.is_some_and(|record| record.renaming);
        match (self.json, renaming) {
            (true, _) => print_json(&json!({"user_names": names.name(), "renaming": renaming}))?,
            (false, false) => tell!("{}", names.name())?,
            (false, true) => tell!("{}, and not every user is renamed yet", names.name())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    fn run(self) -> Done {
        let wanted = match self.how {
            How::Exact => Names::Exact,
            How::CaseInsensitive => Names::CaseInsensitive,
        };
        if wanted == Names::CaseInsensitive && !self.yes {
            confirm()?;
        }
        let caller = Caller::shell().acting(Actor {
            id: self
                .actor
                .or_else(real::login_name)
                .unwrap_or_else(|| "operator".into()),
            kind: ActorKind::Admin,
            ip: None,
        });
        let set = alone_before(&self.configured, &self.second, "user-names", async |ports| {
            set_user_names(&caller, ports, wanted).await
        })?;
        match set {
            UserNamesSet::Done(done) => told(wanted, done, self.json),
            UserNamesSet::Collides(count, named) => collide(count, &named, self.json),
        }
    }
}

fn told(wanted: Names, done: RenamedUsers, as_json: bool) -> Done {
    let name = wanted.name();
    let RenamedUsers {
        renamed,
        forgotten,
        records,
    } = done;
    if as_json {
        print_json(&json!({"user_names": name, "renamed": renamed, "forgotten": forgotten, "records": records}))?;
    } else {
        tell!("{name}: users renamed: {renamed}; other spellings forgotten: {forgotten}; records changed: {records}")?;
    }
    eprintln!("set user_names = \"{name}\" under [policy], or leave it out, and start the service");
    Ok(ExitCode::SUCCESS)
}

fn collide(count: u64, named: &[NameCollision], as_json: bool) -> Done {
    if as_json {
        let shown = |collision: &NameCollision| {
            let NameCollision { account, name, users } = collision;
            json!({"account": account, "name": name, "users": users})
        };
        print_json(&json!({"collisions": count, "items": named.iter().map(shown).collect::<Vec<_>>()}))?;
    } else {
        for NameCollision { account, name, users } in named {
            tell!("{account}: {} and {} would both be {name}", users[0], users[1])?;
        }
    }
    eprintln!(
        "error: {count} pair(s) of users would have one name, and nothing was changed: erase one of each \
         while the service runs as before, and try again: \
         DELETE /v1/accounts/ACCOUNT/users/USER?actor_id=ME&actor_kind=admin&erase=true"
    );
    Ok(ExitCode::from(1))
}

/// Goes on with a yes, and with nothing else.
fn confirm() -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(
            Failure::usage("nobody is there to be asked whether every user is to be renamed")
                .help("make a backup; then say so with --yes"),
        );
    }
    eprint!(
        "Every user is renamed, and how they were spelled is forgotten. Is there a backup, and shall it be? [y/N] "
    );
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(Failure::new)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new("nothing was changed"))
}
