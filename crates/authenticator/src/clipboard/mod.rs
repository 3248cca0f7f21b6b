//! The terminal's clipboard, by the escape sequence OSC 52: it reaches the clipboard in front of the person, also over SSH.
//! With the feature `clipboard` the desktop's, where there is one.

#[cfg(feature = "clipboard")]
mod desktop;

#[cfg(feature = "clipboard")]
pub(crate) use desktop::hold;

use std::{
    fs::OpenOptions,
    io,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use data_encoding::BASE64;
use vault::CodeText;
use zeroize::Zeroizing;

use crate::{Machine, Refusal};

/// Copies, and has the clipboard emptied after a while by a process that knows nothing of the code.
pub(crate) fn copy(machine: &Machine, code: &CodeText, clear_after: Duration) -> Result<(), Refusal> {
    #[cfg(feature = "clipboard")]
    if desktop::copy(machine, code, clear_after) {
        return Ok(());
    }
    let no_terminal =
        |error| Refusal::new(format!("there is no terminal with a clipboard: {error}")).help("leave --copy out");
    let mut terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .map_err(no_terminal)?;
    let encoded = Zeroizing::new(BASE64.encode(code.expose().as_bytes()));
    set(&mut terminal, &encoded).map_err(no_terminal)?;
    let child = Command::new(&machine.executable)
        .args(["authenticator", "clear-clipboard", "--seconds"])
        .arg(clear_after.as_secs().to_string())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(terminal)
        .stderr(Stdio::null())
        .spawn();
    child.map_err(|error| Refusal::new(format!("copied, but the clipboard will not be emptied: {error}")))?;
    Ok(())
}

/// Is that process: its stdout is the terminal.
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
