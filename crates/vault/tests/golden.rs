//! Vaults as files: what is on people's disks can always be read, and what is written is what the manual says.
//!
//! `tests/judges/vault.py` reads the same files with other people's cryptography, and wrote `newer.vault`.

mod support;

use std::{fs, path::Path, process::Command};

use otp::Algorithm;
use support::{assert_golden, cheap, counting, credential, draft};
use vault::{Draft, Entries, Kind, LockedVault, Name, NewSlot, Note, OpenVault, SlotKind, Unlock};

const PASSPHRASE: &[u8] = "пароль 口令".as_bytes();
const KEY_FILE: &[u8; 40] = b"0123456789abcdef0123456789abcdef01234567";

/// One entry of each kind, with everything that can be said of one.
fn fill(entries: &mut Entries) {
    let mut work = draft("Example", "alice@example.com", b"12345678901234567890");
    work.note = Note::new("first line\nsecond line").unwrap();
    work.groups = vec![Name::new("work").unwrap(), Name::new("工作").unwrap()];
    work.favourite = true;
    let work = entries.add(work).unwrap();
    entries.note_use(work, 1_700_000_000);
    let counter = credential(Kind::Hotp { counter: u64::MAX - 1 }, &[0xff; 64], Algorithm::Sha512, 10);
    entries
        .add(Draft::new(Name::new("Counter").unwrap(), Name::default(), counter))
        .unwrap();
    let steam = credential(Kind::Steam, &[1], Algorithm::Sha1, 5);
    entries
        .add(Draft::new(
            Name::new("Steam").unwrap(),
            Name::new("gabe").unwrap(),
            steam,
        ))
        .unwrap();
    let slow = Kind::Totp {
        period_s: 86_400.try_into().unwrap(),
    };
    let slow = credential(slow, &[2; 20], Algorithm::Sha256, 7);
    entries.add(Draft::new(Name::default(), Name::default(), slow)).unwrap();
}

#[test]
fn what_is_written_stays_what_it_is() {
    let mut entropy = counting();
    let passphrase = NewSlot::Passphrase {
        passphrase: PASSPHRASE,
        cost: cheap(),
    };
    let mut vault = OpenVault::create(passphrase, "desk", &mut entropy).unwrap();
    assert_golden("empty.vault", &vault.save(&mut entropy).unwrap());
    fill(vault.entries_mut());
    vault
        .add_slot(NewSlot::KeyFile(KEY_FILE), "usb stick", &mut entropy)
        .unwrap();
    vault.add_slot(NewSlot::Keyring(&[9; 32]), "", &mut entropy).unwrap();
    assert_golden("full.vault", &vault.save(&mut entropy).unwrap());
}

#[test]
fn what_was_written_is_read() {
    let file = fs::read(support::tests().join("golden/full.vault")).unwrap();
    for unlock in [
        Unlock::Passphrase(PASSPHRASE),
        Unlock::KeyFile(KEY_FILE),
        Unlock::Keyring(&[9; 32]),
    ] {
        let vault = LockedVault::parse(&file)
            .unwrap()
            .unlock(unlock)
            .unwrap_or_else(|error| panic!("{error}"));
        let entries: Vec<_> = vault.entries().iter().collect();
        let ids: Vec<_> = entries.iter().map(|entry| entry.id().get()).collect();
        assert_eq!(ids, [1, 2, 3, 4]);
        assert_eq!(entries[0].title(), "Example (alice@example.com)");
        assert_eq!(entries[0].note.as_str(), "first line\nsecond line");
        assert_eq!(
            entries[0].groups.iter().map(Name::as_str).collect::<Vec<_>>(),
            ["work", "工作"]
        );
        assert!(entries[0].favourite);
        assert_eq!((entries[0].uses(), entries[0].last_used_s()), (1, Some(1_700_000_000)));
        assert_eq!(entries[1].credential().kind(), Kind::Hotp { counter: u64::MAX - 1 });
        assert_eq!(entries[1].credential().algorithm(), Algorithm::Sha512);
        assert_eq!(entries[1].credential().digits().get(), 10);
        assert_eq!(entries[2].credential().kind(), Kind::Steam);
        assert_eq!(entries[3].credential().kind().period_s().unwrap().get(), 86_400);
        assert_eq!(entries[3].title(), "");
    }
}

