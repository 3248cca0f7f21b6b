//! Every rendering of a QR code is read back by two independent readers.

#[path = "judges/mod.rs"]
mod judges;
#[path = "judges/svg.rs"]
mod svg;
#[path = "judges/terminal.rs"]
mod terminal;

use enroll::{Account, Issuer, MAX_PX_PER_MODULE, Qr, QrError, TerminalStyle, totp_uri};
use image::GrayImage;
use judges::{both_read, rxing, zbar};
use otp::{Parameters, Secret};

fn uri(issuer: &str, account: &str) -> String {
    let secret = Secret::from_slice(b"12345678901234567890").ok().unwrap();
    let issuer = Issuer::new(issuer).unwrap();
    let account = Account::new(account).unwrap();
    totp_uri(&issuer, &account, &secret, Parameters::DEFAULT).to_string()
}

/// An ordinary URI, a Chinese one, and the longest that `totp_uri` writes with our own secrets.
fn uris() -> [String; 3] {
    let longest = format!("{}ab", "云".repeat(42));
    assert_eq!(longest.len(), enroll::MAX_LABEL_LEN_BYTES);
    [
        uri("Example", "alice@example.com"),
        uri("云控制台", "张三@示例.中国"),
        uri(&longest, &longest),
    ]
}

fn png(qr: &Qr, px_per_module: u8) -> GrayImage {
    let file = qr.to_png(px_per_module).unwrap();
    image::load_from_memory_with_format(&file, image::ImageFormat::Png)
        .unwrap()
        .into_luma8()
}

#[test]
fn png_is_read_by_both() {
    for uri in uris() {
        let qr = Qr::encode(&uri).unwrap();
        for px_per_module in [4, 5] {
            let picture = png(&qr, px_per_module);
            let side_px = u32::try_from(qr.width()).unwrap() * u32::from(px_per_module);
            assert_eq!(picture.dimensions(), (side_px, side_px));
            both_read(&picture, &uri, "PNG");
        }
    }
}

#[test]
fn svg_is_read_by_both_on_light_and_dark_pages() {
    for uri in uris() {
        let svg = Qr::encode(&uri).unwrap().to_svg();
        for page in [255, 17] {
            both_read(&svg::draw(&svg, page), &uri, "SVG");
        }
    }
}

#[test]
fn ansi_is_read_by_both_on_light_and_dark_terminals() {
    for uri in uris() {
        let lines = Qr::encode(&uri).unwrap().to_terminal(TerminalStyle::Ansi);
        for theme in [terminal::DARK, terminal::LIGHT] {
            both_read(&terminal::draw(&lines, theme), &uri, "ANSI half blocks");
        }
    }
}

#[test]
fn plain_is_read_by_both_on_the_terminal_it_is_meant_for() {
    for uri in uris() {
        let qr = Qr::encode(&uri).unwrap();
        for (style, theme) in [
            (TerminalStyle::PlainOnDark, terminal::DARK),
            (TerminalStyle::PlainOnLight, terminal::LIGHT),
        ] {
            let lines = qr.to_terminal(style);
            assert!(!lines.contains('\x1b'));
            both_read(&terminal::draw(&lines, theme), &uri, "plain half blocks");
        }
    }
}

/// The reason for two plain styles. Only a reader that also looks for inverted codes can cope.
#[test]
fn plain_on_the_other_terminal_is_inverted() {
    let uri = uri("Example", "alice@example.com");
    let qr = Qr::encode(&uri).unwrap();
    for (style, theme) in [
        (TerminalStyle::PlainOnDark, terminal::LIGHT),
        (TerminalStyle::PlainOnLight, terminal::DARK),
    ] {
        let screen = terminal::draw(&qr.to_terminal(style), theme);
        assert_eq!(rxing(&screen, false), None);
        assert_eq!(zbar(&screen), None);
        assert_eq!(rxing(&screen, true).as_deref(), Some(uri.as_str()));
    }
}

#[test]
fn terminal_takes_the_columns_it_says() {
    let qr = Qr::encode(&uri("Example", "alice@example.com")).unwrap();
    for style in [TerminalStyle::PlainOnDark, TerminalStyle::PlainOnLight] {
        let lines = qr.to_terminal(style);
        assert!(lines.lines().all(|line| line.chars().count() == qr.width()));
        assert_eq!(lines.lines().count(), qr.width().div_ceil(2));
    }
}

/// What 80 x 24 characters, the size that terminals start with, show of an ordinary URI, their last row left for what comes next.
#[test]
fn a_small_terminal_gets_a_smaller_code_that_both_read() {
    let (columns, rows) = (80, 23);
    let long = uri("Example Cloud", "alice.liddell@wonder.example.com");
    for (uri, modules) in [(uri("Example", "alice@example.com"), 45), (long, 45)] {
        assert!(!Qr::encode(&uri).unwrap().fits(columns, rows));
        let qr = Qr::encode_for_terminal(&uri, columns, rows).unwrap();
        assert_eq!((qr.width(), qr.rows(), qr.fits(columns, rows)), (modules, 23, true));
        for theme in [terminal::DARK, terminal::LIGHT] {
            let lines = qr.to_terminal(TerminalStyle::Ansi);
            both_read(&terminal::draw(&lines, theme), &uri, "in 80 x 24");
        }
        both_read(
            &terminal::draw(&qr.to_terminal(TerminalStyle::PlainOnDark), terminal::DARK),
            &uri,
            "plain in 80 x 24",
        );
    }
}

#[test]
fn a_terminal_with_room_gets_the_usual_code_and_one_without_any_the_smallest() {
    let uri = uri("Example", "alice@example.com");
    let usual = Qr::encode(&uri).unwrap().width();
    let width = |columns, rows| Qr::encode_for_terminal(&uri, columns, rows).unwrap().width();
    assert_eq!(width(usual, usual.div_ceil(2)), usual);
    assert!(width(usual - 1, usual) < usual && width(usual, usual.div_ceil(2) - 1) < usual);
    assert_eq!(width(20, 10), width(0, 0));
    assert_eq!(width(0, 0), width(45, 23) - 4);
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(Qr::encode(&"a".repeat(2331)).map(|qr| qr.width()), Ok(185));
    assert_eq!(Qr::encode(&"a".repeat(2332)).err(), Some(QrError::TooLong));
    let qr = Qr::encode("a").unwrap();
    for px_per_module in [0, 3, MAX_PX_PER_MODULE + 1] {
        assert_eq!(qr.to_png(px_per_module).err(), Some(QrError::PxPerModule));
    }
    assert!(qr.to_png(MAX_PX_PER_MODULE).is_ok());
}
