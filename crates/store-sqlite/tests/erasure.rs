//! What was erased is in none of the files.
#![allow(clippy::disallowed_methods, reason = "a test says how long it took")]

mod common;

use std::{fs, path::Path, time::Duration};

use common::*;
use countersign_store_sqlite::{Sqlite, Tuning};
use otp::Parameters;
use store::{
    Commit, Enrollment, EnrollmentState, IdentityProof, Outcome, Owner, Protection, Sealed, Secrets, User, Write,
};
use verify::{Kind, UnixMs};

/// Erasures are driven out as soon as nothing else is to do.
fn quick() -> Tuning {
    Tuning {
        erase_idle: Duration::from_millis(1),
        ..eager()
    }
}

/// Which of these byte strings are in which file of the directory.
fn traces(dir: &Path, secrets: &[Vec<u8>]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for file in fs::read_dir(dir).expect("a directory") {
        let path = file.expect("an entry").path();
        let bytes = fs::read(&path).expect("a file");
        // By their first four bytes, for there are many secrets.
        let starts: std::collections::HashMap<&[u8], usize> = secrets
            .iter()
            .enumerate()
            .map(|(at, secret)| (&secret[..4], at))
            .collect();
        for (at, window) in bytes.windows(4).enumerate() {
            if let Some(&secret) = starts.get(window)
                && bytes[at..].starts_with(&secrets[secret][..12])
            {
                found.push((path.file_name().expect("a name").to_string_lossy().into_owned(), secret));
            }
        }
    }
    found
}

/// Erases once more, and waits for the writer to be idle and to cut the log.
fn settle(store: &Sqlite, dir: &Path) {
    done(store, vec![bind(999_999)]);
    done(store, vec![unbound(store, 999_999)]);
    until_cut(dir);
}

fn until_cut(dir: &Path) {
    for _ in 0..30_000 {
        if fs::metadata(dir.join("countersign.sqlite-wal")).is_ok_and(|log| log.len() == 0) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the log was not cut");
}

fn enrollment(number: u32, state: EnrollmentState, version: u64) -> Write {
    let next = begun(number, state, version);
    Write::put(version.checked_sub(1).filter(|version| *version > 0), &next)
}

fn begun(number: u32, state: EnrollmentState, version: u64) -> Enrollment {
    Enrollment {
        id: id(number),
        owner: owner(number),
        version,
        kind: Kind::Virtual,
        issuer: "Cloud".into(),
        label: "label".into(),
        parameters: Parameters::DEFAULT,
        moving: verify::Moving::Time,
        identity_proof: IdentityProof {
            method: "sms".into(),
            at: NOW,
            by: "desk".into(),
        },
        serial_number: None,
        replaces: None,
        started_at: NOW,
        expires_at: NOW.plus(UnixMs::HOUR),
        state,
    }
}

/// Thousands come and go in an order that splits and merges pages; what is erased must leave no copy in a page's gap.
#[test]
fn an_unbound_device_leaves_no_secret() {
    const COUNT: u32 = 4_000;
    let dir = tempfile::tempdir().expect("a directory");
    let store = open_as(dir.path(), "serve/here/1", true, quick()).expect("it opens");
    // A stride that is no divisor: neighbours in time are no neighbours in the tables.
    let order: Vec<u32> = (0..COUNT).map(|at| at * 1_009 % COUNT).collect();
    for some in order.chunks(97) {
        done(&store, some.iter().map(|number| bind(*number)).collect());
    }
    let (gone, kept): (Vec<u32>, Vec<u32>) = order.iter().partition(|number| !number.is_multiple_of(3));
    for some in gone.chunks(31) {
        done(&store, some.iter().map(|number| unbound(&store, *number)).collect());
        // And newcomers in between, in their places.
        let new = some.iter().take(9).map(|number| bind(number + 100_000)).collect();
        done(&store, new);
    }
    settle(&store, dir.path());
    let secrets = |numbers: &[u32]| numbers.iter().map(|number| sealed(*number)).collect::<Vec<_>>();
    assert_eq!(traces(dir.path(), &secrets(&gone)), []);
    let found = traces(dir.path(), &secrets(&kept));
    assert_eq!(found.len(), kept.len(), "those that are bound are there, once");
    for number in kept.iter().take(100) {
        assert_eq!(row(&store, *number).devices[0].device.sealed.bytes, sealed(*number));
    }
}

#[test]
fn an_ended_enrollment_leaves_no_secret() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open_as(dir.path(), "serve/here/1", true, quick()).expect("it opens");
    let sealed_of = |number| Sealed {
        key_id: 1,
        bytes: sealed(number),
    };
    let started = |number| EnrollmentState::Started {
        sealed: Some(sealed_of(number)),
        wrong_codes: 0,
    };
    for number in 0..300 {
        done(&store, vec![change(vec![enrollment(number, started(number), 1)])]);
        let counted = EnrollmentState::Started {
            sealed: Some(sealed_of(number)),
            wrong_codes: 1,
        };
        done(&store, vec![change(vec![enrollment(number, counted, 2)])]);
        let end = if number % 2 == 0 {
            EnrollmentState::Abandoned
        } else {
            EnrollmentState::Confirmed { device: id(number) }
        };
        if number < 200 {
            done(&store, vec![change(vec![enrollment(number, end, 3)])]);
        }
    }
    settle(&store, dir.path());
    let secrets: Vec<_> = (0..200).map(sealed).collect();
    assert_eq!(traces(dir.path(), &secrets), []);
    let open: Vec<_> = (200..300).map(sealed).collect();
    assert_eq!(traces(dir.path(), &open).len(), 100);
}

