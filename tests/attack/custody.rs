//! What a service stands on when it starts: who may read it, whose it is, and whether it opens what it must.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use crate::support::{
    contents,
    http::Api,
    now_step,
    phone::Phone,
    process::{Running, Served, bare, countersign, run, serve},
    step_that_lasts, until,
};

/// A data directory that was served and ended.
fn served_once(dir: &Path) -> Phone {
    let service = Served::start(dir);
    let (_, phone) = service.api().bind("alice", now_step() - 1);
    service.end().with_code(0);
    phone
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
}

/// `serve` ends with this code, greets nobody and says all of this.
#[track_caller]
fn refused(command: &mut Command, code: i32, says: &[&str]) {
    let mut serving = Running::start(command);
    until("ended, or greeted", || {
        serving.ended() || serving.out().contains("Countersign serves")
    });
    assert_eq!(serving.out(), "", "nothing is greeted");
    let ended = serving.wait().with_code(code);
    for words in says {
        assert!(ended.err.contains(words), "{words:?} is missing in: {}", ended.err);
    }
}

#[test]
fn what_others_may_read_is_refused_with_what_to_type() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    let shown = dir.display().to_string();
    for mode in [0o755, 0o710, 0o701, 0o750] {
        chmod(&dir, mode);
        let words = format!("chmod 700 {shown}");
        refused(&mut serve(&dir), 1, &["may be entered by others", &words]);
        let beside = run(countersign().args(["key", "list", "--data-dir"]).arg(&dir), "").with_code(1);
        assert!(beside.err.contains(&words), "{}", beside.err);
    }
    chmod(&dir, 0o700);
    chmod(&dir.join("admin.key"), 0o640);
    let words = format!("chmod 600 {shown}/admin.key");
    refused(&mut serve(&dir), 1, &["admin.key can be read by others", &words]);
    let user = ["user", "devices", "acme", "alice", "--data-dir", &shown];
    let asked = run(countersign().args(user), "").with_code(1);
    assert!(asked.err.contains(&words), "{}", asked.err);
    chmod(&dir.join("admin.key"), 0o600);

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (cert, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    fs::write(&cert, made.cert.pem()).expect("a file");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    chmod(&key, 0o644);
    let mut tls = serve(&dir);
    tls.arg("--tls-cert").arg(&cert).arg("--tls-key").arg(&key);
    refused(&mut tls, 1, &["key.pem can be read by others", "chmod 600 "]);
    chmod(&key, 0o600);
    Served::greeting(Running::start(&mut tls), &dir).end().with_code(0);
}

/// Whoever opens a pipe waits until somebody writes it.
#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_at_a_start() {
    let home = tempfile::tempdir().expect("a directory");
    let (dir, outside) = (home.path().join("data"), home.path().join("outside.heads"));
    let mut command = serve(&dir);
    command.arg("--heads-file").arg(&outside);
    Served::greeting(Running::start(&mut command), &dir).end().with_code(0);
    let away = home.path().join("away");
    let in_its_place = |path: &Path, then: &mut dyn FnMut()| {
        fs::rename(path, &away).expect("it moves");
        let made = Command::new("mkfifo").args(["-m", "600"]).arg(path).status();
        assert!(made.expect("mkfifo").success());
        then();
        fs::remove_file(path).expect("the pipe");
        fs::rename(&away, path).expect("it moves");
    };
    for name in [
        "keyring",
        "keys.generation",
        "owner.lock",
        "audit.heads",
        "countersign.sqlite",
    ] {
        let path = dir.join(name);
        let says = path.display().to_string();
        in_its_place(&path, &mut || {
            if name == "countersign.sqlite" {
                refused(&mut command, 1, &[name, "missing or empty"]);
            } else {
                refused(&mut command, 1, &[&says, "is no file"]);
            }
            if name == "keys.generation" {
                return;
            }
            let beside = ["audit", "verify", "--data-dir"];
            let verified = run(countersign().args(beside).arg(&dir), "").with_code(1);
            assert!(verified.err.contains("error: "), "{name}: {}", verified.err);
        });
    }
    let says = outside.display().to_string();
    in_its_place(&outside, &mut || refused(&mut command, 1, &[&says, "is no file"]));
    in_its_place(&dir.join("admin.key"), &mut || {
        let user = ["user", "devices", "acme", "alice", "--data-dir"];
        let asked = run(countersign().args(user).arg(&dir), "").with_code(1);
        assert!(asked.err.contains("is no file"), "{}", asked.err);
    });

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (cert, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    fs::write(&cert, made.cert.pem()).expect("a file");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    chmod(&key, 0o600);
    let config = home.path().join("config.toml");
    fs::write(&config, "").expect("a file");
    let mut all = serve(&dir);
    all.arg("--heads-file").arg(&outside).arg("--config").arg(&config);
    all.arg("--tls-cert").arg(&cert).arg("--tls-key").arg(&key);
    for path in [&cert, &key, &config] {
        let says = path.display().to_string();
        in_its_place(path, &mut || refused(&mut all, 2, &[&says, "is no file"]));
    }
    Served::greeting(Running::start(&mut all), &dir).end().with_code(0);
    // What a shell hands over is a pipe that somebody writes.
    let mut handed = bare("bash");
    handed.env("COUNTERSIGN_ADMIN_LISTEN", "127.0.0.1:0");
    let script = "exec 4< <(echo '[policy]'); exec \"$0\" \"$@\" --config /dev/fd/4";
    handed
        .args(["-c", script])
        .arg(serve(&dir).get_program())
        .args(serve(&dir).get_args());
    Served::greeting(Running::start(handed.arg("--heads-file").arg(&outside)), &dir)
        .end()
        .with_code(0);
}

