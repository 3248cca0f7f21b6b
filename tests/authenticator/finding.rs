//! Which entry is meant: never another one than its name says, and never one by a slip where nothing can be taken back.

use std::{fs::OpenOptions, process::Stdio};

use serde_json::Value;

use super::pocket::Pocket;
use crate::support::process::{Running, bare, run};

/// A secret of its own for each.
fn uri(kind: &str, label: &str, last: char) -> String {
    format!("otpauth://{kind}/{label}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ{last}\n")
}

fn counter(pocket: &Pocket, number: usize) -> Value {
    pocket.list()[number - 1]["counter"].clone()
}

#[test]
fn a_note_or_a_group_names_no_entry() {
    let pocket = Pocket::with(&(uri("totp", "Mail:me", 'A') + &uri("hotp", "Bank:b", 'B')));
    pocket.done(&[
        "edit",
        "Mail",
        "--note",
        "recovery address of GitHub",
        "--group",
        "Work",
    ]);
    pocket.done(&["edit", "Bank", "--note", "codes for the email desk"]);
    for args in [
        &["code", "github"][..],
        &["remove", "github", "--yes"],
        &["show", "work"],
        &["edit", "work", "--favourite"],
        &["code", "email"],
    ] {
        let refused = run(&mut pocket.keyed(args), "").with_code(1);
        assert!(refused.err.contains("no entry is called"), "{}", refused.err);
        assert!(
            refused.err.contains("a note or a group says it of\n  #"),
            "{}",
            refused.err
        );
    }
    assert_eq!(pocket.list().len(), 2);
    assert_eq!(counter(&pocket, 2), 0);
    assert_eq!(
        pocket.done(&["list", "github"]).out.lines().count(),
        1,
        "`list` searches them"
    );
}

#[test]
fn what_is_printed_of_an_entry_means_that_entry() {
    let uris: String = [
        "GitHub:al",
        "GitHub:alice",
        "GitHub",
        "I7:u7",
        "I77:u77",
        "a:b%20c",
        "a%20b:c",
    ]
    .iter()
    .zip('A'..)
    .map(|(label, last)| uri("totp", label, last))
    .collect();
    let pocket = Pocket::with(&uris);
    for (words, id) in [
        (&["GitHub (al)"][..], 1),
        (&["github", "(ALICE)"], 2),
        (&["GitHub"], 3),
        (&["#2 GitHub (alice)"], 2),
        (&["I7", "u7"], 4),
        (&["I77", "u77"], 5),
        (&["u7"], 4),
        (&["hub", "lic"], 2),
        (&["#5"], 5),
    ] {
        let shown = pocket.done(&[&["show", "--json"], words].concat()).json();
        assert_eq!(shown["id"], id, "{words:?}");
    }
    let both = run(&mut pocket.keyed(&["code", "a", "b", "c"]), "").with_code(2);
    assert!(both.err.contains("#6 a (b c)\n  #7 a b (c)\n"), "{}", both.err);
    let pieces = run(&mut pocket.keyed(&["code", "hub"]), "").with_code(2);
    assert!(pieces.err.contains("3 entries are meant by hub"), "{}", pieces.err);
    run(&mut pocket.keyed(&["code", " "]), "").with_code(1);
}

#[test]
fn what_cannot_be_taken_back_needs_a_whole_name_or_a_yes() {
    let pocket = Pocket::with(&(uri("totp", "Mail:me", 'A') + &uri("hotp", "Bank:b", 'B')));
    for args in [
        &["remove", "mai", "--yes"][..],
        &["code", "ban"],
        &["edit", "ban", "--counter", "9"],
    ] {
        let refused = run(&mut pocket.keyed(args), "").with_code(2);
        assert!(
            refused.err.contains("say its whole name, or its number: '#"),
            "{}",
            refused.err
        );
    }
    assert_eq!((pocket.list().len(), counter(&pocket, 2)), (2, 0.into()));

    for (answer, code, next) in [("\n", 1, 0), ("y\n", 0, 1)] {
        let mut asking = Running::on_a_terminal(&pocket.keyed(&["code", "ban"]));
        asking.hear("Use up the next code of #2 Bank (b)? [y/N] ");
        asking.type_in(answer);
        asking.wait().with_code(code);
        assert_eq!(counter(&pocket, 2), next);
    }
    pocket.done(&["code", "bank"]);
    pocket.done(&["remove", "mail (me)", "--yes"]);
    pocket.done(&["remove", "#2", "--yes"]);
    assert_eq!(pocket.list().len(), 0);
}