/// A server that never rests drives erasures out all the same.
#[test]
fn erasures_do_not_wait_for_a_rest() {
    let dir = tempfile::tempdir().expect("a directory");
    let tuning = Tuning {
        erase_idle: Duration::from_secs(600),
        erase_latest: Duration::ZERO,
        ..Tuning::default()
    };
    let store = open_as(dir.path(), "serve/here/1", true, tuning).expect("it opens");
    done(&store, vec![bind(1), bind(2)]);
    assert_eq!(traces(dir.path(), &[sealed(1)]).len(), 1);
    let late = used(&store, 1);
    done(&store, vec![unbound(&store, 1)]);
    // The answer comes before the checkpoint; the next answer comes after it.
    let late = block_on(store.commit(vec![late]));
    assert_eq!(late, Ok(vec![Outcome::Missed]));
    assert_eq!(traces(dir.path(), &[sealed(1)]), []);
}

/// Keys of every width that a number could have; what was sealed under the one before is nowhere, and no row has moved.
#[test]
fn a_secret_sealed_anew_leaves_no_copy_under_the_old_key() {
    const COUNT: u32 = 3_000;
    let dir = tempfile::tempdir().expect("a directory");
    let store = open_as(dir.path(), "serve/here/1", true, quick()).expect("it opens");
    let order: Vec<u32> = (0..COUNT).map(|at| at * 1_009 % COUNT).collect();
    for some in order.chunks(97) {
        done(&store, some.iter().map(|number| bind(*number)).collect());
    }
    let number_of = |at: u32, round: u32| 1_000_000 * round + at;
    let mut gone: Vec<Vec<u8>> = Vec::new();
    let (mut from, mut passing) = (1, 0);
    for (round, to) in (1..).zip([2, 200, 70_000, u32::MAX, 3]) {
        let (mut after, mut at) = (0, 0);
        loop {
            let page = block_on(store.sealed_under(from, after, 101)).expect("a read");
            let Some((last, _)) = page.last() else { break };
            after = *last;
            let writes = page.into_iter().map(|(number, old)| {
                gone.push(old.bytes.clone());
                at += 1;
                let new = Sealed {
                    key_id: to,
                    bytes: sealed(number_of(at, round)),
                };
                Write::Reseal { number, old, new }
            });
            done(&store, vec![change(writes.collect())]);
            // Devices come and go meanwhile, each in the place of the one before.
            passing += 1;
            done(&store, vec![bind(500_000 + passing)]);
            done(&store, vec![unbound(&store, 500_000 + passing)]);
            gone.push(sealed(500_000 + passing));
        }
        assert_eq!(at, COUNT, "all of key {from}");
        from = to;
    }
    settle(&store, dir.path());
    assert_eq!(traces(dir.path(), &gone), []);
    let kept: Vec<_> = block_on(store.sealed_under(from, 0, u32::MAX)).expect("a read");
    assert_eq!(kept.len(), COUNT as usize);
    let kept: Vec<_> = kept.into_iter().map(|(_, sealed)| sealed.bytes).collect();
    assert_eq!(
        traces(dir.path(), &kept).len(),
        kept.len(),
        "the newest are there, once"
    );
}