fn judge(args: &[&str], file: &Path) -> Vec<u8> {
    // Debian's, which has Debian's modules, whatever stands before it in PATH.
    let mut python = Command::new("/usr/bin/python3");
    python
        .arg(support::tests().join("judges/vault.py"))
        .args(args)
        .arg(file);
    let judged = python.output().expect("Debian's python3 can be run");
    let why = String::from_utf8_lossy(&judged.stderr);
    assert!(
        judged.status.success(),
        "python3-argon2 and python3-nacl have to be there too: {why}"
    );
    judged.stdout
}

#[test]
fn other_cryptography_reads_what_is_written() {
    let file = support::tests().join("golden/full.vault");
    let home = tempfile::tempdir().unwrap();
    let kept = home.path().join("secret");
    for (option, secret) in [("--passphrase-file", PASSPHRASE), ("--key-file", KEY_FILE)] {
        fs::write(&kept, secret).unwrap();
        let read = judge(&["read", option, kept.to_str().unwrap()], &file);
        let read: serde_json::Value = serde_json::from_slice(&read).unwrap();
        let entries = read["entries"].as_array().unwrap();
        let of = |field: &str| entries.iter().map(|entry| entry[field].clone()).collect::<Vec<_>>();
        assert_eq!(of("id"), [1, 2, 3, 4]);
        assert_eq!(of("digits"), [6, 10, 5, 7]);
        assert_eq!(entries[0]["secret"], "3132333435363738393031323334353637383930");
        assert_eq!(entries[0]["groups"], serde_json::json!(["work", "工作"]));
        assert_eq!(entries[1]["counter"], u64::MAX - 1);
        assert_eq!(entries[3]["period_s"], 86_400);
    }
    let newer = home.path().join("newer.vault");
    judge(&["write-newer"], &newer);
    let golden = fs::read(support::tests().join("golden/newer.vault")).unwrap();
    assert!(
        fs::read(newer).unwrap() == golden,
        "newer.vault is what the judge writes"
    );
}

/// A file that a later version might write: an unknown slot, an unknown record beside the entries, an entry of an unknown
/// kind, an unknown field in a known entry.
#[test]
fn what_a_newer_version_added_is_kept() {
    let file = fs::read(support::tests().join("golden/newer.vault")).unwrap();
    let mut vault = LockedVault::parse(&file)
        .unwrap()
        .unlock(Unlock::KeyFile(KEY_FILE))
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        vault.slots().map(|slot| slot.kind).collect::<Vec<_>>(),
        [SlotKind::Unknown(77), SlotKind::KeyFile]
    );
    assert_eq!(
        vault.entries().iter().map(|entry| entry.title()).collect::<Vec<_>>(),
        ["Known (alice)"]
    );
    assert_eq!(vault.entries().kept_unread(), 2);
    assert_eq!(
        vault.remove_slot(1),
        Err(vault::SlotError::Last),
        "a slot that this version cannot open does not count"
    );

    let id = vault.entries().iter().next().unwrap().id();
    vault.entries_mut().get_mut(id).unwrap().issuer = Name::new("Renamed").unwrap();
    let saved = vault.save(&mut counting()).unwrap();
    assert_golden("newer_saved.vault", &saved);
    let again = LockedVault::parse(&saved)
        .unwrap()
        .unlock(Unlock::KeyFile(KEY_FILE))
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(again.entries().kept_unread(), 2);
    assert_eq!(again.entries().get(id).unwrap().title(), "Renamed (alice)");
}
