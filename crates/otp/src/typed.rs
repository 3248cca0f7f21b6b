//! Characters of codes and secrets as people type and paste them, on the keyboards of every script. No name is read by
//! this: names stay as they are.

/// The zeros of Unicode 17: each begins ten decimal digits in their order (general category `Nd`).
#[rustfmt::skip]
const ZEROS: [char; 77] = [
    '0', '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}', '\u{17e0}',
    '\u{1810}', '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1a90}', '\u{1b50}', '\u{1bb0}', '\u{1c40}', '\u{1c50}',
    '\u{a620}', '\u{a8d0}', '\u{a900}', '\u{a9d0}', '\u{a9f0}', '\u{aa50}', '\u{abf0}', '\u{ff10}', '\u{104a0}',
    '\u{10d30}', '\u{10d40}', '\u{11066}', '\u{110f0}', '\u{11136}', '\u{111d0}', '\u{112f0}', '\u{11450}',
    '\u{114d0}', '\u{11650}', '\u{116c0}', '\u{116d0}', '\u{116da}', '\u{11730}', '\u{118e0}', '\u{11950}',
    '\u{11bf0}', '\u{11c50}', '\u{11d50}', '\u{11da0}', '\u{11de0}', '\u{11f50}', '\u{16130}', '\u{16a60}',
    '\u{16ac0}', '\u{16b50}', '\u{16d70}', '\u{1ccf0}', '\u{1d7ce}', '\u{1d7d8}', '\u{1d7e2}', '\u{1d7ec}',
    '\u{1d7f6}', '\u{1e140}', '\u{1e2f0}', '\u{1e4f0}', '\u{1e5f1}', '\u{1e950}', '\u{1fbf0}',
];

/// The characters of a typed code or secret that count, each with its place in `text`, from 0. Digits of every script, and
/// letters and marks in full width, are their ASCII characters; blanks, dashes and what [cannot be seen](is_invisible) are
/// left out. Whatever else stands there is handed on, for the reader to refuse.
///
/// ```
/// use countersign_otp::typed::significant;
///
/// let pasted = "\u{feff}GEZD\u{200b}\u{2013}\u{6f4}ＮＢＶ";
/// assert!(significant(pasted).map(|(_, character)| character).eq("GEZD4NBV".chars()));
/// ```
pub fn significant(text: &str) -> impl Iterator<Item = (usize, char)> {
    let counts = |(_, character): &(usize, char)| !is_blank(*character) && !is_dash(*character);
    text.chars()
        .enumerate()
        .filter(counts)
        .map(|(place, character)| (place, plain(character)))
}

/// The text without blanks and without what [cannot be seen](is_invisible) at its ends, as copying leaves it there; what
/// [shapes](is_shaping) the last character stays, for a URI may end with a name.
pub fn trimmed(text: &str) -> &str {
    text.trim_start_matches(is_blank)
        .trim_end_matches(|character| is_blank(character) && !is_shaping(character))
}

/// True for what Unicode shows nothing for: its `Default_Ignorable_Code_Point`, what separates lines, what annotates between
/// them. Format characters that are seen, as the Arabic number sign, are none.
pub const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// True for those of the [invisible](is_invisible) that names are spelt with: joiners and selectors of variants, which shape
/// the character before them, in Persian, in Mongolian, in Japanese names, in emoji.
pub const fn is_shaping(character: char) -> bool {
    matches!(
        character,
        '\u{180b}'..='\u{180d}'
            | '\u{180f}'
            | '\u{200c}'..='\u{200d}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || is_invisible(character)
}

/// Unicode's dashes (general category `Pd`), the minus, and the mark that Japanese keyboards write where others have a dash.
const fn is_dash(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{58a}'
            | '\u{5be}'
            | '\u{1400}'
            | '\u{1806}'
            | '\u{2010}'..='\u{2015}'
            | '\u{2212}'
            | '\u{2e17}'
            | '\u{2e1a}'
            | '\u{2e3a}'..='\u{2e3b}'
            | '\u{2e40}'
            | '\u{2e5d}'
            | '\u{301c}'
            | '\u{3030}'
            | '\u{30a0}'
            | '\u{30fc}'
            | '\u{fe31}'..='\u{fe32}'
            | '\u{fe58}'
            | '\u{fe63}'
            | '\u{ff0d}'
            | '\u{10d6e}'
            | '\u{10ead}'
    )
}

/// The ASCII character that is meant, if there is one.
fn plain(character: char) -> char {
    match character {
        _ if character.is_ascii() => character,
        '\u{ff01}'..='\u{ff5e}' => offset('!', character, '\u{ff01}'),
        _ => {
            // No look-up depends on which of a script's digits it is.
            let begun = ZEROS.partition_point(|zero| *zero <= character);
            match begun.checked_sub(1).and_then(|last| ZEROS.get(last)) {
                Some(zero) if u32::from(character) - u32::from(*zero) < 10 => offset('0', character, *zero),
                _ => character,
            }
        }
    }
}

/// The ASCII character as far behind `first` as `character` is behind `start`.
fn offset(first: char, character: char, start: char) -> char {
    let ascii = u32::from(first) + u32::from(character) - u32::from(start);
    char::from_u32(ascii).unwrap_or(character)
}
