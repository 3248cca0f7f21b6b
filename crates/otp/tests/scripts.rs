//! The characters of codes and secrets, against what Unicode says of each.

mod support;

use countersign_otp::typed::{is_invisible, is_shaping, significant, trimmed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, VariationSelector},
};
use proptest::prelude::*;
use support::{code, text};

/// Format characters that are seen: marks that Arabic, Syriac and Kaithi numbers are written over, and the signs that place
/// hieroglyphs.
const SEEN_FORMATS: [char; 29] = [
    '\u{600}',
    '\u{601}',
    '\u{602}',
    '\u{603}',
    '\u{604}',
    '\u{605}',
    '\u{6dd}',
    '\u{70f}',
    '\u{890}',
    '\u{891}',
    '\u{8e2}',
    '\u{110bd}',
    '\u{110cd}',
    '\u{13430}',
    '\u{13431}',
    '\u{13432}',
    '\u{13433}',
    '\u{13434}',
    '\u{13435}',
    '\u{13436}',
    '\u{13437}',
    '\u{13438}',
    '\u{13439}',
    '\u{1343a}',
    '\u{1343b}',
    '\u{1343c}',
    '\u{1343d}',
    '\u{1343e}',
    '\u{1343f}',
];

fn all() -> impl Iterator<Item = char> {
    '\0'..=char::MAX
}

fn of_category(wanted: GeneralCategory) -> Vec<char> {
    let category = CodePointMapData::<GeneralCategory>::new();
    all().filter(|character| category.get(*character) == wanted).collect()
}

/// What counts of one character, if it counts.
fn meant(character: char) -> Option<char> {
    significant(character.encode_utf8(&mut [0; 4]))
        .map(|(_, meant)| meant)
        .next()
}

/// Every ten digits of Unicode stand in order, from zero (its core specification, section 4.6).
fn ten_digits() -> Vec<[char; 10]> {
    let digits = of_category(GeneralCategory::DecimalNumber);
    digits
        .chunks(10)
        .map(|ten| ten.try_into().expect("whole tens"))
        .collect()
}

#[test]
fn every_decimal_digit_of_unicode_is_its_digit_and_nothing_else_becomes_one() {
    assert!(ten_digits().len() >= 77, "Unicode 17 is read");
    for (value, digit) in ten_digits().iter().flat_map(|ten| (0..).zip(ten)) {
        assert_eq!(
            meant(*digit).and_then(|meant| meant.to_digit(10)),
            Some(value),
            "{}",
            digit.escape_unicode()
        );
    }
    let category = CodePointMapData::<GeneralCategory>::new();
    for other in all().filter(|other| category.get(*other) != GeneralCategory::DecimalNumber) {
        assert!(
            !meant(other).is_some_and(|meant| meant.is_ascii_digit()),
            "{}",
            other.escape_unicode()
        );
    }
}

#[test]
fn what_is_left_out_is_blanks_dashes_and_what_cannot_be_seen() {
    let dashes = of_category(GeneralCategory::DashPunctuation);
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let formats = of_category(GeneralCategory::Format);
    for character in all() {
        let shown = character.escape_unicode();
        let is_left_out = meant(character).is_none();
        let is_dash = dashes.contains(&character) || matches!(character, '\u{2212}' | '\u{30fc}');
        assert_eq!(
            is_left_out,
            is_dash || character.is_whitespace() || is_invisible(character),
            "{shown}"
        );
        assert!(!ignorable.contains(character) || is_invisible(character), "{shown}");
        assert!(
            !is_invisible(character) || !character.is_alphanumeric() || ignorable.contains(character),
            "{shown}"
        );
    }
    let seen: Vec<char> = formats.into_iter().filter(|format| !is_invisible(*format)).collect();
    assert_eq!(seen, SEEN_FORMATS);
}

#[test]
fn what_names_are_spelt_with_is_joiners_and_variation_selectors() {
    let selectors = CodePointSetData::new::<VariationSelector>();
    for character in all() {
        let expected = selectors.contains(character) || matches!(character, '\u{200c}' | '\u{200d}');
        assert_eq!(is_shaping(character), expected, "{}", character.escape_unicode());
        assert!(!is_shaping(character) || is_invisible(character));
    }
}

#[test]
fn places_are_counted_in_the_text_and_ends_are_trimmed() {
    let counted: Vec<_> = significant(" \u{feff}A\u{200b}b\u{2014}\u{ff23}=").collect();
    assert_eq!(counted, [(2, 'A'), (4, 'b'), (6, 'C'), (7, '=')]);
    assert_eq!(
        trimmed("\u{200b}&issuer=\u{2764}\u{fe0f} "),
        "&issuer=\u{2764}\u{fe0f}",
        "a name at the end stays whole"
    );
    assert_eq!(
        trimmed("\u{feff} \u{200e}otpauth://x\u{200b}y\n\u{2069}"),
        "otpauth://x\u{200b}y"
    );
}

/// Digits, each of any script, and anything that is left out between them.
fn typed() -> impl Strategy<Value = (String, String)> {
    let fillers: Vec<char> = all().filter(|character| meant(*character).is_none()).collect();
    let tens = ten_digits();
    let digit = (
        0..10_usize,
        0..tens.len(),
        prop::collection::vec(prop::sample::select(fillers), 0..7),
    );
    prop::collection::vec(digit, 6..=8).prop_map(move |digits| {
        let plain = digits.iter().map(|(value, ..)| value.to_string()).collect();
        let written = digits
            .iter()
            .map(|(value, script, fillers)| fillers.iter().chain([&tens[*script][*value]]).collect::<String>());
        (plain, written.collect())
    })
}

proptest! {
    #[test]
    fn a_code_in_any_script_with_anything_unseen_between_is_the_same_code((plain, written) in typed()) {
        prop_assume!(written.chars().count() <= 64);
        let read = code(&written);
        prop_assert_eq!(text(&read), plain.as_str());
        prop_assert!(bool::from(read.ct_eq(&code(&plain))));
        let key = support::key(b"12345678901234567890", countersign_otp::Algorithm::Sha1);
        let step = countersign_otp::Step::new(59_840_640);
        prop_assert!(key.guess_mac(&read, step) == key.guess_mac(&code(&plain), step), "A1: it is a repeat");
    }
}