#[test]
fn no_core_of_the_service_is_dumped_and_nobody_may_look_in() {
    let home = tempfile::tempdir().expect("a directory");
    chmod(home.path(), 0o711);
    let ours = home.path().join("ours");
    fs::create_dir(&ours).expect("a directory");
    chmod(&ours, 0o700);
    std::os::unix::fs::chown(&ours, Some(65_534), Some(65_534)).expect("to give it away takes root");
    // Where a stranger can start it.
    let program = home.path().join("countersign");
    fs::copy(env!("CARGO_BIN_EXE_countersign"), &program).expect("a copy");
    let dir = ours.join("data");
    let mut stranger = bare("setpriv");
    stranger
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program);
    stranger
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&dir);
    let service = Served::greeting(Running::start(&mut stranger), &dir);
    let proc = Path::new("/proc").join(service.running.pid().to_string());
    let limits = fs::read_to_string(proc.join("limits")).expect("a process");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .expect("a limit");
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    // What a process that may not be looked into has in /proc is root's.
    assert_eq!(
        fs::metadata(proc.join("environ")).expect("a process").uid(),
        0,
        "not dumpable"
    );
}

#[test]
fn a_keyring_alone_says_that_users_existed() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    for name in [
        "countersign.sqlite",
        "countersign.sqlite-wal",
        "countersign.sqlite-shm",
        "audit.heads",
    ] {
        fs::remove_file(dir.join(name)).expect("it was there");
    }
    let keyring = fs::read(dir.join("keyring")).expect("a keyring");
    refused(&mut serve(&dir), 1, &["users", "--begin-anew"]);
    assert!(!dir.join("countersign.sqlite").exists(), "nothing was begun");
    let mut anew = serve(&dir);
    anew.arg("--begin-anew");
    let service = Served::greeting(Running::start(&mut anew), &dir);
    service.end().with_code(0);
    assert_eq!(
        fs::read(dir.join("keyring")).expect("a keyring"),
        keyring,
        "the same keyring"
    );
    refused(&mut anew, 1, &["nothing is missing", "without --begin-anew"]);
    Served::start(&dir).end().with_code(0);
}

/// It signs as this database's did, so the heads are content; but it opens nothing.
#[test]
fn a_keyring_that_cannot_open_the_secrets_does_not_start() {
    let home = tempfile::tempdir().expect("a directory");
    let (dir, other) = (home.path().join("data"), home.path().join("other"));
    let phone = served_once(&dir);
    served_once(&other);
    let ours = fs::read_to_string(dir.join("keyring")).expect("a keyring");
    let theirs = fs::read_to_string(other.join("keyring")).expect("a keyring");
    let line = |text: &str, kind: &str| {
        text.lines()
            .find(|line| line.starts_with(kind))
            .expect("a key")
            .to_owned()
    };
    let (sealing, strange) = (line(&ours, "seal 1 "), line(&theirs, "seal 1 "));
    let (hashing, signing) = (line(&ours, "mac 1 "), line(&ours, "sign 1 "));
    let later = |text: &str| text.replacen("seal 1 ", "seal 2 ", 1);
    let says = ["put back the keyring file that belongs to this database"];
    for (wrong, why) in [
        (ours.replacen(&sealing, &strange, 1), "is another database's"),
        (ours.replacen(&sealing, &later(&strange), 1), "lacks key 1"),
        (
            ours.replacen(&signing, &line(&theirs, "sign 1 "), 1),
            "is another database's",
        ),
        (theirs.clone(), "is another database's"),
        // Recovery codes would be wrong, and secrets come in twice.
        (
            ours.replacen(&hashing, &line(&theirs, "mac 1 "), 1),
            "its MAC key 1 is not the one",
        ),
        (ours.replacen("mac 1 ", "mac 2 ", 1), "lacks MAC key 1"),
        (
            ours.replacen(&format!("{hashing}\n"), "", 1),
            "its MAC key 1 is not the one",
        ),
    ] {
        fs::write(dir.join("keyring"), wrong).expect("ours");
        for heads in [true, false] {
            let kept = home.path().join("heads");
            if !heads {
                fs::rename(dir.join("audit.heads"), &kept).expect("it moves");
            }
            let mut command = serve(&dir);
            if !heads {
                command.arg("--begin-anew");
            }
            refused(&mut command, 1, &[why, says[0]]);
            if !heads {
                fs::rename(&kept, dir.join("audit.heads")).expect("it moves");
            }
        }
    }
    fs::write(dir.join("keyring"), ours).expect("ours");
    let service = Served::start(&dir);
    let code = phone.code(step_that_lasts(3) + 1);
    assert_eq!(
        service.api().verify("alice", &code).expect("an answer").outcome(),
        "accepted"
    );
}

