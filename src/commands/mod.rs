//! The command line: one subcommand, one file.

mod audit;
mod authenticator;
mod beside;
mod clock;
mod demo;
mod key;
mod keyring;
mod output;
mod serve;
mod server;
mod support;
mod token;
mod user;
mod user_names;
mod webhook;

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write as _},
    process::ExitCode,
};

use clap::{
    CommandFactory as _, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};
use vault::is_shown;

use crate::Failure;

/// A second factor for a cloud's users: binds authenticator apps and tokens, and says whether a code is right,
/// each only once.
#[derive(Parser)]
#[command(name = "countersign", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the service: one command, one SQLite file
    Serve(serve::Serve),
    /// Makes, lists and revokes API keys, beside a running service too
    #[command(subcommand)]
    Key(key::Key),
    /// Binds, verifies, resyncs and unbinds users' devices through a running service
    User(user::User),
    /// Asks for users who are stuck, through a running service
    Support(support::Support),
    /// Tells programs of yours what happens to users: notices, signed and in order
    Webhook(webhook::Webhook),
    /// Programs hardware tokens over their serial line, and looks after them in the inventory
    #[command(subcommand)]
    Token(token::Token),
    /// Tells the whole story step by step, on data that is gone afterwards
    Demo(demo::Demo),
    /// Is an authenticator app: keeps entries in a sealed vault, and shows their codes
    #[command(visible_alias = "auth")]
    Authenticator(Box<authenticator::Authenticator>),
    /// Looks at the clock, and accepts it where the service doubts it
    #[command(subcommand)]
    Clock(clock::Clock),
    /// Shows how the names of users are compared, and sets it where no service runs
    #[command(subcommand)]
    UserNames(user_names::UserNames),
    /// Rotates keys of the keyring, beside a running service too
    #[command(subcommand)]
    Keyring(keyring::Keyring),
    /// Lists records of the audit trail, and verifies it
    #[command(subcommand)]
    Audit(audit::Audit),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(mut error) => {
            // It would name what only the program itself starts, too; `--help` does not.
            error.remove(ContextKind::ValidSubcommand);
            name_commands(&mut error);
            let words = error.render().to_string();
            if words.chars().all(|character| character == '\n' || is_shown(character)) {
                error.exit()
            }
            eprintln!("{}", words.trim_end());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match command {
        Command::Serve(serve) => serve.run(),
        Command::Key(key) => key.run(),
        Command::User(user) => user.run(),
        Command::Support(support) => support.run(),
        Command::Webhook(webhook) => webhook.run(),
        Command::Token(token) => token.run(),
        Command::Demo(demo) => demo.run(),
        Command::Authenticator(authenticator) => authenticator::run(*authenticator),
        Command::Clock(clock) => clock.run(),
        Command::UserNames(user_names) => user_names.run(),
        Command::Keyring(keyring) => keyring.run(),
        Command::Audit(audit) => audit.run(),
    };
    match done {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

/// Names the commands there are, where an unknown one is like none of them.
fn name_commands(error: &mut clap::Error) {
    if error.kind() != clap::error::ErrorKind::InvalidSubcommand
        || error.get(ContextKind::SuggestedSubcommand).is_some()
    {
        return;
    }
    // "Usage: countersign audit <COMMAND>"
    let usage = error
        .get(ContextKind::Usage)
        .map(ToString::to_string)
        .unwrap_or_default();
    let path = usage
        .split_whitespace()
        .skip(2)
        .take_while(|word| !word.starts_with(['[', '<']));
    let root = Cli::command();
    let Some(command) = path.into_iter().try_fold(&root, |at, word| at.find_subcommand(word)) else {
        return;
    };
    let names = command.get_subcommands().filter(|command| !command.is_hide_set());
    let names: Vec<_> = names.map(clap::Command::get_name).collect();
    let tip = format!("the commands here are {}", names.join(", "));
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
}

/// A command's result: 0 done, 1 refused.
pub(crate) type Done = Result<ExitCode, Failure>;

/// A runtime for the commands that need one for a moment.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no runtime: {error}")))?;
    Ok(runtime.block_on(work))
}

/// Lines on stdout, with what others wrote in them shown escaped.
pub(crate) fn print_line(line: impl Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    printed(vault::write_shown(&mut stdout, format_args!("{line}")).and_then(|()| stdout.write_all(b"\n")))
}

/// A picture on stdout, colours and all.
pub(crate) fn print_picture(picture: impl Display) -> Result<(), Failure> {
    printed(writeln!(io::stdout(), "{picture}"))
}

/// Whoever stops reading early has had enough.
fn printed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("nothing could be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// A state, a kind or an outcome of the contract, as it stands in JSON.
pub(crate) fn word(of: &impl serde::Serialize) -> String {
    let word = serde_json::to_value(of).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

/// Prints one JSON value on stdout. Characters that a terminal does not show can only stand in its strings, where they are
/// the same when escaped.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::new)?;
    if text.chars().all(|character| character == '\n' || is_shown(character)) {
        return print_picture(text);
    }
    let mut escaped = String::with_capacity(text.len() + 64);
    for character in text.chars() {
        if character == '\n' || is_shown(character) {
            escaped.push(character);
        } else {
            let units = character.encode_utf16(&mut [0; 2]).to_vec();
            escaped.extend(units.into_iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    print_picture(escaped)
}
