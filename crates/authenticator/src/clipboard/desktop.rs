//! The desktop's clipboard: whoever puts something there has to stay, to give it to whoever asks.

use std::{
    io::{self, Read as _, Write as _},
    process::Stdio,
    thread,
    time::Duration,
};

use arboard::{Clipboard, SetExtLinux as _};
use image::RgbaImage;
use vault::CodeText;
use zeroize::Zeroizing;

use crate::{
    Machine,
    background::background,
    picture::{Picture, PictureError},
};

const HELD: &[u8] = b"held";
/// A code has ten characters at most.
const MAX_LEN_BYTES: u64 = 16;

/// True if there is a desktop with a clipboard.
pub(super) fn is_there() -> bool {
    Clipboard::new().is_ok()
}

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

/// Runs the process that holds the clipboard, until the time is over.
pub(crate) fn hold(time: Duration) {
    let _already_leads = rustix::process::setsid();
    let mut code = Zeroizing::new(String::with_capacity(MAX_LEN_BYTES as usize));
    if io::stdin().take(MAX_LEN_BYTES).read_to_string(&mut code).is_err() {
        return;
    }
    let Ok(mut clipboard) = Clipboard::new() else { return };
    // Not with `wait_until`: that ends at once on Wayland, and on X11 as soon as a clipboard manager takes it over.
    let _seen_below = clipboard.set().exclude_from_history().text(code.as_str());
    if !still_has(&mut clipboard, &code) {
        return;
    }
    let mut out = io::stdout();
    let _unheard = out.write_all(HELD).and_then(|()| out.flush());
    thread::sleep(time);
    // What was copied since is somebody else's.
    if still_has(&mut clipboard, &code) {
        let _gone_with_us = clipboard.clear();
    }
}

fn still_has(clipboard: &mut Clipboard, code: &str) -> bool {
    let text = clipboard.get_text().map(Zeroizing::new);
    text.is_ok_and(|text| *text == code)
}

/// The content of the desktop's clipboard.
pub(crate) struct Copied(Clipboard);

impl Copied {
    /// `None` where there is no desktop.
    pub(crate) fn new() -> Option<Self> {
        Clipboard::new().ok().map(Self)
    }

    /// Its text, if it has one.
    pub(crate) fn text(&mut self) -> Option<Zeroizing<String>> {
        self.0.get_text().ok().map(Zeroizing::new)
    }

    /// Its picture, if it has one.
    pub(crate) fn picture(&mut self) -> Result<Option<Picture>, PictureError> {
        let pixels = match self.0.get_image() {
            Ok(pixels) => pixels,
            Err(arboard::Error::ConversionFailure) => return Err(PictureError::Damaged),
            Err(_) => return Ok(None),
        };
        let [width, height] = [pixels.width, pixels.height].map(|side| u32::try_from(side).unwrap_or(0));
        let pixels = RgbaImage::from_raw(width, height, pixels.bytes.into_owned()).ok_or(PictureError::Damaged)?;
        Picture::of_pixels(pixels).map(Some)
    }
}