/// A keyring of before has no line for the key that hashes. Whoever owns the directory writes it, and takes the file for
/// its own afterwards; a command beside the service writes nothing.
#[test]
fn a_keyring_of_before_is_given_its_mac_key_by_the_owner_alone() {
    let home = tempfile::tempdir().expect("a directory");
    let (dir, other) = (home.path().join("data"), home.path().join("other"));
    served_once(&other);
    let path = dir.join("keyring");
    let read = || fs::read_to_string(&path).expect("a keyring");
    let of_before = |text: &str| {
        let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("mac "));
        lines.collect::<String>()
    };
    let hashing = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("mac 1 ")).expect("a key");
        line.split(' ').nth(3).expect("its bytes").to_owned()
    };
    fs::create_dir(&dir).expect("ours");
    chmod(&dir, 0o700);
    let old = of_before(&fs::read_to_string(other.join("keyring")).expect("a keyring"));
    fs::write(&path, old).expect("ours");
    chmod(&path, 0o600);
    let mut anew = serve(&dir);
    anew.arg("--begin-anew");
    let service = Served::greeting(Running::start(&mut anew), &dir);
    let (_, phone) = service.api().bind("alice", now_step() - 1);
    service.end().with_code(0);
    let key = hashing(&read());

    // From here on it is a directory as a program of before left it.
    let old = of_before(&read());
    fs::write(&path, &old).expect("ours");
    run(countersign().args(["audit", "verify", "--data-dir"]).arg(&dir), "").with_code(0);
    run(countersign().args(["key", "list", "--data-dir"]).arg(&dir), "").with_code(0);
    assert_eq!(read(), old, "nobody writes it but its owner");
    let service = Served::start(&dir);
    let new = read();
    assert!(new.starts_with(&old), "what was there stays");
    assert_eq!(hashing(&new), key, "the same key as ever: its witness would say so");
    assert_eq!(fs::metadata(&path).expect("it is there").mode() & 0o777, 0o600);
    // It is looked at once a second.
    thread::sleep(Duration::from_millis(2_500));
    let api = service.api();
    assert_eq!(api.get("/readyz").expect("an answer").status, 200);
    let code = phone.code(step_that_lasts(3) + 1);
    assert_eq!(api.verify("alice", &code).expect("an answer").outcome(), "accepted");
    service.end().with_code(0);
    Served::start(&dir).end().with_code(0);
    assert_eq!(read(), new, "once");
}

/// What a newer version wrote into the keyring is not passed over.
#[test]
fn a_kind_of_key_that_is_not_known_is_said() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    let text = fs::read_to_string(dir.join("keyring")).expect("a keyring");
    fs::write(dir.join("keyring"), format!("{text}trust 1 0 {}\n", "ab".repeat(32))).expect("ours");
    refused(&mut serve(&dir), 1, &["line 8", "a newer one wrote it"]);
}

/// Without a witness no keyring is proven, not even the right one.
#[test]
fn a_database_that_lost_its_witness_is_refused() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    let whole = home.path().join("whole.sqlite");
    fs::copy(dir.join("countersign.sqlite"), &whole).expect("a copy");
    for kind in ["keyring_witness", "keyring_mac_witness"] {
        let database = rusqlite::Connection::open(dir.join("countersign.sqlite")).expect("a database");
        let lost = "DELETE FROM document WHERE noun = ?";
        assert_eq!(database.execute(lost, [kind]), Ok(1), "one a key");
        drop(database);
        refused(&mut serve(&dir), 1, &["no witness of its keyring"]);
        fs::copy(&whole, dir.join("countersign.sqlite")).expect("a copy");
    }
}

