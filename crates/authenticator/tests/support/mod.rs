//! What the tests of pictures share: programs by other hands, and a desktop.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod desktop;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use authenticator::picture::{Code, Picture};

pub(crate) fn judges() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges")
}

/// Debian's Python, which has Debian's modules; another may be before it in PATH.
pub(crate) fn python() -> Command {
    Command::new("/usr/bin/python3")
}

#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| {
        panic!("{command:?} did not start: {error}: `cargo xtask test` installs what is missing")
    });
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?} ended with {}\n{said}", done.status);
    String::from_utf8(done.stdout).unwrap()
}

/// What Debian's `zbarimg` reads in a picture; empty when it finds nothing.
pub(crate) fn zbar(picture: &Path) -> String {
    let output = Command::new("zbarimg")
        .args(["--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable"])
        .arg(picture)
        .output()
        .expect("zbarimg cannot be run: install the Debian package zbar-tools");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub(crate) fn texts(codes: &[Code]) -> Vec<&str> {
    codes.iter().map(Code::expose_text).collect()
}

#[track_caller]
pub(crate) fn codes(file: &[u8]) -> Vec<Code> {
    Picture::parse(file).unwrap_or_else(|error| panic!("{error}")).codes()
}
