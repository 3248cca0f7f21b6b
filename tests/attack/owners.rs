//! Two services on one data directory, by every trick: none accepts a code that the other one accepted (D4).

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{
    http::Api,
    now_step,
    phone::Phone,
    process::{Running, Served, run, serve},
    soak, step_that_lasts, until,
};

/// A service with users of its own, and what they show.
struct Hall {
    _home: tempfile::TempDir,
    dir: PathBuf,
    first: Served,
    api: Api,
    phones: Vec<Phone>,
}

const USERS: usize = 4;

impl Hall {
    fn open() -> Self {
        Self::of(USERS)
    }

    fn of(users: usize) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let dir = home.path().join("data");
        let first = Served::start(&dir);
        let api = first.api();
        let step = step_that_lasts(15);
        let phones = (0..users).map(|user| api.bind(&name(user), step - 1).1).collect();
        Self {
            _home: home,
            dir,
            first,
            api,
            phones,
        }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.dir.with_file_name(name)
    }

    /// Each user's code at both services, in either order: at most one of the two accepts it.
    #[track_caller]
    fn accepted_once(&self, second: &Served) {
        let step = now_step();
        let other = self.api.at(&second.url);
        let mut by_second = 0;
        for (user, phone) in self.phones.iter().enumerate() {
            let code = phone.code(step);
            let ask = |api: &Api| {
                let answer = api.verify(&name(user), &code).expect("an answer");
                answer.status == 200 && answer.outcome() == "accepted"
            };
            let (first, second) = if user % 2 == 0 {
                (ask(&self.api), ask(&other))
            } else {
                let second = ask(&other);
                (ask(&self.api), second)
            };
            assert!(!(first && second), "D4: {} was accepted by both services", name(user));
            by_second += usize::from(second);
        }
        assert_eq!(by_second, USERS, "the one that holds the directory goes on");
    }

    /// The first service answers nothing any more and says why.
    #[track_caller]
    fn first_is_out(&self, says: &str) {
        until(&format!("not ready, and says {says:?}"), || {
            let (status, words) = ready(&self.api);
            status == 503 && words.contains(says)
        });
        let step = now_step();
        let answer = self
            .api
            .verify(&name(0), &self.phones[0].code(step + 1))
            .expect("an answer");
        assert_eq!(answer.status, 503, "D4: {}", answer.body);
    }
}

fn name(user: usize) -> String {
    format!("user-{user}")
}

fn ready(api: &Api) -> (u16, String) {
    let answer = api.get("/readyz").expect("an answer");
    (answer.status, answer.body.to_string())
}

#[track_caller]
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp").success());
}

/// Ends with 1 and greets nobody.
#[track_caller]
fn refused(dir: &Path, says: &str) {
    let mut serving = Running::start(&mut serve(dir));
    until("ended, or greeted", || {
        serving.ended() || serving.out().contains("Countersign serves")
    });
    assert_eq!(serving.out(), "", "a second service on {}", dir.display());
    let ended = serving.wait().with_code(1);
    assert!(ended.err.contains(says), "{says:?} is missing in: {}", ended.err);
}

#[test]
fn a_removed_lock_makes_no_second_acceptance() {
    let hall = Hall::open();
    fs::remove_file(hall.dir.join("owner.lock")).expect("it was there");
    let second = Served::start(&hall.dir);
    hall.accepted_once(&second);
    hall.first_is_out("another service");
    // What the first one leaves behind does not disturb the second.
    assert_eq!(ready(&hall.api.at(&second.url)).0, 200);
    assert_ne!(hall.first.end().code(), 0, "it could not close its trail, and says so");
    run(&mut second.beside(&["audit", "verify"]), "").with_code(0);
    second.end().with_code(0);
}

/// What the first accepts until the second has the directory, the second knows.
#[test]
fn no_code_is_accepted_twice_while_a_second_service_starts() {
    for _ in 0..if soak() { 20 } else { 2 } {
        let hall = Hall::of(40);
        let step = now_step();
        fs::remove_file(hall.dir.join("owner.lock")).expect("it was there");
        let starting = Running::start(&mut serve(&hall.dir));
        let mut by_first = Vec::new();
        for (user, phone) in hall.phones.iter().enumerate() {
            let answer = hall.api.verify(&name(user), &phone.code(step)).expect("an answer");
            by_first.push(answer.status == 200 && answer.outcome() == "accepted");
        }
        let second = Served::greeting(starting, &hall.dir);
        let other = hall.api.at(&second.url);
        for (user, phone) in hall.phones.iter().enumerate() {
            let answer = other.verify(&name(user), &phone.code(step)).expect("an answer");
            let by_second = answer.outcome() == "accepted";
            assert!(!(by_first[user] && by_second), "D4: {} was accepted twice", name(user));
        }
        hall.first_is_out("another service");
    }
}

