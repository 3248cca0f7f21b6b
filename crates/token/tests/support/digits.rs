//! Reads the large digits of a display as an eye does: by which of the seven segments are lit.

/// The segments of each digit, `a` at the top, then clockwise to `f`, and `g` in the middle.
const LIT: [&str; 10] = [
    "abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg",
];

/// How many digits there may be, how wide each is, and what is between the two groups of them.
const KINDS: [(usize, usize, usize); 3] = [(6, 16, 10), (8, 12, 6), (7, 12, 6)];

/// The digits of a picture of 128 x 64 pixels; `None` where there are none.
pub(crate) fn read(lit: impl Fn(usize, usize) -> bool) -> Option<String> {
    // Digits stand in rows 16 to 48, 3 pixels apart, in the middle.
    let column = |x: &usize| (16..49).any(|y| lit(*x, y));
    let (left, right) = ((0..128).find(column)?, (0..128).rev().find(column)?);
    KINDS.iter().find_map(|&(count, width, gap)| {
        let total = count * (width + 3) - 3 + gap;
        let begin = (128 - total) / 2;
        if left < begin || right >= begin + total {
            return None;
        }
        let half = usize::div_ceil(count, 2);
        let digits = (0..count).map(|place| {
            let x = begin + place * (width + 3) + if place >= half { gap } else { 0 };
            digit(&lit, x, width)
        });
        digits.collect()
    })
}

fn digit(lit: &impl Fn(usize, usize) -> bool, x: usize, width: usize) -> Option<char> {
    let segments = [
        ('a', x + width / 2, 17),
        ('b', x + width - 2, 24),
        ('c', x + width - 2, 40),
        ('d', x + width / 2, 47),
        ('e', x + 1, 40),
        ('f', x + 1, 24),
        ('g', x + width / 2, 32),
    ];
    let seen = segments.iter().filter(|(_, x, y)| lit(*x, *y));
    let seen: String = seen.map(|(name, ..)| *name).collect();
    let digit = LIT.iter().position(|lit| *lit == seen)?;
    char::from_digit(digit as u32, 10)
}
