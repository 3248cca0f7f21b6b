//! The QR code on a terminal, read back from the screen by programs of other hands.

use otp::Parameters;

#[path = "../../crates/enroll/tests/judges/mod.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod readers;
#[path = "../../crates/enroll/tests/judges/terminal.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod terminal;

use crate::support::phone::Phone;

/// Scans the QR code among what was said, and sees that it is the one whose key stands below it.
#[track_caller]
pub(crate) fn scan(said: &str) -> (Phone, String) {
    let drawn: String = said
        .lines()
        .filter(|line| is_drawn(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let screen = terminal::draw(&drawn, terminal::DARK);
    let uri = readers::zbar(&screen).unwrap_or_else(|| panic!("zbarimg finds no QR code in:\n{said}"));
    assert_eq!(
        readers::rxing(&screen, false).as_deref(),
        Some(&*uri),
        "two readers, one text"
    );
    let phone = Phone::scan(&uri);
    let typed = Phone::type_key(key(said));
    assert_eq!(phone.code(1), typed.code(1), "the text key is the same");
    assert_eq!(
        enroll::Entry::parse(&uri).ok().and_then(|entry| entry.parameters()),
        Some(Parameters::DEFAULT)
    );
    (phone, uri)
}

/// The key for those who cannot scan.
#[track_caller]
pub(crate) fn key(said: &str) -> &str {
    let (_, key) = said
        .split_once("type the key: ")
        .unwrap_or_else(|| panic!("no key in:\n{said}"));
    let key = key.lines().next().expect("a line").trim_end();
    assert!(key.split(' ').all(|group| group.len() == 4), "groups of four: {key}");
    key
}

fn is_drawn(line: &str) -> bool {
    let block = |character| ['█', '▀', '▄'].contains(&character);
    line.starts_with("\x1b[38;5;16;48;5;231m") || (line.contains(block) && line.chars().all(|c| block(c) || c == ' '))
}
