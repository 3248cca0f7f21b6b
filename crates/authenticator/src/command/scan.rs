use std::{
    fmt,
    path::{Path, PathBuf},
};

use clap::Args;
use vault::import;
use zeroize::Zeroizing;

use super::{Done, incoming::Incoming, owners_words::OwnersWords};
use crate::{
    Refusal,
    otpauth::{push_line, uri_in},
    picture::{Found, PART, Picture},
    prompt::read_whole,
    refusal::named,
    vault_session::VaultSession,
};
#[cfg(feature = "clipboard")]
use crate::{clipboard::Copied, otpauth::is_uri_list};

#[derive(Args)]
pub(super) struct Scan {
    /// The pictures: screenshots, photographs
    #[arg(required_unless_present_any = ["screen", "clipboard"], value_name = "PICTURE")]
    picture: Vec<PathBuf>,
    /// Looks for them on the screen, of X11
    #[arg(long, requires = "display")]
    screen: bool,
    /// Looks for them in the picture that was copied to the desktop's clipboard; an otpauth URI there is taken, too
    #[arg(long)]
    clipboard: bool,
    /// Which screen
    #[arg(long, value_name = "DISPLAY", env = "DISPLAY")]
    display: Option<String>,
}

impl Scan {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let mut lines = uris_of_pictures(&self.picture)?;
        if let Some(display) = self.display.filter(|_| self.screen) {
            push_line(&mut lines, &uris_of_screen(&display)?);
        }
        if self.clipboard {
            push_line(&mut lines, &uris_of_clipboard()?);
        }
        take_uris(session, &lines, &OwnersWords::default())
    }
}

pub(super) fn uris_of_pictures(pictures: &[PathBuf]) -> Result<Zeroizing<String>, Refusal> {
    let mut lines = Zeroizing::new(String::new());
    for picture in pictures {
        push_line(&mut lines, &uris_of_picture(picture)?);
    }
    Ok(lines)
}

pub(super) fn take_uris(session: &VaultSession<'_>, lines: &str, words: &OwnersWords) -> Done {
    let export = import::read(lines.as_bytes(), None)
        .map_err(|_| Refusal::new("no QR code of these pictures is one of an authenticator entry"))?;
    Incoming::new(vec![export]).take_at_once(session, words)
}

/// The URIs in a picture's QR codes, a line each.
fn uris_of_picture(path: &Path) -> Result<Zeroizing<String>, Refusal> {
    uris_of_picture_in(&read_whole(path)?, path)
}

/// The URIs of a picture by its bytes; `path` is for messages.
pub(super) fn uris_of_picture_in(bytes: &[u8], path: &Path) -> Result<Zeroizing<String>, Refusal> {
    let shown = named(path);
    let picture = Picture::parse(bytes).map_err(|error| Refusal::new(format!("{shown}: {error}")))?;
    uris_in(&picture.found(), &shown)
}

/// The URIs of all QR codes on a screen.
#[cfg(feature = "screen")]
fn uris_of_screen(display: &str) -> Result<Zeroizing<String>, Refusal> {
    let picture = Picture::of_screen(display).map_err(Refusal::new)?;
    uris_in(&picture.found(), &"the screen")
}

#[cfg(not(feature = "screen"))]
fn uris_of_screen(_: &str) -> Result<Zeroizing<String>, Refusal> {
    Err(Refusal::usage("this build cannot look at a screen")
        .help("take a screenshot and name its file, or build it with --features screen"))
}

/// The URIs in the clipboard: the URIs themselves, or a picture.
#[cfg(feature = "clipboard")]
fn uris_of_clipboard() -> Result<Zeroizing<String>, Refusal> {
    let mut copied = Copied::new().ok_or_else(|| {
        Refusal::new("there is no desktop whose clipboard could be read").help("save the picture and name its file")
    })?;
    let shown = "the clipboard";
    // The picture first: some programs offer one of each text, and some give a picture to whoever asks for text.
    let picture = copied
        .picture()
        .map_err(|error| Refusal::new(format!("{shown}: {error}")))?;
    let found = picture.map(|picture| picture.found());
    if let Some(found) = &found
        && !found.is_empty()
    {
        return uris_in(found, &shown);
    }
    let is_uris = |text: &Zeroizing<String>| is_uri_list(text.as_bytes());
    match (copied.text().filter(is_uris), found) {
        (Some(text), _) => Ok(text),
        (None, Some(found)) => uris_in(&found, &shown),
        (None, None) => Err(Refusal::new("the clipboard has no picture, and no otpauth URI")
            .help("copy the picture of the QR code itself, not its file, or its URI; then run this again")),
    }
}

#[cfg(not(feature = "clipboard"))]
fn uris_of_clipboard() -> Result<Zeroizing<String>, Refusal> {
    Err(Refusal::usage("this build cannot look into the clipboard")
        .help("save the picture and name its file, or build it with --features clipboard"))
}

fn uris_in(found: &Found, shown: &dyn fmt::Display) -> Result<Zeroizing<String>, Refusal> {
    let mut lines = Zeroizing::new(String::new());
    for code in &found.codes {
        match uri_in(code.expose_text()) {
            Some(uri) => push_line(&mut lines, uri),
            None => eprintln!("{shown}: a QR code that says something else than an entry is left out"),
        }
    }
    if found.has_parts {
        eprintln!("{shown}: {PART} is left out: have all of it shown in one code");
    }
    match found.is_empty() {
        true => Err(Refusal::new(format!("{shown}: no QR code was found in it"))
            .help("cut the code out with some white around it, or photograph it from nearer")),
        false => Ok(lines),
    }
}
