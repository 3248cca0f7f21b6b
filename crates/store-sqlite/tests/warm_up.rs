//! Soon after a start everybody is known, and a name that is not is nobody's: both are told at once, without a read.

mod common;

use std::{
    fs,
    path::Path,
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use common::*;
use countersign_store_sqlite::{FILE_NAME, Sqlite, Tuning};
use store::{Owner, User, Users as _, Write};

/// Several pages.
const USERS: u32 = 300;

fn open(dir: &Path, known_users: usize) -> Sqlite {
    let tuning = Tuning {
        known_users,
        known_again: Duration::from_millis(1),
        ..Tuning::default()
    };
    open_as(dir, "serve/here/1", true, tuning).expect("the database opens")
}

fn filled(dir: &Path, known_users: usize) -> Sqlite {
    let engine = open(dir, known_users);
    let users = (1..=USERS).map(|number| change(vec![newcomer(number).changed()]));
    done(&engine, users.collect());
    engine
}

fn until(why: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{why}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What is told at once; `None` where it was not read yet.
fn at_once(engine: &Sqlite, owner: Owner) -> Option<Option<User>> {
    let asked = pin!(engine.users(vec![owner]));
    match asked.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(told) => told.expect("a read").pop(),
        Poll::Pending => None,
    }
}

fn write(engine: &Sqlite, write: Write) {
    done(engine, vec![change(vec![write])]);
}

#[test]
fn everybody_is_known_soon_after_a_start_and_what_is_written_since() {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path(), 1_000).close().expect("it closes");
    let engine = open(dir.path(), 1_000);
    until("everybody is known", || engine.is_warm());
    for number in 1..=USERS {
        let told = at_once(&engine, owner(number)).flatten().expect("a user");
        assert_eq!(told.id, newcomer(number).id);
    }
    // An answer that was read may be quick, but not each of many.
    for number in USERS + 1..=2 * USERS {
        assert_eq!(at_once(&engine, owner(number)), Some(None), "{number}");
    }
    let (nobody, other) = (owner(USERS + 1), owner(USERS + 2));

    write(&engine, newcomer(USERS + 1).changed());
    let told = at_once(&engine, nobody.clone()).flatten().expect("a user");
    assert_eq!(told.id, newcomer(USERS + 1).id);
    let renamed = User {
        owner: other.clone(),
        ..told
    };
    write(&engine, renamed.renamed(nobody.clone()));
    assert_eq!(at_once(&engine, nobody), Some(None));
    let told = at_once(&engine, other.clone()).flatten().expect("a user");
    write(&engine, told.erased());
    assert_eq!(at_once(&engine, other), Some(None));
    engine.close().expect("it closes");
}

#[test]
fn nobody_is_taken_for_absent_where_not_all_have_room() {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path(), 1_000).close().expect("it closes");
    let engine = open(dir.path(), USERS as usize - 1);
    until("it is full", || engine.is_warm());
    for number in 1..=USERS {
        let told = block_on(engine.users(vec![owner(number)])).expect("a read");
        assert!(told[0].is_some(), "{number}");
    }
    engine.close().expect("it closes");
}

/// Whoever is renamed or erased leaves no name behind that would take somebody's room.
#[test]
fn names_that_were_given_up_take_no_room() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = filled(dir.path(), USERS as usize + 50);
    until("everybody is known", || engine.is_warm());
    let mut from = owner(1);
    for number in 10_001..=10_100 {
        let row = block_on(engine.users(vec![from.clone()])).expect("a read").pop();
        let mut row = row.flatten().expect("a user");
        row.owner = owner(number);
        for bound in &mut row.devices {
            bound.device.owner = row.owner.clone();
        }
        let next = row.owner.clone();
        write(&engine, row.renamed(from));
        from = next;
    }
    assert_eq!(at_once(&engine, owner(10_001)), Some(None));
    assert_eq!(at_once(&engine, owner(20_000)), Some(None));
    engine.close().expect("it closes");
}

#[test]
fn one_more_than_have_room_is_missed_by_nobody() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = filled(dir.path(), USERS as usize);
    until("everybody is known", || engine.is_warm());
    write(&engine, newcomer(USERS + 1).changed());
    for number in 1..=USERS + 1 {
        let told = block_on(engine.users(vec![owner(number)])).expect("a read");
        assert!(told[0].is_some(), "{number}");
    }
    engine.close().expect("it closes");
}

/// A bit of a name is flipped where it stands in the file, at the ends of pages and elsewhere: whoever is found by reads is
/// found.
#[test]
fn a_damaged_name_takes_nobody_else_for_absent() {
    let source = tempfile::tempdir().expect("a directory");
    filled(source.path(), 1_000).close().expect("it closes");
    let mut numbers: Vec<u32> = (1..=USERS).collect();
    numbers.sort_by_key(|number| owner(*number).user);
    for (place, bit) in [0, 10, 62, 63, 64, 125, 126, 127, 191, 255, 299]
        .into_iter()
        .flat_map(|place| [(place, 0x08), (place, 0x40)])
    {
        let found_with = |known_users| {
            let dir = tempfile::tempdir().expect("a directory");
            for file in fs::read_dir(source.path()).expect("files") {
                let file = file.expect("a file");
                fs::copy(file.path(), dir.path().join(file.file_name())).expect("a copy");
            }
            damage_the_name(&dir.path().join(FILE_NAME), numbers[place], bit);
            let engine = open(dir.path(), known_users);
            until("everybody was read", || engine.is_warm());
            (1..=USERS)
                .filter(|number| block_on(engine.users(vec![owner(*number)])).expect("a read")[0].is_some())
                .collect::<Vec<_>>()
        };
        let (warm, by_reads) = (found_with(1_000), found_with(10));
        let absent = by_reads.iter().find(|number| !warm.contains(number));
        assert_eq!(absent, None, "place {place}, bit {bit}");
    }
}

fn damage_the_name(file: &Path, number: u32, bit: u8) {
    let mut bytes = fs::read(file).expect("the database");
    let Owner { account, user } = owner(number);
    let row = [account.as_bytes(), user.as_bytes(), newcomer(number).id.as_bytes()].concat();
    let at = bytes
        .windows(row.len())
        .position(|window| window == row)
        .expect("the row");
    bytes[at + account.len()] ^= bit;
    fs::write(file, bytes).expect("the database");
}

/// What was known is forgotten, for it may be another's work by now.
#[test]
fn everybody_is_read_anew_once_somebody_beside_has_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let tuning = Tuning {
        known_again: Duration::from_secs(3_600),
        ..Tuning::default()
    };
    for again in [tuning.known_again, Duration::from_millis(1)] {
        let tuning = Tuning {
            known_again: again,
            ..tuning.clone()
        };
        let engine = open_as(dir.path(), "serve/here/1", true, tuning).expect("the database opens");
        until("everybody is known", || engine.is_warm());
        let beside = open_as(dir.path(), "key/here/2", false, Tuning::default()).expect("it opens");
        beside.close().expect("it closes");
        block_on(engine.look()).expect("the files are ours");
        if again > Duration::from_secs(1) {
            assert!(!engine.is_warm());
        }
        assert_eq!(block_on(engine.users(vec![owner(1)])), Ok(vec![None]));
        if again < Duration::from_secs(1) {
            until("everybody is known again", || engine.is_warm());
            assert_eq!(at_once(&engine, owner(1)), Some(None));
        }
        engine.close().expect("it closes");
    }
}
