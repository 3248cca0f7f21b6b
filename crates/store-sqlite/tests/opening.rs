//! Who may open what, and what is said when it cannot be.

mod common;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use common::*;
use countersign_store_sqlite::{FILE_NAME, OpenError, Options, Sqlite, Tuning};
use otp::{Algorithm, Parameters};
use rusqlite::Connection;
use store::{
    Commit, Documents, Fingerprint, Health, Id, Outcome, Owner, Sealed, StoreError, Token, TokenState, Users, Write,
    audit::{Head, Trail},
};

fn refused(dir: &Path) -> OpenError {
    match open_as(dir, "serve/here/2", true, Tuning::default()) {
        Ok(_) => panic!("it opens"),
        Err(error) => error,
    }
}

fn beside(dir: &Path) -> Result<Sqlite, OpenError> {
    open_as(dir, "key/here/3", false, Tuning::default())
}

#[test]
fn only_its_owner_may_read_the_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("some/where");
    let store = open(&data);
    done(&store, vec![bind(1)]);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let mut names: Vec<_> = fs::read_dir(&data)
        .expect("a directory")
        .map(|entry| entry.expect("an entry"))
        .collect();
    names.sort_by_key(fs::DirEntry::file_name);
    for entry in &names {
        assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
    }
    assert_eq!(names.len(), 5, "database, log, index, owner, keys: {names:?}");
    drop(store);
    fs::set_permissions(data.join(FILE_NAME), fs::Permissions::from_mode(0o644)).expect("a mode");
    let _store = open(&data);
    assert_eq!(
        mode(&data.join(FILE_NAME)),
        0o600,
        "a mode that a copy brought along is mended"
    );
}

#[test]
fn the_second_owner_is_told_of_the_first() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let error = refused(dir.path());
    assert!(
        matches!(error, OpenError::Owned { pid: Some(pid), .. } if pid == std::process::id()),
        "{error}"
    );
    assert!(
        error.to_string().contains(&format!("process {}", std::process::id())),
        "{error}"
    );
    done(&store, vec![bind(1)]);
    store.close().expect("it closes");
    // Still alive as a value, closed as a store.
    open(dir.path()).close().expect("it closes");
    assert_eq!(block_on(store.commit(vec![bind(2)])), Err(StoreError::Closed));
    for number in [1, 2] {
        let told = block_on(store.users(vec![owner(number)]));
        assert!(
            matches!(told, Err(StoreError::Closed)),
            "neither a known user nor nobody"
        );
    }
    assert_eq!(store.close(), Ok(()), "once is enough");
}

#[test]
fn an_empty_file_and_a_closed_one_are_opened() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join(FILE_NAME), []).expect("a file");
    let store = open(dir.path());
    done(&store, vec![bind(1)]);
    done(&store, vec![used(&store, 1)]);
    store.close().expect("it closes");
    let log = fs::metadata(dir.path().join(format!("{FILE_NAME}-wal"))).map_or(0, |log| log.len());
    assert_eq!(log, 0, "closing copies the log into the database");
    let folded = Connection::open(dir.path().join(FILE_NAME)).expect("it opens");
    let folded_state: Vec<u8> = folded
        .query_row("SELECT state FROM user_state", [], |row| row.get(0))
        .expect("a state");
    let (states, _) = store::codec::decode_user(&folded_state).expect("a user");
    assert_eq!(states, [(id(1), state_at(1))], "and folds");
    drop(folded);
    let store = open(dir.path());
    assert_eq!(state(&store, 1), Some(state_at(1)));
}

