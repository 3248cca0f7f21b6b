//! The terminal after a panic. The interface is the shipped one; what breaks is the machine below it: a clock that panics when
//! somebody tells it to. This program is that machine, when it is started by itself.
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes has real time and an environment"
)]

#[path = "authenticator/pocket.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod pocket;
mod support;

use std::{
    env, fs,
    panic::catch_unwind,
    path::PathBuf,
    process::{Command, ExitCode},
    sync::OnceLock,
};

use authenticator::{Authenticator, Machine};
use clap::Parser;
use countersign::real;

use self::pocket::Pocket;
use crate::support::{process::bare, terminal::Terminal};

/// How this program is started as the one that breaks; then comes the file that says when, and what the authenticator is told.
const BREAKS: &str = "breaks-when";
const IS_CAUGHT: &str = "is caught";

fn main() -> ExitCode {
    let mut words = env::args();
    if words.nth(1).as_deref() == Some(BREAKS) {
        WHEN.get_or_init(|| words.next().expect("a file").into());
        return breaking(words);
    }
    a_panic_gives_the_terminal_back_and_is_read_on_it();
    a_panic_that_is_caught_takes_nothing_away();
    ExitCode::SUCCESS
}

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    authenticator: Authenticator,
}

static WHEN: OnceLock<PathBuf> = OnceLock::new();

fn breaking(words: impl Iterator<Item = String>) -> ExitCode {
    let sound = real::machine(|_| unreachable!("no service is asked for")).expect("a machine");
    let machine = Machine {
        unix_ms: clock,
        ..sound
    };
    let words = [String::from("countersign")].into_iter().chain(words);
    match Program::parse_from(words).authenticator.run(&machine) {
        Ok(code) => code,
        Err(refusal) => panic!("{refusal}"),
    }
}

fn clock() -> u64 {
    let when = WHEN.get().expect("it is known by now");
    if let Ok(how) = fs::read_to_string(when) {
        fs::remove_file(when).expect("a file");
        let breaks = || panic!("the clock fell off the wall");
        match how.as_str() {
            IS_CAUGHT => drop(catch_unwind(breaks)),
            _ => breaks(),
        }
    }
    let start = std::time::UNIX_EPOCH;
    start.elapsed().expect("after 1970").as_millis() as u64
}

struct Breakable {
    pocket: Pocket,
    tui: Terminal,
}

impl Breakable {
    fn start() -> Self {
        let pocket = Pocket::with("otpauth://totp/GitHub:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
        let this = env::current_exe().expect("this program");
        let mut command: Command = bare(this.to_str().expect("UTF-8"));
        command.arg(BREAKS).arg(pocket.path("when")).args(["tui", "--vault"]);
        command.arg(pocket.vault()).arg("--key-file").arg(&pocket.key);
        let tui = Terminal::start(&command, 80, 24);
        tui.see("GitHub");
        tui.see_that("a screen of its own", Terminal::is_taken);
        Self { pocket, tui }
    }

    fn breaks(&self, how: &str) {
        // In one step: half a file says something else.
        let (when, new) = (self.pocket.path("when"), self.pocket.path("when.new"));
        fs::write(&new, how).expect("a file");
        fs::rename(new, &when).expect("a file");
        self.tui.see_that("a clock that was asked", |_| !when.exists());
    }
}

fn a_panic_gives_the_terminal_back_and_is_read_on_it() {
    // In the list, and while a secret is typed.
    for keys in ["", "a"] {
        let mut breakable = Breakable::start();
        breakable.tui.types(keys);
        breakable.breaks("");
        assert_eq!(breakable.tui.wait().code(), Some(101), "{}", breakable.tui.screen());
        breakable.tui.is_as_it_was();
        breakable.tui.see("the clock fell off the wall");
        let screen = breakable.tui.screen();
        // A terminal that is still raw makes stairs of lines.
        assert!(screen.lines().all(|line| !line.starts_with("     ")), "{screen}");
        assert!(!screen.contains("GitHub"), "{screen}");
    }
}

fn a_panic_that_is_caught_takes_nothing_away() {
    let mut breakable = Breakable::start();
    breakable.breaks(IS_CAUGHT);
    breakable.tui.types("?");
    breakable.tui.see("search as you type");
    breakable.tui.see_that("a screen of its own", Terminal::is_taken);
    breakable.tui.types("\x1b");
    breakable.tui.see("/ search");
    breakable.tui.types("q");
    assert_eq!(breakable.tui.wait().code(), Some(0));
    breakable.tui.is_as_it_was();
}
