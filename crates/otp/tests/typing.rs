//! What people type, and what becomes of it.

mod support;

extern crate countersign_otp as otp;

use countersign_otp::{Code, Digits, ParseCodeError};
use proptest::prelude::*;
use support::{code, text};

// the fuzz target, so that it is compiled and run here too
#[path = "../../../tests/fuzz/targets/otp_code.rs"]
pub mod fuzz_target;

#[track_caller]
fn refused(typed: &str, expected: ParseCodeError) {
    match Code::parse(typed) {
        Ok(code) => panic!("{typed:?} was read as {}", text(&code)),
        Err(error) => assert_eq!(error, expected, "{typed:?}"),
    }
}

#[test]
fn however_it_is_typed() {
    for typed in [
        "012345",
        " 012345\r\n",
        "012 345",
        "01-23-45",
        "0\t1\t2\t3\t4\t5",
        "012\u{a0}345",                                     // non-breaking
        "012\u{2009}345",                                   // thin
        "012\u{202f}345",                                   // narrow non-breaking
        "\u{3000}012345",                                   // ideographic
        "012\u{2010}345",                                   // hyphen
        "012\u{2011}345",                                   // non-breaking hyphen
        "012 \u{2013} 345",                                 // en dash, as word processors make it
        "012\u{2014}345",                                   // em dash
        "012\u{2212}345",                                   // minus
        "012\u{ff0d}345",                                   // full-width hyphen-minus
        "\u{ff10}\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}", // a Chinese keyboard's digits
        "\u{ff10}12\u{3000}34\u{ff15}",
        "\u{660}\u{661}\u{662}\u{663}\u{664}\u{665}",  // Arabic-Indic
        "\u{6f0}\u{6f1}\u{6f2} \u{6f3}\u{6f4}\u{6f5}", // Persian
        "\u{966}\u{967}\u{968}\u{969}\u{96a}\u{96b}",  // Devanagari
        "\u{9e6}\u{9e7}\u{9e8}\u{9e9}\u{9ea}\u{9eb}",  // Bengali
        "\u{e50}\u{e51}\u{e52}345",                    // Thai, then ASCII
        "\u{1d7ce}\u{1d7cf}\u{1d7d0}\u{1d7d1}\u{1d7d2}\u{1d7d3}", // mathematical, bold
        "\u{2068}012345\u{2069}",                      // isolated, as a message shows it
        "\u{feff}\u{202d}012\u{200b}345\u{202c}",
        "0\u{ad}1\u{2060}2\u{200d}3\u{fe0f}4\u{200f}5",
        "012\u{30fc}345", // a Japanese keyboard's dash
    ] {
        assert_eq!(text(&code(typed)), "012345", "{typed:?}");
    }
}

#[test]
fn leading_zeros_count() {
    assert_eq!(text(&code("000000")), "000000");
    assert_eq!(code("0000012").digits(), Digits::SEVEN);
    assert_eq!(text(&code("00000001")), "00000001");
    assert!(bool::from(code("000001").ct_eq(&code("000 001"))));
    assert!(!bool::from(code("000001").ct_eq(&code("0000001"))));
    assert!(!bool::from(code("000001").ct_eq(&code("000002"))));
}

#[test]
fn what_is_no_code() {
    refused("", ParseCodeError::Empty);
    refused(" \u{3000}- ", ParseCodeError::Empty);
    refused("\u{200b}\u{feff}", ParseCodeError::Empty);
    refused("12345", ParseCodeError::TooShort);
    refused("123456789", ParseCodeError::TooLong);
    refused("12345x", ParseCodeError::NotADigit);
    refused("+123456", ParseCodeError::NotADigit);
    refused("123.456", ParseCodeError::NotADigit);
    refused("\u{661}\u{662}\u{663}\u{200b}\u{664}\u{665}", ParseCodeError::TooShort);
    refused(&"\u{96f}".repeat(9), ParseCodeError::TooLong);
    refused(
        "\u{2460}\u{2461}\u{2462}\u{2463}\u{2464}\u{2465}",
        ParseCodeError::NotADigit,
    ); // in circles
    refused("\u{b2}\u{b3}\u{b9}\u{b2}\u{b3}\u{b9}", ParseCodeError::NotADigit); // superscript
    refused("一二三四五六", ParseCodeError::NotADigit); // words, not decimal digits
    refused("\u{600}123456", ParseCodeError::NotADigit); // the Arabic number sign is seen
    refused("123456\0", ParseCodeError::NotADigit);
    refused("JBSWY3DP", ParseCodeError::NotADigit);
}

