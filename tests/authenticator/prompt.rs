//! Questions, and the terminal they are asked at.

use std::{fs, process::Command, thread::sleep, time::Duration};

use rustix::process::Signal;

use super::pocket::Pocket;
use crate::support::process::{bare, run};
use crate::support::terminal::{Terminal, ended_by};
use crate::support::write_private;

const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const PASSPHRASE: &str = "correct horse";

/// A vault that a passphrase opens.
fn with_passphrase() -> Pocket {
    let pocket = Pocket::new();
    write_private(pocket.path("passphrase"), format!("{PASSPHRASE}\n")).expect("a file");
    let mut adding = pocket.auth(&["add", "--uri-file", "-"]);
    adding.env("COUNTERSIGN_VAULT_PASSPHRASE_FILE", pocket.path("passphrase"));
    run(&mut adding, URI).with_code(0);
    pocket
}

/// A shell that was told to run it.
fn in_shell(command: &Command) -> Terminal {
    let mut shell = bare("bash");
    shell
        .args(["--norc", "--noprofile", "--noediting", "-i"])
        .env("PS1", "shell> ");
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut terminal = Terminal::start(&shell, 80, 24);
    terminal.see("shell> ");
    let told = [command.get_program()].into_iter().chain(command.get_args());
    let told: Vec<&str> = told.map(|word| word.to_str().expect("UTF-8")).collect();
    terminal.types(&format!("{}\n", told.join(" ")));
    terminal
}

#[test]
fn of_two_pasted_uris_the_second_does_not_reach_the_shell() {
    let pocket = Pocket::with(URI);
    let mut terminal = in_shell(&pocket.keyed(&["add"]));
    terminal.see("or its secret in base32:");
    terminal.types(&format!(
        "{}\notpauth://totp/Second:b?secret={}\necho also this\n",
        URI.replace("Example", "First").replace("GEZ", "MFZ"),
        "QUJD".repeat(4)
    ));
    terminal.see("more than one line was typed: only the first was taken");
    terminal.see("added: #2 First");
    terminal.see_that("the shell", |terminal| {
        terminal.screen().matches("shell> ").count() == 2
    });
    terminal.types("echo it ended with $?\n");
    terminal.see("it ended with 0");
    let screen = terminal.screen();
    assert!(!screen.contains("QUJD") && !screen.contains("also this"), "{screen}");
    terminal.types("exit\n");
    terminal.wait();
    assert_eq!(pocket.list().len(), 2);
}

#[test]
fn what_is_typed_while_a_passphrase_is_checked_is_not_shown() {
    let pocket = with_passphrase();
    let mut terminal = Terminal::start(&pocket.auth(&["passphrase"]), 80, 24);
    terminal.see("Passphrase:");
    for (typed, next) in [
        ("wrong horse", "that is not it; 2 more\nPassphrase:"),
        (PASSPHRASE, "New passphrase:"),
        ("battery staple", "The same again:"),
    ] {
        terminal.types(&format!("{typed}\ntyped ahead\n"));
        terminal.see_that(next, |terminal| {
            assert!(!terminal.echoes(), "before {next}");
            terminal.screen().contains(next)
        });
    }
    terminal.types("battery staple\n");
    assert!(terminal.wait().success(), "{}", terminal.screen());
    assert!(!terminal.screen().contains("typed ahead"), "{}", terminal.screen());
    terminal.is_as_it_was();
}

#[test]
fn a_signal_while_a_passphrase_is_checked_ends_it_and_the_terminal_echoes_again() {
    let pocket = with_passphrase();
    for signal in [Signal::INT, Signal::TERM] {
        let mut terminal = Terminal::start(&pocket.auth(&["passphrase"]), 80, 24);
        terminal.see("Passphrase:");
        terminal.types(&format!("{PASSPHRASE}\n"));
        // The line was taken by then, and its check goes on.
        sleep(Duration::from_millis(100));
        terminal.signal(signal);
        assert_eq!(ended_by(terminal.wait()), Some(signal.as_raw()));
        terminal.is_as_it_was();
    }
}

#[test]
fn a_signal_at_the_passphrase_ends_it_and_the_terminal_echoes_again() {
    let pocket = with_passphrase();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let mut terminal = Terminal::start(&pocket.auth(&["list"]), 80, 24);
        terminal.see("Passphrase:");
        assert!(!terminal.echoes());
        match signal {
            Signal::INT => terminal.types("half of it\x03"),
            Signal::QUIT => terminal.types("half of it\x1c"),
            signal => terminal.signal(signal),
        }
        assert_eq!(ended_by(terminal.wait()), Some(signal.as_raw()));
        terminal.is_as_it_was();
    }
}

