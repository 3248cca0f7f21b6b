//! Every file of the data directory removed, cut, opened to others, swapped, while the service runs: within a second it
//! is not ready, nothing is accepted, no key is trusted from memory; or what happened takes nothing away (D4, A4).

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use crate::support::{
    cutting_the_log,
    http::Api,
    now_step,
    phone::Phone,
    process::{Running, Served, bare, run, serve},
    step_that_lasts, until,
};

/// What somebody does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Remove,
    /// To nothing, in its place.
    Cut,
    /// Others may read it.
    Open,
    /// Yesterday's in its place, as another file.
    Swap,
    /// Yesterday's bytes in the same file.
    Overwrite,
    /// Away, and a pipe that nobody writes in its place.
    Pipe,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Not ready for good.
    Closed,
    /// Not ready until the file is as it was.
    Until,
    /// The service puts it right by itself.
    Mended,
    /// The service does not stand on it.
    Nothing,
}

use Deed::{Cut, Open, Overwrite, Pipe, Remove, Swap};
use Then::{Closed, Mended, Nothing, Until};

const CASES: &[(&str, &[(Deed, Then)])] = &[
    (
        "countersign.sqlite",
        &[
            (Remove, Closed),
            (Cut, Closed),
            (Open, Until),
            (Swap, Closed),
            (Overwrite, Closed),
            (Pipe, Closed),
        ],
    ),
    (
        "countersign.sqlite-wal",
        &[
            (Remove, Closed),
            (Cut, Closed),
            (Open, Until),
            (Swap, Closed),
            (Overwrite, Closed),
            (Pipe, Closed),
        ],
    ),
    // Cut, it is the end of the process: the kernel takes the memory away that it is.
    (
        "countersign.sqlite-shm",
        &[(Remove, Closed), (Open, Until), (Swap, Closed), (Pipe, Closed)],
    ),
    (
        "keyring",
        &[
            (Remove, Until),
            (Cut, Until),
            (Open, Until),
            (Swap, Nothing),
            (Pipe, Until),
        ],
    ),
    (
        "keys.generation",
        &[
            (Remove, Closed),
            (Cut, Mended),
            (Swap, Closed),
            (Overwrite, Mended),
            (Pipe, Closed),
        ],
    ),
    (
        "owner.lock",
        &[
            (Remove, Closed),
            (Cut, Nothing),
            (Open, Until),
            (Swap, Closed),
            (Pipe, Closed),
        ],
    ),
    (
        "audit.heads",
        &[
            (Remove, Mended),
            (Cut, Mended),
            (Open, Mended),
            (Swap, Mended),
            (Overwrite, Mended),
            (Pipe, Mended),
        ],
    ),
    (
        "admin.key",
        &[(Remove, Nothing), (Cut, Nothing), (Swap, Nothing), (Pipe, Nothing)],
    ),
];

/// A service with a yesterday.
struct Day {
    home: tempfile::TempDir,
    service: Served,
    api: Api,
    alice: Phone,
    /// Made today; whoever knows it was told before the deed.
    key: String,
    id: String,
}

impl Day {
    fn begun() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let dir = home.path().join("data");
        let service = Served::start(&dir);
        let api = service.api();
        let (_, alice) = cutting_the_log(&dir, || api.bind("alice", step_that_lasts(8) - 1));
        until("heads", || dir.join("audit.heads").exists());
        let copied = Command::new("cp")
            .arg("-a")
            .arg(&dir)
            .arg(home.path().join("yesterday"))
            .status();
        assert!(copied.expect("cp").success());

