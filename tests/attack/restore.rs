//! Files of yesterday beside files of today, in every mix: refused at start, or nothing of yesterday is good again: a
//! used code is refused, an unbound device stays dead, a revoked key stays revoked (D4, U1, A4).

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use serde_json::Value;

use crate::support::{
    cutting_the_log,
    http::Api,
    now_step,
    phone::Phone,
    process::{Ended, Running, Served, run, serve},
    soak, step_that_lasts, until,
};

const DATABASE: &str = "countersign.sqlite";
const WAL: &str = "countersign.sqlite-wal";
const HEADS: &str = "audit.heads";
const FILES: [&str; 7] = [
    DATABASE,
    WAL,
    HEADS,
    "keys.generation",
    "countersign.sqlite-shm",
    "keyring",
    "owner.lock",
];

/// What happened between yesterday and today.
struct Days {
    home: tempfile::TempDir,
    alice: Phone,
    bob: Phone,
    /// Accepted today.
    used: u64,
    /// Revoked today.
    key: String,
}

impl Days {
    /// One service for both days, so that one chain of the trail has it all; killed, so that its log is left.
    fn lived() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let (dir, outside) = (home.path().join("data"), home.path().join("outside.heads"));
        let service = Served::greeting(Running::start(serve(&dir).arg("--heads-file").arg(&outside)), &dir);
        let api = service.api();
        let step = step_that_lasts(15);
        let made = run(&mut service.beside(&["key", "create", "--role", "enroll"]), "").with_code(0);
        let key = made.out.trim().to_owned();
        // Erasing what a binding was made of cuts the log; then there is a new one.
        let (device, bob) = cutting_the_log(&dir, || api.bind("bob", step - 1));
        let (_, alice) = cutting_the_log(&dir, || api.bind("alice", step - 1));
        assert_eq!(
            api.verify("alice", &alice.wrong_code(step))
                .expect("an answer")
                .outcome(),
            "refused"
        );
        until_kept(&service);
        copy(&dir, &home.path().join("yesterday"));

