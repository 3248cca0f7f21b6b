//! Ways to open a vault, while somebody else changes them.

use std::fs;

use super::pocket::Pocket;
use crate::support::process::run;
use crate::support::terminal::Terminal;
use crate::support::write_private;

const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";

/// Slot 0 and two more of one kind without a label, which nothing that is shown tells apart.
fn with_keys() -> Pocket {
    let pocket = Pocket::with(URI);
    add_key(&pocket, "k1");
    add_key(&pocket, "k2");
    pocket
}

fn add_key(pocket: &Pocket, name: &str) {
    let path = pocket.path(name);
    write_private(&path, name.repeat(20)).expect("a file");
    pocket.done(&["slot", "add", "--new-key-file", path.to_str().expect("UTF-8")]);
}

fn opens(pocket: &Pocket, name: &str) -> bool {
    let path = pocket.path(name);
    let listed = run(
        &mut pocket.auth(&["list", "--key-file", path.to_str().expect("UTF-8")]),
        "",
    );
    listed.code() == 0
}

#[test]
fn the_one_that_was_meant_is_removed_whatever_its_number_is_by_then() {
    let pocket = with_keys();
    let mut terminal = Terminal::start(&pocket.keyed(&["slot", "remove", "1"]), 100, 30);
    terminal.see("Remove slot 1, key file? [y/N]");
    pocket.done(&["slot", "remove", "--yes", "0"]);
    terminal.types("y\n");
    terminal.see("removed; ");
    assert_eq!([opens(&pocket, "k1"), opens(&pocket, "k2")], [false, true]);
}

#[test]
fn one_that_is_gone_by_then_takes_no_other_with_it() {
    let pocket = with_keys();
    let mut terminal = Terminal::start(&pocket.keyed(&["slot", "remove", "1"]), 100, 30);
    terminal.see("Remove slot 1, key file? [y/N]");
    pocket.done(&["slot", "remove", "--yes", "1"]);
    terminal.types("y\n");
    terminal.see("was changed or removed meanwhile: nothing was changed");
    assert_eq!([opens(&pocket, "k1"), opens(&pocket, "k2")], [false, true]);
}

#[test]
fn a_passphrase_that_is_another_by_then_stays() {
    let pocket = Pocket::with(URI);
    let [first, second] = ["first", "second"].map(|name| {
        write_private(pocket.path(name), format!("the {name} passphrase")).expect("a file");
        pocket.path(name).to_str().expect("UTF-8").to_owned()
    });
    pocket.done(&["slot", "add", "--new-passphrase-file", &first]);
    let mut terminal = Terminal::start(&pocket.keyed(&["passphrase"]), 100, 30);
    terminal.see("New passphrase:");
    pocket.done(&["passphrase", "--new-passphrase-file", &second]);
    terminal.types("the third passphrase\n");
    terminal.see("The same again:");
    terminal.types("the third passphrase\n");
    terminal.see("was changed or removed meanwhile: nothing was changed");
    run(&mut pocket.auth(&["list", "--passphrase-file", &second]), "").with_code(0);
}

#[test]
fn a_label_turns_no_terminals_writing() {
    let pocket = Pocket::with(URI);
    write_private(pocket.path("k1"), [1; 32]).expect("a file");
    let key = pocket.path("k1").to_str().expect("UTF-8").to_owned();
    let add = |label: &str| {
        run(
            &mut pocket.keyed(&["slot", "add", "--new-key-file", &key, "--label", label]),
            "",
        )
    };
    let refused = add("de\u{202e}sk").with_code(1);
    assert!(refused.err.contains("nothing invisible"), "{}", refused.err);
    // Whoever wrote the file may have written anything: no key is asked for what is listed.
    add("ab!!!cd").with_code(0);
    let mut file = fs::read(pocket.vault()).expect("a vault");
    let at = file
        .windows(7)
        .position(|bytes| bytes == b"ab!!!cd")
        .expect("the label");
    file[at + 2..at + 5].copy_from_slice("\u{202e}".as_bytes());
    let body = file.len() - 32;
    let checksum = ring::digest::digest(&ring::digest::SHA256, &file[..body]);
    file[body..].copy_from_slice(checksum.as_ref());
    fs::write(pocket.vault(), file).expect("a file");
    for args in [&["slot", "list"][..], &["slot", "list", "--json"]] {
        let listed = pocket.done(args).out;
        assert!(listed.contains("abcd"), "{listed:?}");
    }
}

#[test]
fn a_key_is_no_passphrase_and_opens_once() {
    let pocket = with_keys();
    let new = pocket.path("new");
    write_private(&new, "correct horse battery staple\n").expect("a file");
    let new = new.to_str().expect("UTF-8");
    let args = ["passphrase", "--slot", "1", "--new-passphrase-file", new];
    let refused = run(&mut pocket.keyed(&args), "").with_code(2);
    assert!(refused.err.contains("slot 1 is no passphrase"), "{}", refused.err);
    assert!(opens(&pocket, "k1"));

    let first = pocket.path("k1");
    let args = ["slot", "add", "--new-key-file", first.to_str().expect("UTF-8")];
    let refused = run(&mut pocket.keyed(&args), "").with_code(1);
    assert!(refused.err.contains("opens the vault already"), "{}", refused.err);
}
