//! Shapes on the picture: letters, large digits, bars.

use core::convert::Infallible;

use embedded_graphics::{
    Drawable, Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    mono_font::{MonoTextStyle, ascii::FONT_6X10},
    pixelcolor::BinaryColor,
    text::{Baseline, Text},
};

use crate::Picture;

/// A letter with the gap behind it.
const LETTER_WIDTH: usize = 6;
/// The longest text that a line has room for.
pub(crate) const LINE_LEN: usize = Picture::WIDTH / LETTER_WIDTH;

impl OriginDimensions for Picture {
    fn size(&self) -> Size {
        Size::new(Self::WIDTH as u32, Self::HEIGHT as u32)
    }
}

impl DrawTarget for Picture {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(point, color) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(point.x), usize::try_from(point.y)) {
                self.set(x, y, color.is_on());
            }
        }
        Ok(())
    }
}

/// Draws one line of letters; what has no room is cut off.
pub(crate) fn text(picture: &mut Picture, x: usize, y: usize, text: &str) {
    let style = MonoTextStyle::new(&FONT_6X10, BinaryColor::On);
    let room = Picture::WIDTH.saturating_sub(x) / LETTER_WIDTH;
    let text = text.get(..room).unwrap_or(text);
    let place = Point::new(x as i32, y as i32);
    let Ok(_next) = Text::with_baseline(text, place, style, Baseline::Top).draw(picture);
}

/// Draws letters in the middle of the line.
pub(crate) fn centered(picture: &mut Picture, y: usize, line: &str) {
    let width = line.len().min(LINE_LEN) * LETTER_WIDTH;
    text(picture, (Picture::WIDTH - width) / 2, y, line);
}

/// A rectangle of light.
pub(crate) fn fill(picture: &mut Picture, x: usize, y: usize, width: usize, height: usize) {
    for row in y..y + height {
        for column in x..x + width {
            picture.set(column, row, true);
        }
    }
}

/// Draws the outline of a rectangle.
pub(crate) fn frame(picture: &mut Picture, x: usize, y: usize, width: usize, height: usize) {
    fill(picture, x, y, width, 1);
    fill(picture, x, y + height - 1, width, 1);
    fill(picture, x, y, 1, height);
    fill(picture, x + width - 1, y, 1, height);
}

/// Place, height and thickness of large digits.
pub(crate) const DIGITS_Y: usize = 16;
const DIGIT_HEIGHT: usize = 33;
const THICK: usize = 3;

/// Large digits in two groups, of seven segments each like on any clock.
pub(crate) fn digits(picture: &mut Picture, digits: &str) {
    let count = digits.len().max(1);
    let half = count.div_ceil(2);
    // 128 pixels: six digits of 16, seven and eight of 12, with two between digits and more between the groups.
    let (width, gap) = if count <= 6 { (16, 10) } else { (12, 6) };
    let total = count * (width + 3) - 3 + gap;
    let mut x = (Picture::WIDTH.saturating_sub(total)) / 2;
    for (place, digit) in digits.bytes().enumerate() {
        if place == half {
            x += gap;
        }
        seven_segments(picture, x, width, digit);
        x += width + 3;
    }
}

/// The segments of a digit, `a` (the top) in bit 0, then clockwise to `f`, and `g` (the middle) in bit 6.
const SEGMENTS: [u8; 10] = [0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F];

fn seven_segments(picture: &mut Picture, x: usize, width: usize, digit: u8) {
    let Some(lit) = digit
        .checked_sub(b'0')
        .and_then(|digit| SEGMENTS.get(usize::from(digit)))
    else {
        return;
    };
    let (top, middle, bottom) = (DIGITS_Y, DIGITS_Y + DIGIT_HEIGHT / 2, DIGITS_Y + DIGIT_HEIGHT - 1);
    let half = middle - top + 1;
    let right = x + width - THICK;
    let segments = [
        (x, top, width, THICK),
        (right, top, THICK, half),
        (right, middle, THICK, half),
        (x, bottom + 1 - THICK, width, THICK),
        (x, middle, THICK, half),
        (x, top, THICK, half),
        (x, middle - THICK / 2, width, THICK),
    ];
    for (segment, (x, y, width, height)) in segments.into_iter().enumerate() {
        if lit >> segment & 1 == 1 {
            fill(picture, x, y, width, height);
        }
    }
}