        revoke(&service);
        let unbound = cutting_the_log(&dir, || api.unbind("bob", &device, &bob.code(step)));
        assert_eq!(unbound.expect("an answer").status, 204);
        assert_eq!(
            api.verify("alice", &alice.code(step)).expect("an answer").outcome(),
            "accepted"
        );
        until_kept(&service);
        until("the revocation is kept", || {
            fs::read_to_string(dir.join(HEADS)).is_ok_and(|heads| heads.contains("\"chain\":3,\"position\":1,"))
        });
        service.running.kill();
        copy(&dir, &home.path().join("today"));
        assert!(fs::metadata(dir.join(WAL)).expect("a log").len() > 0);
        Self {
            home,
            alice,
            bob,
            used: step,
            key,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A directory with today's files, but of yesterday those whose bit is set.
    fn mixed(&self, name: &str, of_yesterday: usize) -> PathBuf {
        let dir = self.path(name);
        copy(&self.path("today"), &dir);
        for (bit, file) in FILES.iter().enumerate() {
            if of_yesterday >> bit & 1 == 1 {
                fs::copy(self.path("yesterday").join(file), dir.join(file)).expect("a copy");
            }
        }
        dir
    }

    fn serve(&self, dir: &Path) -> std::process::Command {
        let outside = dir.with_extension("heads");
        if !outside.exists() {
            fs::copy(self.path("outside.heads"), &outside).expect("a copy");
        }
        let mut command = serve(dir);
        command.arg("--heads-file").arg(outside);
        command
    }

    /// Nothing of yesterday is good again.
    #[track_caller]
    fn nothing_is_back(&self, service: &Served, which: &str) {
        let api = service.api();
        let accepted = |user: &str, code: &str| {
            let answer = api.verify(user, code).expect("an answer");
            answer.status == 200 && answer.outcome() == "accepted"
        };
        assert!(
            !accepted("alice", &self.alice.code(self.used)),
            "D4: a used code, {which}"
        );
        for step in [now_step(), now_step() + 1] {
            assert!(!accepted("bob", &self.bob.code(step)), "U1: an unbound device, {which}");
        }
        let status = Api::new(&service.url, &self.key)
            .user("alice")
            .expect("an answer")
            .status;
        assert_eq!(status, 401, "A4: a revoked key, {which}");
    }
}

/// Ended, or greeting.
#[track_caller]
fn started(command: &mut std::process::Command, dir: &Path) -> Result<Served, Ended> {
    let mut serving = Running::start(command);
    until("ended, or greeted", || {
        serving.ended() || serving.out().contains("countersign user verify")
    });
    if serving.out().contains("Countersign serves") {
        Ok(Served::greeting(serving, dir))
    } else {
        Err(serving.wait())
    }
}

/// Ends with 1 and says this.
#[track_caller]
fn refused(command: &mut std::process::Command, dir: &Path, says: &[&str]) {
    match started(command, dir) {
        Ok(_) => panic!("it starts, and should say {says:?}"),
        Err(ended) => {
            let ended = ended.with_code(1);
            for words in says {
                assert!(ended.err.contains(words), "{words:?} is missing in: {}", ended.err);
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp").success());
}

/// The newest row is under a head that is kept.
fn until_kept(service: &Served) {
    let newest = crate::support::tools::sqlite3(
        &service.dir,
        "SELECT chain || ' ' || position FROM audit WHERE chain = 1 ORDER BY sequence DESC LIMIT 1",
    );
    let (chain, position) = newest.split_once(' ').expect("two numbers");
    let line = format!("\"chain\":{chain},\"position\":{position},");
    until("the newest head is kept", || {
        fs::read_to_string(service.dir.join(HEADS)).is_ok_and(|heads| heads.contains(&line))
    });
}

/// The only key with this role alone.
fn revoke(service: &Served) {
    let keys = run(&mut service.beside(&["key", "list", "--json"]), "")
        .with_code(0)
        .json();
    let is_it = |key: &&Value| key["roles"] == serde_json::json!(["enroll"]) && key["revoked_at"].is_null();
    let id = keys.as_array().expect("an array").iter().find(is_it).expect("the key")["id"].clone();
    run(&mut service.beside(&["key", "revoke", id.as_str().expect("an id")]), "").with_code(0);
}

#[test]
fn no_mix_of_old_and_new_files_makes_anything_good_again() {
    let days = Days::lived();
    // A short run takes the last three together: they say nothing of the past.
    let mixes: Vec<usize> = if soak() {
        (0..1 << FILES.len()).collect()
    } else {
        (0..1 << 4).flat_map(|mix| [mix, mix | 0b111_0000]).collect()
    };
    let (next, served) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(&mix) = mixes.get(next.fetch_add(1, Relaxed)) {
                    let old: Vec<_> = FILES
                        .iter()
                        .enumerate()
                        .filter(|(bit, _)| mix >> bit & 1 == 1)
                        .map(|(_, file)| *file)
                        .collect();
                    let dir = days.mixed(&format!("mix-{mix}"), mix);
                    let which = format!("with yesterday's {old:?}");
                    match started(&mut days.serve(&dir), &dir) {
                        Ok(service) => {
                            days.nothing_is_back(&service, &which);
                            served.fetch_add(1, Relaxed);
                        }
                        Err(ended) => {
                            assert_ne!(mix, 0, "today's files alone must serve: {}", ended.err);
                            assert!(
                                ended.code() == 1 && ended.err.contains("error: "),
                                "{which}: {}",
                                ended.err
                            );
                        }
                    }
                    fs::remove_dir_all(&dir).expect("it goes");
                }
            });
        }
    });
    // Heads, generation, index, keyring and lock of yesterday take nothing away.
    assert!(served.load(Relaxed) >= mixes.len() / 4, "{served:?} of {}", mixes.len());
}

/// The log holds the newest row of the trail, so the newest head alone is content.
#[test]
fn a_database_of_yesterday_beside_a_newer_log_is_refused() {
    let days = Days::lived();
    let dir = days.mixed("mixed", 0b1);
    refused(
        &mut days.serve(&dir),
        &dir,
        &["do not belong together", "from the same moment"],
    );
    // Nor is a command let at it: its chain would be in heads that the right database does not know.
    let before = crate::support::contents(&dir);
    let mut create = crate::support::process::countersign();
    create
        .args(["key", "create", "--role", "enroll", "--data-dir"])
        .arg(&dir);
    let refused = run(&mut create, "").with_code(1);
    assert!(refused.err.contains("do not belong together"), "{}", refused.err);
    let index = |files: Vec<(String, Vec<u8>)>| -> Vec<_> {
        files.into_iter().filter(|(name, _)| !name.ends_with("-shm")).collect()
    };
    assert_eq!(index(crate::support::contents(&dir)), index(before));
    let dir = days.mixed("mixed-too", 0b10);
    assert!(
        started(&mut days.serve(&dir), &dir).is_err(),
        "a log of yesterday beside a newer database"
    );
}

