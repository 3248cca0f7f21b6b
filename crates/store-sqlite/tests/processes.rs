//! Two processes and one data directory; and one that is killed.

mod common;

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use common::*;
use countersign_store_sqlite::Tuning;
use store::{ApiKey, Commit, Health, Outcome, Role, StoreError, Write, audit::Trail};

/// This test's binary again, as another process that runs one of the ignored tests below on this directory.
fn process(test: &str, dir: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", test, "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{}", dir.display()).expect("it listens");
    child
}

/// The directory that [`process`] sent; `None` when somebody runs the ignored tests by themselves.
fn sent() -> Option<PathBuf> {
    std::io::stdin().lines().next().and_then(Result::ok).map(PathBuf::from)
}

fn key(number: u32) -> ApiKey {
    ApiKey {
        id: id(number),
        version: 1,
        hash: [number as u8; 32],
        roles: vec![Role::Verify],
        owner: "team".into(),
        person: None,
        return_urls: Vec::new(),
        audiences: Vec::new(),
        accounts: None,
        created_at: NOW,
        revoked_at: None,
    }
}

#[test]
#[ignore = "run by a_key_made_beside_the_server_is_honoured in a process of its own"]
fn makes_a_key() {
    let Some(dir) = sent() else { return };
    let store = open_as(&dir, "key/here/9", false, Tuning::default()).expect("it opens");
    done(&store, vec![change(vec![Write::put(None, &key(1))])]);
    assert_eq!(store.head().position, 1);
    store.close().expect("it closes");
}

#[test]
fn a_key_made_beside_the_server_is_honoured() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = open(dir.path());
    done(&server, vec![bind(1)]);
    let before = server.api_key_generation().expect("a number");
    assert_eq!(server.api_key_generation(), Ok(before));
    assert!(process("makes_a_key", dir.path()).wait().expect("it ends").success());
    assert_ne!(server.api_key_generation(), Ok(before), "the server's cache is old");
    assert_eq!(block_on(read(&server).api_key(id(1))), Ok(Some(key(1))));
    done(
        &server,
        vec![
            used(&server, 1),
            change(vec![Write::put(Some(1), &key(1).revoked(NOW))]),
        ],
    );
    let rows = block_on(server.rows(None, 100)).expect("a read");
    let chains: Vec<_> = rows
        .iter()
        .map(|row| (row.place.chain, row.place.position, row.events.len()))
        .collect();
    assert_eq!(chains, [(1, 1, 1), (2, 1, 1), (1, 2, 2)], "a chain each, one order");
}

#[test]
fn a_command_beside_the_server_sees_what_is_and_may_little() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = open_as(dir.path(), "serve/here/1", true, eager()).expect("it opens");
    let beside = open_as(dir.path(), "audit/here/2", false, Tuning::default()).expect("it opens");
    done(&server, vec![bind(1), bind(2)]);
    for round in 1..=40 {
        done(&server, vec![used(&server, 1)]);
        assert_eq!(state(&beside, 1), Some(state_at(round)));
        assert_eq!(state(&beside, 2), Some(fresh()));
    }
    done(&server, vec![unbound(&server, 1)]);
    assert_eq!(state(&beside, 1), None);
    assert!(matches!(
        block_on(beside.commit(vec![used(&beside, 2)])),
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(
        block_on(beside.commit(vec![bind(3)])),
        Err(StoreError::Unavailable(_))
    ));
    done(
        &beside,
        vec![change(vec![Write::put(None, &key(1))]), change(Vec::new())],
    );
    assert_eq!(beside.head().position, 1);
    assert_eq!(block_on(server.last_of(2)), Ok(Some(beside.head())));
}

