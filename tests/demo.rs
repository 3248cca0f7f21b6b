//! The two-minute tour, as a newcomer takes it: the real binary, nothing set up, nothing asked, nothing left.
#![allow(clippy::disallowed_methods, reason = "a test of a real process")]

mod support;

#[path = "../crates/token/tests/support/digits.rs"]
mod digits;

use std::{fs, path::Path};

use crate::support::process::{Running, bare, countersign, run};

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).expect("a directory").next().is_none()
}

/// The display in braille: a cell is two pixels by four.
fn shown(lines: &[&str]) -> Option<String> {
    const DOTS: [[u32; 2]; 4] = [[0, 3], [1, 4], [2, 5], [6, 7]];
    let cells: Vec<Vec<u32>> = lines
        .iter()
        .map(|line| line.trim_start().chars().map(|cell| u32::from(cell) - 0x2800).collect())
        .collect();
    digits::read(|x, y| cells[y / 4][x / 2] >> DOTS[y % 4][x % 2] & 1 == 1)
}

#[test]
fn it_tells_the_whole_story_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a directory");
    let told = run(countersign().arg("demo").env("TMPDIR", home.path()), "").with_code(0);
    assert_eq!(told.err, "");
    assert!(is_empty(home.path()), "nothing is left");
    let outcomes = |outcome: &str| {
        let line = |line: &&str| line.split_whitespace().nth(1) == Some(outcome);
        told.out.lines().filter(line).count()
    };
    assert_eq!((outcomes("accepted"), outcomes("refused")), (2, 5), "{}", told.out);
    assert!(told.out.contains(", 0 findings."), "{}", told.out);

    let lines: Vec<&str> = told.out.lines().collect();
    // The program's own path is as long as it is, and stands for its name.
    let short = told.out.replace(env!("CARGO_BIN_EXE_countersign"), "countersign");
    let longest = short.lines().map(|line| line.chars().count()).max();
    assert!(
        longest <= Some(80),
        "{longest:?}: words are broken at blanks\n{}",
        told.out
    );

    // What the display shows is what was typed.
    let pressed = lines
        .iter()
        .position(|line| line.contains("presses the button"))
        .expect("a press");
    let code = shown(&lines[pressed + 1..pressed + 17]).expect("a code on the display");
    assert!(
        lines[pressed + 17].contains(&format!(": {code}, ")),
        "{code}\n{}",
        told.out
    );
}

#[test]
fn whoever_has_seen_enough_leaves_nothing_behind_either() {
    let home = tempfile::tempdir().expect("a directory");
    // HUP: the terminal was closed.
    for signal in ["INT", "TERM", "HUP", "QUIT"] {
        let demo = Running::start(countersign().arg("demo").env("TMPDIR", home.path()));
        demo.hear("1  The service");
        demo.ask_to_end(signal);
        assert_eq!(demo.wait().code(), 1, "{signal}");
        assert!(is_empty(home.path()), "nothing is left after {signal}");
    }
}

#[test]
fn with_pages_it_serves_a_cloud_until_it_is_told_to_end() {
    let home = tempfile::tempdir().expect("a directory");
    let demo = Running::start(countersign().args(["demo", "--pages"]).env("TMPDIR", home.path()));
    let told = demo.hear("Ctrl-C ends it");
    let url = told.lines().find_map(|line| line.trim().strip_prefix("http://"));
    let url = format!("http://{}", url.expect("an address"));
    let mut page = ureq::get(&url).call().expect("it answers");
    let page = page.body_mut().read_to_string().expect("text");
    assert!(page.contains("action=\"/register\""), "{page}");

    // Its button leads to the service, where the page is, and not to the toy.
    let agent: ureq::Agent = ureq::Agent::config_builder().max_redirects(0).build().into();
    let send = |path: &str, cookie: &str| {
        let request = agent.post(format!("{url}{path}")).header("cookie", cookie);
        request
            .send_form([("user", "alice"), ("password", "pw")])
            .expect("an answer")
    };
    let said = |answer: &ureq::http::Response<ureq::Body>, name: &str| {
        let value = answer.headers().get(name).expect(name).to_str().expect("text");
        value.split(';').next().unwrap_or_default().to_owned()
    };
    send("/register", "");
    let cookie = said(&send("/login", ""), "set-cookie");
    let link = said(&send("/settings", &cookie), "location");
    let service = told
        .split('(')
        .find_map(|rest| rest.split(')').next()?.strip_prefix("http://"));
    let service = service.expect("the service's address");
    assert!(link.starts_with(&format!("http://{service}/pages/open/")), "{link}");
    let mut page = ureq::get(&link).call().expect("it answers");
    let page = page.body_mut().read_to_string().expect("text");
    assert!(page.contains("alice"), "{page}");
    demo.ask_to_end("INT");
    assert_eq!(demo.wait().code(), 0);
    assert!(is_empty(home.path()), "nothing is left");
}

#[test]
fn where_its_words_find_no_room_it_ends_with_one_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a directory");
    let ended = |script: &str| {
        let mut shell = bare("sh");
        shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_countersign")]);
        run(shell.env("TMPDIR", home.path()), "")
    };
    let full = ended("\"$1\" demo > /dev/full").with_code(1);
    assert!(
        full.err.starts_with("error: nothing could be written: "),
        "{}",
        full.err
    );
    assert_eq!(full.err.lines().count(), 1, "{}", full.err);
    // Whoever reads one line has had enough; and words about it that nobody hears are no reason to end.
    let enough = ended("{ \"$1\" demo; echo $? >&3; } 3>&2 | head -n 1").with_code(0);
    assert_eq!(enough.err, "0\n");
    ended("\"$1\" demo 2> /dev/full").with_code(0);
    ended("\"$1\" user devices acme alice > /dev/full 2> /dev/full").with_code(2);
    assert!(is_empty(home.path()), "nothing is left");
}
