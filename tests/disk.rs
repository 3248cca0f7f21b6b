//! A disk that is full, read-only, or holds what it should not: nothing is decided, nothing is overwritten, and
//! what happened is said with what to do.
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes has real time, and waits for it"
)]

mod support;

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use support::{
    contents,
    http::{Api, Reply},
    now_step,
    process::{Ended, Running, Served, bare, run, serve},
    step_that_lasts,
    tools::sqlite3,
    until,
};

/// A small file system of its own, gone with the test.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new(mebibytes: u32) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let size = format!("size={mebibytes}m,mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "countersign-test"])
            .arg(dir.path())
            .output();
        let why = match mounted {
            Ok(mounted) if mounted.status.success() => return Self(dir),
            Ok(mounted) => String::from_utf8_lossy(&mounted.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        panic!(
            "a full disk is a tmpfs of {mebibytes} MiB, which takes root and the right to mount (in a container: \
             --cap-add SYS_ADMIN): {why}"
        );
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        let done = Command::new("mount").args(["-o", &how]).arg(self.path()).status();
        assert!(done.expect("mount").success(), "{how}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily, should a process that is just dying still hold a file.
        let _told_by_umount = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// A file that takes all the space there is.
struct Ballast(PathBuf);

impl Ballast {
    fn new(mount: &Mount) -> Self {
        let ballast = Self(mount.path().join("ballast"));
        ballast.fill();
        ballast
    }

    /// Takes what has become free since.
    fn fill(&self) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)
            .expect("a file");
        for size in [1 << 20, 4_096, 1] {
            loop {
                match file.write_all(&vec![0; size]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    fn throw_off(self) {
        fs::remove_file(self.0).expect("it goes");
    }
}

/// Asks about wrong codes of nobody until nothing can be written any more: the log's file may have had room.
fn until_full(api: &Api, ballast: &Ballast) -> Reply {
    for attempt in 0..20_000 {
        ballast.fill();
        let answer = api.verify(&format!("nobody-{attempt}"), "123456").expect("an answer");
        if answer.status != 200 {
            return answer;
        }
        assert_eq!(answer.outcome(), "refused");
    }
    panic!("the disk is never full");
}

fn says_unavailable(answer: &Reply) {
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (503, &"storage_unavailable".into()),
        "{}",
        answer.body
    );
    assert!(answer.body["accepted"].is_null(), "{}", answer.body);
    let said = answer.body.to_string();
    assert!(
        !said.contains("sqlite") && !said.contains("/tmp"),
        "the inside is for the log: {said}"
    );
    assert!(answer.body["retry_after_s"].is_u64(), "{said}");
}

#[test]
fn a_full_disk_decides_nothing_and_recovers_by_itself() {
    let mount = Mount::new(24);
    let dir = mount.path().join("data");
    let service = Served::start(&dir);
    let api = service.api();
    let step = step_that_lasts(10);
    let (device, phone) = api.bind("alice", step);
    let (_, other) = api.bind("bob", step - 1);
    let (enrollment, third) = api.start_binding("carol").expect("an answer");
    let probe = |path: &str| api.get(path).expect("an answer").status;
    assert_eq!((probe("/readyz"), probe("/healthz")), (200, 200));

    let ballast = Ballast::new(&mount);
    says_unavailable(&until_full(&api, &ballast));
    // The code of the next step stays in the window for as long as this takes.
    let code = phone.code(step + 1);
    for _ in 0..3 {
        says_unavailable(&api.verify("alice", &code).expect("an answer"));
        says_unavailable(&api.verify("alice", &phone.wrong_code(step)).expect("an answer"));
        says_unavailable(&api.verify("bob", &other.code(step)).expect("an answer"));
        says_unavailable(&api.confirm("carol", &enrollment, &third.code(step)).expect("an answer"));
        says_unavailable(&api.unbind("alice", &device, &code).expect("an answer"));
        says_unavailable(&api.get("/readyz").expect("an answer"));
    }
    assert_eq!(probe("/healthz"), 200, "the process itself is well");
    assert_eq!(
        api.user("alice").expect("an answer").with_status(200).body["devices"][0]["id"],
        device
    );
    assert!(
        api.user("carol").expect("an answer").body["devices"]
            .as_array()
            .is_some_and(Vec::is_empty)
    );

    ballast.throw_off();
    // Nobody asks `/readyz` first, and nobody restarts anything.
    assert_eq!(api.verify("alice", &code).expect("an answer").outcome(), "accepted");
    assert_eq!(
        api.verify("alice", &code).expect("an answer").outcome(),
        "refused",
        "once"
    );
    assert_eq!(
        api.confirm("carol", &enrollment, &third.code(step))
            .expect("an answer")
            .status,
        200
    );
    assert_eq!(probe("/readyz"), 200);
    assert_eq!(sqlite3(&dir, "PRAGMA integrity_check"), "ok");
    let written = "SELECT count(*) FROM audit, json_each(events), user \
                   WHERE replace(value ->> '$.event.person', '-', '') = lower(hex(user.id)) AND user = 'alice' AND value ->> '$.event.action' = 'verify' AND value ->> '$.event.outcome' = 'accepted'";
    assert_eq!(sqlite3(&dir, written), "1");
    run(&mut service.beside(&["audit", "verify"]), "").with_code(0);
    service.end().with_code(0);
}

/// A balancer sends nothing to a node that is not ready, so readiness must come back without a request.
#[test]
fn readiness_comes_back_by_itself() {
    let mount = Mount::new(24);
    let service = Served::start(&mount.path().join("data"));
    let api = service.api();
    let ballast = Ballast::new(&mount);
    says_unavailable(&until_full(&api, &ballast));
    assert_eq!(api.get("/readyz").expect("an answer").status, 503);
    ballast.throw_off();
    until("ready", || api.get("/readyz").expect("an answer").status == 200);
}

/// Ended and killed while nothing can be written; the next start finds everything as it was acknowledged.
#[test]
fn a_service_ends_on_a_full_disk_and_starts_again_with_space() {
    for gently in [true, false] {
        let mount = Mount::new(24);
        let dir = mount.path().join("data");
        let service = Served::start(&dir);
        let api = service.api();
        let step = step_that_lasts(10);
        let (device, phone) = api.bind("alice", step);
        let ballast = Ballast::new(&mount);
        says_unavailable(&until_full(&api, &ballast));
        if gently {
            let ended = service.end();
            // It may have found a little room, or say that the end of the trail could not be written.
            assert!([0, 1].contains(&ended.code()), "{}", ended.err);
            assert!(ended.code() == 0 || ended.err.contains("error: "), "{}", ended.err);
        } else {
            service.running.kill();
        }
        ballast.fill();
        let refused = run(&mut serve(&dir), "").with_code(1);
        assert!(refused.err.contains("free space"), "what to do: {}", refused.err);

        ballast.throw_off();
        let service = Served::start(&dir);
        let api = service.api();
        assert_eq!(api.user("alice").expect("an answer").body["devices"][0]["id"], device);
        assert_eq!(
            api.verify("alice", &phone.code(step)).expect("an answer").outcome(),
            "refused",
            "it bound"
        );
        assert_eq!(
            api.verify("alice", &phone.code(step + 1)).expect("an answer").outcome(),
            "accepted"
        );
        assert_eq!(sqlite3(&dir, "PRAGMA integrity_check"), "ok");
        run(&mut service.beside(&["audit", "verify"]), "").with_code(0);
    }
}

/// A data directory that was served and ended.
fn served_once(dir: &Path) {
    let service = Served::start(dir);
    service.api().bind("alice", now_step());
    service.end().with_code(0);
}

/// `serve` ends with 1, says all of this, and leaves every byte as it was.
#[track_caller]
fn refused(dir: &Path, says: &[&str]) -> Ended {
    let before = contents(dir);
    let mut serving = Running::start(&mut serve(dir));
    until("ended, or greeted", || {
        serving.ended() || serving.out().contains("Countersign serves")
    });
    assert_eq!(serving.out(), "", "nothing is greeted");
    let ended = serving.wait().with_code(1);
    for words in says {
        assert!(ended.err.contains(words), "{words:?} is missing in: {}", ended.err);
    }
    assert!(
        ended.err.lines().count() <= 3,
        "a sentence and what to do: {}",
        ended.err
    );
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    let changed: Vec<_> = before
        .iter()
        .filter(|file| !contents(dir).contains(file))
        .map(|file| &file.0)
        .collect();
    // The lock's file holds the pid of whoever tried last; the log's index is scratch.
    let scratch = ["owner.lock", "countersign.sqlite-shm"];
    assert!(
        changed.iter().all(|name| scratch.contains(&&***name)),
        "overwritten: {changed:?}"
    );
    ended
}

#[test]
fn a_read_only_data_directory_is_said() {
    let mount = Mount::new(24);
    let dir = mount.path().join("data");
    served_once(&dir);
    mount.remount("ro");
    refused(
        &dir,
        &[
            &dir.display().to_string(),
            "Read-only file system",
            "mounted for writing",
        ],
    );
    refused(&mount.path().join("new"), &["Read-only file system", "--data-dir DIR"]);
    mount.remount("rw");
    served_once_more(&dir);
}

/// It works as before.
fn served_once_more(dir: &Path) {
    let service = Served::start(dir);
    let user = service.api().user("alice").expect("an answer").with_status(200);
    assert_eq!(user.body["devices"].as_array().map(Vec::len), Some(1));
    service.end().with_code(0);
}

#[test]
fn a_data_directory_of_somebody_else_is_said() {
    assert_eq!(
        fs::metadata("/proc/self").expect("procfs").uid(),
        0,
        "to be somebody else takes root"
    );
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).expect("ours");
    // Where a stranger can start it.
    let program = home.path().join("countersign");
    fs::copy(env!("CARGO_BIN_EXE_countersign"), &program).expect("a copy");
    let mut stranger = bare("setpriv");
    stranger
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program);
    stranger
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&dir);
    let ended = run(&mut stranger, "").with_code(1);
    assert!(ended.err.contains("Permission denied"), "{}", ended.err);
    assert!(
        ended.err.contains("must belong to the user that runs this program"),
        "{}",
        ended.err
    );
    served_once_more(&dir);
}

#[test]
fn a_missing_keyring_is_not_made_anew() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    fs::rename(dir.join("keyring"), home.path().join("keyring")).expect("it moves");
    refused(
        &dir,
        &[
            "keyring is missing",
            "put back the keyring file that belongs to this database",
        ],
    );
    assert!(!dir.join("keyring").exists());
    fs::rename(home.path().join("keyring"), dir.join("keyring")).expect("it moves");
    served_once_more(&dir);
}