/// The server closes the chain of a command that it must take for dead; the command then writes no more.
#[test]
fn a_forgotten_chain_is_closed_and_stays_so() {
    let dir = tempfile::tempdir().expect("a directory");
    open(dir.path()).close().expect("it closes");
    let beside = open_as(dir.path(), "key/here/2", false, Tuning::default()).expect("it opens");
    done(&beside, vec![change(vec![Write::put(None, &key(1))])]);
    let head = beside.head();
    let reopened = |at| {
        let options = countersign_store_sqlite::Options {
            writer: "serve/here/3".into(),
            opened_at: at,
            sign: &|_| vec![1],
            verify: &|_, _| true,
            heads: None,
            owner: true,
        };
        let server = countersign_store_sqlite::Sqlite::open(dir.path(), options).expect("it opens");
        block_on(server.chains()).expect("a read")[1]
            .closing
            .as_ref()
            .map(|closing| closing.head)
    };
    assert_eq!(reopened(NOW.plus(600_000)), None, "ten minutes are its own");
    assert_eq!(reopened(NOW.plus(600_001)), Some(head));
    let late = block_on(beside.commit(vec![change(vec![Write::put(None, &key(2))])]));
    assert_eq!(late, Err(StoreError::Closed));
    assert_eq!(block_on(read(&beside).api_key(id(2))), Ok(None), "nothing of it");
}

const DEVICES: u32 = 50;

#[test]
#[ignore = "run by what_a_killed_process_answered_is_there in a process of its own, and killed"]
fn commits_until_it_is_killed() {
    let tuning = Tuning {
        checkpoint_pages: 50,
        ..eager()
    };
    let Some(dir) = sent() else { return };
    let store = open_as(&dir, "serve/here/1", true, tuning).expect("it opens");
    let mut out = std::io::stdout().lock();
    for round in 0.. {
        // A user changes once in a call: so many are not the same.
        let some: Vec<u32> = (0..1 + round % 16).map(|at| (round * 7 + at * 3) % DEVICES).collect();
        let mut changes = Vec::new();
        for number in &some {
            changes.push(used(&store, *number));
        }
        assert_eq!(block_on(store.commit(changes)), Ok(vec![Outcome::Done; some.len()]));
        for number in some {
            let uses = state(&store, number).map_or(0, |state| uses(&state));
            writeln!(out, "said {number} {uses}.").expect("the parent listens");
        }
    }
}

#[test]
fn what_a_killed_process_answered_is_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    done(&store, (0..DEVICES).map(bind).collect());
    drop(store);
    let mut said: HashMap<u32, u64> = HashMap::new();
    for round in 0..6 {
        let mut child = process("commits_until_it_is_killed", dir.path());
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        // Killed by how much it has said, so that no clock decides.
        let mut left = 300 + 211 * round;
        let mut lines = out.lines();
        while left > 0 {
            let line = lines.next().expect("it talks").expect("a line");
            left -= usize::from(hear(&line, &mut said));
        }
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        for line in lines.map_while(Result::ok) {
            hear(&line, &mut said);
        }
        let store = open_as(dir.path(), "serve/here/1", true, eager()).expect("it opens");
        for (number, answered) in &said {
            let found = state(&store, *number).map_or(0, |state| uses(&state));
            assert!(
                found >= *answered,
                "device {number}: {answered} was answered, {found} is there"
            );
        }
        // The killed chain was found and closed.
        let chains = block_on(store.chains()).expect("a read");
        let (own, killed) = chains.split_last().expect("chains");
        assert!(own.closing.is_none() && killed.iter().all(|chain| chain.closing.is_some()));
        drop(store);
    }
}

/// A line may be cut by the kill; a whole one ends with a full stop.
fn hear(line: &str, said: &mut HashMap<u32, u64>) -> bool {
    let words = line
        .find("said ")
        .map(|at| &line[at + 5..])
        .and_then(|words| words.strip_suffix('.'));
    let Some((number, version)) = words.and_then(|words| words.split_once(' ')) else {
        return false;
    };
    said.insert(number.parse().expect("a number"), version.parse().expect("a number"));
    true
}