#[test]
fn no_counter_is_used_up_for_a_code_that_nobody_can_see() {
    let pocket = Pocket::with(&uri("hotp", "Bank:b", 'B'));
    let mut full = pocket.keyed(&["code", "Bank"]);
    let device = OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let refused = full.stdin(Stdio::null()).stdout(device).output().expect("a process");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no code was used up"));

    let copy = pocket.keyed(&["code", "Bank", "--copy"]);
    let mut nowhere = bare("setsid");
    nowhere.arg("--wait").arg(copy.get_program()).args(copy.get_args());
    nowhere.envs(copy.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let refused = run(&mut nowhere, "").with_code(1);
    assert!(refused.err.contains("no terminal with a clipboard"), "{}", refused.err);
    assert_eq!(counter(&pocket, 1), 0);

    // A reader that has gone is noticed too late, and said.
    let mut gone = pocket.keyed(&["code", "Bank"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let lost = gone.stdin(Stdio::null()).stdout(writer).output().expect("a process");
    let said = String::from_utf8_lossy(&lost.stderr).into_owned();
    assert!(
        said.contains("counter 0 of #1 Bank (b) is used up all the same"),
        "{said}"
    );
    assert_eq!((lost.status.code(), counter(&pocket, 1)), (Some(1), 1.into()));
}

#[test]
fn a_counter_is_corrected_and_goes_back_only_by_a_yes() {
    let pocket = Pocket::with(&(uri("hotp", "Bank:b", 'B') + &uri("totp", "Mail:me", 'A')));
    pocket.done(&["edit", "Bank", "--counter", "9"]);
    let back = ["edit", "Bank", "--counter", "1"];
    let asked = run(&mut pocket.keyed(&back), "").with_code(2);
    assert!(asked.err.contains("say --yes"), "{}", asked.err);
    assert_eq!(counter(&pocket, 1), 9);
    pocket.done(&[&back[..], &["--yes"]].concat());
    assert_eq!(counter(&pocket, 1), 1);
    let by_time = run(&mut pocket.keyed(&["edit", "Mail", "--counter", "1"]), "").with_code(1);
    assert!(by_time.err.contains("move on by time, not by use"), "{}", by_time.err);
}

#[test]
fn an_edit_leaves_an_entry_a_name_and_a_group_its_spelling() {
    let pocket = Pocket::with(&(uri("totp", "Mail:me", 'A') + &uri("totp", "Chat:me", 'B')));
    let nameless = run(
        &mut pocket.keyed(&["edit", "Mail", "--issuer", "", "--account", " "]),
        "",
    )
    .with_code(2);
    assert!(nameless.err.contains("an entry needs a name"), "{}", nameless.err);
    assert_eq!(pocket.list()[0]["account"], "me");

    pocket.done(&["edit", "Mail", "--group", "Work"]);
    pocket.done(&["edit", "Chat", "--group", "work", "--group", "WORK"]);
    let secret = pocket.path("secret");
    std::fs::write(&secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJC").expect("a file");
    let secret = secret.to_str().expect("UTF-8");
    pocket.done(&["add", "--secret-file", secret, "--issuer", "Desk", "--group", "wOrK"]);
    let groups: Vec<Value> = pocket.list().iter().map(|entry| entry["groups"].clone()).collect();
    assert_eq!(groups, vec![Value::from(vec!["Work"]); 3]);
    assert_eq!(pocket.done(&["list", "--group", "work"]).out.lines().count(), 3);
    pocket.done(&["edit", "Chat", "--ungroup", "WORK"]);
    assert_eq!(pocket.done(&["list", "--group", "work"]).out.lines().count(), 2);
}
