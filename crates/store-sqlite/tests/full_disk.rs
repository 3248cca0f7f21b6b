//! A full disk: nothing is half written, and it goes on when there is space again.

mod common;

use std::{fs, path::Path, process::Command};

use common::*;
use countersign_store_sqlite::{Sqlite, Tuning};
use store::{Commit, Outcome, StoreError, Users, audit::Trail};

/// Commits until the medium is full; the result is the state that was last answered.
fn fill(store: &Sqlite) -> verify::DeviceState {
    for round in 0..100_000 {
        let filler = said(
            &format!("{{\"said\":\"{}\"}}", "x".repeat(2_000)),
            vec![use_of(store, 1)],
        );
        match block_on(store.commit(vec![filler])) {
            Ok(outcomes) => assert_eq!(outcomes, [Outcome::Done]),
            Err(StoreError::Unavailable(_)) => return state_at(round),
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the medium is never full");
}

/// Full, refused, and as if nothing had been asked.
fn check_full(store: &Sqlite) -> verify::DeviceState {
    done(store, vec![bind(1)]);
    let last = fill(store);
    assert_eq!(state(store, 1).as_ref(), Some(&last));
    let head = store.head();
    assert_eq!(
        block_on(store.last_of(head.chain)),
        Ok(Some(head)),
        "the head is the last row"
    );
    let racers: Vec<_> = (0..8).map(|_| store.commit((100..140).map(bind).collect())).collect();
    for racer in racers {
        assert!(
            matches!(block_on(racer), Err(StoreError::Unavailable(_))),
            "everybody in the group is told"
        );
    }
    assert!(
        block_on(store.users((100..140).map(owner).collect()))
            .expect("a read")
            .iter()
            .all(Option::is_none)
    );
    assert_eq!(store.head(), head);
    last
}

fn check_again(store: &Sqlite, last: verify::DeviceState) {
    assert_eq!(state(store, 1).as_ref(), Some(&last));
    done(store, (100..140).map(bind).collect());
    let again = used(store, 1);
    done(store, vec![again.clone()]);
    assert_eq!(state(store, 1), Some(next(&last)));
    assert_eq!(block_on(store.commit(vec![again])), Ok(vec![Outcome::Missed]));
}

/// The log is what finds no space, as on every full disk.
#[test]
fn files_that_may_not_grow_recover() {
    alone("files_that_may_not_grow_recover", || {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open_as(dir.path(), "serve/here/1", true, eager()).expect("it opens");
        limit_files(Some(1 << 19));
        let last = check_full(&store);
        limit_files(None);
        check_again(&store, last.clone());
        drop(store);
        assert_eq!(state(&open(dir.path()), 1), Some(next(&last)));
    });
}

/// A file system of four megabytes, which has no room for any file.
#[test]
fn a_full_file_system_recovers() {
    let Some(mount) = Mount::new() else {
        // The limit above is all that can be tried where nothing may be mounted.
        eprintln!("skipped: a small tmpfs needs root and the right to mount");
        return;
    };
    let ballast = mount.path().join("ballast");
    fs::write(&ballast, vec![1; 1 << 20]).expect("there is space");
    let store = open_as(&mount.path().join("data"), "serve/here/1", true, eager()).expect("it opens");
    let last = check_full(&store);
    fs::remove_file(&ballast).expect("it goes");
    check_again(&store, last.clone());
    drop(store);
    let store = open_as(&mount.path().join("data"), "serve/here/1", true, Tuning::default()).expect("it opens");
    assert_eq!(state(&store, 1), Some(next(&last)));
    drop(store);
}

struct Mount(tempfile::TempDir);

impl Mount {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "none"])
            .arg(dir.path())
            .output();
        mount.is_ok_and(|mount| mount.status.success()).then_some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}
