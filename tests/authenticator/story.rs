//! A person at a terminal.

use super::pocket::Pocket;
use crate::support::process::{Running, bare};
use crate::support::terminal::Terminal;

const PASSPHRASE: &str = "correct horse";

fn typed(pocket: &Pocket, args: &[&str]) -> Running {
    Running::on_a_terminal(&pocket.auth(args))
}

#[test]
fn the_first_entry_makes_the_vault_and_a_passphrase_is_never_shown() {
    let pocket = Pocket::new();
    let mut adding = typed(&pocket, &["add"]);
    adding.hear("Its otpauth URI, or its secret in base32: ");
    adding.type_in("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
    adding.hear("A passphrase for it: ");
    adding.type_in(&format!("{PASSPHRASE}\n"));
    adding.hear("The same again: ");
    adding.type_in("correct house\n");
    adding.hear("the two are not the same");
    adding.hear_times("A passphrase for it: ", 2);
    adding.type_in("\n");
    adding.hear("at least 8 characters");
    adding.hear_times("A passphrase for it: ", 3);
    assert!(!pocket.vault().exists());
    adding.type_in(&format!("{PASSPHRASE}\n"));
    adding.hear_times("The same again: ", 2);
    adding.type_in(&format!("{PASSPHRASE}\n"));
    let added = adding.wait().with_code(0);
    assert!(added.out.contains("added: #1 Example (alice)"), "{}", added.out);
    assert!(
        !added.out.contains("GEZDG") && !added.out.contains(PASSPHRASE),
        "{}",
        added.out
    );

    let mut asking = typed(&pocket, &["code", "Example"]);
    for left in [2, 1] {
        asking.hear_times("Passphrase: ", 3 - left);
        asking.type_in("wrong\n");
        asking.hear(&format!("that is not it; {left} more"));
    }
    asking.hear_times("Passphrase: ", 3);
    asking.type_in(&format!("{PASSPHRASE}\n"));
    let shown = asking.wait().with_code(0);
    assert!(shown.out.contains(" s left"), "{}", shown.out);
    let is_code = |line: &str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    assert!(shown.out.lines().any(|line| is_code(line.trim())), "{}", shown.out);
}

#[test]
fn a_bare_secret_is_asked_for_its_names() {
    let pocket = Pocket::new();
    let mut adding = Running::on_a_terminal(&pocket.keyed(&["add"]));
    adding.hear("Its otpauth URI, or its secret in base32: ");
    adding.type_in("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
    for (times, [issuer, account]) in [(1, ["", " "]), (2, ["", "alice"])] {
        adding.hear_times("The service's name: ", times);
        adding.type_in(&format!("{issuer}\n"));
        adding.hear_times("Your name there: ", times);
        adding.type_in(&format!("{account}\n"));
    }
    adding.hear("one of the two is needed");
    let added = adding.wait().with_code(0);
    assert!(added.out.contains("added: #1 alice"), "{}", added.out);
}

#[test]
fn what_a_person_looks_at_is_counted_and_what_a_script_reads_is_not() {
    let pocket = Pocket::with("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
    pocket.done(&["code", "alice"]);
    assert_eq!(pocket.list()[0]["uses"], 0);
    Running::on_a_terminal(&pocket.keyed(&["code", "alice"]))
        .wait()
        .with_code(0);
    assert_eq!(pocket.list()[0]["uses"], 1);
}

#[test]
fn removing_asks_and_no_is_the_default() {
    let pocket = Pocket::with("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
    for (answer, code, left) in [("\n", 1, 1), ("no\n", 1, 1), ("y\n", 0, 0)] {
        let mut removing = Running::on_a_terminal(&pocket.keyed(&["remove", "alice"]));
        removing.hear("Remove #1 Example (alice) for ever? [y/N] ");
        removing.type_in(answer);
        removing.wait().with_code(code);
        assert_eq!(pocket.list().len(), left);
    }
}

#[test]
fn a_copied_code_goes_to_the_terminals_clipboard_and_leaves_it() {
    let pocket = Pocket::with("otpauth://hotp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=0\n");
    // The shell keeps the terminal open until we have seen it.
    let mut shell = bare("sh");
    let copying = pocket.keyed(&["code", "alice", "--copy", "--clear-after", "0"]);
    shell
        .args(["-c", "\"$0\" \"$@\"; read -r line"])
        .arg(copying.get_program())
        .args(copying.get_args());
    shell.envs(copying.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut shell = Running::on_a_terminal(&shell);
    // RFC 4226 appendix D: 755224 is the first code.
    shell.hear("\x1b]52;c;NzU1MjI0\x07");
    shell.hear("\x1b]52;c;\x07");
    shell.type_in("\n");
    let said = shell.wait().with_code(0).out;
    assert!(!said.contains("755224"), "{said:?}");
}

/// 80 x 24 is what terminals start with.
#[test]
fn the_qr_code_of_an_ordinary_entry_is_seen_whole_on_a_small_terminal() {
    let uri = "otpauth://totp/Example:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";
    let pocket = Pocket::with(uri);
    let mut showing = pocket.keyed(&["show", "alice", "--qr", "--yes"]);
    showing.env("NO_COLOR", "1");
    let qr = enroll::Qr::encode_for_terminal(uri, 80, 23).expect("it fits");
    let drawn = qr.to_terminal(enroll::TerminalStyle::PlainOnDark);
    let mut terminal = Terminal::start(&showing, 80, 24);
    assert!(terminal.wait().success());
    terminal.see(drawn.trim_end());

    let mut terminal = Terminal::start(&showing, 80, 20);
    assert!(terminal.wait().success());
    terminal.see("the QR code takes 41 x 22 characters, and the terminal has 80 x 20");
}
