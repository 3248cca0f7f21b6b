//! A code on a real X11 screen, found without a file. Needs the feature `screen`.
#![cfg(feature = "screen")]

mod support;

use std::fs;

use authenticator::picture::{Picture, ScreenError};
use enroll::{Qr, TerminalStyle};
use support::{desktop::Desktop, texts};

#[test]
fn a_code_that_a_terminal_shows_is_read_from_the_screen() {
    let uri = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";
    let desktop = Desktop::start();
    let blank = Picture::of_screen(desktop.display()).unwrap();
    assert!(blank.codes().is_empty());

    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("qr.txt");
    fs::write(
        &text,
        Qr::encode(uri).unwrap().to_terminal(TerminalStyle::Ansi).as_str(),
    )
    .unwrap();
    let _terminal = desktop.terminal(&text, &["-bg", "black", "-fg", "grey"]);
    let codes = Picture::of_screen(desktop.display()).unwrap().codes();
    assert_eq!(texts(&codes), [uri]);
}

#[test]
fn a_screen_that_is_not_there_ends_in_a_sentence() {
    let display = ":4711".to_owned();
    let refusal = Picture::of_screen(&display).err();
    assert_eq!(refusal, Some(ScreenError::Unreachable { display }));
}