#[test]
fn a_keyring_of_another_database_is_said() {
    let home = tempfile::tempdir().expect("a directory");
    let (dir, other) = (home.path().join("data"), home.path().join("other"));
    served_once(&dir);
    served_once(&other);
    fs::copy(dir.join("keyring"), home.path().join("keyring")).expect("a copy");
    fs::copy(other.join("keyring"), dir.join("keyring")).expect("a copy");
    refused(
        &dir,
        &[
            "the keyring is another database's",
            "put back the keyring file that belongs to this database",
        ],
    );
    fs::copy(home.path().join("keyring"), dir.join("keyring")).expect("a copy");
    served_once_more(&dir);
}

#[test]
fn a_keyring_that_others_can_read_is_said() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    let mode = |mode| fs::set_permissions(dir.join("keyring"), Permissions::from_mode(mode)).expect("ours");
    mode(0o644);
    refused(&dir, &["keyring can be read by others (mode 644)", "chmod 600"]);
    assert_eq!(
        fs::metadata(dir.join("keyring")).expect("it is there").mode() & 0o777,
        0o644,
        "left to the operator"
    );
    mode(0o600);
    served_once_more(&dir);
}

#[test]
fn a_missing_first_key_is_said_by_those_who_need_it() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    fs::remove_file(dir.join("admin.key")).expect("it was there");
    let service = Served::start(&dir);
    let said = service.running.out();
    assert!(
        said.contains("/countersign key create --role verify,enroll --data-dir "),
        "{said}"
    );
    assert!(
        !dir.join("admin.key").exists(),
        "a key that somebody took away does not come back"
    );
    let ended = run(&mut service.user(&["devices", "acme", "alice"]), "").with_code(1);
    assert!(ended.err.contains("there is no API key at"), "{}", ended.err);
    assert!(
        ended.err.contains("countersign key create"),
        "the remedy works: {}",
        ended.err
    );
    let made = run(&mut service.beside(&["key", "create", "--role", "enroll"]), "").with_code(0);
    let file = home.path().join("key");
    support::write_private(&file, made.out).expect("a file");
    let named = [
        "devices",
        "acme",
        "alice",
        "--api-key-file",
        file.to_str().expect("UTF-8"),
    ];
    run(&mut service.user(&named), "").with_code(0);
}

