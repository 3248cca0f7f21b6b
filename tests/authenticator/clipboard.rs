//! The clipboard of a real X server, which `xclip` fills and reads. Needs the feature `clipboard`.

use std::{
    fs,
    io::{Cursor, Write as _},
    process::{Command, Stdio},
};

use enroll::Qr;
use image::{ImageFormat, Rgb, RgbImage, imageops};

use super::pocket::Pocket;
use crate::support::{
    process::{Ended, run},
    until,
};

#[path = "../../crates/authenticator/tests/support/mod.rs"]
mod pictures;

use pictures::desktop::Desktop;

const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";
/// RFC 4226 appendix D: 755224 is its first code.
const BY_USE: &str = "otpauth://hotp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=0\n";

fn xclip(desktop: &Desktop, args: &[&str]) -> Command {
    let mut xclip = Command::new("xclip");
    xclip
        .args(["-selection", "clipboard"])
        .args(args)
        .env("DISPLAY", desktop.display());
    xclip
}

/// What a program that asks for it gets; nothing where nothing is offered.
fn pasted(desktop: &Desktop, target: &str) -> Vec<u8> {
    let pasted = xclip(desktop, &["-o", "-target", target]).output();
    pasted
        .expect("xclip cannot be run: install the Debian package xclip")
        .stdout
}

/// Somebody copies; it is there when this returns.
fn copy(desktop: &Desktop, target: &str, what: &[u8]) {
    // it stays in the background, and must not keep our streams open
    let mut copying = xclip(desktop, &["-i", "-target", target])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("xclip cannot be run: install the Debian package xclip");
    copying.stdin.take().unwrap().write_all(what).unwrap();
    assert!(copying.wait().unwrap().success());
    until("it is copied", || pasted(desktop, target) == what);
}

fn on(desktop: &Desktop, mut command: Command) -> Ended {
    run(command.env("DISPLAY", desktop.display()), "")
}

fn scanned(desktop: &Desktop, pocket: &Pocket) -> Ended {
    on(desktop, pocket.keyed(&["scan", "--clipboard"]))
}

#[test]
fn a_picture_that_was_copied_is_scanned() {
    let (desktop, pocket) = (Desktop::start(), Pocket::new());
    copy(&desktop, "image/png", &Qr::encode(URI).unwrap().to_png(4).unwrap());
    let said = scanned(&desktop, &pocket).with_code(0).err;
    assert!(said.contains("added: #1 Example (alice)"), "{said}");
    assert_eq!(pocket.list().len(), 1);
}

/// X11 hands over what is larger than a request in pieces, and `xclip` waits for ever when it was asked for text before.
#[test]
fn a_large_picture_that_was_copied_is_scanned() {
    let (desktop, pocket) = (Desktop::start(), Pocket::new());
    let mut random = 1_u32;
    let mut page = RgbImage::from_fn(1600, 1200, |_, _| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([random >> 8, random >> 16, random >> 24].map(|noise| noise as u8))
    });
    let code = image::load_from_memory(&Qr::encode(URI).unwrap().to_png(4).unwrap()).unwrap();
    imageops::overlay(&mut page, &code.into_rgb8(), 700, 500);
    let mut png = Cursor::new(Vec::new());
    page.write_to(&mut png, ImageFormat::Png).unwrap();
    assert!(png.get_ref().len() > 4_000_000);
    copy(&desktop, "image/png", png.get_ref());
    scanned(&desktop, &pocket).with_code(0);
    assert_eq!(pocket.list().len(), 1);
}

#[test]
fn uris_that_were_copied_are_taken_and_said_nowhere() {
    let (desktop, pocket) = (Desktop::start(), Pocket::new());
    let other = "otpauth://totp/Other:bob?secret=MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
    copy(&desktop, "UTF8_STRING", format!(" {URI}\n{other}\n").as_bytes());
    let said = scanned(&desktop, &pocket).with_code(0);
    assert!(said.err.contains("added: #2 Other (bob)"), "{}", said.err);
    assert!(
        !said.err.contains("GEZDG") && !said.err.contains("MFRGG") && said.out.is_empty(),
        "{said:?}"
    );
    assert_eq!(pocket.list().len(), 2);
}

#[test]
fn a_clipboard_without_a_code_ends_in_a_sentence_and_makes_no_vault() {
    let (desktop, pocket) = (Desktop::start(), Pocket::new());
    let refused = |what: &str| {
        let said = scanned(&desktop, &pocket).with_code(1).err;
        assert!(said.contains(what), "{said}");
    };
    refused("the clipboard has no picture, and no otpauth URI");
    copy(&desktop, "UTF8_STRING", b"https://example.com");
    refused("the clipboard has no picture, and no otpauth URI");
    copy(&desktop, "image/png", b"\x89PNG\r\n\x1a\n, and then no picture");
    refused("the clipboard: the picture is cut off or damaged");
    let code = Qr::encode("https://example.com/a-page-of-somebody-else").unwrap();
    copy(&desktop, "image/png", &code.to_png(4).unwrap());
    refused("the clipboard: a QR code that says something else than an entry is left out");
    let said = run(&mut pocket.keyed(&["scan", "--clipboard"]), "").with_code(1).err;
    assert!(said.contains("there is no desktop whose clipboard"), "{said}");
    assert!(!pocket.vault().exists());
}

/// Five seconds are long enough for the slowest machine to look before they are over.
#[test]
fn a_copied_code_is_in_the_clipboard_marked_as_a_secret_until_its_time_is_over() {
    let (desktop, pocket) = (Desktop::start(), Pocket::with(BY_USE));
    let said = on(
        &desktop,
        pocket.keyed(&["code", "alice", "--copy", "--clear-after", "5"]),
    );
    assert!(!said.with_code(0).err.contains("755224"));
    assert_eq!(pasted(&desktop, "UTF8_STRING"), b"755224");
    // what password managers offer beside, so that histories of clipboards leave it out
    assert_eq!(pasted(&desktop, "x-kde-passwordManagerHint"), b"secret");
    until("it is emptied", || pasted(&desktop, "UTF8_STRING").is_empty());
}

/// Whether a process still holds a code for so many seconds.
fn is_held(seconds: &str) -> bool {
    let holding = format!("\0hold-clipboard\0--seconds\0{seconds}\0");
    fs::read_dir("/proc").unwrap().flatten().any(|process| {
        let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).ends_with(&holding)
    })
}

#[test]
fn what_was_copied_since_stays() {
    let (desktop, pocket) = (Desktop::start(), Pocket::with(BY_USE));
    let copying = pocket.keyed(&["code", "alice", "--copy", "--clear-after", "6"]);
    on(&desktop, copying).with_code(0);
    assert!(is_held("6"));
    copy(&desktop, "UTF8_STRING", b"a letter");
    until("its time is over", || !is_held("6"));
    assert_eq!(pasted(&desktop, "UTF8_STRING"), b"a letter");
}

/// A clipboard manager takes over what was copied, and offers it in its own name: still there to be pasted, and emptied.
#[test]
fn a_code_that_a_clipboard_manager_took_over_is_emptied_when_its_time_is_over() {
    let (desktop, pocket) = (Desktop::start(), Pocket::with(BY_USE));
    let copying = pocket.keyed(&["code", "alice", "--copy", "--clear-after", "7"]);
    on(&desktop, copying).with_code(0);
    copy(&desktop, "UTF8_STRING", b"755224");
    assert!(is_held("7"));
    until("it is emptied", || pasted(&desktop, "UTF8_STRING").is_empty());
}
