//! `kill -9` while a vault is saved, writers side by side, bits that flip: the old content, the new one, or plain words.
//!
//! Twenty rounds, two hundred with `COUNTERSIGN_SOAK=1`.

use std::{
    fs::{self, File},
    thread,
    time::Instant,
};

use super::pocket::Pocket;
use crate::support::{
    Dice,
    process::{Running, run},
    soak,
};

const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";

/// Some 4 MB, so that a save takes a while.
fn large() -> Pocket {
    let pocket = Pocket::new();
    let note = "x".repeat(16 << 10);
    let entries: Vec<_> = (0..250)
        .map(|number| {
            serde_json::json!({"type": "totp", "uuid": "", "name": format!("user{number}"), "issuer": "Example", "note": note,
                "favorite": false, "icon": null, "groups": [],
                "info": {"secret": format!("GEZDGNBVGY3TQOJQ{}", data_encoding::BASE32_NOPAD.encode(&[number])), "algo": "SHA1", "digits": 6, "period": 30}})
        })
        .collect();
    let export = serde_json::json!({"version": 1, "header": {"slots": null, "params": null}, "db": {"version": 3, "entries": entries, "groups": []}});
    let path = pocket.path("aegis.json");
    fs::write(&path, export.to_string()).expect("a file");
    pocket.done(&["import", "--yes", path.to_str().expect("UTF-8")]);
    assert!(fs::metadata(pocket.vault()).expect("a vault").len() > 4_000_000);
    pocket
}

#[test]
fn killed_while_saving_it_has_the_old_content_or_the_new_one() {
    let rounds = if soak() { 200 } else { 20 };
    let pocket = large();
    let mut dice = Dice::new();
    let issuer = || {
        pocket.done(&["show", "#1", "--json"]).json()["issuer"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    let names = || {
        let entries = fs::read_dir(pocket.vault().parent().expect("a directory")).expect("a directory");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string();
        let mut names: Vec<_> = entries.map(|entry| name(entry).expect("UTF-8")).collect();
        names.sort();
        names
    };
    let begun = Instant::now();
    pocket.done(&["edit", "#1", "--issuer", "round 0"]);
    let whole = begun.elapsed();
    let (mut old, mut new, mut cut) = (0, 0, 0);
    // More rounds where the dice, or a busy machine, have shown one side only.
    for round in 1..=10 * rounds {
        if round > rounds && old > 0 && new > 0 {
            break;
        }
        let before = issuer();
        let now = format!("round {round}");
        let mut saving = Running::start(&mut pocket.keyed(&["edit", "#1", "--issuer", &now]));
        thread::sleep(whole.mul_f64(dice.below(1_000) as f64 / 500.0));
        let had_ended = saving.ended();
        saving.kill();
        cut += usize::from(names().iter().any(|name| name.ends_with(".new")));
        let after = issuer();
        assert!(
            after == now || (after == before && !had_ended),
            "{before}, {now}: {after}"
        );
        if after == now {
            new += 1
        } else {
            old += 1
        }
        assert_eq!(pocket.list().len(), 250);
    }
    println!(
        "{} kills: {old} old, {new} new; {cut} left a half-written file beside the vault",
        old + new
    );
    assert!(
        old > 0 && new > 0,
        "kills came before the save and after it: {old}, {new}"
    );
    pocket.done(&["edit", "#1", "--issuer", "the end"]);
    assert_eq!(
        names(),
        ["authenticator.vault", "authenticator.vault.lock"],
        "what a crash leaves, the next save takes away"
    );
}

#[test]
fn of_many_writers_each_saves_or_says_who_is_first() {
    let pocket = Pocket::with(URI);
    let secrets: Vec<_> = (0..12)
        .map(|number| data_encoding::BASE32_NOPAD.encode(&[number; 20]))
        .collect();
    let adding: Vec<_> = secrets
        .iter()
        .map(|secret| {
            let mut adding = Running::start(&mut pocket.keyed(&["add", "--secret-file", "-", "--issuer", secret]));
            adding.type_in(secret);
            adding
        })
        .collect();
    let ended: Vec<_> = adding.into_iter().map(Running::wait).collect();
    let saved = ended.iter().filter(|ended| ended.code() == 0).count();
    for refused in ended.iter().filter(|ended| ended.code() != 0) {
        assert!(refused.err.contains("is being changed by process"), "{}", refused.err);
    }
    assert_eq!(pocket.list().len(), 1 + saved, "whoever heard that it was added, was");
    assert!(saved > 0);
}

#[test]
fn a_code_by_use_is_not_shown_while_its_counter_cannot_be_saved() {
    let pocket = Pocket::with("otpauth://hotp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=0\n");
    let by_use = |pocket: &Pocket| run(&mut pocket.keyed(&["code", "Example"]), "");
    let held = File::options()
        .write(true)
        .open(pocket.vault().with_extension("vault.lock"))
        .expect("the lock's file");
    held.lock().expect("a free lock");
    let refused = by_use(&pocket).with_code(1);
    assert_eq!(refused.out, "");
    assert!(refused.err.contains("is being changed by"), "{}", refused.err);
    held.unlock().expect("a held lock");
    // RFC 4226 appendix D: counters 0 and 1, none lost.
    assert_eq!(by_use(&pocket).out, "755224\n");
    assert_eq!(by_use(&pocket).out, "287082\n");
}

#[test]
fn wherever_a_bit_flips_the_vault_is_refused_with_words() {
    let pocket = Pocket::with(URI);
    let whole = fs::read(pocket.vault()).expect("a vault");
    let mut dice = Dice::new();
    for round in 0..if soak() { 400 } else { 40 } {
        let mut flipped = whole.clone();
        flipped[dice.below(whole.len())] ^= 1 << dice.below(8);
        fs::write(pocket.vault(), &flipped).expect("a file");
        for args in [&["list"][..], &["code", "Example"], &["edit", "Example", "--note", "x"]]
            .iter()
            .take(1 + usize::from(round < 5) * 2)
        {
            let refused = run(&mut pocket.keyed(args), "").with_code(1);
            assert_eq!(refused.out, "");
            let words = [
                "is damaged or was cut off: restore it from a backup",
                "this is not a vault",
            ];
            assert!(words.iter().any(|words| refused.err.contains(words)), "{}", refused.err);
        }
        assert_eq!(
            fs::read(pocket.vault()).expect("a file"),
            flipped,
            "and nothing is written over it"
        );
    }
    for len in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(pocket.vault(), &whole[..len]).expect("a file");
        assert!(
            run(&mut pocket.keyed(&["list"]), "")
                .with_code(1)
                .err
                .starts_with("error: ")
        );
    }
}
