//! The terminal interface, through a terminal.

use std::fs;

use rustix::process::Signal;

use super::pocket::Pocket;
use crate::support::process::{bare, run};
use crate::support::terminal::{Terminal, ended_by};
use crate::support::write_private;

const PASSPHRASE: &str = "correct horse";
const GITHUB: &str = "otpauth://totp/GitHub:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=GitHub";
const DOOR: &str = "otpauth://hotp/Door:42?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Door&counter=0";

fn pasted(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

#[test]
fn a_day_with_it_from_the_first_picture_to_the_last_lock() {
    let pocket = Pocket::new();
    let picture = pocket.path("qr.png");
    let qr = enroll::Qr::encode(GITHUB).unwrap();
    fs::write(&picture, &*qr.to_png(4).unwrap()).unwrap();
    let mut tui = Terminal::start(&pocket.auth(&["tui"]), 80, 24);

    tui.see("There is no vault yet.");
    tui.types(&format!("{PASSPHRASE}\r"));
    tui.see("The same again:");
    tui.types(&format!("{PASSPHRASE}\r"));
    tui.see("No entries yet.");

    tui.types("a");
    tui.see("URI, key or path:");
    tui.types("~/none.png\r");
    tui.see("There is no such file.");
    tui.types("\x15'~/qr.png'\r");
    tui.see("Added GitHub (alice).");
    tui.types(&pasted(DOOR));
    tui.see("URI, key or path:");
    tui.types("\r");
    tui.see("Added Door (42).");

    tui.types("/git");
    tui.see("1 of 2");
    tui.types("\r");
    tui.see("Copied GitHub (alice); the clipboard is emptied in 30 s.");
    tui.see_that("a code in the clipboard", |tui| !tui.clipboard().is_empty());
    let seed = "3132333435363738393031323334353637383930";
    let codes = run(
        bare("oathtool").args(["--totp", seed, "--window", "1", "--now", "1 minute ago"]),
        "",
    );
    let later = run(bare("oathtool").args(["--totp", seed, "--window", "1"]), "");
    let copied = copied_text(&tui.clipboard());
    assert!(
        (codes.with_code(0).out + &later.with_code(0).out).contains(&copied),
        "{copied} is no code of this minute"
    );

    tui.types("\x1b");
    tui.see("search");
    tui.types("/door\r");
    // RFC 4226 appendix D.
    tui.see("755 224");
    tui.see_that("the code in the clipboard", |tui| {
        copied_text(&tui.clipboard()) == "755224"
    });

    // Nothing can be written: a directory is where the lock would be.
    let in_the_way = pocket.vault().with_extension("vault.lock");
    fs::remove_file(&in_the_way).unwrap();
    fs::create_dir(&in_the_way).unwrap();
    tui.types("n");
    tui.see("Not saved.");
    tui.see_no("287 082");
    fs::remove_dir(&in_the_way).unwrap();
    tui.types("n");
    tui.see("287 082");

    tui.types("e");
    tui.see("Service");
    tui.types("\x15前门\t\x15张三\r");
    tui.see("Saved.");
    tui.see("前门 (张三)");

    tui.types("d");
    tui.see("Remove 前门 (张三)?");
    tui.types("y");
    tui.see("Removed 前门 (张三). u undoes it.");
    tui.types("u");
    tui.see("前门 (张三) is back.");

    tui.types("L");
    tui.see("The vault is locked.");
    tui.see_no("前门");
    tui.types("wrong\r");
    tui.see("That is not it.");
    tui.types(&format!("{PASSPHRASE}\r"));
    tui.see("2 entries · by use");

    let passphrase = pocket.path("passphrase");
    write_private(&passphrase, PASSPHRASE).unwrap();
    let mut adding = pocket.auth(&[
        "add",
        "--uri-file",
        "-",
        "--passphrase-file",
        passphrase.to_str().unwrap(),
    ]);
    run(&mut adding, "otpauth://totp/Mail:bob?secret=JBSWY3DPEHPK3PXP\n").with_code(0);
    tui.see("Changed by another process, and read again.");
    tui.see("Mail");

    tui.types("q");
    assert_eq!(tui.wait().code(), Some(0));
    tui.is_as_it_was();
    let mut listing = pocket.auth(&["list", "--json", "--passphrase-file", passphrase.to_str().unwrap()]);
    let listed = run(&mut listing, "").with_code(0).json();
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["issuer"].clone())
        .collect();
    assert_eq!(names, ["GitHub", "Mail", "前门"]);
}