        let (device, bob) = api.bind("bob", now_step() - 1);
        let unbound = cutting_the_log(&dir, || api.unbind("bob", &device, &bob.code(now_step())));
        assert_eq!(unbound.expect("an answer").status, 204);
        let made = run(
            &mut service.beside(&["key", "create", "--role", "enroll", "--json"]),
            "",
        )
        .with_code(0)
        .json();
        let text = |name: &str| made[name].as_str().expect("text").to_owned();
        let day = Self {
            home,
            api,
            alice,
            key: text("key"),
            id: text("id"),
            service,
        };
        // Known by heart from here on.
        assert_eq!(day.keyed(), 200);
        let wrong = day.alice.wrong_code(now_step());
        assert_eq!(day.api.verify("alice", &wrong).expect("an answer").outcome(), "refused");
        day
    }

    fn file(&self, name: &str) -> PathBuf {
        self.service.dir.join(name)
    }

    fn yesterdays(&self, name: &str) -> PathBuf {
        self.home.path().join("yesterday").join(name)
    }

    fn keyed(&self) -> u16 {
        Api::new(&self.service.url, &self.key)
            .user("alice")
            .map_or(0, |answer| answer.status)
    }

    fn ready(&self) -> (u16, String) {
        let answer = self.api.get("/readyz").expect("an answer");
        (answer.status, answer.body.to_string())
    }

    fn commit(&self, deed: Deed, name: &str) {
        let path = self.file(name);
        match deed {
            Remove => fs::remove_file(&path).expect("it was there"),
            Cut => drop(File::create(&path).expect("ours")),
            Open => fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("ours"),
            Swap => fs::rename(self.yesterdays(name), &path).expect("yesterday's"),
            Pipe => {
                fs::rename(&path, self.home.path().join("moved")).expect("it moves");
                pipe(&path);
            }
            Overwrite => {
                let bytes = fs::read(self.yesterdays(name)).expect("yesterday's");
                let mut file = OpenOptions::new().write(true).truncate(true).open(&path).expect("ours");
                file.write_all(&bytes).expect("ours");
            }
        }
    }
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(path).status();
    assert!(made.expect("mkfifo").success());
}

fn tried(name: &str, deed: Deed, then: Then) {
    let what = format!("{deed:?} {name}, then {then:?}");
    let day = Day::begun();
    let path = day.file(name);
    let before = fs::read(&path).expect("it is there");
    day.commit(deed, name);
    match then {
        Closed | Until => {
            until(&format!("not ready, and says why: {what}"), || {
                let (status, words) = day.ready();
                status == 503 && words.contains(name)
            });
            assert_eq!(day.keyed(), 503, "A4: no key is trusted: {what}");
            let code = day.alice.code(now_step() + 1);
            let answer = day.api.verify("alice", &code).expect("an answer");
            assert_eq!(answer.status, 503, "D4: {what}: {}", answer.body);
        }
        Mended | Nothing => {}
    }
    match then {
        Until => {
            if deed == Pipe {
                fs::remove_file(&path).expect("the pipe");
            }
            fs::write(&path, &before).expect("ours");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
            until(&format!("ready again: {what}"), || day.ready().0 == 200);
        }
        Mended if name == "audit.heads" => {
            let mode = || fs::metadata(&path).map_or(0, |found| found.permissions().mode() & 0o777);
            until(&format!("written again: {what}"), || {
                fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() >= before.len() as u64)
                    && mode() == 0o600
            });
        }
        _ => {}
    }
    if then == Closed {
        return;
    }
    // A key that is revoked now is dead within a second, and the service goes on.
    run(&mut day.service.beside(&["key", "revoke", &day.id]), "").with_code(0);
    until(&format!("A4: a revoked key: {what}"), || day.keyed() == 401);
    until(&format!("ready: {what}"), || day.ready().0 == 200);
    let code = day.alice.code(now_step() + 1);
    assert_eq!(
        day.api.verify("alice", &code).expect("an answer").outcome(),
        "accepted",
        "{what}"
    );
    assert_eq!(
        day.api.verify("alice", &code).expect("an answer").outcome(),
        "refused",
        "D4: {what}"
    );
}

#[test]
fn no_file_is_touched_unnoticed() {
    thread::scope(|scope| {
        for (name, deeds) in CASES {
            scope.spawn(|| {
                for (deed, then) in *deeds {
                    tried(name, *deed, *then);
                }
            });
        }
    });
}