#[test]
fn a_long_text_is_not_read_to_its_end() {
    refused(&" ".repeat(1 << 20), ParseCodeError::TooLong);
    refused(&"0".repeat(1 << 20), ParseCodeError::TooLong);
    assert_eq!(text(&code(&format!("{}012345", " ".repeat(58)))), "012345");
    refused(&format!("{}012345", " ".repeat(59)), ParseCodeError::TooLong);
    refused(&format!("012345{}", "\u{200b}".repeat(59)), ParseCodeError::TooLong);
    refused(&"\u{e0001}".repeat(1 << 20), ParseCodeError::TooLong);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(typed: String, bytes: Vec<u8>) {
        let _ = Code::parse(&typed);
        fuzz_target::run(typed.as_bytes());
        fuzz_target::run(&bytes);
    }

    #[test]
    fn what_looks_like_a_code_round_trips(typed in "[0-9]{6,8}", blanked in "[0-9０-９ \u{a0}–-]{0,24}") {
        prop_assert_eq!(text(&code(&typed)), typed);
        fuzz_target::run(blanked.as_bytes());
    }
}

/// The naive way, on texts: one digit differs, or two neighbours are swapped.
fn is_slip(typed: &str, shown: &str) -> bool {
    let places = (0..typed.len()).filter(|at| typed.as_bytes()[*at] != shown.as_bytes()[*at]);
    match places.collect::<Vec<_>>()[..] {
        [_one] => true,
        [first, second] if second == first + 1 => {
            let mut swapped = typed.as_bytes().to_vec();
            swapped.swap(first, second);
            swapped == shown.as_bytes()
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_slip_is_one_digit_wrong_or_two_neighbours_swapped(
        shown in "[0-9]{6,8}",
        place in any::<prop::sample::Index>(),
        digit in b'0'..=b'9',
        also in prop::option::of((any::<prop::sample::Index>(), b'0'..=b'9')),
        swap in any::<bool>(),
    ) {
        let mut typed = shown.clone().into_bytes();
        let place = place.index(typed.len() - 1);
        if swap {
            typed.swap(place, place + 1);
        } else {
            typed[place] = digit;
        }
        if let Some((place, digit)) = also {
            let place = place.index(typed.len());
            typed[place] = digit;
        }
        let typed = String::from_utf8(typed).unwrap();
        prop_assert_eq!(bool::from(code(&typed).is_slip_of(&code(&shown))), is_slip(&typed, &shown));
        let longer = format!("{shown}0");
        if longer.len() <= 8 {
            prop_assert!(!bool::from(code(&longer).is_slip_of(&code(&shown))), "another length");
        }
    }
}

#[test]
fn a_guess_mac_is_of_one_code_at_one_step() {
    let key = support::key(b"12345678901234567890", otp::Algorithm::Sha1);
    let step = otp::Step::new(59_840_640);
    let of = |typed: &str, step| key.guess_mac(&code(typed), step);
    assert_eq!(of("012345", step), of("012 345", step));
    let others = [
        of("012346", step),
        of("0012345", step),
        of("00012345", step),
        of("012345", step.offset(1)),
    ];
    assert!(others.iter().all(|other| *other != of("012345", step)));
    assert_ne!(
        of("012345", step),
        support::key(b"22345678901234567890", otp::Algorithm::Sha1).guess_mac(&code("012345"), step)
    );
}