/// Nobody migrates what version 0.1 left, and its words say how to start anew.
#[test]
fn a_database_of_version_0_1_is_refused_with_a_way_out() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    served_once(&dir);
    let database = rusqlite::Connection::open(dir.join("countersign.sqlite")).expect("a database");
    let tables = "DROP TABLE document; CREATE TABLE recovery_codes (account TEXT, user TEXT)";
    database.execute_batch(tables).expect("it is ours");
    drop(database);
    refused(
        &mut serve(&dir),
        1,
        &["version 0.1", "move the data directory away", "start anew"],
    );
}

/// A small file system that can be made read-only.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "countersign-test"])
            .arg(dir.path())
            .status();
        assert!(
            mounted.expect("mount").success(),
            "a read-only directory is a tmpfs, which takes root and the right to mount (in a container: --cap-add SYS_ADMIN)"
        );
        Self(dir)
    }

    fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        let done = Command::new("mount").args(["-o", &how]).arg(self.0.path()).status();
        assert!(done.expect("mount").success(), "{how}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _told_by_umount = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn the_trail_is_verified_without_leaving_anything_behind() {
    for killed in [false, true] {
        for index in [true, false] {
            let mount = Mount::new();
            let dir = mount.0.path().join("data");
            let service = Served::start(&dir);
            let api = service.api();
            let (_, phone) = api.bind("alice", step_that_lasts(5) - 1);
            until("heads", || dir.join("audit.heads").exists());
            let code = phone.code(now_step());
            assert_eq!(api.verify("alice", &code).expect("an answer").outcome(), "accepted");
            let beside = |says: &str| {
                let verified = run(countersign().args(["audit", "verify", "--data-dir"]).arg(&dir), "").with_code(0);
                assert!(verified.out.contains(says), "{}", verified.out);
            };
            beside(" in 1 chains,");
            if killed {
                service.running.kill();
            } else {
                service.end().with_code(0);
            }
            if !index {
                fs::remove_file(dir.join("countersign.sqlite-shm")).expect("scratch");
                if !killed {
                    fs::remove_file(dir.join("countersign.sqlite-wal")).expect("empty");
                }
            }
            let before = contents(&dir);
            beside(" in 1 chains,");
            assert_eq!(
                contents(&dir),
                before,
                "where it could write, too: killed {killed}, index {index}"
            );
            mount.remount("ro");
            beside(" in 1 chains,");
            assert_eq!(contents(&dir), before);
            mount.remount("rw");
            // As it does where somebody is at the rows.
            let database = rusqlite::Connection::open(dir.join("countersign.sqlite")).expect("a database");
            let cut = database.execute(
                "UPDATE audit SET events = replace(events, 'done', 'none') WHERE sequence = 2",
                [],
            );
            assert_eq!(cut, Ok(1));
            drop(database);
            mount.remount("ro");
            let found = run(countersign().args(["audit", "verify", "--data-dir"]).arg(&dir), "").with_code(1);
            assert!(found.out.contains("the row was changed"), "{}", found.out);
        }
    }
}

/// One user's record is gone; who watches the service hears of it, and everybody else is served.
#[test]
fn what_is_damaged_is_said_and_the_rest_serves() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let service = Served::start(&dir);
    let step = step_that_lasts(10);
    let (_, alice) = service.api().bind("alice", step - 1);
    let (_, bob) = service.api().bind("bob", step - 1);
    service.end().with_code(0);
    let database = rusqlite::Connection::open(dir.join("countersign.sqlite")).expect("a database");
    let spoiled = database.execute("UPDATE user SET devices = x'01' WHERE user = 'bob'", []);
    assert_eq!(spoiled, Ok(1));
    drop(database);
    let service = Served::start(&dir);
    let api = service.api();
    let ready = |api: &Api| api.get("/readyz").expect("an answer").with_status(200).body;
    until("it is found before anybody asks", || ready(&api)["damaged"].is_array());
    assert_eq!(api.verify("bob", &bob.code(step)).expect("an answer").status, 500);
    assert_eq!(
        api.verify("alice", &alice.code(step)).expect("an answer").outcome(),
        "accepted"
    );
    let said = ready(&api);
    let damaged = said["damaged"].to_string();
    assert!(
        damaged.contains("user acme/bob") && damaged.contains("cannot be read"),
        "{said}"
    );
    assert!(said["damaged_reads"].as_u64().is_some_and(|reads| reads >= 1), "{said}");
}