fn copied_text(base64: &[u8]) -> String {
    String::from_utf8(data_encoding::BASE64.decode(base64).unwrap()).unwrap()
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_as_it_was() {
    let pocket = Pocket::with(&format!("{GITHUB}\n"));
    for (signal, keys, dialog) in [
        (Signal::TERM, "", "GitHub"),
        (Signal::HUP, "aJBSWY3DP", "URI, key or path"),
        (Signal::INT, "e", "Service"),
        (Signal::QUIT, "d", "Remove GitHub"),
        (Signal::TERM, "vy", "GEZD GNBV"),
        (Signal::HUP, "/git", "1 entry"),
        (Signal::TERM, "L", "The vault is locked."),
    ] {
        let mut tui = Terminal::start(&pocket.keyed(&["tui"]), 80, 40);
        tui.see("GitHub");
        tui.types(keys);
        tui.see(dialog);
        assert!(tui.is_taken());
        tui.signal(signal);
        assert_eq!(ended_by(tui.wait()), Some(signal.as_raw()));
        tui.is_as_it_was();
    }
}

/// Nobody tells it by a signal: the shell is told, and does not mind.
#[test]
fn it_ends_when_its_terminal_is_gone() {
    let pocket = Pocket::with(&format!("{GITHUB}\n"));
    let command = pocket.keyed(&["tui"]);
    let mut shell = bare("sh");
    shell.args(["-c", "trap '' HUP; \"$0\" authenticator tui; exit $?"]);
    shell.arg(command.get_program());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    let mut tui = Terminal::start(&shell, 80, 24);
    tui.see("GitHub");
    tui.hang_up();
    assert_eq!(tui.wait().code(), Some(128 + Signal::HUP.as_raw()));
}

#[test]
fn a_terminal_of_any_size_is_used_and_one_without_room_is_told() {
    let pocket = Pocket::with(&format!("{GITHUB}\n"));
    let mut tui = Terminal::start(&pocket.keyed(&["tui", "--lang", "zh-CN", "--hide-codes"]), 19, 5);
    tui.see("至少需要 20×6");
    tui.resize(80, 24);
    tui.see("alice");
    tui.see("按空格显示");
    tui.types(" ");
    tui.see("下一个");
    tui.types("\x03");
    assert_eq!(tui.wait().code(), Some(0));
    tui.is_as_it_was();
}

#[test]
fn nothing_is_left_of_names_that_terminals_measure_otherwise() {
    let names = ["नमस्ते", "🇩🇪 Amt", "👨\u{200d}👩\u{200d}👧 Familie", "Cafe\u{301}"];
    let secrets = [
        "GEZDGNBVGY3TQOJQ",
        "JBSWY3DPEHPK3PXP",
        "KRSXG5CTMVRXEZLU",
        "ORSXG5BAONSWG4TF",
    ];
    let uris: String = names
        .iter()
        .zip(secrets)
        .map(|(name, secret)| format!("otpauth://totp/{name}:x?secret={secret}\n"))
        .collect();
    let pocket = Pocket::with(&uris);
    let mut tui = Terminal::start(&pocket.keyed(&["tui"]), 80, 24);
    tui.see("Cafe\u{301}");
    tui.types("e");
    tui.see("Service");
    tui.types("\x15");
    tui.see("Groups");
    tui.see_that("a screen without the rest of a name", |tui| {
        let is_ours = |line: &str| line.is_ascii() || line.starts_with('▌') || line.contains('←');
        tui.screen().lines().skip(1).all(is_ours)
    });
}

#[test]
fn without_a_shell_that_could_bring_it_back_it_does_not_go() {
    let pocket = Pocket::with(&format!("{GITHUB}\n"));
    let mut tui = Terminal::start(&pocket.keyed(&["tui"]), 80, 24);
    tui.see("GitHub");
    tui.types("\x1a?");
    tui.see("search as you type");
    tui.signal(Signal::TSTP);
    tui.types("\x1b");
    tui.see("/ search");
    tui.types("q");
    assert_eq!(tui.wait().code(), Some(0));
    tui.is_as_it_was();
}

#[test]
fn it_goes_to_the_shell_and_comes_back() {
    let pocket = Pocket::with(&format!("{GITHUB}\n"));
    let command = pocket.keyed(&["tui"]);
    let mut shell = bare("bash");
    shell.args(["--norc", "--noprofile", "-i"]).env("PS1", "shell> ");
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    let mut terminal = Terminal::start(&shell, 80, 24);
    terminal.see("shell> ");
    let program = command.get_program().to_str().unwrap();
    terminal.types(&format!("'{program}' authenticator tui\n"));
    terminal.see("GitHub");
    terminal.types("\x1a");
    terminal.see("Stopped");
    terminal.see_that("the shell's screen", |terminal| !terminal.is_taken());
    terminal.types("fg; echo it ended with $?\n");
    terminal.see("Countersign");
    terminal.see("GitHub");
    // From outside, in a dialog, whose words are still there afterwards.
    terminal.types("eabc");
    terminal.see("GitHubabc");
    let pid = run(bare("pgrep").args(["--parent", &terminal.pid().to_string()]), "")
        .with_code(0)
        .out;
    run(bare("kill").args(["-TSTP", pid.trim()]), "").with_code(0);
    terminal.see("Stopped");
    terminal.see_that("the shell's screen", |terminal| !terminal.is_taken());
    terminal.types("fg; echo it ended with $?\n");
    terminal.see("GitHubabc");
    terminal.types("\x1b");
    terminal.see("/ search");
    terminal.types("q");
    terminal.see("it ended with 0");
    terminal.types("exit\n");
    terminal.wait();
}

#[test]
fn whom_the_agent_let_in_proves_itself_before_a_secret_and_its_lock_ends_the_agent() {
    let pocket = Pocket::with(&format!("{GITHUB}\n"));
    pocket.done(&["unlock", "--for", "10m"]);
    let mut tui = Terminal::start(&pocket.keyed(&["tui"]), 80, 40);
    tui.see("GitHub");
    tui.types("vy");
    tui.see("Passphrase:");
    tui.types("wrong\r");
    tui.see("No passphrase opens this vault");
    tui.see_no("GEZD");
    // The key file that was named.
    tui.types("\r");
    tui.see("GEZD GNBV");
    tui.types("q");
    tui.see("1 entry");
    tui.types("L");
    tui.see("The vault is locked.");
    assert_eq!(pocket.done(&["unlock", "--status"]).out, "locked\n");
}
