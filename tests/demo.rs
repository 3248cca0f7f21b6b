//! The two-minute tour, as a newcomer takes it: the real binary, nothing set up, nothing asked, nothing left.
#![allow(clippy::disallowed_methods, reason = "a test of a real process")]

mod support;

#[path = "../crates/token/tests/support/digits.rs"]
mod digits;

use std::{fs, path::Path};

use crate::support::process::{Running, countersign, run};

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

    // What the display shows is what was typed.
    let lines: Vec<&str> = told.out.lines().collect();
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
    let demo = Running::start(countersign().arg("demo").env("TMPDIR", home.path()));
    demo.hear("1  The service");
    demo.ask_to_end("INT");
    assert_ne!(demo.wait().code(), 0);
    assert!(is_empty(home.path()), "nothing is left");
}
