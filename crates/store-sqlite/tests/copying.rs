//! The log is copied into the database beside the writer, and begins anew, while others read, write and look.

mod common;

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use common::*;
use countersign_store_sqlite::{FILE_NAME, Sqlite, Tuning};
use rusqlite::Connection;
use store::StoreError;

/// Users, each of whom is used in every round.
const USERS: u32 = 8;
const ROUNDS: u64 = 100;

/// A pause of some part of so many microseconds: no two are alike, so that in time everything meets everything.
fn pause(turn: u64, most_us: u64) {
    thread::sleep(Duration::from_micros(turn * 7_919 % most_us));
}

/// Reads, as an export or a backup does, until it is over.
fn read_on(dir: &Path, over: &AtomicBool) {
    let conn = Connection::open(dir.join(FILE_NAME)).expect("it opens");
    conn.pragma_update(None, "wal_autocheckpoint", 0).expect("a setting");
    for turn in 1.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        conn.execute_batch("BEGIN; SELECT count(*) FROM user;").expect("a read");
        pause(turn, 2_500);
        conn.execute_batch("COMMIT").expect("its end");
        pause(turn, 2_507);
    }
}

/// Looks after the files until it is over.
fn look_on(store: &Sqlite, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        looked(store);
        pause(1, 10_000);
    }
}

fn looked(store: &Sqlite) {
    block_on(store.look()).expect("nobody but the writer and its copier has touched the files");
}

/// Tells `story` while two read, who are in the way of the copying now and then, and one looks after the files.
fn meanwhile(store: &Sqlite, dir: &Path, story: impl FnOnce()) {
    /// It is over, also where the story panics.
    struct End<'a>(&'a AtomicBool);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let over = &AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = End(over);
        for _reader in 0..2 {
            scope.spawn(|| read_on(dir, over));
        }
        scope.spawn(|| look_on(store, over));
        story();
    });
    looked(store);
}

/// What the copier has copied to its end begins anew with the next commit, whether or not the writer has heard of it, and
/// whether or not a reader is in the way of what is left to the writer.
#[test]
fn a_log_that_begins_anew_by_itself_is_nobody_elses() {
    let dir = tempfile::tempdir().expect("a directory");
    let tuning = Tuning {
        checkpoint_pages: 16,
        ..Tuning::default()
    };
    let store = open_as(dir.path(), "serve/here/1", true, tuning.clone()).expect("it opens");
    done(&store, (0..USERS).map(bind).collect());
    meanwhile(&store, dir.path(), || {
        for turn in 0..ROUNDS * u64::from(USERS) {
            done(&store, vec![used(&store, (turn % u64::from(USERS)) as u32)]);
            pause(turn, 3_000);
        }
    });
    store.close().expect("it closes");
    let store = open_as(dir.path(), "serve/here/2", true, tuning).expect("file and log belong together");
    for number in 0..USERS {
        assert_eq!(uses(&state(&store, number).expect("bound")), ROUNDS);
    }
}

/// The log is to be cut, and is not, because somebody reads what is copied already.
#[test]
fn a_log_that_could_not_be_cut_is_nobody_elses_either() {
    let dir = tempfile::tempdir().expect("a directory");
    let tuning = Tuning {
        erase_idle: Duration::ZERO,
        erase_latest: Duration::ZERO,
        ..eager()
    };
    let store = open_as(dir.path(), "serve/here/1", true, tuning).expect("it opens");
    meanwhile(&store, dir.path(), || {
        for number in 0..100 {
            done(&store, vec![bind(number)]);
            done(&store, vec![unbound(&store, number)]);
            pause(number.into(), 3_000);
        }
    });
    store.close().expect("it closes");
}

/// Whoever lays another log over this one is seen, once the copying is over.
#[test]
fn a_log_that_was_overwritten_is_seen_after_many_copyings() {
    let dir = tempfile::tempdir().expect("a directory");
    let tuning = Tuning {
        checkpoint_pages: 16,
        ..Tuning::default()
    };
    let store = open_as(dir.path(), "serve/here/1", true, tuning).expect("it opens");
    done(&store, (0..USERS).map(bind).collect());
    for turn in 0..160 {
        done(&store, vec![used(&store, turn % USERS)]);
    }
    // Nothing is committed, so that whatever is copied ends, and what is there then is looked at.
    for turn in 0..300 {
        looked(&store);
        pause(turn, 2_000);
    }
    let log = dir.path().join(format!("{FILE_NAME}-wal"));
    let log = File::options().write(true).open(log).expect("a log");
    log.write_all_at(&[7; 8], 16).expect("other salts");
    let seen = block_on(store.look());
    assert!(
        matches!(&seen, Err(StoreError::Untrusted(why)) if why.contains("-wal was overwritten")),
        "{seen:?}"
    );
}
