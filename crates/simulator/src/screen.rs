use token::Picture;

/// The token's display: a picture, or dark.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Screen(Option<Picture>);

impl Screen {
    /// A dark display.
    pub const DARK: Self = Self(None);

    pub(crate) fn lit(picture: &Picture) -> Self {
        Self(Some(picture.clone()))
    }

    /// True if it is off.
    pub fn is_dark(&self) -> bool {
        self.0.is_none()
    }

    /// Its picture, unless it is off.
    pub fn picture(&self) -> Option<&Picture> {
        self.0.as_ref()
    }

    fn is_lit(&self, x: usize, y: usize) -> bool {
        self.0.as_ref().is_some_and(|picture| picture.is_lit(x, y))
    }

    /// Lines for a terminal, 128 columns wide, 32 of them: one character is two pixels, one above the other.
    pub fn to_terminal(&self) -> String {
        let mut lines = String::with_capacity(Picture::HEIGHT / 2 * (Picture::WIDTH * 3 + 1));
        for y in (0..Picture::HEIGHT).step_by(2) {
            for x in 0..Picture::WIDTH {
                lines.push(match (self.is_lit(x, y), self.is_lit(x, y + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            lines.push('\n');
        }
        lines
    }

    /// Lines for a narrow terminal, 64 columns wide, 16 of them, in braille: one character is two pixels by four.
    pub fn to_braille(&self) -> String {
        // The dots of a cell in the order of their bits, Unicode section 21.1.
        const DOTS: [(usize, usize); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
        let mut lines = String::new();
        for y in (0..Picture::HEIGHT).step_by(4) {
            for x in (0..Picture::WIDTH).step_by(2) {
                let dots = DOTS.iter().enumerate();
                let cell = dots.fold(0, |cell, (bit, (dx, dy))| {
                    cell | u32::from(self.is_lit(x + dx, y + dy)) << bit
                });
                lines.push(char::from_u32(0x2800 + cell).unwrap_or(' '));
            }
            lines.push('\n');
        }
        lines
    }

    /// A PNG file, light on dark, `px_per_pixel` (at least 1) pixels for each of the display's.
    ///
    /// # Errors
    /// What the encoder says of a picture that is too large.
    pub fn to_png(&self, px_per_pixel: u8) -> Result<Vec<u8>, png::EncodingError> {
        let scale = usize::from(px_per_pixel.max(1));
        let (width, height) = (Picture::WIDTH * scale, Picture::HEIGHT * scale);
        let pixels: Vec<u8> = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x / scale, y / scale)))
            .map(|(x, y)| if self.is_lit(x, y) { 0xFF } else { 0 })
            .collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()?;
        Ok(file)
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A code may stand on it.
        f.write_str(if self.is_dark() { "Screen(dark)" } else { "Screen(lit)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_where_it_was_lit() {
        let mut picture = Picture::new();
        picture.set(0, 0, true);
        picture.set(127, 63, true);
        let screen = Screen::lit(&picture);
        let text = screen.to_terminal();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0].chars().count()), (32, 128));
        assert_eq!(lines[0].chars().next(), Some('▀'));
        assert_eq!(lines[31].chars().last(), Some('▄'));
        let braille = screen.to_braille();
        let lines: Vec<_> = braille.lines().collect();
        assert_eq!((lines.len(), lines[0].chars().count()), (16, 64));
        assert_eq!(lines[0].chars().next(), Some('\u{2801}'));
        assert_eq!(lines[15].chars().last(), Some('\u{2880}'));
        let mut reader = png::Decoder::new(std::io::Cursor::new(screen.to_png(2).unwrap()))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels.len(), 256 * 128);
        assert_eq!(
            [pixels[0], pixels[1], pixels[2], pixels[256 * 128 - 1]],
            [255, 255, 0, 255]
        );
    }
}
