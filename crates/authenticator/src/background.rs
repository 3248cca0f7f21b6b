//! Processes of this program that stay when the command has ended.

use std::{process::Command, time::Duration};

use crate::Machine;

/// A background process, to be given its streams and started. It gets nothing else that is open here: not the pipe that
/// somebody reads to its end, not the lock that a script has for as long as its command runs.
pub(crate) fn background(machine: &Machine, name: &str, lasts: Duration) -> Command {
    const FIRST_AFTER_STDERR: i32 = 3;
    // What this process opened itself closes by itself already; what it was given does not.
    close_fds::set_fds_cloexec(FIRST_AFTER_STDERR, &[]);
    let mut command = Command::new(&machine.executable);
    command.args(["authenticator", name, "--seconds"]);
    command.arg(lasts.as_secs().to_string());
    command
}
