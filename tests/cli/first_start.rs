//! From nothing: what `serve` makes, who may read it, and what it says.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use crate::{
    judges,
    support::{
        process::{Running, Served, bare, countersign, run, serve},
        step_that_lasts,
    },
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .mode()
        & 0o777
}

#[test]
fn only_the_owner_may_read_what_is_made() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("deep/data");
    // Under the most generous of masks.
    let mut generous = bare("sh");
    generous
        .args(["-c", "umask 000; exec \"$0\" \"$@\""])
        .arg(serve(&dir).get_program())
        .args(serve(&dir).get_args());
    let service = Served::greeting(Running::start(&mut generous), &dir);
    service.api().bind("alice", step_that_lasts(5));
    assert_eq!(mode(&dir), 0o700);
    for name in [
        "admin.key",
        "keyring",
        "countersign.sqlite",
        "countersign.sqlite-wal",
        "audit.heads",
    ] {
        crate::support::until(name, || dir.join(name).exists());
    }
    for entry in fs::read_dir(&dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_first_start_says_what_to_do_next_and_shows_no_key_to_a_file() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let service = Served::start(&dir);
    let said = service.running.hear("countersign user verify");
    let key = fs::read_to_string(dir.join("admin.key")).expect("the first key");
    for words in [
        "/docs",
        "admin.key (made now",
        "countersign user bind acme alice",
        "countersign user verify acme",
    ] {
        assert!(said.contains(words), "{words:?} is missing in:\n{said}");
    }
    let here = format!(" --server {} --data-dir {}", service.url, dir.display());
    let next = said.lines().filter(|line| line.contains(&here)).count();
    assert_eq!(next, 2, "both commands find this service: {said}");
    let next = said.lines().find(|line| line.contains(" user bind acme alice"));
    let program = next.and_then(|line| line.split_whitespace().next());
    let program = program.expect("the next command");
    assert!(
        fs::exists(program).is_ok_and(|there| there),
        "it is typed as it stands: {program}"
    );
    let all = format!("{said}{}", service.running.err());
    assert!(!all.contains(key.trim()), "nor does a log");
    service.end().with_code(0);

    let again = Served::start(&dir);
    assert!(!again.running.out().contains("made now"));
    assert_eq!(fs::read_to_string(dir.join("admin.key")).expect("the first key"), key);
}

#[test]
fn a_first_start_on_a_terminal_shows_the_key_once() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let first = Running::on_a_terminal(&serve(&dir));
    let said = first.hear("countersign user verify");
    let key = fs::read_to_string(dir.join("admin.key")).expect("the first key");
    assert!(said.contains(key.trim()), "{said}");
    let pid = fs::read_to_string(dir.join("owner.lock")).expect("the holder's pid");
    assert!(
        run(bare("sh").args(["-c", &format!("kill -TERM {pid}")]), "")
            .status
            .success()
    );
    first.wait().with_code(0);

    let second = Running::on_a_terminal(&serve(&dir));
    assert!(!second.hear("countersign user verify").contains(key.trim()));
}

/// Three commands from nothing to a verified code, as the README has them.
#[test]
fn the_readme_keeps_its_promise() {
    let readme = include_str!("../../README.md");
    let block = readme
        .split("```")
        .find(|block| block.contains("user bind"))
        .expect("the three commands");
    let commands: Vec<Vec<&str>> = block
        .lines()
        .filter_map(|line| line.strip_prefix("cargo run --release -- "))
        .map(|line| line.split('#').next().expect("a command").split_whitespace().collect())
        .collect();
    let [serve, bind, verify] = commands.as_slice() else {
        panic!("three commands: {commands:?}")
    };

    let home = tempfile::tempdir().expect("a directory");
    let started = |args: &[&str]| {
        let mut command = countersign();
        // The one thing a test cannot have is a port that is surely free.
        command
            .args(args)
            .env("HOME", home.path())
            .env("COUNTERSIGN_LISTEN", "127.0.0.1:0");
        command
    };
    let dir = home.path().join(".local/share/countersign");
    let service = Served::greeting(Running::start(&mut started(serve)), &dir);
    assert!(dir.join("admin.key").exists(), "where the README's curl reads it");

    let step = step_that_lasts(10);
    let asked = |args: &[&str]| {
        let mut command = started(args);
        Running::on_a_terminal(command.env("COUNTERSIGN_SERVER", &service.url))
    };
    let mut binding = asked(bind);
    let (phone, uri) = judges::scan(&binding.hear("Code that the app shows: "));
    assert!(uri.contains("alice"), "{uri}");
    binding.type_in(&format!("{}\n", phone.code(step)));
    assert!(binding.wait().with_code(0).out.contains("bound: device "));

    for (code, outcome) in [(0, "accepted"), (1, "refused")] {
        let mut verifying = asked(verify);
        verifying.hear("Code: ");
        verifying.type_in(&format!("{}\n", phone.code(step + 1)));
        let ended = verifying.wait().with_code(code);
        assert!(ended.out.contains(outcome), "{}", ended.out);
    }
}