#[test]
fn a_heads_file_with_a_damaged_line_is_refused() {
    let days = Days::lived();
    let whole = fs::read_to_string(days.path("outside.heads")).expect("heads");
    let heads: Vec<&str> = whole.lines().collect();
    assert!(
        heads.len() >= 3,
        "the service's chain and those of the key commands: {whole}"
    );
    let forged = heads[0].replacen("\"position\":", "\"position\":1", 1);
    let twice = format!("{whole}\n{whole}");
    let (last, seal) = (heads[heads.len() - 2], heads[heads.len() - 1]);
    let fewer = format!("\"heads\":{},", heads.len() - 2);
    let damaged = [
        // Whole lines of it.
        whole.replacen(&format!("{last}\n"), "", 1),
        whole
            .replacen(&format!("{last}\n"), "", 1)
            .replacen(&format!("\"heads\":{},", heads.len() - 1), &fewer, 1),
        whole.replacen(&format!("{}\n", heads[0]), "", 1),
        whole.replacen(&format!("{seal}\n"), "", 1),
        format!("{seal}\n"),
        format!("{whole}{seal}\n"),
        whole.replacen("outside.heads", "elsewhere.heads", 1),
        whole.replacen(heads[0], &forged, 1),
        whole.replacen(heads[0], "{}", 1),
        whole.replacen(heads[1], &heads[1][..heads[1].len() / 2], 1),
        whole.replacen('{', "\u{fffd}", 1),
        twice,
        String::new(),
    ];
    for (number, damaged) in damaged.iter().enumerate() {
        for inside in [true, false] {
            let dir = days.mixed(&format!("damaged-{number}-{inside}"), 0);
            let mut command = days.serve(&dir);
            let path = if inside {
                dir.join(HEADS)
            } else {
                dir.with_extension("heads")
            };
            fs::write(&path, damaged).expect("a file");
            refused(&mut command, &dir, &[&path.display().to_string(), " help: "]);
            assert_eq!(fs::read_to_string(&path).expect("a file"), *damaged, "left as it is");
        }
    }
}

/// Heads as this directory's keyring signs them all.
fn sealed(dir: &Path, heads: &[&str]) -> String {
    let keyring = fs::read_to_string(dir.join("keyring")).expect("a keyring");
    let line = keyring.lines().find(|line| line.starts_with("sign ")).expect("a key");
    let seed = line.rsplit(' ').next().expect("hex");
    let seed = data_encoding::HEXLOWER.decode(seed.as_bytes()).expect("hex");
    let key = ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed");
    let text: String = heads.iter().map(|head| format!("{head}\n")).collect();
    let mut statement = b"countersign/audit/heads/1".to_vec();
    statement.extend((heads.len() as u64).to_be_bytes());
    statement.extend(0_u64.to_be_bytes());
    statement.extend(text.as_bytes());
    let signature = data_encoding::HEXLOWER.encode(key.sign(&statement).as_ref());
    format!("{text}{{\"heads\":{},\"signature\":\"{signature}\"}}\n", heads.len())
}

/// Each line is signed, so those that are left hold; and a start since yesterday has a line of its own.
#[test]
fn heads_that_were_cut_to_fit_a_database_of_yesterday_are_refused() {
    let days = Days::lived();
    let today = days.mixed("another-today", 0b111_1111);
    let service = Served::start(&today);
    let before = fs::read(today.join(HEADS)).expect("heads");
    let code = days.alice.code(step_that_lasts(3));
    let answer = service.api().verify("alice", &code).expect("an answer");
    assert_eq!(answer.outcome(), "accepted");
    until("the head is kept", || {
        fs::read(today.join(HEADS)).is_ok_and(|heads| heads != before)
    });
    service.running.kill();
    let whole = fs::read_to_string(today.join(HEADS)).expect("heads");
    let lines: Vec<&str> = whole.lines().collect();
    for keep in 0..lines.len() {
        let dir = days.mixed(&format!("cut-{keep}"), 0b111_1111);
        let cut: String = lines[..keep].iter().map(|line| format!("{line}\n")).collect();
        fs::write(dir.join(HEADS), &cut).expect("a file");
        if let Ok(service) = started(&mut serve(&dir), &dir) {
            let answer = service.api().verify("alice", &code).expect("an answer");
            panic!("it starts with {keep} lines, and a used code is {}", answer.body);
        }
    }
}

