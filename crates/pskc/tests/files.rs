//! Files of others: every file of `tests/vectors` ends as the file beside it says, which begins with what opens it.

use std::{fmt::Write, fs, path::Path};

use pskc::{Moving, Protection, ReadError, Receipt, Seed, Unlock, read};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn described(seed: &Seed) -> String {
    let mut text = format!("token {}:", seed.serial_number);
    let moving = match seed.moving {
        Moving::Time { period, drift_steps } => format!("TOTP every {} s, drift {drift_steps}", period.get_s()),
        Moving::Counter { counter } => format!("HOTP from {counter}"),
    };
    let (algorithm, digits) = (seed.algorithm.name(), seed.digits.get());
    write!(text, " {moving}, {algorithm}, {digits} digits").unwrap();
    for (name, value) in [
        ("manufacturer", &seed.manufacturer),
        ("model", &seed.model),
        ("key", &seed.key_id),
        ("issuer", &seed.issuer),
        ("label", &seed.label),
    ] {
        if let Some(value) = value {
            write!(text, ", {name} {value}").unwrap();
        }
    }
    for (name, moment) in [("from", seed.starts_at_s), ("until", seed.expires_at_s)] {
        if let Some(moment) = moment {
            write!(text, ", {name} {moment}").unwrap();
        }
    }
    if let Some(key) = &seed.management_key {
        write!(text, ", management key {}", hex(key.expose_secret())).unwrap();
    }
    format!("{text}, secret {}", hex(seed.secret.expose_secret()))
}

fn outcome(result: Result<Receipt, ReadError>) -> String {
    let receipt = match result {
        Ok(receipt) => receipt,
        Err(error) => return format!("error: {error}\n"),
    };
    let protection = match receipt.protection {
        Protection::InTheClear => "in the clear",
        Protection::Authenticated => "encrypted and authenticated",
        Protection::Unauthenticated => "encrypted, not authenticated",
    };
    let mut text = format!("format: {}, {}, {protection}\n", receipt.format, receipt.encoding);
    for remark in &receipt.remarks {
        writeln!(text, "remark: {remark}").unwrap();
    }
    for seed in &receipt.seeds {
        writeln!(text, "{}", described(seed)).unwrap();
    }
    for refusal in &receipt.refused {
        writeln!(text, "refused: {refusal}").unwrap();
    }
    text
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

/// Reads every file of a directory and compares what came of it.
fn directory(name: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let mut paths: Vec<_> = fs::read_dir(&path).unwrap().map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension != "expected"));
    paths.sort();
    let mut wrong = String::new();
    for path in &paths {
        let beside = format!("{}.expected", path.display());
        let expected = fs::read_to_string(&beside).unwrap_or_else(|_| "unlock nothing\n".into());
        let (unlock, expected) = expected.split_once('\n').unwrap();
        let key;
        let unlock = match unlock.split_once(' ').unwrap() {
            ("unlock", "nothing") => Unlock::Nothing,
            ("key", hex) => {
                key = unhex(hex);
                Unlock::Key(&key)
            }
            ("password", password) => Unlock::Password(password.as_bytes()),
            _ => panic!("{beside}: {unlock}"),
        };
        let found = outcome(read(&fs::read(path).unwrap(), &unlock));
        if found != expected {
            writeln!(wrong, "{}\n{found}--- instead of\n{expected}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    paths.len()
}

#[test]
fn the_figures_of_rfc_6030() {
    assert_eq!(directory("rfc6030"), 7);
}

#[test]
fn other_containers() {
    assert!(directory("pskc") >= 8);
}

#[test]
fn item_16_drafts_several_keys_of_a_device_more_ciphers_and_extensions_of_others() {
    assert_eq!(directory("strangers"), 12);
}

#[test]
fn the_vendors() {
    assert!(directory("vendors") >= 12);
}

#[test]
fn ten_and_more_malformed_files_end_in_clear_errors() {
    assert!(directory("malformed") >= 10);
}

/// Each vendor's file, whatever follows it, is known as that vendor's alone: a line of another's among its own is an error, or a
/// token that is refused, and none of it comes in as something that it is not. (A line of `serial,seed` is one of
/// Duo's with the counter left out, and one of Duo's without a counter is one of `serial,seed`.)
#[test]
fn no_dialect_takes_a_line_of_another() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/vendors");
    let table = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    let names = [
        "duo.csv",
        "entra.csv",
        "feitian.txt",
        "multiotp.csv",
        "privacyidea.csv",
        "serial-seed.csv",
        "yubico-flat.csv",
    ];
    for own in names {
        let mine = read(table(own).as_bytes(), &Unlock::Nothing).unwrap_or_else(|error| panic!("{own}: {error}"));
        for other in names.iter().filter(|other| **other != own) {
            let theirs = table(other);
            let last = theirs.lines().last().unwrap();
            let mixed = format!("{}\n{last}\n", table(own).trim_end());
            let left_out = [own, *other]
                .iter()
                .all(|name| ["duo.csv", "serial-seed.csv"].contains(name));
            if let Ok(both) = read(mixed.as_bytes(), &Unlock::Nothing) {
                assert_eq!(both.format, mine.format, "{own} and a line of {other}");
                assert!(
                    both.seeds.len() <= mine.seeds.len() + usize::from(left_out),
                    "{own} and a line of {other}"
                );
            }
        }
    }
}
