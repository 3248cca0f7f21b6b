//! A code on a real X11 screen, found without a file. Needs the feature `screen`.
#![cfg(feature = "screen")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::{fs, io::Read as _};

use authenticator::{
    Authenticator, Machine, VaultFile,
    picture::{Picture, ScreenError},
};
use clap::Parser;
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

    // And goes into a vault by one command.
    let (vault, passphrase) = (directory.path().join("vault"), directory.path().join("passphrase"));
    fs::write(&passphrase, "correct horse\n").unwrap();
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    let words = [
        "countersign",
        "scan",
        "--screen",
        "--display",
        desktop.display(),
        "--vault",
    ];
    let words = words
        .map(Into::into)
        .into_iter()
        .chain([vault.clone().into_os_string()]);
    let words = words.chain(["--passphrase-file".into(), passphrase.into_os_string()]);
    let program = Program::parse_from::<_, std::ffi::OsString>(words);
    program.authenticator.run(&machine()).unwrap();
    let open = VaultFile::at(vault).read().unwrap();
    let open = open.unlock(vault::Unlock::Passphrase(b"correct horse"));
    let titles: Vec<_> = open
        .map_err(|error| error.to_string())
        .unwrap()
        .entries()
        .iter()
        .map(|entry| entry.title())
        .collect();
    assert_eq!(titles, ["Example (alice)"]);
}

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    authenticator: Authenticator,
}

fn machine() -> Machine {
    Machine {
        unix_ms: || 0,
        entropy: |bytes| {
            let random = fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(bytes));
            random.map_err(|error| error.to_string())
        },
        home_dir: None,
        data_dir: None,
        runtime_dirs: Vec::new(),
        executable: "/nowhere".into(),
        connect: |_| unreachable!("nothing is bound here"),
        no_color: true,
        locale: String::new(),
    }
}

#[test]
fn a_screen_that_is_not_there_ends_in_a_sentence() {
    let display = ":4711".to_owned();
    let refusal = Picture::of_screen(&display).err();
    assert_eq!(refusal, Some(ScreenError::Unreachable { display }));
}
