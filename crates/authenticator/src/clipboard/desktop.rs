//! The desktop's clipboard: whoever puts something there has to stay, to give it to whoever asks.

use std::{
    io::{self, Read as _, Write as _},
    process::Stdio,
    time::{Duration, Instant},
};

use arboard::{Clipboard, SetExtLinux as _};
use vault::CodeText;
use zeroize::Zeroizing;

use crate::{Machine, background::background};

const HELD: &[u8] = b"held";
/// A code has ten characters at most.
const MAX_LEN_BYTES: u64 = 16;

/// Starts a process that holds the code, which goes there through a pipe; false where there is no desktop.
pub(super) fn copy(machine: &Machine, code: &CodeText, clear_after: Duration) -> bool {
    // The environment says where the desktop is.
    let child = background(machine, "hold-clipboard", clear_after)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let written = child
        .stdin
        .take()
        .map(|mut pipe| pipe.write_all(code.expose().as_bytes()));
    let mut said = [0; HELD.len()];
    let heard = child.stdout.take().map(|mut out| out.read_exact(&mut said));
    matches!((written, heard), (Some(Ok(())), Some(Ok(())))) && said == *HELD
}

/// Is that process: it ends when the time is over, or when something else was copied.
pub(crate) fn hold(time: Duration) {
    let _already_leads = rustix::process::setsid();
    let mut code = Zeroizing::new(String::with_capacity(MAX_LEN_BYTES as usize));
    if io::stdin().take(MAX_LEN_BYTES).read_to_string(&mut code).is_err() {
        return;
    }
    let Ok(mut clipboard) = Clipboard::new() else { return };
    let mut out = io::stdout();
    let _unheard = out.write_all(HELD).and_then(|()| out.flush());
    let held = clipboard
        .set()
        .exclude_from_history()
        .wait_until(Instant::now() + time)
        .text(code.as_str());
    let is_still_there = clipboard
        .get_text()
        .map(Zeroizing::new)
        .is_ok_and(|text| *text == *code);
    if held.is_ok() && is_still_there {
        // What was copied since is somebody else's.
        let _gone_with_us = clipboard.clear();
    }
}
