//! Programs of this machine, and how they are started.

use std::{
    env,
    ffi::OsString,
    io::{IsTerminal, stderr},
    path::{Path, PathBuf},
    process::Command,
};

use crate::report::Outcome;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors()
        .nth(2)
        .expect("xtask lies two levels below the root")
        .to_owned()
}

/// Cargo at the root, telling what it compiles only to a person who watches.
pub(crate) fn cargo() -> Command {
    let mut cargo = cargo_verbose();
    if !stderr().is_terminal() {
        cargo.env("CARGO_TERM_QUIET", "true");
    }
    cargo
}

/// Cargo at the root, with all it says.
pub(crate) fn cargo_verbose() -> Command {
    at_root(Command::new(program()))
}

/// Runs cargo; unless a person watches, it and all it started end after so many minutes: a test that hangs is to fail while
/// its name still stands there.
pub(crate) fn cargo_within_minutes(minutes: u32) -> Command {
    if stderr().is_terminal() {
        return cargo_verbose();
    }
    let mut timeout = Command::new("timeout");
    timeout.args(["--kill-after=10", &format!("{minutes}m")]).arg(program());
    at_root(timeout)
}

fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn at_root(mut cargo: Command) -> Command {
    cargo.current_dir(root());
    // What `cargo run` told xtask about itself: ring's build script watches some of it and would compile everything anew.
    for (name, _) in env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Runs a program whose output the developer sees; the note is empty.
pub(crate) fn run(command: &mut Command) -> Outcome {
    match command.status() {
        Ok(status) if status.success() => Ok(String::new()),
        Ok(status) => Err(format!("{} ended with {status}", shown(command))),
        Err(error) => Err(format!("{} did not start: {error}", shown(command))),
    }
}

/// Runs a program quietly and returns its stdout; all it said is in the error.
pub(crate) fn output(command: &mut Command) -> Outcome {
    match command.output() {
        Ok(done) if done.status.success() => Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned()),
        Ok(done) => {
            let said = [done.stdout, done.stderr].concat();
            Err(format!(
                "{} ended with {}\n{}",
                shown(command),
                done.status,
                String::from_utf8_lossy(&said).trim()
            ))
        }
        Err(error) => Err(format!("{} did not start: {error}", shown(command))),
    }
}

pub(crate) fn has_program(program: &str) -> bool {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|directory| directory.join(program).is_file())
}

pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    format!(
        "`{}`",
        [program].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
    )
}
