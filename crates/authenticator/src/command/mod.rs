//! The command line: one subcommand, one file.

mod add;
mod bind;
mod code;
mod edit;
mod export;
mod import;
mod incoming;
mod list;
mod owners_words;
mod passphrase;
mod remove;
mod scan;
mod show;
mod slot;
mod tui;
mod unlock;

use std::{
    io::{self, ErrorKind, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Subcommand};

pub use bind::{Bind, Binding, Unconfirmed};

use crate::{
    Machine, Refusal, agent, clipboard,
    quiet::{QuietUntilDone, end_quiet},
    secrecy::keep_memory_private,
    vault_session::{VaultArgs, VaultSession},
};

/// `countersign authenticator …`
#[derive(Args)]
pub struct Authenticator {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    vault: VaultArgs,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    OfPerson(OfPerson),
    #[command(flatten)]
    Background(Background),
}

#[derive(Subcommand)]
enum OfPerson {
    /// Adds an entry; the first one makes the vault
    Add(Box<add::Add>),
    /// Becomes a user's device at a Countersign service, in one step
    Bind(bind::Bind),
    /// Adds the entries of QR codes in pictures
    Scan(scan::Scan),
    /// Lists the entries
    List(list::List),
    /// Shows an entry's code
    Code(code::Code),
    /// Shows an entry; its secret only when that is asked for
    Show(show::Show),
    /// Changes an entry's names, note or groups
    Edit(edit::Edit),
    /// Removes an entry for ever
    Remove(remove::Remove),
    /// Takes what another app exported, and names what does not come
    Import(import::Import),
    /// Writes all entries for another app, or as a backup
    Export(export::Export),
    /// Shows all codes, and does all of this, on the whole terminal
    Tui(tui::Tui),
    /// Changes the vault's passphrase
    Passphrase(passphrase::Passphrase),
    /// Lists, adds and removes ways to open the vault
    #[command(subcommand)]
    Slot(slot::Slot),
    /// Keeps the vault unlocked for a while
    Unlock(unlock::Unlock),
    /// Locks it at once
    Lock(unlock::Lock),
}

/// Background processes, which only this program starts.
#[derive(Subcommand)]
enum Background {
    /// Keeps a vault's key, which comes on stdin
    #[command(hide = true)]
    Agent {
        #[arg(long)]
        socket: PathBuf,
        #[arg(long)]
        seconds: u64,
    },
    /// Empties the terminal's clipboard after a while
    #[command(hide = true)]
    ClearClipboard {
        #[arg(long)]
        seconds: u64,
    },
    /// Holds a code, which comes on stdin, in the desktop's clipboard for a while
    #[cfg(feature = "clipboard")]
    #[command(hide = true)]
    HoldClipboard {
        #[arg(long)]
        seconds: u64,
    },
}

impl Authenticator {
    /// Does what was asked: data on stdout, the rest on stderr.
    ///
    /// # Errors
    /// [`Refusal`], to be said on stderr.
    pub fn run(self, machine: &Machine) -> Result<ExitCode, Refusal> {
        keep_memory_private()
            .map_err(|error| Refusal::new(format!("this process could not be made private, so it ends: {error}")))?;
        match self.command {
            Command::OfPerson(command) => {
                let _quiet = QuietUntilDone;
                command.run(&self.vault.session(machine)?)
            }
            Command::Background(process) => {
                process.run();
                DONE
            }
        }
    }
}

impl OfPerson {
    fn run(self, session: &VaultSession<'_>) -> Done {
        match self {
            Self::Add(add) => add.run(session),
            Self::Bind(bind) => bind.run(session),
            Self::Scan(scan) => scan.run(session),
            Self::List(list) => list.run(session),
            Self::Code(code) => code.run(session),
            Self::Show(show) => show.run(session),
            Self::Edit(edit) => edit.run(session),
            Self::Remove(remove) => remove.run(session),
            Self::Import(import) => import.run(session),
            Self::Export(export) => export.run(session),
            Self::Tui(tui) => tui.run(session),
            Self::Passphrase(passphrase) => passphrase.run(session),
            Self::Slot(slot) => slot.run(session),
            Self::Unlock(unlock) => unlock.run(session),
            Self::Lock(lock) => lock.run(session),
        }
    }
}

impl Background {
    fn run(self) {
        match self {
            Self::Agent { socket, seconds } => agent::keep(&socket, Duration::from_secs(seconds)),
            Self::ClearClipboard { seconds } => clipboard::clear_after(Duration::from_secs(seconds)),
            #[cfg(feature = "clipboard")]
            Self::HoldClipboard { seconds } => clipboard::hold(Duration::from_secs(seconds)),
        }
    }
}

/// A command's result: 0 done, 1 refused or failed.
type Done = Result<ExitCode, Refusal>;

const DONE: Done = Ok(ExitCode::SUCCESS);

/// Text on stdout; whoever stops reading early has had enough.
fn print(text: &str) -> Result<(), Refusal> {
    print_bytes(text.as_bytes())
}

/// Bytes on stdout; whoever stops reading early has had enough.
fn print_bytes(bytes: &[u8]) -> Result<(), Refusal> {
    match write_out(bytes) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Refusal::new(format!("nothing could be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Whole, or why it did not get there: what stdout's buffer keeps until the end is lost without a word.
fn write_out(bytes: &[u8]) -> io::Result<()> {
    end_quiet();
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush())
}

/// Checks that stdout can be written to: a full device and a descriptor that cannot be written to say so at once.
fn stdout_takes() -> io::Result<()> {
    rustix::io::write(io::stdout(), &[])?;
    Ok(())
}

/// Prints one JSON value on stdout.
fn print_json(value: &serde_json::Value) -> Result<(), Refusal> {
    print(&format!("{value:#}\n"))
}
