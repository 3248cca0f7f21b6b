//! Runs every `*.toml` below this directory: what was typed, and what came of it, word for word.
//!
//! `[..]` stands for anything within a line. `COUNTERSIGN_BLESS=1` writes down what is said now: everything from the
//! line that begins with `status` on.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::support::process::{countersign, run};
use crate::support::write_private;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    args: Vec<String>,
    /// Nothing else is set but `PATH` and `HOME`, which is the directory where the command runs.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// What stands in that directory.
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    stdin: String,
    status: i32,
    #[serde(default)]
    stdout: String,
    #[serde(default)]
    stderr: String,
}

#[test]
fn cases() {
    let cases = below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli"));
    assert!(cases.len() > 30, "the cases are found");
    let failed: Vec<_> = cases.iter().filter_map(|path| failure(path)).collect();
    assert!(
        failed.is_empty(),
        "{} of {} cases:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> = entries
        .flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    found.sort();
    found
}

/// What is otherwise than the file says.
fn failure(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).expect("a readable case");
    let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let home = tempfile::tempdir().expect("a directory");
    for (name, content) in &case.files {
        write_private(home.path().join(name), content).expect("a file");
    }
    let mut command = countersign();
    command
        .args(&case.args)
        .env("HOME", home.path())
        .envs(&case.env)
        .current_dir(home.path());
    let ended = run(&mut command, &case.stdin);
    let plain = |said: &str| said.replace(&*home.path().to_string_lossy(), "[HOME]");
    let (out, err) = (plain(&ended.out), plain(&ended.err));
    if std::env::var_os("COUNTERSIGN_BLESS").is_some() {
        bless(path, &text, ended.code(), [("stdout", &out), ("stderr", &err)]);
        return None;
    }
    let same = ended.code() == case.status && matches(&out, &case.stdout) && matches(&err, &case.stderr);
    (!same).then(|| {
        format!(
            "--- {}: status {}\n{out}--- and on stderr\n{err}",
            path.display(),
            ended.code()
        )
    })
}

fn matches(said: &str, expected: &str) -> bool {
    let same_line = |(said, expected): (&str, &str)| {
        let mut parts = expected.split("[..]");
        let Some(mut rest) = said.strip_prefix(parts.next().unwrap_or_default()) else {
            return false;
        };
        let parts: Vec<_> = parts.collect();
        let Some((last, between)) = parts.split_last() else {
            return rest.is_empty();
        };
        for part in between {
            let Some((_, after)) = rest.split_once(part) else {
                return false;
            };
            rest = after;
        }
        rest.ends_with(last)
    };
    said.lines().count() == expected.lines().count() && said.lines().zip(expected.lines()).all(same_line)
}

fn bless(path: &Path, text: &str, status: i32, streams: [(&str, &String); 2]) {
    let kept = text.lines().take_while(|line| !line.starts_with("status"));
    let mut blessed: String = kept.flat_map(|line| [line, "\n"]).collect();
    blessed += &format!("status = {status}\n");
    for (stream, said) in streams.into_iter().filter(|(_, said)| !said.is_empty()) {
        blessed += &format!("{stream} = '''\n{said}'''\n");
    }
    fs::write(path, blessed).expect("a case of ours");
}

#[test]
fn wildcards_stay_within_their_line() {
    assert!(matches("a b c\n", "a [..] c\n"));
    assert!(matches("pid 17, done", "pid [..], [..]"));
    assert!(!matches("a b\nc\n", "a [..]c\n"));
    assert!(!matches("a b c d\n", "a [..] c\n"));
    assert!(!matches("", "a"));
}