#[test]
fn other_files_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(FILE_NAME);
    fs::write(
        &path,
        "This is a letter to my grandmother, and no database. ".repeat(100),
    )
    .expect("a file");
    let error = refused(dir.path());
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert!(
        fs::read(&path).expect("a file").starts_with(b"This is a letter"),
        "and left alone"
    );

    fs::remove_file(&path).expect("it goes");
    let other = Connection::open(&path).expect("it opens");
    other
        .execute_batch("CREATE TABLE recipes (name TEXT)")
        .expect("a table");
    drop(other);
    let before = fs::read(&path).expect("a file");
    let error = refused(dir.path());
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(&path).expect("a file"), before, "and left alone");

    fs::remove_file(&path).expect("it goes");
    fs::create_dir(&path).expect("a directory");
    let error = refused(dir.path());
    assert!(matches!(error, OpenError::Files { .. }), "{error}");
}

#[test]
fn a_damaged_file_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    for number in 0..200 {
        done(&store, vec![bind(number)]);
    }
    store.close().expect("it closes");
    let path = dir.path().join(FILE_NAME);
    let whole = fs::read(&path).expect("a file");
    // Cut in the middle, and everything but the first page overwritten.
    let scribbled = |at: usize, byte: u8| if at < 4_096 { byte } else { 0xa5 };
    let scribbled: Vec<u8> = whole
        .iter()
        .enumerate()
        .map(|(at, byte)| scribbled(at, *byte))
        .collect();
    for damaged in [&whole[..whole.len() / 2], &scribbled] {
        fs::write(&path, damaged).expect("a file");
        let error = refused(dir.path());
        assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    }
}

#[test]
fn a_damaged_record_is_named_without_its_secret() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    done(&store, vec![bind(1), bind(2)]);
    let other = Connection::open(dir.path().join(FILE_NAME)).expect("it opens");
    other
        .execute("UPDATE user SET devices = x'ff' WHERE id = ?", [id(1).as_bytes()])
        .expect("a row");
    other
        .execute("UPDATE user_state SET state = x'ff' WHERE user = ?", [id(2).as_bytes()])
        .expect("a row");
    // What was known before is forgotten.
    block_on(store.look()).expect("our own files");
    let words = |number: u32| match block_on(read(&store).user(owner(number))) {
        Err(StoreError::Damaged(words)) => words,
        other => panic!("{:?}", other.err()),
    };
    assert_eq!(words(1), "user account/user-1 cannot be read");
    assert_eq!(words(2), format!("user_state {} cannot be read", id(2)));
    let lost = block_on(store.commit(vec![bind(1)]));
    assert_eq!(
        lost,
        Ok(vec![Outcome::Missed]),
        "what cannot be read is there all the same"
    );
    // Others are served.
    done(&store, vec![bind(3)]);
}

#[test]
fn another_schema_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = beside(dir.path()).err().expect("nothing is there");
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    open(dir.path()).close().expect("it closes");
    let tamper = |sql: &str| {
        let conn = Connection::open(dir.path().join(FILE_NAME)).expect("it opens");
        conn.execute_batch(sql).expect("a change");
    };
    tamper(
        "INSERT INTO refinery_schema_history SELECT 4711, name, applied_on, checksum FROM refinery_schema_history LIMIT 1",
    );
    assert!(matches!(refused(dir.path()), OpenError::Newer { found: 4_711, .. }));
    assert!(matches!(beside(dir.path()), Err(OpenError::Newer { .. })));
    tamper("DELETE FROM refinery_schema_history");
    assert!(matches!(beside(dir.path()), Err(OpenError::Older { found: 0, .. })));
}

