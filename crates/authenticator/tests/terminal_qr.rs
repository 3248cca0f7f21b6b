//! The QR code that a terminal shows, on a real terminal: `xterm` draws it, a screenshot is taken, two readers read it.

mod support;

use std::{fs, path::Path};

use enroll::{Qr, TerminalStyle};
use support::{codes, desktop::Desktop, texts, zbar};

/// xterm's own bitmap font, and sizes of a common outline font; in most of them blocks of ink do not touch each other.
const FONTS: [&[&str]; 6] = [
    &[],
    &["-fa", "DejaVu Sans Mono", "-fs", "8"],
    &["-fa", "DejaVu Sans Mono", "-fs", "10"],
    &["-fa", "DejaVu Sans Mono", "-fs", "11"],
    &["-fa", "DejaVu Sans Mono", "-fs", "12"],
    &["-fa", "DejaVu Sans Mono", "-fs", "14"],
];
const DARK: [&str; 4] = ["-bg", "#1e1e1e", "-fg", "#cccccc"];
const LIGHT: [&str; 4] = ["-bg", "#fdf6e3", "-fg", "#333333"];

const URI: &str = "otpauth://totp/Example:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";

/// Without colours on a light terminal the ink is dark, and has nothing but gaps in it to go by: our reader copes in every
/// font, `zbarimg` in some, so that it is asked in the font without gaps only.
#[test]
fn a_code_in_a_real_terminal_is_read_by_zbar_and_by_us() {
    let desktop = Desktop::start();
    let directory = tempfile::tempdir().unwrap();
    let (text, picture) = (directory.path().join("qr.txt"), directory.path().join("screen.png"));
    // the usual code, and the smallest: of level L, with half the quiet zone
    let small = Qr::encode_for_terminal(URI, 80, 21).unwrap();
    assert_eq!((small.width(), small.rows()), (41, 21));
    for qr in [Qr::encode(URI).unwrap(), small] {
        look_at(&desktop, &qr, &text, &picture);
    }
}

fn look_at(desktop: &Desktop, qr: &Qr, text: &Path, picture: &Path) {
    for (style, looks) in [
        (TerminalStyle::Ansi, [DARK, LIGHT].as_slice()),
        (TerminalStyle::PlainOnDark, &[DARK]),
        (TerminalStyle::PlainOnLight, &[LIGHT]),
    ] {
        fs::write(text, qr.to_terminal(style).as_str()).unwrap();
        for font in FONTS {
            for look in looks {
                let _terminal = desktop.terminal(text, &[font, look].concat());
                desktop.screenshot(picture);
                let ours = codes(&fs::read(picture).unwrap());
                assert_eq!(texts(&ours), [URI], "ours: {style:?}, {font:?}, {look:?}");
                if style != TerminalStyle::PlainOnLight || font.is_empty() {
                    assert_eq!(zbar(picture), URI, "zbarimg: {style:?}, {font:?}, {look:?}");
                }
            }
        }
    }
}