/// Whole, and of another day than the database, or somebody left a line out who has the keyring: a chain is not named.
#[test]
fn a_database_that_knows_chains_which_no_head_names_is_refused() {
    let days = Days::lived();
    let today = fs::read_to_string(days.path("outside.heads")).expect("heads");
    let line = |chain: &str| {
        let said = format!("{{\"chain\":{chain},");
        today.lines().find(|line| line.starts_with(&said)).expect("a head")
    };
    for (left, missing) in [(&["2", "3"][..], Some("chain 1")), (&["1"], None)] {
        let dir = days.mixed(&format!("unnamed-{}", left.len()), 0);
        let heads: Vec<_> = left.iter().map(|chain| line(chain)).collect();
        let mut command = days.serve(&dir);
        for path in [dir.join(HEADS), dir.with_extension("heads")] {
            fs::write(path, sealed(&dir, &heads)).expect("a file");
        }
        match missing {
            Some(chain) => refused(
                &mut command,
                &dir,
                &[chain, "no head of it is kept", "put the newest heads back"],
            ),
            // A command's chain may be missing: the service was killed before it looked.
            None => days.nothing_is_back(
                &started(&mut command, &dir).expect("it starts"),
                "without commands' heads",
            ),
        }
    }
    // A later start would have named it. The commands' chains are made older than a start has patience.
    let dir = days.mixed("unnamed-later", 0);
    let mut command = days.serve(&dir);
    started(&mut command, &dir).expect("it starts").end().with_code(0);
    let database = rusqlite::Connection::open(dir.join(DATABASE)).expect("a database");
    database
        .execute_batch("UPDATE audit_chain SET at = at - 3600000 WHERE owner = 0")
        .expect("ours");
    drop(database);
    let later = fs::read_to_string(dir.join(HEADS)).expect("heads");
    let owners: Vec<_> = later
        .lines()
        .filter(|line| line.starts_with("{\"chain\":1,") || line.starts_with("{\"chain\":4,"))
        .collect();
    assert_eq!(owners.len(), 2, "{later}");
    for path in [dir.join(HEADS), dir.with_extension("heads")] {
        fs::write(path, sealed(&dir, &owners)).expect("a file");
    }
    refused(&mut command, &dir, &["chain 3", "no head of it is kept"]);
}

/// Earlier versions signed each line and not the file. Who says that it is one of those is believed once; its lines are
/// asked all the same.
#[test]
fn heads_of_an_earlier_version_are_taken_once_and_on_somebodys_word() {
    let days = Days::lived();
    let whole = fs::read_to_string(days.path("outside.heads")).expect("heads");
    let lines: Vec<&str> = whole.lines().collect();
    let earlier: String = lines[..lines.len() - 1]
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    for (of_yesterday, name) in [(0b11, "earlier-old"), (0, "earlier")] {
        let dir = days.mixed(name, of_yesterday);
        let mut command = days.serve(&dir);
        for path in [dir.join(HEADS), dir.with_extension("heads")] {
            fs::write(path, &earlier).expect("a file");
        }
        refused(&mut command, &dir, &["is not whole", "--begin-anew"]);
        let mut anew = days.serve(&dir);
        anew.arg("--begin-anew");
        if of_yesterday != 0 {
            refused(&mut anew, &dir, &["older than"]);
            continue;
        }
        let service = started(&mut anew, &dir).expect("it starts");
        days.nothing_is_back(&service, "with heads of an earlier version");
        service.end().with_code(0);
        refused(&mut anew, &dir, &["nothing is missing"]);
        started(&mut command, &dir).expect("it starts").end().with_code(0);
    }
}

