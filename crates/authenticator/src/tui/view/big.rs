//! Codes in large characters: five pixels high, two of them in one half block.

use zeroize::Zeroizing;

/// Lines that a large code takes.
pub(super) const HEIGHT: usize = 3;

/// Digits, and what else Steam's alphabet has.
const GLYPHS: [(char, [&str; 5]); 28] = [
    ('0', ["###", "# #", "# #", "# #", "###"]),
    ('1', [" # ", "## ", " # ", " # ", "###"]),
    ('2', ["###", "  #", "###", "#  ", "###"]),
    ('3', ["###", "  #", " ##", "  #", "###"]),
    ('4', ["# #", "# #", "###", "  #", "  #"]),
    ('5', ["###", "#  ", "###", "  #", "###"]),
    ('6', ["###", "#  ", "###", "# #", "###"]),
    ('7', ["###", "  #", "  #", "  #", "  #"]),
    ('8', ["###", "# #", "###", "# #", "###"]),
    ('9', ["###", "# #", "###", "  #", "###"]),
    ('B', ["## ", "# #", "## ", "# #", "## "]),
    ('C', [" ##", "#  ", "#  ", "#  ", " ##"]),
    ('D', ["## ", "# #", "# #", "# #", "## "]),
    ('F', ["###", "#  ", "## ", "#  ", "#  "]),
    ('G', [" ###", "#   ", "# ##", "#  #", " ###"]),
    ('H', ["# #", "# #", "###", "# #", "# #"]),
    ('J', ["  #", "  #", "  #", "# #", " # "]),
    ('K', ["# #", "# #", "## ", "# #", "# #"]),
    ('M', ["#   #", "## ##", "# # #", "#   #", "#   #"]),
    ('N', ["#  #", "## #", "# ##", "#  #", "#  #"]),
    ('P', ["## ", "# #", "## ", "#  ", "#  "]),
    ('Q', [" ## ", "#  #", "#  #", "# ##", " ###"]),
    ('R', ["## ", "# #", "## ", "# #", "# #"]),
    ('T', ["###", " # ", " # ", " # ", " # "]),
    ('V', ["# #", "# #", "# #", "# #", " # "]),
    ('W', ["#   #", "#   #", "# # #", "## ##", "#   #"]),
    ('X', ["# #", "# #", " # ", "# #", "# #"]),
    ('Y', ["# #", "# #", " # ", " # ", " # "]),
];

/// The lines of a code; a blank in it is a gap.
pub(super) fn lines(code: &str) -> [Zeroizing<String>; HEIGHT] {
    std::array::from_fn(|line| {
        let pixel = |row: &str, at: usize| row.as_bytes().get(at) == Some(&b'#');
        let mut text = Zeroizing::new(String::with_capacity(code.len() * 6 * '█'.len_utf8()));
        for character in code.chars() {
            let Some((_, rows)) = GLYPHS.iter().find(|(glyph, _)| *glyph == character) else {
                text.push_str("  ");
                continue;
            };
            let (upper, lower) = (rows[2 * line], rows.get(2 * line + 1).copied().unwrap_or_default());
            for at in 0..upper.len() {
                text.push(match (pixel(upper, at), pixel(lower, at)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.push(' ');
        }
        text
    })
}
