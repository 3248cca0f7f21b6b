//! The terminal's clipboard, by the escape sequence OSC 52: it reaches the clipboard in front of the person, also over SSH.
//! With the feature `clipboard` the desktop's, where there is one.

#[cfg(feature = "clipboard")]
mod desktop;

#[cfg(feature = "clipboard")]
pub(crate) use desktop::{Copied, hold};

use std::{
    fs::{File, OpenOptions},
    io,
    process::Stdio,
    thread,
    time::Duration,
};

use data_encoding::BASE64;
use vault::CodeText;
use zeroize::Zeroizing;

use crate::{Machine, Refusal, background::background};

/// Copies, and has the clipboard emptied after a while by a process that knows nothing of the code.
pub(crate) fn copy(machine: &Machine, code: &CodeText, clear_after: Duration) -> Result<(), Refusal> {
    let is_ours_to_empty = put(machine, code, clear_after).map_err(without_copy)?;
    if !is_ours_to_empty {
        return Ok(());
    }
    empty_later(machine, clear_after)
        .map_err(|error| Refusal::new(format!("copied, but the clipboard will not be emptied: {error}")))
}

/// Copies. A terminal's clipboard is then the caller's to empty; a desktop's empties itself, and false is said.
pub(crate) fn put(machine: &Machine, code: &CodeText, clear_after: Duration) -> Result<bool, Refusal> {
    #[cfg(feature = "clipboard")]
    if desktop::copy(machine, code, clear_after) {
        return Ok(false);
    }
    #[cfg(not(feature = "clipboard"))]
    let _of_the_desktop_alone = (machine, clear_after);
    let encoded = Zeroizing::new(BASE64.encode(code.expose().as_bytes()));
    terminal()
        .and_then(|mut terminal| set(&mut terminal, &encoded))
        .map(|()| true)
        .map_err(none_is)
}

/// Checks that there is a clipboard, for whoever pays for what is copied before it is.
pub(crate) fn is_there() -> Result<(), Refusal> {
    #[cfg(feature = "clipboard")]
    if desktop::is_there() {
        return Ok(());
    }
    terminal().map(drop).map_err(none_is).map_err(without_copy)
}

fn none_is(error: io::Error) -> Refusal {
    Refusal::new(format!("there is no terminal with a clipboard: {error}"))
}

fn without_copy(refusal: Refusal) -> Refusal {
    refusal.help("leave --copy out")
}

/// Empties it.
pub(crate) fn empty() -> io::Result<()> {
    set(&mut terminal()?, "")
}

/// Empties the clipboard after a while, also when this process has ended.
pub(crate) fn empty_later(machine: &Machine, time: Duration) -> io::Result<()> {
    let child = background(machine, "clear-clipboard", time)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(terminal()?)
        .stderr(Stdio::null())
        .spawn();
    child.map(drop)
}

fn terminal() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

/// Runs the process that empties the clipboard; its stdout is the terminal.
pub(crate) fn clear_after(time: Duration) {
    // The shell's job control, and the end of the session, leave it alone until it is done.
    let _already_leads = rustix::process::setsid();
    thread::sleep(time);
    let _hung_up = set(&mut io::stdout(), "");
}

fn set(terminal: &mut impl io::Write, encoded: &str) -> io::Result<()> {
    let sequence = Zeroizing::new(format!("\x1b]52;c;{encoded}\x07"));
    terminal.write_all(sequence.as_bytes())?;
    terminal.flush()
}
