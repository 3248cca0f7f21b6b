//! A terminal as far as half blocks and 256 colours go: text becomes the picture on its screen.

use image::{GrayImage, Luma};

/// How a terminal looks before any escape sequence.
#[derive(Clone, Copy)]
pub(crate) struct Theme {
    pub(crate) ink: u8,
    pub(crate) background: u8,
}

pub(crate) const DARK: Theme = Theme {
    ink: 204,
    background: 30,
};
pub(crate) const LIGHT: Theme = Theme {
    ink: 40,
    background: 250,
};

/// Pixels of one half of a cell, which is twice as high as wide.
const HALF_CELL: u32 = 6;
/// Empty columns and lines of the screen around the text.
const MARGIN: u32 = 3;

/// Draws the text on a screen a little larger than it.
pub(crate) fn draw(text: &str, theme: Theme) -> GrayImage {
    let lines: Vec<Vec<(u8, u8)>> = text.lines().map(|line| halves(line, theme)).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap();
    let width = (u32::try_from(columns).unwrap() + 2 * MARGIN) * HALF_CELL;
    let height = (u32::try_from(lines.len()).unwrap() + 2 * MARGIN) * 2 * HALF_CELL;
    GrayImage::from_fn(width, height, |x, y| {
        let column = (x / HALF_CELL).checked_sub(MARGIN);
        let line = (y / HALF_CELL / 2).checked_sub(MARGIN);
        let cell = column.zip(line).and_then(|(column, line)| {
            lines
                .get(usize::try_from(line).unwrap())?
                .get(usize::try_from(column).unwrap())
        });
        let (top, bottom) = cell.copied().unwrap_or((theme.background, theme.background));
        Luma([if (y / HALF_CELL).is_multiple_of(2) { top } else { bottom }])
    })
}

/// The greys of the upper and lower half of every cell of a line. Colours do not outlive the line.
fn halves(line: &str, theme: Theme) -> Vec<(u8, u8)> {
    let mut pen = theme;
    let mut cells = Vec::new();
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\x1b' => {
                let (sequence, after) = rest.strip_prefix('[').unwrap().split_once('m').unwrap();
                pen = match sequence {
                    "0" => theme,
                    "38;5;16;48;5;231" => Theme {
                        ink: 0,
                        background: 255,
                    },
                    "38;5;231;48;5;16" => Theme {
                        ink: 255,
                        background: 0,
                    },
                    other => panic!("unknown colours {other}"),
                };
                rest = after;
            }
            '█' => cells.push((pen.ink, pen.ink)),
            '▀' => cells.push((pen.ink, pen.background)),
            '▄' => cells.push((pen.background, pen.ink)),
            ' ' => cells.push((pen.background, pen.background)),
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(
        (pen.ink, pen.background),
        (theme.ink, theme.background),
        "colours are reset at the end"
    );
    cells
}