#[test]
fn a_database_that_is_none_is_left_alone() {
    let home = tempfile::tempdir().expect("a directory");
    let garbage: Vec<u8> = (0..100_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let notes = home.path().join("notes.sqlite");
    let of_others = format!(
        "sqlite3 {} 'CREATE TABLE notes (text); INSERT INTO notes VALUES (1)'",
        notes.display()
    );
    assert!(
        Command::new("sh")
            .args(["-c", &of_others])
            .status()
            .expect("a shell")
            .success(),
        "sqlite3 is missing"
    );
    for (name, content) in [
        ("garbage", garbage),
        ("notes", fs::read(notes).expect("sqlite3 made it")),
    ] {
        let dir = home.path().join(name);
        served_once(&dir);
        let database = dir.join("countersign.sqlite");
        let ours = fs::read(&database).expect("it is there");
        fs::write(&database, content).expect("it is ours");
        refused(&dir, &["is not a database of this program", "move it away"]);
        fs::write(&database, ours).expect("it is ours");
        served_once_more(&dir);
    }
}

#[test]
fn a_damaged_database_is_said() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    let database = dir.join("countersign.sqlite");
    let ours = fs::read(&database).expect("it is there");
    let half = ours.len() / 2 / 4_096 * 4_096;
    for damaged in [
        ours[..half].to_vec(),
        [&ours[..4_096], &vec![0xa5; ours.len() - 4_096]].concat(),
    ] {
        fs::write(&database, damaged).expect("it is ours");
        refused(&dir, &["countersign.sqlite is damaged", "restore it from a backup"]);
    }
    fs::write(&database, ours).expect("it is ours");
    served_once_more(&dir);
}