#[test]
fn a_wrong_passphrase_does_not_make_it_deaf() {
    let pocket = with_passphrase();
    let mut terminal = Terminal::start(&pocket.auth(&["list"]), 80, 24);
    terminal.see("Passphrase:");
    terminal.types("wrong horse\n");
    terminal.see("that is not it; 2 more");
    terminal.types("\x03");
    assert_eq!(ended_by(terminal.wait()), Some(Signal::INT.as_raw()));
    terminal.is_as_it_was();
}

#[test]
fn after_the_passphrase_signals_do_what_they_always_do() {
    let pocket = with_passphrase();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut terminal = Terminal::start(&pocket.auth(&["show", "Example", "--secret"]), 80, 24);
        terminal.see("Passphrase:");
        terminal.types(&format!("{PASSPHRASE}\n"));
        terminal.see("Show it? [y/N]");
        assert!(terminal.echoes());
        terminal.signal(signal);
        assert_eq!(ended_by(terminal.wait()), Some(signal.as_raw()));
    }
}

#[test]
fn stopped_at_the_passphrase_it_echoes_and_asks_again_in_front() {
    let pocket = with_passphrase();
    let command = pocket.auth(&["code", "Example"]);
    let mut terminal = in_shell(&command);
    terminal.see("Passphrase:");
    terminal.types("\x1a");
    terminal.see("Stopped");
    terminal.see_that("an echo", Terminal::echoes);
    terminal.types("fg; echo it ended with $?\n");
    terminal.see_that("no echo", |terminal| !terminal.echoes());
    terminal.types(&format!("{PASSPHRASE}\n"));
    terminal.see("it ended with 0");
    assert!(!terminal.screen().contains(PASSPHRASE), "{}", terminal.screen());
    terminal.see_that("an echo", Terminal::echoes);
    terminal.types("exit\n");
    terminal.wait();
}

#[test]
fn a_pipe_on_stdin_and_a_file_on_stderr_leave_the_terminal_to_ask_at() {
    let pocket = Pocket::new();
    let import = pocket.auth(&["import", "-"]);
    let mut script = bare("sh");
    script.args(["-c", "echo \"$0\" | \"$@\" 2>/dev/null", URI]);
    script.arg(import.get_program()).args(import.get_args());
    script.envs(import.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut terminal = Terminal::start(&script, 80, 24);
    terminal.see("Import 1 entry? [y/N] ");
    terminal.types("y\n");
    terminal.see("A passphrase for it: ");
    terminal.types(&format!("{PASSPHRASE}\n"));
    terminal.see("The same again: ");
    terminal.types(&format!("{PASSPHRASE}\n"));
    assert_eq!(terminal.wait().code(), Some(0), "{}", terminal.screen());
    terminal.is_as_it_was();

    // Who says --no-input is asked nowhere.
    let refused = pocket.auth(&["list", "--no-input"]);
    assert_eq!(Terminal::start(&refused, 80, 24).wait().code(), Some(2));
}

#[test]
fn a_passphrase_file_is_its_first_line_and_a_new_one_has_a_length() {
    let pocket = with_passphrase();
    let with = |text: &str, args: &[&str]| {
        let file = pocket.path("given");
        write_private(&file, text).expect("a file");
        let mut command = pocket.auth(args);
        run(command.env("COUNTERSIGN_VAULT_PASSPHRASE_FILE", file), "")
    };
    with("correct horse\nthis vault is the one of the office\n", &["list"]).with_code(0);
    with("correct horse\r\n", &["list"]).with_code(0);

    let short = pocket.path("short");
    write_private(&short, "7 chars").expect("a file");
    let short = short.to_str().expect("UTF-8");
    for args in [
        &["passphrase", "--new-passphrase-file", short][..],
        &["slot", "add", "--new-passphrase-file", short],
        &["export", "age", "--output", "-", "--export-passphrase-file", short],
    ] {
        let refused = with(PASSPHRASE, args).with_code(2);
        assert!(
            refused.err.contains("at least 8 characters"),
            "{args:?}: {}",
            refused.err
        );
    }
    with(PASSPHRASE, &["list"]).with_code(0);
    let none = pocket.path("none.vault");
    let uri = pocket.path("uri");
    fs::write(&uri, URI).expect("a file");
    let [none_shown, uri] = [&none, &uri].map(|path| path.to_str().expect("UTF-8"));
    let refused = with("7 chars", &["add", "--vault", none_shown, "--uri-file", uri]).with_code(2);
    assert!(refused.err.contains("at least 8 characters"), "{}", refused.err);
    assert!(!none.exists());
}
