//! The emulated board, port by port, through the self-test that comes with every board.
#![allow(clippy::disallowed_methods, reason = "a test of a real process has real time")]

mod support;

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use support::emulator::{Board, Emulator, Line, Pace, Screen};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);
/// RFC 6238 appendix B has a code for it.
const UNIX_S: u64 = 1_111_111_109;

fn firmware(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/firmware/thumbv7m-none-eabi/release")
        .join(name)
}

/// A board with the self-test, and its EEPROM's directory.
fn board() -> (Board, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let board = Board::new(&firmware("self-test-lm3s6965"), directory.path(), UNIX_S);
    (board, directory)
}

fn connect(emulator: &Emulator) -> Line {
    Line::to_self_test(emulator.port()).unwrap()
}

fn ask(line: &mut Line, command: &str) -> String {
    line.send(format!("{command}\n").as_bytes()).unwrap();
    line.text(SOON).unwrap()
}

fn number(answer: &str) -> u64 {
    answer.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_display_shows_each_pixel_and_the_button_has_edges() {
    let (board, _directory) = board();
    let mut emulator = board.start().unwrap();
    let block = |left: usize| {
        move |screen: &Screen| {
            let mut expected = (0..Screen::HEIGHT).flat_map(|y| (0..Screen::WIDTH).map(move |x| (x, y)));
            expected.all(|(x, y)| {
                let frame = x == 0 || y == 0 || x == 127 || y == 63;
                let block = (left..left + 8).contains(&x) && (4..12).contains(&y);
                screen.is_lit(x, y) == (frame || x == y || block)
            })
        }
    };
    emulator.screen_when(block(16)).unwrap();

    let mut line = connect(&emulator);
    for press in 1..=10 {
        emulator.press().unwrap();
        assert_eq!(line.text(SOON).unwrap(), "pressed");
        emulator.screen_when(block(16 + press % 8 * 12)).unwrap();
        emulator.release().unwrap();
        assert_eq!(line.text(SOON).unwrap(), "released");
    }
    for _ in 0..3 {
        emulator.press().unwrap();
        emulator.release().unwrap();
        thread::sleep(Duration::from_millis(100)); // as fast as a finger
    }
    for edge in ["pressed", "released"].repeat(3) {
        assert_eq!(line.text(SOON).unwrap(), edge, "none is lost");
    }

    assert_eq!(ask(&mut line, "sleep"), "asleep");
    emulator.screen_when(|screen| screen.count() == 0).unwrap();
}

#[test]
fn the_line_loses_nothing_at_full_rate() {
    let (board, _directory) = board();
    let emulator = board.start().unwrap();
    let mut line = connect(&emulator);
    let texts: Vec<String> = (0..400)
        .map(|n| format!("echo {n:04} {}", "x".repeat(n % 240)))
        .collect();
    line.send((texts.join("\n") + "\n").as_bytes()).unwrap();
    for text in texts {
        assert_eq!(line.text(SOON).unwrap(), text);
    }
}

#[test]
fn storage_outlives_a_power_cut_and_keeps_pages_apart() {
    let (board, _directory) = board();
    let emulator = board.start().unwrap();
    let mut line = connect(&emulator);
    let seed = ask(&mut line, "read 0 32");
    assert!(!seed.contains(&"ff".repeat(8)), "{seed}");

    let written: String = (0..64).map(|byte: u8| format!("{byte:02x}")).collect();
    assert_eq!(ask(&mut line, &format!("write 2000 {written}")), "written");
    emulator.kill();

    let emulator = board.start().unwrap();
    let mut line = connect(&emulator);
    assert_eq!(ask(&mut line, "read 2000 64"), format!("read {written}"));
    assert_eq!(ask(&mut line, "read 1998 2"), "read ffff");
    assert_eq!(ask(&mut line, "read 2064 2"), "read ffff");
    assert_eq!(ask(&mut line, "read 0 32"), seed);
    assert_eq!(ask(&mut line, "read 8190 2"), "read ffff");
    assert_eq!(ask(&mut line, "read 8191 2"), "failed", "it ends there");
}

#[test]
fn the_clock_starts_where_it_is_told_and_is_set() {
    let (board, _directory) = board();
    let emulator = board.start().unwrap();
    let mut line = connect(&emulator);
    let shown = number(&ask(&mut line, "time"));
    assert!((UNIX_S..UNIX_S + 20).contains(&shown), "{shown}");

    // Ends of months, of a leap day, the beginning of what the chip counts; beyond 2038 QEMU's count overflows.
    for unix_s in [1_709_164_799, 1_709_251_199, 1_767_225_599, 2_145_916_790, 946_684_800] {
        let shown = number(&ask(&mut line, &format!("time {unix_s}")));
        assert!((unix_s..=unix_s + 1).contains(&shown), "{unix_s}: {shown}");
    }
    assert_eq!(ask(&mut line, "time 946684799"), "failed", "before 2000");
    assert_eq!(ask(&mut line, "time 4102444800"), "failed", "after 2099");
    assert_eq!(ask(&mut line, "battery"), "battery 100");
    assert_eq!(ask(&mut line, "entropy"), "entropy none");
}

#[test]
fn time_is_even_and_can_be_hurried() {
    let (mut board, _directory) = board();
    let emulator = board.start().unwrap();
    let mut line = connect(&emulator);
    let mut last = 0;
    let start = Instant::now();
    for _ in 0..200 {
        let uptime = number(&ask(&mut line, "uptime"));
        assert!(uptime >= last, "{uptime} after {last}");
        last = uptime;
    }
    assert!(Duration::from_millis(last) < start.elapsed() + SOON);
    emulator.kill();

    board.pace = Pace::FastForward;
    let emulator = board.start().unwrap();
    let mut line = connect(&emulator);
    let (uptime, unix_s) = (number(&ask(&mut line, "uptime")), number(&ask(&mut line, "time")));
    assert!(
        (uptime / 1_000).abs_diff(unix_s - UNIX_S) < 60,
        "{uptime} ms, {unix_s} s"
    );
    thread::sleep(Duration::from_millis(500));
    let went_by = number(&ask(&mut line, "uptime")) - uptime;
    println!("{went_by} ms in half a second");
    assert!(went_by > 10_000, "{went_by}");
}