/// Starting anew in its place would leave every user without a second factor, and say nothing.
#[test]
fn a_lost_database_is_not_made_anew() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    let database = dir.join("countersign.sqlite");
    let ours = fs::read(&database).expect("it is there");
    fs::remove_file(&database).expect("it was there");
    refused(
        &dir,
        &["countersign.sqlite is missing or empty", "put the database back"],
    );
    assert!(!database.exists());
    File::create(&database).expect("an empty file");
    refused(
        &dir,
        &["countersign.sqlite is missing or empty", "put the database back"],
    );
    fs::write(&database, ours).expect("it is ours");
    served_once_more(&dir);
}

/// Whoever puts yesterday's database back would make every code used since then right again (D4).
#[test]
fn a_database_that_was_put_back_is_refused_with_what_it_would_cost() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let service = Served::start(&dir);
    let (_, phone) = service.api().bind("alice", now_step());
    service.end().with_code(0);
    let database = dir.join("countersign.sqlite");
    let yesterday = fs::read(&database).expect("the database");

    let service = Served::start(&dir);
    let code = phone.code(now_step() + 1);
    let answer = service.api().verify("alice", &code).expect("an answer");
    assert_eq!(answer.outcome(), "accepted");
    service.end().with_code(0);
    let heads = fs::read(dir.join("audit.heads")).expect("the heads");

    fs::write(&database, yesterday).expect("put back");
    for _again in 0..3 {
        let refused = run(&mut serve(&dir), "").with_code(1);
        let says = format!("older than {}", dir.join("audit.heads").display());
        assert!(refused.err.contains(&says), "{}", refused.err);
        assert_eq!(
            fs::read(dir.join("audit.heads")).expect("the heads"),
            heads,
            "the proof stays"
        );
    }
}
