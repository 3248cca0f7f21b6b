//! What comes from other apps, and what leaves for them.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::pocket::Pocket;
use crate::support::terminal::Terminal;
use crate::support::write_private;
use crate::support::{
    process::{Running, bare, run},
    tools::output,
};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/vault/tests/samples");
/// Every kind, and names that a URI has to encode.
const ALL_KINDS: &str = "\
otpauth://totp/Example:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
otpauth://totp/%E4%BA%91:%E5%BC%A0%E4%B8%89?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR&algorithm=SHA512&digits=8&period=60&issuer=%E4%BA%91
otpauth://hotp/no%20issuer?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJS&counter=41
otpauth://steam/Steam:gabe?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJT
otpauth://totp/a%3Ab?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJU&digits=10&issuer=50%25%20%26%20more
";

fn sample(name: &str) -> String {
    format!("{SAMPLES}/{name}")
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// All that an otpauth URI can say of the entries.
fn said(pocket: &Pocket) -> Vec<Vec<Value>> {
    let fields = [
        "issuer",
        "account",
        "kind",
        "algorithm",
        "digits",
        "period_s",
        "counter",
    ];
    let of = |entry: &Value| fields.iter().map(|field| entry[field].clone()).collect();
    pocket.list().iter().map(of).collect()
}

#[test]
fn an_import_is_looked_at_first_and_then_taken_whole() {
    let pocket = Pocket::new();
    let google = sample("google.txt");
    let looked = pocket.done(&["import", "--dry-run", "--json", &google]);
    let json = looked.json();
    assert_eq!(
        (&json["imported"], &json["receipts"][0]["format"]),
        (&false.into(), &"Google Authenticator".into())
    );
    assert!(
        looked.err.contains("Google Authenticator, in the clear: "),
        "{}",
        looked.err
    );
    assert!(!pocket.vault().exists(), "nothing was made");
    let new = json["receipts"][0]["new"].as_array().expect("a list").len();
    assert!(new > 0);

    let asked = run(&mut pocket.keyed(&["import", &google]), "").with_code(2);
    assert!(asked.err.contains("say --yes"), "{}", asked.err);
    for said in [&looked.err, &asked.err] {
        for came in json["receipts"][0]["new"].as_array().expect("a list") {
            let account = came["account"].as_str().expect("a name");
            assert!(said.contains(account), "{account} is missing: {said}");
        }
    }
    assert!(!pocket.vault().exists(), "nothing was made");
    run(&mut pocket.keyed(&["import", "--yes", &google]), "");
    assert_eq!(pocket.list().len(), new);
    let again = run(&mut pocket.keyed(&["import", "--yes", &google]), "").with_code(1);
    assert!(
        again.err.contains("double: ") && again.err.contains(": the vault has it as "),
        "{}",
        again.err
    );
    assert_eq!(pocket.list().len(), new);
}

#[test]
fn the_parts_of_a_migration_may_come_in_several_files_and_are_all_needed() {
    let pocket = Pocket::new();
    let google = fs::read_to_string(sample("google.txt")).expect("a sample");
    let parts: Vec<_> = google
        .lines()
        .filter(|line| line.starts_with("otpauth-migration:"))
        .collect();
    assert!(parts.len() > 1);
    let files: Vec<_> = parts
        .iter()
        .enumerate()
        .map(|(number, part)| {
            let path = pocket.path(&format!("part{number}"));
            let begins = ["# from the telephone\n", "\u{feff}", ""][number % 3];
            fs::write(&path, format!("{begins}{part}")).expect("a file");
            utf8(&path).to_owned()
        })
        .collect();
    let missing = run(&mut pocket.keyed(&["import", "--yes", &files[0]]), "").with_code(1);
    assert!(missing.err.contains("missing: scan"), "{}", missing.err);
    assert!(missing.err.contains("--without-missing-parts"), "{}", missing.err);
    assert!(!pocket.vault().exists(), "nothing was made");
    let mut args = vec!["import", "--yes"];
    args.extend(files.iter().rev().map(String::as_str));
    run(&mut pocket.keyed(&args), "");
    assert!(!pocket.list().is_empty());
}

#[test]
fn the_same_entry_in_two_files_is_a_double() {
    let pocket = Pocket::new();
    let (one, two) = (pocket.path("one"), pocket.path("two"));
    fs::write(&one, ALL_KINDS).expect("a file");
    fs::write(
        &two,
        "\notpauth://hotp/No%20issuer?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJS&counter=500\n",
    )
    .expect("a file");
    let came = run(&mut pocket.keyed(&["import", "--yes", utf8(&one), utf8(&two)]), "").with_code(1);
    let double = format!(
        "double: line 2: No issuer: the same as line 3 of {}; its counter is taken: 500 in place of 41; not taken: its other name",
        one.display()
    );
    assert!(came.err.contains(&double), "{}", came.err);
    let counters: Vec<_> = pocket.list().iter().map(|entry| entry["counter"].clone()).collect();
    assert!(counters.contains(&500.into()), "{counters:?}");

    // and once more, later: the vault's own counter moves on, and never back
    for (counter, then) in [(700, 700), (600, 700)] {
        let uri = format!("otpauth://hotp/no%20issuer?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJS&counter={counter}\n");
        fs::write(&two, uri).expect("a file");
        run(&mut pocket.keyed(&["import", "--yes", utf8(&two)]), "").with_code(1);
        let counters: Vec<_> = pocket.list().iter().map(|entry| entry["counter"].clone()).collect();
        assert!(counters.contains(&then.into()), "{counters:?}");
    }
}

#[test]
fn every_backup_that_is_exported_comes_back() {
    let pocket = Pocket::with(ALL_KINDS);
    pocket.done(&["edit", "#2", "--note", "two\nlines", "--group", "工作"]);
    let (password, key, identity) = (
        pocket.path("password"),
        pocket.path("other key"),
        pocket.path("identity"),
    );
    write_private(&password, "the backup's own\n").expect("a file");
    write_private(&key, [0xA7; 40]).expect("a file");
    output("age-keygen", "age", &["-o", utf8(&identity)]);
    let recipient = output("age-keygen", "age", &["-y", utf8(&identity)]);
    for (name, export, opens_with) in [
        (
            "by.age",
            ["age", "--export-passphrase-file", utf8(&password)],
            &password,
        ),
        ("for.age", ["age", "--recipient", &recipient], &identity),
        (
            "by.vault",
            ["vault", "--export-passphrase-file", utf8(&password)],
            &password,
        ),
        ("key.vault", ["vault", "--export-key-file", utf8(&key)], &key),
    ] {
        let file = pocket.path(name);
        let mut args = vec!["export"];
        args.extend(export);
        args.extend(["--output", utf8(&file)]);
        pocket.done(&args);
        let other = Pocket::new();
        let unopened = run(&mut other.keyed(&["import", "--yes", utf8(&file)]), "").with_code(2);
        assert!(unopened.err.contains("--password-file"), "{name}: {}", unopened.err);
        let wrong = other.path("wrong");
        write_private(&wrong, [b'x'; 40]).expect("a file");
        let args = ["import", "--yes", utf8(&file), "--password-file", utf8(&wrong)];
        let wrong = run(&mut other.keyed(&args), "").with_code(1);
        assert!(!wrong.err.contains("andOTP"), "{name}: {}", wrong.err);
        let args = ["import", "--yes", utf8(&file), "--password-file", utf8(opens_with)];
        run(&mut other.keyed(&args), "").with_code(0);
        assert_eq!(said(&pocket), said(&other), "{name}");
        let has_all = name.ends_with(".vault");
        assert_eq!(other.list()[1]["note"] == pocket.list()[1]["note"], has_all, "{name}");
    }
    // what other people's age writes as text is opened, too
    let (plain, armoured) = (pocket.path("plain"), pocket.path("armoured"));
    fs::write(&plain, ALL_KINDS).expect("a file");
    output(
        "age",
        "age",
        &["-a", "-r", &recipient, "-o", utf8(&armoured), utf8(&plain)],
    );
    let other = Pocket::new();
    let args = ["import", "--yes", utf8(&armoured), "--password-file", utf8(&identity)];
    run(&mut other.keyed(&args), "").with_code(0);
    assert_eq!(said(&pocket), said(&other));
}

#[test]
fn an_encrypted_export_takes_its_password() {
    let pocket = Pocket::new();
    let aegis = sample("aegis_encrypted.json");
    let locked = run(&mut pocket.keyed(&["import", "--yes", &aegis]), "").with_code(2);
    assert!(locked.err.contains("--password-file"), "{}", locked.err);
    let password = pocket.path("password");
    write_private(&password, "wrong").expect("a file");
    let args = ["import", "--yes", &aegis, "--password-file", utf8(&password)];
    let wrong = run(&mut pocket.keyed(&args), "").with_code(1);
    assert!(wrong.err.contains("the password is wrong"), "{}", wrong.err);
    assert!(!pocket.vault().exists());
    write_private(&password, "correct horse — 正确的马\n").expect("a file");
    run(&mut pocket.keyed(&args), "");
    assert!(!pocket.list().is_empty());
}

#[test]
fn a_wrong_password_may_be_typed_anew() {
    let pocket = Pocket::new();
    let aegis = sample("aegis_encrypted.json");
    let mut importing = Running::on_a_terminal(&pocket.keyed(&["import", &aegis]));
    for (times, password) in [(1, "wrong"), (2, "correct horse — 正确的马")] {
        importing.hear_times("(Aegis): ", times);
        importing.type_in(&format!("{password}\n"));
    }
    importing.hear("that is not it; 2 more");
    importing.hear("[y/N] ");
    importing.type_in("y\n");
    importing.wait();
    assert!(!pocket.list().is_empty());
}

#[test]
fn what_is_to_come_is_named_before_the_question_and_counted_where_it_is_much() {
    let pocket = Pocket::new();
    let secret = |number: usize| data_encoding::BASE32_NOPAD.encode(format!("secret {number:05}").as_bytes());
    let many: String = (0..500)
        .map(|number| format!("otpauth://totp/Some%20{number}:me?secret={}\n", secret(number)))
        .collect();
    let list = pocket.path("many");
    fs::write(&list, many + "otpauth://hotp/Odd:one?secret=GEZDGNBVGY3TQOJQ\n").expect("a file");
    let asked = run(&mut pocket.keyed(&["import", utf8(&list)]), "").with_code(2);
    assert!(
        asked
            .err
            .contains("\n  Some 19 (me)\n  and 481 more, which --dry-run names\n"),
        "{}",
        asked.err
    );
    assert!(
        asked
            .err
            .contains("  odd: line 501: Odd (one): its codes move on by use"),
        "{}",
        asked.err
    );
    let looked = pocket.done(&["import", "--dry-run", utf8(&list)]);
    assert!(looked.err.contains("\n  Some 499 (me)\n"), "{}", looked.err);
    let added = pocket.done(&["import", "--yes", utf8(&list)]);
    assert!(
        added
            .err
            .contains("added: 501 entries, from #1 Some 0 (me) to #501 Odd (one)\n"),
        "{}",
        added.err
    );
    let one = pocket.path("one");
    fs::write(&one, "otpauth://totp/?secret=GEZDGNBVGY3TQOJQ&digits=8\n").expect("a file");
    let mut asking = Running::on_a_terminal(&pocket.keyed(&["import", utf8(&one)]));
    asking.hear("  (without a name)");
    asking.hear("Import 1 entry? [y/N] ");
    asking.type_in("n\n");
    asking.wait().with_code(1);
}

#[test]
fn an_import_of_nothing_makes_no_vault() {
    let pocket = Pocket::new();
    let nothing = pocket.path("nothing");
    fs::write(&nothing, r#"{"items": [{"type": 2, "name": "a note"}]}"#).expect("a file");
    let refused = run(&mut pocket.keyed(&["import", "--yes", utf8(&nothing)]), "").with_code(1);
    assert!(refused.err.contains("no vault was made"), "{}", refused.err);
    assert!(!pocket.vault().exists());
}

#[test]
fn item_6_a_secret_is_read_as_keyboards_and_web_pages_write_it() {
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for (pasted, is_uri) in [
        (
            "\u{feff}gezd\u{200b}gnbv\u{2011}gy\u{6f3}t\u{a0}qojq \u{2068}GEZDGNBVGY\u{663}TQOJQ\u{2069}\r\n",
            false,
        ),
        (
            "ＧＥＺＤＧＮＢＶＧＹ３ＴＱＯＪＱ　ＧＥＺＤＧＮＢＶＧＹ３ＴＱＯＪＱ＝＝\n",
            false,
        ),
        (
            "\u{200e}otpauth://totp/Desk:\u{627}\u{6f1}\u{6f2}?secret=GEZD%C2%ADGNBVGY\u{969}TQOJQGEZDGNBVGY3TQOJQ\u{200b}\n",
            true,
        ),
    ] {
        let pocket = Pocket::new();
        let file = pocket.path("pasted");
        fs::write(&file, pasted).expect("a file");
        let names: &[&str] = if is_uri {
            &[]
        } else {
            &["--issuer", "Desk", "--account", "\u{627}\u{6f1}\u{6f2}"]
        };
        pocket.done(&[&["add", "--secret-file", utf8(&file)], names].concat());
        let shown = pocket.done(&["show", "--secret", "--yes", "Desk"]).out;
        let plain: String = shown.split_whitespace().collect();
        assert!(plain.contains(SECRET), "{pasted:?}: {shown}");
        let entry = &pocket.list()[0];
        assert_eq!(
            (&entry["issuer"], &entry["account"]),
            (&"Desk".into(), &"\u{627}\u{6f1}\u{6f2}".into()),
            "a name keeps its digits"
        );
    }
}

#[test]
fn what_the_owner_says_of_an_entry_is_kept_however_it_comes() {
    const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";
    let words = [
        "--issuer",
        "Mine",
        "--group",
        "Work",
        "--group",
        "work",
        "--favourite",
        "--note",
        "N",
    ];
    for from in ["--secret-file", "--uri-file"] {
        let pocket = Pocket::new();
        let file = pocket.path("uri");
        fs::write(&file, URI).expect("a file");
        pocket.done(&[&["add", from, utf8(&file)], &words[..]].concat());
        let entry = &pocket.list()[0];
        assert_eq!((&entry["issuer"], &entry["account"]), (&"Mine".into(), &"alice".into()));
        assert_eq!(entry["groups"], Value::from(vec!["Work"]));
        assert_eq!((&entry["favourite"], &entry["note"]), (&true.into(), &"N".into()));
    }
    let pocket = Pocket::new();
    let file = pocket.path("uri");
    fs::write(&file, URI).expect("a file");
    let numbers = run(
        &mut pocket.keyed(&["add", "--secret-file", utf8(&file), "--digits", "8"]),
        "",
    )
    .with_code(2);
    assert!(
        numbers.err.contains("says itself how its codes are made"),
        "{}",
        numbers.err
    );
    fs::write(&file, ALL_KINDS).expect("a file");
    let several = run(
        &mut pocket.keyed(&["add", "--uri-file", utf8(&file), "--issuer", "Mine"]),
        "",
    )
    .with_code(2);
    assert!(
        several.err.contains("name one entry, and these are 5"),
        "{}",
        several.err
    );
    let long = run(
        &mut pocket.keyed(&["add", "--uri-file", utf8(&file), "--group", &"x".repeat(600)]),
        "",
    )
    .with_code(1);
    assert!(long.err.contains("the text has 600 bytes"), "{}", long.err);
    assert!(!pocket.vault().exists());
    pocket.done(&["add", "--uri-file", utf8(&file), "--group", "All"]);
    assert!(
        pocket
            .list()
            .iter()
            .all(|entry| entry["groups"] == Value::from(vec!["All"]))
    );
}

#[test]
fn what_leaves_as_uris_comes_back_the_same() {
    let pocket = Pocket::with(ALL_KINDS);
    let list = pocket.path("list");
    let left = pocket.done(&["export", "otpauth", "--plain", "--output", utf8(&list)]);
    assert!(left.err.contains("can make all these codes for ever"), "{}", left.err);
    let other = Pocket::with(&fs::read_to_string(&list).expect("a file"));
    assert_eq!(said(&pocket), said(&other));
    assert_eq!(said(&pocket).len(), 5);
    // And as another program reads it: the first is what `totp_uri` writes.
    let uris = fs::read_to_string(&list).expect("a file");
    assert_eq!(
        uris.lines().next(),
        Some("otpauth://totp/Example:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example")
    );
    let over = run(
        &mut pocket.keyed(&["export", "otpauth", "--plain", "--output", utf8(&list)]),
        "",
    )
    .with_code(1);
    assert!(
        over.err.contains("exists already and is not overwritten"),
        "{}",
        over.err
    );
    assert_eq!(fs::read_to_string(&list).expect("a file"), uris);
}

#[test]
fn age_opens_what_was_exported_for_its_key() {
    let pocket = Pocket::with(ALL_KINDS);
    let (identity, sealed) = (pocket.path("identity"), pocket.path("sealed.age"));
    output("age-keygen", "age", &["-o", utf8(&identity)]);
    let recipient = output("age-keygen", "age", &["-y", utf8(&identity)]);
    pocket.done(&["export", "age", "--recipient", &recipient, "--output", utf8(&sealed)]);
    let opened = output("age", "age", &["--decrypt", "-i", utf8(&identity), utf8(&sealed)]);
    let plain = pocket.done(&["export", "otpauth", "--plain"]).out;
    assert_eq!(opened, plain.trim_end());
    // Onto a disk that fills with its last bytes it is no backup, and says so.
    let mut export = bare("sh");
    let command = pocket.keyed(&["export", "age", "--recipient", &recipient]);
    export.args(["-c", "exec \"$0\" \"$@\" > /dev/full"]);
    export.arg(command.get_program()).args(command.get_args());
    export.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let full = run(&mut export, "").with_code(1);
    assert!(full.err.contains("nothing could be written"), "{}", full.err);
    let none = run(
        &mut pocket.keyed(&["export", "age", "--recipient", "age1nonsense", "--output", "x"]),
        "",
    )
    .with_code(2);
    assert!(none.err.contains("is no public key of age"), "{}", none.err);
}

#[test]
fn an_export_under_an_empty_passphrase_is_refused() {
    let pocket = Pocket::with(ALL_KINDS);
    let (empty, sealed) = (pocket.path("empty"), pocket.path("sealed"));
    write_private(&empty, "\n").expect("a file");
    for format in ["age", "vault"] {
        let to = ["--output", utf8(&sealed), "--export-passphrase-file"];
        let args = [&["export", format], &to[..], &[utf8(&empty)]].concat();
        let refused = run(&mut pocket.keyed(&args), "").with_code(2);
        assert!(refused.err.contains("at least 8 characters"), "{}", refused.err);

        // What opens the vault, and what shall open the export, cannot both come from stdin.
        let args = [&["export", format], &to[..], &["-", "--key-file", "-"]].concat();
        let key = fs::read_to_string(&pocket.key).expect("a key of ASCII");
        let twice = run(&mut pocket.auth(&args), &key).with_code(2);
        assert!(twice.err.contains("stdin cannot be read twice"), "{}", twice.err);
        assert!(!sealed.exists());
    }
}

#[test]
fn a_copy_as_a_vault_keeps_what_a_newer_version_wrote() {
    let pocket = Pocket::new();
    // crates/vault/tests/golden.rs
    write_private(&pocket.key, b"0123456789abcdef0123456789abcdef01234567").expect("a file");
    let newer = format!("{SAMPLES}/../golden/newer.vault");
    let (copy, key) = (pocket.path("copy.vault"), utf8(&pocket.key).to_owned());
    let args = [
        "export",
        "vault",
        "--export-key-file",
        &key,
        "--output",
        utf8(&copy),
        "--vault",
        &newer,
    ];
    let copied = pocket.done(&args);
    assert!(copied.err.contains("2 records of a newer version"), "{}", copied.err);
    let again = pocket.path("again.vault");
    let args = [
        "export",
        "vault",
        "--export-key-file",
        &key,
        "--output",
        utf8(&again),
        "--vault",
        utf8(&copy),
    ];
    let again = pocket.done(&args);
    assert_eq!(again.err, copied.err, "the copy has them, too");
    let plain = pocket.done(&["export", "otpauth", "--plain", "--vault", &newer]);
    assert!(
        plain.err.contains("left out: 2 records of a newer version"),
        "{}",
        plain.err
    );
}

#[test]
fn secrets_on_a_terminal_take_a_yes_after_the_warning() {
    let pocket = Pocket::with(ALL_KINDS);
    for format in ["otpauth", "google"] {
        let mut terminal = Terminal::start(&pocket.keyed(&["export", format, "--plain"]), 120, 40);
        terminal.see("can make all these codes for ever");
        terminal.see("Show every secret here? [y/N]");
        assert!(!terminal.screen().contains("otpauth"), "{}", terminal.screen());
        terminal.types("n\n");
        terminal.see("nothing was shown");
        assert!(!terminal.screen().contains("exported"), "{}", terminal.screen());
    }
    let mut terminal = Terminal::start(&pocket.keyed(&["export", "otpauth", "--plain"]), 120, 40);
    terminal.see("[y/N]");
    terminal.types("y\n");
    terminal.see("otpauth://steam/Steam:gabe");
}

#[test]
fn a_secret_for_a_program_is_json_where_that_is_asked_for() {
    let pocket = Pocket::with(ALL_KINDS);
    let shown = |what: &str| pocket.done(&["show", "#1", "--yes", "--json", what]).json();
    let secret = shown("--secret")["secret"]
        .as_str()
        .map(|secret| secret.replace(' ', ""));
    assert_eq!(secret.as_deref(), Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    let uri = shown("--uri");
    assert!(
        uri["uri"].as_str().expect("text").starts_with("otpauth://totp/"),
        "{uri}"
    );
    for args in [
        &["show", "#1", "--yes", "--json", "--qr"][..],
        &["export", "otpauth", "--plain", "--json"],
    ] {
        let refused = run(&mut pocket.keyed(args), "").with_code(2);
        assert!(refused.err.contains("leave --json out"), "{}", refused.err);
    }
}

#[test]
fn a_copy_as_a_vault_has_everything_and_opens_with_its_own_key() {
    let pocket = Pocket::with(ALL_KINDS);
    pocket.done(&["edit", "#2", "--note", "two\nlines", "--group", "工作", "--favourite"]);
    let (copy, key) = (pocket.path("copy.vault"), pocket.path("other key"));
    write_private(&key, [7; 40]).expect("a file");
    pocket.done(&[
        "export",
        "vault",
        "--export-key-file",
        utf8(&key),
        "--output",
        utf8(&copy),
    ]);
    let mut command = pocket.auth(&[
        "list",
        "--order",
        "added",
        "--json",
        "--vault",
        utf8(&copy),
        "--key-file",
        utf8(&key),
    ]);
    let copied = run(&mut command, "").with_code(0).json();
    assert_eq!(copied.as_array().expect("a list"), &pocket.list());
    let over = run(
        &mut pocket.keyed(&[
            "export",
            "vault",
            "--export-key-file",
            utf8(&key),
            "--output",
            utf8(&copy),
        ]),
        "",
    )
    .with_code(1);
    assert!(
        over.err.contains("exists already and is not overwritten"),
        "{}",
        over.err
    );
    let own = run(&mut pocket.keyed(&["list", "--vault", utf8(&copy)]), "").with_code(1);
    assert!(own.err.contains("the passphrase or key is wrong"), "{}", own.err);
}

#[test]
fn another_passphrase_leaves_the_entries_ciphertext_as_it_is() {
    let pocket = Pocket::with(ALL_KINDS);
    let (first, second) = (pocket.path("first"), pocket.path("second"));
    write_private(&first, "the first\n").expect("a file");
    write_private(&second, "the second\n").expect("a file");
    pocket.done(&["slot", "add", "--new-passphrase-file", utf8(&first), "--label", "desk"]);
    let before = fs::read(pocket.vault()).expect("a vault");
    let by = |file: &Path, args: &[&str]| -> Command {
        let mut command = pocket.auth(args);
        command.env("COUNTERSIGN_VAULT_PASSPHRASE_FILE", file);
        command
    };
    run(
        &mut by(&first, &["passphrase", "--new-passphrase-file", utf8(&second)]),
        "",
    )
    .with_code(0);
    let after = fs::read(pocket.vault()).expect("a vault");
    let ciphertext = |file: &[u8]| file[file.len() - 300..file.len() - 32].to_vec();
    assert_eq!(ciphertext(&before), ciphertext(&after));
    run(&mut by(&first, &["list"]), "").with_code(1);
    run(&mut by(&second, &["list"]), "").with_code(0);
    assert_eq!(pocket.done(&["slot", "list"]).out, "0  key file\n1  passphrase  desk\n");
    // A new key ends every other way in.
    run(
        &mut by(
            &second,
            &["passphrase", "--new-key", "--new-passphrase-file", utf8(&first)],
        ),
        "",
    )
    .with_code(0);
    run(&mut pocket.keyed(&["list"]), "").with_code(1);
    run(&mut by(&first, &["list"]), "").with_code(0);
}

#[test]
fn pictures_are_scanned_and_say_what_they_have_beside_entries() {
    let pocket = Pocket::new();
    let picture = |name: &str, text: &str| {
        let png = enroll::Qr::encode(text).expect("it fits").to_png(5).expect("a size");
        fs::write(pocket.path(name), &*png).expect("a file");
        pocket.path(name)
    };
    let uris: Vec<&str> = ALL_KINDS.lines().collect();
    let (one, other) = (picture("one", uris[0]), picture("other", uris[3]));
    let letter = picture("letter", "https://example.com");
    pocket.done(&["scan", utf8(&one), utf8(&other)]);
    assert_eq!(pocket.list().len(), 2);
    let refused = run(&mut pocket.keyed(&["add", "--picture", utf8(&letter)]), "").with_code(1);
    assert!(
        refused.err.contains("says something else than an entry"),
        "{}",
        refused.err
    );
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/seeds/pictures");
    // the decoder of JPEG panics over it in a build with assertions, and nobody hears of it
    let refused = run(&mut pocket.keyed(&["scan", &format!("{seeds}/panics-zune.jpg")]), "").with_code(1);
    assert!(!refused.err.contains("panicked"), "{}", refused.err);
    let refused = run(&mut pocket.keyed(&["scan", &format!("{seeds}/part-01.png")]), "").with_code(1);
    assert!(
        refused
            .err
            .contains("only a part of its text (structured append) is left out"),
        "{}",
        refused.err
    );
    let double = run(&mut pocket.keyed(&["import", "--yes", utf8(&one)]), "").with_code(1);
    assert!(
        double.err.contains("the vault has it as Example (alice@example.com)"),
        "{}",
        double.err
    );
}

#[test]
fn google_authenticator_gets_what_it_can_show_and_the_rest_is_named() {
    let pocket = Pocket::with(ALL_KINDS);
    let left = run(&mut pocket.keyed(&["export", "google", "--plain"]), "").with_code(1);
    for named in ["codes last 60 seconds", "codes are Steam's", "codes have 10 digits"] {
        assert!(left.err.contains(named), "{}", left.err);
    }
    let list = pocket.path("list");
    fs::write(&list, &left.out).expect("a file");
    let other = Pocket::new();
    other.done(&["import", "--yes", utf8(&list)]);
    let names: Vec<Value> = other.list().iter().map(|entry| entry["account"].clone()).collect();
    assert_eq!(names, ["alice@example.com", "no issuer"]);
}

#[test]
fn a_picture_may_come_through_a_pipe_or_out_of_an_age_file() {
    let pocket = Pocket::new();
    let (picture, key) = (pocket.path("q.png"), pocket.path("identity"));
    output(
        "qrencode",
        "qrencode",
        &["-o", utf8(&picture), ALL_KINDS.lines().next().expect("a line")],
    );
    let mut piped = pocket.keyed(&["import", "--yes", "-"]);
    let piped = piped
        .stdin(fs::File::open(&picture).expect("a file"))
        .output()
        .expect("it runs");
    assert!(piped.status.success(), "{}", String::from_utf8_lossy(&piped.stderr));
    assert_eq!(pocket.list().len(), 1);

    output("age-keygen", "age", &["-o", utf8(&key)]);
    let public = output("age-keygen", "age", &["-y", utf8(&key)]);
    let sealed = pocket.path("q.png.age");
    output("age", "age", &["-r", &public, "-o", utf8(&sealed), utf8(&picture)]);
    let args = ["import", "--yes", "--password-file", utf8(&key), utf8(&sealed)];
    let again = run(&mut pocket.keyed(&args), "").with_code(1);
    assert!(again.err.contains("double: "), "{}", again.err);
}

#[test]
fn a_counter_is_not_moved_on_by_who_only_adds() {
    let uri = |counter: u64| format!("otpauth://hotp/Bank:al?secret=GEZDGNBVGY3TQOJQ&counter={counter}\n");
    let pocket = Pocket::with(&uri(5));
    let counter = || pocket.list()[0]["counter"].as_u64();
    let unasked = run(&mut pocket.keyed(&["add", "--uri-file", "-"]), &uri(9)).with_code(2);
    assert!(unasked.err.contains("import --yes"), "{}", unasked.err);
    assert_eq!(counter(), Some(5));
    run(&mut pocket.keyed(&["import", "--yes", "-"]), &uri(9)).with_code(1);
    assert_eq!(counter(), Some(9));
    // After the last one there would be no code for ever.
    run(&mut pocket.keyed(&["import", "--yes", "-"]), &uri(u64::MAX)).with_code(1);
    assert_eq!(counter(), Some(9));
}

#[test]
fn a_dash_is_stdout_and_google_gets_no_empty_file() {
    let pocket = Pocket::with(ALL_KINDS);
    let shown = pocket.done(&["export", "otpauth", "--plain", "--output", "-"]);
    assert_eq!(shown.out.lines().count(), ALL_KINDS.lines().count());
    let steam = Pocket::with("otpauth://steam/Steam:al?secret=GEZDGNBVGY3TQOJQ\n");
    let nothing = steam.path("google.txt");
    let args = ["export", "google", "--plain", "--output", utf8(&nothing)];
    let refused = run(&mut steam.keyed(&args), "").with_code(1);
    assert!(refused.err.contains("nothing was exported"), "{}", refused.err);
    assert!(!nothing.exists());

    let two = steam.path("two");
    fs::write(&two, "GEZDGNBVGY3TQOJQ\nGEZDGNBVGY3TQOJR\n").expect("a file");
    let args = ["add", "--issuer", "X", "--secret-file", utf8(&two)];
    let refused = run(&mut steam.keyed(&args), "").with_code(2);
    assert!(refused.err.contains("has several lines"), "{}", refused.err);
}