/// Of one length, and none is part of another.
fn person(number: u32) -> Owner {
    let spread = number.wrapping_mul(2_654_435_761);
    Owner::new("acme", format!("{spread:08x} person \"{number}\""))
}

/// A user with records of their own.
fn settled(number: u32) -> store::Change {
    settled_as(number, person(number))
}

fn settled_as(number: u32, owner: Owner) -> store::Change {
    let user = User {
        owner: owner.clone(),
        ..newcomer(number)
    };
    let records = [
        user.changed(),
        Write::put(None, &Protection::none(owner.clone())),
        Write::put(
            None,
            &Enrollment {
                owner,
                ..begun(number, EnrollmentState::Abandoned, 1)
            },
        ),
    ];
    change(records.into())
}

fn erased(store: &Sqlite, number: u32) -> store::Change {
    let user = block_on(read(store).user(person(number)))
        .expect("a read")
        .expect("a row");
    change(vec![user.erased()])
}

/// In whose name the files say something.
fn named(dir: &Path, numbers: &[u32]) -> Vec<(String, usize)> {
    traces(
        dir,
        &numbers
            .iter()
            .map(|number| person(*number).user.as_bytes().to_vec())
            .collect::<Vec<_>>(),
    )
}

/// In an order that splits and merges pages, where SQLite leaves copies of rows: 1 of some 100 has one.
#[test]
fn an_erased_user_leaves_no_name() {
    const COUNT: u32 = 4_000;
    let dir = tempfile::tempdir().expect("a directory");
    let store = open_as(dir.path(), "serve/here/1", true, quick()).expect("it opens");
    let all: Vec<u32> = (0..COUNT).collect();
    for some in all.chunks(97) {
        done(&store, some.iter().map(|number| settled(*number)).collect());
    }
    let (gone, kept): (Vec<u32>, Vec<u32>) = all.iter().partition(|number| number.is_multiple_of(3));
    for some in gone.chunks(31) {
        done(&store, some.iter().map(|number| erased(&store, *number)).collect());
        done(&store, some.iter().map(|number| settled(number + 100_000)).collect());
    }
    settle(&store, dir.path());
    // The search goes on for as long as nothing else is to do; nobody sees its end but by what it finds.
    for _ in 0..300 {
        if named(dir.path(), &gone).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(named(dir.path(), &gone), []);
    assert!(named(dir.path(), &kept).len() >= kept.len());
    for number in kept.iter().take(100) {
        let owner = person(*number);
        assert!(block_on(read(&store).user(owner.clone())).expect("a read").is_some());
        assert!(
            block_on(read(&store).enrollment(owner, id(*number)))
                .expect("a read")
                .is_some()
        );
    }
}

/// Whoever is killed between an erasure and the search for copies has the next start write the tables anew; of 100,000
/// users with `COUNTERSIGN_SOAK=1`, which says how long that takes.
#[test]
fn a_crash_leaves_no_name() {
    let soak = std::env::var_os("COUNTERSIGN_SOAK").is_some();
    let count = if soak { 100_000 } else { 1_000 };
    let dir = tempfile::tempdir().expect("a directory");
    let slow = Tuning {
        erase_idle: Duration::from_secs(600),
        ..eager()
    };
    let store = open_as(dir.path(), "serve/here/1", true, slow).expect("it opens");
    let all: Vec<u32> = (0..count).collect();
    for some in all.chunks(97) {
        done(&store, some.iter().map(|number| settled(*number)).collect());
    }
    for number in &all[..900] {
        done(&store, vec![erased(&store, *number)]);
    }
    drop(store);
    assert!(!named(dir.path(), &all[..900]).is_empty(), "the log has them");
    let store = open_as(dir.path(), "serve/here/2", true, quick()).expect("it opens");
    let began = std::time::Instant::now();
    store.close().expect("it closes");
    eprintln!("{count} users written anew: {:.2} s", began.elapsed().as_secs_f64());
    assert_eq!(named(dir.path(), &all[..900]), []);
    let left = open_as(dir.path(), "serve/here/3", true, quick()).expect("it opens");
    for number in all[900..].iter().take(100) {
        assert!(block_on(read(&left).user(person(*number))).expect("a read").is_some());
    }
}

/// A long name, and how much of it is in a file, from a piece of 16 bytes on: none but its end.
#[test]
fn no_large_part_of_a_long_name_is_left() {
    const COUNT: u32 = 4_000;
    let long = |number: u32| -> String {
        let part = |at: u32| {
            format!(
                "{:08x}",
                number.wrapping_mul(2_654_435_761).rotate_left(at) ^ at.wrapping_mul(0x9e37_79b9)
            )
        };
        (0..16).map(part).collect()
    };
    let called = |number: u32| settled_as(number, Owner::new("acme", long(number)));
    let dir = tempfile::tempdir().expect("a directory");
    let store = open_as(dir.path(), "serve/here/1", true, quick()).expect("it opens");
    let all: Vec<u32> = (0..COUNT).collect();
    for some in all.chunks(97) {
        done(&store, some.iter().map(|number| called(*number)).collect());
    }
    let gone: Vec<u32> = all.into_iter().filter(|number| number.is_multiple_of(3)).collect();
    for some in gone.chunks(31) {
        let end = |number: &u32| {
            let owner = Owner::new("acme", long(*number));
            let user = block_on(read(&store).user(owner)).expect("a read").expect("a row");
            change(vec![user.erased()])
        };
        done(&store, some.iter().map(end).collect());
        done(&store, some.iter().map(|number| called(number + 100_000)).collect());
    }
    store.close().expect("it closes");
    let pieces: Vec<Vec<u8>> = gone
        .iter()
        .flat_map(|number| {
            (0..104)
                .step_by(8)
                .map(move |at| long(*number).as_bytes()[at..at + 16].to_vec())
        })
        .collect();
    assert_eq!(traces(dir.path(), &pieces), []);
}

/// No file may grow when tables are to be written anew; later they may, and somebody else is erased.
#[test]
fn what_could_not_be_written_anew_is_made_up_for() {
    alone("what_could_not_be_written_anew_is_made_up_for", || {
        // Where this machine pauses in the wrong moment, all is written anew before it is hindered.
        assert!((0..5).any(|_| made_up_for()), "some have a copy");
    });
}

/// Whether there was something to make up for.
fn made_up_for() -> bool {
    const COUNT: u32 = 2_000;
    let dir = tempfile::tempdir().expect("a directory");
    let later = Tuning {
        erase_idle: Duration::from_millis(700),
        ..eager()
    };
    let store = open_as(dir.path(), "serve/here/1", true, later).expect("it opens");
    let all: Vec<u32> = (0..COUNT).collect();
    for some in all.chunks(97) {
        done(&store, some.iter().map(|number| settled(*number)).collect());
    }
    done(&store, vec![settled(777_777)]);
    let gone: Vec<u32> = all.into_iter().filter(|number| number.is_multiple_of(3)).collect();
    for some in gone.chunks(31) {
        done(&store, some.iter().map(|number| erased(&store, *number)).collect());
    }
    // What was erased has to come from the log into the file first: there it is looked for.
    until_cut(dir.path());
    limit_files(Some(1 << 16));
    std::thread::sleep(Duration::from_secs(2));
    let hindered = !named(dir.path(), &gone).is_empty();
    limit_files(None);
    done(&store, vec![erased(&store, 777_777)]);
    std::thread::sleep(Duration::from_millis(1_500));
    store.close().expect("it closes");
    assert_eq!(named(dir.path(), &gone), []);
    hindered
}