/// The lock is back, the very same file; but somebody was here meanwhile.
#[test]
fn a_lock_that_comes_back_after_another_service_was_there_helps_nobody() {
    let hall = Hall::open();
    let (lock, kept) = (hall.dir.join("owner.lock"), hall.beside("lock"));
    fs::rename(&lock, &kept).expect("it moves");
    let second = Served::start(&hall.dir);
    hall.accepted_once(&second);
    second.end().with_code(0);
    fs::rename(&kept, &lock).expect("it moves");
    hall.first_is_out("another service");
}

/// Nobody was here meanwhile, and that can be proven.
#[test]
fn a_lock_that_comes_back_is_enough_when_nobody_was_there() {
    let hall = Hall::open();
    let (lock, kept) = (hall.dir.join("owner.lock"), hall.beside("lock"));
    fs::rename(&lock, &kept).expect("it moves");
    hall.first_is_out("owner.lock");
    fs::rename(&kept, &lock).expect("it moves");
    until("ready", || ready(&hall.api).0 == 200);
    let step = now_step();
    let answer = hall
        .api
        .verify(&name(0), &hall.phones[0].code(step + 1))
        .expect("an answer");
    assert_eq!(answer.outcome(), "accepted");
    hall.first.end().with_code(0);
}

#[test]
fn a_directory_that_was_moved_and_replaced_ends_the_first_service() {
    for replaced in [true, false] {
        let hall = Hall::open();
        let (away, twin) = (hall.beside("away"), hall.beside("twin"));
        until("the newest head is kept", || hall.dir.join("audit.heads").exists());
        copy(&hall.dir, &twin);
        fs::rename(&hall.dir, &away).expect("it moves");
        if replaced {
            fs::rename(&twin, &hall.dir).expect("it moves");
            let second = Served::start(&hall.dir);
            hall.accepted_once(&second);
            second.end().with_code(0);
        }
        hall.first_is_out("countersign.sqlite");
        // Moving it back proves nothing: codes may have been used in the other one.
        if replaced {
            fs::rename(&hall.dir, &twin).expect("it moves");
        }
        fs::rename(&away, &hall.dir).expect("it moves");
        hall.first_is_out("countersign.sqlite");
    }
}

#[test]
fn another_name_of_the_directory_is_the_same_directory() {
    let hall = Hall::open();
    let link = hall.beside("link");
    symlink(&hall.dir, &link).expect("a link");
    refused(&link, "in use by process");
    let relative = hall.dir.join("../data/.");
    refused(&relative, "in use by process");

    let bound = hall.beside("bound");
    fs::create_dir(&bound).expect("a directory");
    let mount = |args: &[&str]| Command::new(args[0]).args(&args[1..]).arg(&bound).status();
    let dir = hall.dir.to_str().expect("UTF-8").to_owned();
    assert!(
        mount(&["mount", "--bind", &dir]).expect("mount").success(),
        "a bind mount takes root and the right to mount (in a container: --cap-add SYS_ADMIN)"
    );
    let tried = std::panic::catch_unwind(|| refused(&bound, "in use by process"));
    mount(&["umount", "--lazy"]).expect("umount");
    tried.expect("it is refused");
    assert_eq!(ready(&hall.api).0, 200);
}

#[test]
fn files_with_a_second_name_are_not_served() {
    for linked in [
        &["countersign.sqlite"][..],
        &["countersign.sqlite", "countersign.sqlite-wal", "countersign.sqlite-shm"],
    ] {
        for symbolic in [false, true] {
            let hall = Hall::open();
            let twin = hall.beside("twin");
            copy(&hall.dir, &twin);
            for name in linked {
                let (from, to) = (hall.dir.join(name), twin.join(name));
                fs::remove_file(&to).expect("the copy");
                if symbolic {
                    symlink(&from, &to).expect("a link");
                } else {
                    fs::hard_link(&from, &to).expect("a link");
                }
            }
            let says = if symbolic { "is a link" } else { "has another name" };
            refused(&twin, &format!("countersign.sqlite {says}"));
            assert_eq!(ready(&hall.api).0, 200, "and the first goes on");
            if !symbolic {
                // Only the new names are left: whoever starts there has the files alone.
                for name in linked {
                    fs::remove_file(hall.dir.join(name)).expect("it was there");
                }
                hall.first_is_out("countersign.sqlite");
            }
        }
    }
}