/// The counter through which processes tell each other of a change of keys is gone: nobody hears any more.
#[test]
fn a_key_revoked_without_the_counter_is_dead_within_a_second() {
    let day = Day::begun();
    day.commit(Remove, "keys.generation");
    run(&mut day.service.beside(&["key", "revoke", &day.id]), "").with_code(0);
    until("A4: not trusted", || day.keyed() != 200);
}

/// Back to a value that it had: the change in between must not be missed.
#[test]
fn a_counter_that_was_set_back_hides_no_revocation() {
    for _ in 0..if crate::support::soak() { 20 } else { 2 } {
        let day = Day::begun();
        day.commit(Overwrite, "keys.generation");
        run(&mut day.service.beside(&["key", "revoke", &day.id]), "").with_code(0);
        until("A4: revoked", || day.keyed() == 401);
    }
}

#[test]
fn a_directory_that_others_may_enter_is_not_ready_until_closed() {
    let day = Day::begun();
    let mode = |mode| fs::set_permissions(&day.service.dir, Permissions::from_mode(mode)).expect("ours");
    mode(0o755);
    until("not ready", || day.ready().0 == 503);
    assert!(day.ready().1.contains("chmod 700"), "{}", day.ready().1);
    mode(0o700);
    until("ready", || day.ready().0 == 200);
}

#[test]
fn a_pipe_for_a_keyring_keeps_nobody_from_ending() {
    let day = Day::begun();
    day.commit(Pipe, "keyring");
    until("not ready", || day.ready().0 == 503);
    assert!(day.ready().1.contains("keyring"), "{}", day.ready().1);
    day.service.end().with_code(0);
}

/// A file system (FUSE) whose program never answers: whoever looks at a file on it waits.
struct Hanging {
    place: PathBuf,
    program: Running,
}

impl Hanging {
    fn over(place: &Path) -> Self {
        let mount = "exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 hanging \"$0\" \
                     && echo mounted && exec cat";
        let program = Running::start(bare("sh").args(["-c", mount]).arg(place));
        // It takes root, the right to mount, and /dev/fuse (in a container: --cap-add SYS_ADMIN --device /dev/fuse).
        program.hear("mounted");
        Self {
            place: place.into(),
            program,
        }
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        let _told_by_umount = Command::new("umount").arg("--lazy").arg(&self.place).status();
        // With its last program gone, whoever waits is told.
        self.program.close_stdin();
    }
}

#[test]
fn a_disk_that_hangs_is_not_ready_and_ends_all_the_same() {
    let home = tempfile::tempdir().expect("a directory");
    let (dir, other) = (home.path().join("data"), home.path().join("other"));
    fs::create_dir(&other).expect("a directory");
    let service = Served::greeting(
        Running::start(serve(&dir).arg("--heads-file").arg(other.join("heads"))),
        &dir,
    );
    let api = service.api();
    let (_, alice) = api.bind("alice", step_that_lasts(20) - 1);
    let ready = || {
        let answer = api.get("/readyz").expect("an answer");
        (answer.status, answer.body.to_string())
    };
    let hangs = || {
        let hanging = Hanging::over(&other);
        until("not ready, and says why", || {
            let (status, words) = ready();
            status == 503 && words.contains("could not be looked at")
        });
        hanging
    };
    let hanging = hangs();
    let code = alice.code(now_step());
    let answer = api.verify("alice", &code).expect("an answer");
    assert_eq!(answer.status, 503, "D4: nothing is decided: {}", answer.body);
    drop(hanging);
    until("ready again", || ready().0 == 200);
    assert_eq!(api.verify("alice", &code).expect("an answer").outcome(), "accepted");
    let hanging = hangs();
    let ended = service.end().with_code(1);
    assert!(ended.err.contains("does not answer"), "{}", ended.err);
    drop(hanging);
    // It ended as if it was killed, and the next one goes on.
    let mut again = serve(&dir);
    let service = Served::greeting(Running::start(again.arg("--heads-file").arg(other.join("heads"))), &dir);
    assert_eq!(
        service.api().verify("alice", &code).expect("an answer").outcome(),
        "refused"
    );
}