/// The second copy is to know of it as well, or whoever typed it is told that it does not.
#[test]
fn a_key_revoked_while_nothing_runs_stays_revoked() {
    let home = tempfile::tempdir().expect("a directory");
    let (dir, outside) = (home.path().join("data"), home.path().join("outside.heads"));
    let mut command = serve(&dir);
    command.arg("--heads-file").arg(&outside);
    let begin = |command: &mut std::process::Command| started(command, &dir).expect("it starts");
    let service = begin(&mut command);
    let beside = |args: &[&str]| {
        let mut command = crate::support::process::countersign();
        command.args(["key"]).args(args).arg("--data-dir").arg(&dir);
        command
    };
    for _ in 0..2 {
        let made = run(&mut beside(&["create", "--role", "enroll"]), "").with_code(0);
        assert_eq!(made.err, "", "a service that runs keeps the heads itself");
    }
    service.end().with_code(0);
    let listed = run(&mut beside(&["list", "--json"]), "").with_code(0);
    assert_eq!(listed.err, "", "nothing was done");
    let keys = listed.json();
    let ids: Vec<_> = keys
        .as_array()
        .expect("an array")
        .iter()
        .filter(|key| key["roles"] == serde_json::json!(["enroll"]))
        .map(|key| key["id"].as_str().expect("an id").to_owned())
        .collect();
    let yesterday = home.path().join("yesterday");
    copy(&dir, &yesterday);

    let shown = outside.to_str().expect("UTF-8");
    let warned = run(&mut beside(&["revoke", &ids[0]]), "").with_code(0);
    assert!(
        warned.err.contains("warning: ") && warned.err.contains(&format!("--heads-file {shown}")),
        "{}",
        warned.err
    );
    // A disk that is not mounted: nothing is done that would not be known there.
    let away = home.path().join("away");
    fs::rename(&outside, &away).expect("it moves");
    let revoke = ["revoke", &ids[1], "--heads-file", shown];
    let lost = run(&mut beside(&revoke), "").with_code(1);
    assert!(lost.err.contains("is missing: nothing was done"), "{}", lost.err);
    fs::rename(&away, &outside).expect("it moves");
    let revoked = run(&mut beside(&revoke), "").with_code(0);
    assert_eq!(revoked.err, format!("revoked {}\n", ids[1]));

    let today = home.path().join("today");
    fs::rename(&dir, &today).expect("it moves");
    copy(&yesterday, &dir);
    refused(&mut command, &dir, &["older than", shown]);
    fs::remove_dir_all(&dir).expect("ours");
    fs::rename(&today, &dir).expect("it moves");
    begin(&mut command).end().with_code(0);
}

/// The link stays one, what it leads to is written, and nobody else's file is touched.
#[test]
fn heads_are_written_where_a_link_leads() {
    let home = tempfile::tempdir().expect("a directory");
    let (dir, other) = (home.path().join("data"), home.path().join("other"));
    fs::create_dir(&other).expect("a directory");
    let (link, neighbour) = (home.path().join("copy.heads"), home.path().join("copy.new"));
    std::os::unix::fs::symlink("other/real.heads", &link).expect("a link");
    fs::write(&neighbour, "mine").expect("a file");
    fs::write(other.join("real.new"), "mine too").expect("a file");
    let mut command = serve(&dir);
    command.arg("--heads-file").arg(&link);
    for _there_is_none_yet_then_there_is in 0..2 {
        started(&mut command, &dir).expect("it starts").end().with_code(0);
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
        assert_eq!(
            fs::read(other.join("real.heads")).expect("heads"),
            fs::read(dir.join(HEADS)).expect("heads")
        );
        assert_eq!(fs::read(&neighbour).expect("a file"), b"mine");
        assert_eq!(fs::read(other.join("real.new")).expect("a file"), b"mine too");
        assert_eq!(fs::read_dir(&other).expect("a directory").count(), 2);
    }
    // To the directory's own heads, whether they are there or not, and by whatever name.
    fs::remove_file(&link).expect("the link");
    std::os::unix::fs::symlink(dir.join(HEADS), &link).expect("a link");
    let (hard, fresh) = (home.path().join("hard.heads"), home.path().join("fresh"));
    fs::hard_link(dir.join(HEADS), &hard).expect("a link");
    let to_fresh = home.path().join("fresh.heads");
    std::os::unix::fs::symlink(fresh.join(HEADS), &to_fresh).expect("a link");
    for (dir, path) in [(&dir, &link), (&dir, &hard), (&fresh, &to_fresh)] {
        let ended = run(serve(dir).arg("--heads-file").arg(path), "").with_code(2);
        assert!(ended.err.contains("where heads are kept anyway"), "{}", ended.err);
    }
}