/// The second migration: what a file of the first schema has of tokens is found as what is written now.
#[test]
fn an_older_file_gets_the_summaries_of_its_tokens() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    let sealed = |byte: u8| Sealed {
        key_id: u32::MAX,
        bytes: vec![byte; 68],
    };
    let (owner, device) = (Owner::new("acme", "alice"), Id::from_bytes([7; 16]));
    let states = [
        TokenState::Imported { sealed: sealed(1) },
        TokenState::Assigned {
            sealed: sealed(2),
            owner: owner.clone(),
        },
        TokenState::Bound { owner, device },
        TokenState::Lost { bound: None },
        TokenState::Returned,
        TokenState::Retired,
    ];
    let mut tokens = Vec::new();
    for (number, state) in (0..).zip(states.iter().chain(&states).cloned()) {
        // The second half has a key of its own beside the secret, and a counter.
        let is_later = usize::from(number) >= states.len();
        tokens.push(Token {
            serial_number: format!("CS \"{number:02}"),
            id: Id::from_bytes([number; 16]),
            version: 1,
            lot: "lot".into(),
            manufacturer: None,
            model: None,
            label: None,
            parameters: Parameters {
                algorithm: Algorithm::ALL[usize::from(number) % 3],
                ..Parameters::DEFAULT
            },
            fingerprint: Fingerprint {
                mac: [number; 32],
                key_id: 1,
            },
            management: is_later.then(|| sealed(100 + number)),
            measured_offset_steps: -3,
            counter: is_later.then_some(u64::MAX),
            starts_at: None,
            expires_at: None,
            imported_at: NOW,
            changed_at: NOW,
            exported_at: None,
            state,
        });
    }
    done(
        &store,
        vec![change(tokens.iter().map(|token| Write::put(None, token)).collect())],
    );
    let summaries = |store: &Sqlite| block_on(store.summaries_in("token", String::new(), 100)).expect("a read");
    let written = summaries(&store);
    assert_eq!(written.len(), 4, "of the tokens that can be bound");
    store.close().expect("it closes");
    let conn = Connection::open(dir.path().join(FILE_NAME)).expect("it opens");
    conn.execute_batch("DROP TABLE summary; DELETE FROM refinery_schema_history WHERE version = 2")
        .expect("a file of before");
    drop(conn);
    assert!(summaries(&open(dir.path())) == written);
}

#[test]
fn a_missing_or_cut_generation_is_made_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("keys.generation");
    let store = open(dir.path());
    let first = store.api_key_generation().expect("a number");
    assert_eq!(store.api_key_generation(), Ok(first));
    drop(store);
    fs::remove_file(&path).expect("it goes");
    open(dir.path()).api_key_generation().expect("a number");
    fs::write(&path, [1, 2, 3]).expect("a file");
    let store = open(dir.path());
    let settled = store.api_key_generation().expect("a number");
    assert_eq!(store.api_key_generation(), Ok(settled));
    // A process died between its announcement and its commit: no cache is trusted until somebody settles it.
    fs::write(&path, 77_u64.to_le_bytes()).expect("a file");
    assert_ne!(store.api_key_generation(), store.api_key_generation());
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.api_key_generation(), store.api_key_generation());
    assert_eq!(block_on(store.chains()).expect("a read").len(), 4);
}

fn with_heads(dir: &Path, heads: &[Head]) -> Result<Sqlite, OpenError> {
    let options = Options {
        writer: "serve/here/4".into(),
        opened_at: NOW,
        sign: &|_| vec![1; 64],
        verify: &|_, _| true,
        heads: Some(heads),
        owner: true,
    };
    Sqlite::open(dir, options)
}

/// Copied while nobody writes; the index is scratch.
fn copied(from: &Path, to: &Path, names: &[&str]) {
    fs::create_dir_all(to).expect("a directory");
    for name in names {
        fs::copy(from.join(name), to.join(name)).expect("a copy");
    }
}

const WAL: &str = "countersign.sqlite-wal";

