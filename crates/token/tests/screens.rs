//! What the display shows, beside pictures that somebody has looked at. `COUNTERSIGN_BLESS=1` writes them anew.
#![allow(clippy::disallowed_methods, reason = "a test asks whether to write its pictures")]

mod support;

use std::{fs, path::Path};

use support::{Board, TestHost, Token, USUAL};
use token::{Event, Picture};
use wire::{Algorithm, Parameters};

/// Holds the display against the picture of this name.
fn assert_shows(token: &Token, name: &str) {
    let shown = token.board.picture.as_ref().expect("the display is lit");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/pictures/{name}.png"));
    if std::env::var_os("COUNTERSIGN_BLESS").is_some() {
        fs::write(&path, png(shown)).expect("a picture can be written");
    }
    let wanted = fs::read(&path).expect("there is a picture of this screen");
    assert!(
        pixels(&wanted) == pixels(&png(shown)),
        "{name} looks different:\n{}",
        support::drawn(shown)
    );
}

/// One bit a pixel, as the display has it.
fn png(picture: &Picture) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, Picture::WIDTH as u32, Picture::HEIGHT as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let rows: Vec<u8> = picture.rows().iter().flatten().copied().collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&rows).expect("the rows");
    writer.finish().expect("the end");
    file
}

fn pixels(file: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .expect("a PNG file");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
    reader.next_frame(&mut pixels).expect("one picture");
    pixels
}

fn sealed(parameters: Parameters) -> Token {
    let mut token = Token::blank();
    TestHost::new().seal(&mut token, parameters);
    token
}

#[test]
fn a_blank_token() {
    let mut token = Token::blank();
    token.press();
    assert_shows(&token, "blank");
}

#[test]
fn a_code_with_the_time_that_is_left() {
    let mut token = sealed(USUAL);
    token.pass_ms(10_000);
    token.press();
    assert_shows(&token, "code");
    token.pass_ms(18_000);
    assert_shows(&token, "code_late");
}

#[test]
fn seven_and_eight_digits() {
    for digits in [7, 8] {
        let mut token = sealed(Parameters { digits, ..USUAL });
        token.press();
        assert_shows(&token, &format!("code_{digits}"));
    }
    let mut token = sealed(Parameters {
        algorithm: Algorithm::Sha512,
        ..USUAL
    });
    token.press();
    assert_shows(&token, "code_sha512");
}

#[test]
fn the_serial_number() {
    let mut token = sealed(USUAL);
    token.press();
    token.press();
    assert_shows(&token, "serial_number");
}

#[test]
fn a_low_battery() {
    let mut token = sealed(USUAL);
    token.board.battery_percent = 4;
    token.press();
    assert_shows(&token, "battery_low");
}

#[test]
fn the_desk() {
    let mut token = Token::blank();
    let mut host = TestHost::new();
    host.open(&mut token, true);
    assert_shows(&token, "compare");
    token.press();
    assert_shows(&token, "connected");
    host.provision_here(&mut token, USUAL);
    host.hello(&mut token);
    token.press();
    assert_shows(&token, "not_in_use");
}

#[test]
fn erasing_by_hand() {
    let mut token = sealed(USUAL);
    token.step(Event::Pressed);
    token.pass_ms(6_000);
    assert_shows(&token, "erasing");
    token.pass_ms(5_000);
    token.step(Event::Released);
    assert_shows(&token, "wiped");
}

#[test]
fn trouble() {
    let mut token = sealed(USUAL);
    token.board.stop_clock();
    token.press();
    assert_shows(&token, "error_clock");

    // A record that is whole, by a firmware of another kind: only its own could read it.
    let mut board = Board::blank();
    let mut record = vec![1, 0, 0, 0];
    record.extend([9; 172]);
    let check = crc(&record);
    record.extend(check.to_le_bytes());
    board.storage[0x100..0x100 + record.len()].copy_from_slice(&record);
    let mut token = Token::new(board);
    token.press();
    assert_shows(&token, "error_record");
    assert!(
        TestHost::new().provision(&mut token, USUAL).is_none(),
        "what could not be read may be a secret"
    );
}

/// CRC-32, the slow way.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    })
}