/// Every head is asked for, not only the newest: what a key command did stands in a chain of its own.
#[test]
fn a_database_without_a_chain_that_a_head_names_is_refused() {
    let days = Days::lived();
    let dir = days.mixed("cut", 0);
    let service = started(&mut days.serve(&dir), &dir).expect("it starts");
    service.end().with_code(0);
    let database = rusqlite::Connection::open(dir.join(DATABASE)).expect("a database");
    let cut = database.execute("DELETE FROM audit WHERE chain = 2 AND position = 1", []);
    assert_eq!(cut, Ok(1), "the key command's row");
    drop(database);
    refused(&mut days.serve(&dir), &dir, &["chain 2", "older than"]);
}

/// As many rows, and more, but others.
#[test]
fn another_history_is_refused() {
    let days = Days::lived();
    let dir = days.mixed("another", 0b111_1111);
    // Its chain 3 is a service, where today has the command that revoked the key.
    let service = Served::start(&dir);
    let api = service.api();
    for number in 0..10 {
        api.verify(&format!("nobody-{number}"), "123456").expect("an answer");
    }
    service.end().with_code(0);
    let today = fs::read_to_string(days.path("outside.heads")).expect("heads");
    let head = today
        .lines()
        .find(|line| line.starts_with("{\"chain\":3,\"position\":1,"))
        .expect("a key command's head");
    let mut command = days.serve(&dir);
    fs::write(dir.with_extension("heads"), sealed(&dir, &[head])).expect("a file");
    refused(&mut command, &dir, &["chain 3", "another history"]);
}

/// It cannot be seen from inside; that is why a second copy of the heads belongs elsewhere.
#[test]
fn a_copy_of_the_whole_directory_is_seen_from_outside_only() {
    let days = Days::lived();
    let dir = days.mixed("whole", 0b111_1111);
    refused(&mut days.serve(&dir), &dir, &["older than", "whole.heads"]);
    let service = Served::start(&dir);
    let warned = service.running.err();
    assert_eq!(warned.matches("--heads-file").count(), 1, "{warned}");
}

/// Both are written: either alone refuses yesterday.
#[test]
fn both_copies_of_the_heads_are_kept_and_asked() {
    let days = Days::lived();
    let dir = days.mixed("both", 0);
    let service = started(&mut days.serve(&dir), &dir).expect("it starts");
    assert!(
        !service.running.err().contains("--heads-file"),
        "{}",
        service.running.err()
    );
    service.end().with_code(0);
    let outside = dir.with_extension("heads");
    assert_eq!(
        fs::read(dir.join(HEADS)).expect("heads"),
        fs::read(&outside).expect("heads")
    );

    // A disk that is not mounted is no empty list.
    let kept = dir.with_extension("kept");
    fs::rename(&outside, &kept).expect("it moves");
    let mut command = serve(&dir);
    command.arg("--heads-file").arg(&outside);
    refused(&mut command, &dir, &["is missing", "cp "]);
    fs::rename(&kept, &outside).expect("it moves");
    fs::remove_file(dir.join(HEADS)).expect("it was there");
    refused(&mut command, &dir, &["is missing", "cp "]);
    fs::copy(&outside, dir.join(HEADS)).expect("as it says");
    started(&mut command, &dir).expect("it starts").end().with_code(0);

    // Without any of them nothing is proven; who accepts that says so, once.
    fs::remove_file(dir.join(HEADS)).expect("it was there");
    fs::remove_file(&outside).expect("it was there");
    refused(&mut command, &dir, &["is missing", "--begin-anew"]);
    command.arg("--begin-anew");
    started(&mut command, &dir).expect("it starts").end().with_code(0);
    refused(&mut command, &dir, &["nothing is missing", "without --begin-anew"]);
    days.nothing_is_back(
        &started(&mut days.serve(&dir), &dir).expect("it starts"),
        "in today's files",
    );
}