/// The log begins anew again and again; each belongs to the file that it began on, and to no other.
#[test]
fn a_file_and_a_log_open_together_or_not_at_all() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let tuning = Tuning {
        checkpoint_pages: 20,
        ..eager()
    };
    let store = open_as(&dir, "serve/here/1", true, tuning).expect("it opens");
    let mut days = Vec::new();
    done(&store, (0..50).map(bind).collect());
    for day in 0..6 {
        for _ in 0..40 {
            done(&store, vec![used(&store, 1)]);
        }
        let copy = home.path().join(format!("day-{day}"));
        copied(&dir, &copy, &[FILE_NAME, WAL]);
        days.push((copy, state(&store, 1)));
    }
    store.close().expect("it closes");
    for (file, (from, _)) in days.iter().enumerate() {
        for (log, (log_from, then)) in days.iter().enumerate() {
            let mixed = home.path().join(format!("{file}-{log}"));
            copied(from, &mixed, &[FILE_NAME]);
            copied(log_from, &mixed, &[WAL]);
            match open_as(&mixed, "serve/here/2", true, Tuning::default()) {
                Ok(store) => {
                    assert_eq!(state(&store, 1), *then, "file {file} with log {log} is as the log says");
                }
                Err(error) => {
                    assert_ne!(file, log, "{error}");
                    // SQLite itself sees some of them, before the file can be asked.
                    assert!(
                        matches!(error, OpenError::Mixed { .. } | OpenError::Damaged { .. }),
                        "file {file}, log {log}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_head_is_asked_for_before_anything_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    done(&store, vec![bind(1)]);
    done(&store, vec![used(&store, 1)]);
    let first = store.head();
    drop(store);
    let store = open(dir.path());
    let opened = store.head();
    done(&store, vec![bind(2)]);
    let second = store.head();
    store.close().expect("it closes");
    assert_eq!((first.chain, second.chain), (1, 2));
    let before = fs::read(dir.path().join(FILE_NAME)).expect("a file");
    let refused = |heads: &[Head]| {
        let error = with_heads(dir.path(), heads).err().expect("it is refused");
        assert_eq!(fs::read(dir.path().join(FILE_NAME)).expect("a file"), before);
        assert_eq!(
            fs::metadata(dir.path().join(WAL)).map_or(0, |log| log.len()),
            0,
            "nothing was written"
        );
        error
    };
    let further = |head: Head| Head {
        position: head.position + 1,
        ..head
    };
    let otherwise = |head: Head| Head { hash: [7; 32], ..head };
    let unknown = Head { chain: 3, ..second };
    for (head, is_behind) in [
        (further(first), true),
        (further(second), true),
        (unknown, true),
        (otherwise(first), false),
        (otherwise(opened), false),
        (otherwise(second), false),
    ] {
        let error = refused(&[first, head, second]);
        let as_expected = match &error {
            OpenError::Behind { head: found } => is_behind && *found == head,
            OpenError::Other { head: found } => !is_behind && *found == head,
            _ => false,
        };
        assert!(as_expected, "{head:?}: {error}");
    }
    assert!(matches!(refused(&[]), OpenError::NoHeads));
    let earlier = Head { position: 0, ..opened };
    with_heads(dir.path(), &[first, earlier, opened, second]).expect("each is reached");
}

#[test]
fn a_directory_that_was_taken_is_not_written_by_the_first() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = open(dir.path());
    done(&first, vec![bind(1)]);
    fs::remove_file(dir.path().join("owner.lock")).expect("it was there");
    let second = open(dir.path());
    let late = block_on(first.commit(vec![used(&first, 1)]));
    assert!(
        matches!(&late, Err(StoreError::Untrusted(why)) if why.contains("another service")),
        "{late:?}"
    );
    assert_eq!(first.trusted(), late.map(drop));
    assert!(first.api_key_generation().is_err(), "no key is trusted");
    assert!(first.close().is_err(), "nor is anything folded");
    done(&second, vec![used(&second, 1)]);
}

/// Made by a version of before secrets could be sealed anew: its rows would be moved by it.
#[test]
fn a_database_whose_secrets_lie_otherwise_is_refused_with_a_way_out() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(open(dir.path()));
    let file = Connection::open(dir.path().join(FILE_NAME)).expect("a database");
    let before = "DROP TABLE secret; CREATE TABLE secret (number INTEGER PRIMARY KEY, key_id INTEGER, bytes BLOB)";
    file.execute_batch(before).expect("it is ours");
    drop(file);
    let error = refused(dir.path());
    assert!(matches!(error, OpenError::Before { .. }), "{error}");
    assert!(error.to_string().contains("start anew"), "{error}");
}
