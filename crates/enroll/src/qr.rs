//! QR codes: a text becomes a matrix, and the matrix an SVG, a PNG or lines for a terminal.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

/// Light modules on every side, as ISO/IEC 18004 requires; without them cameras miss the code.
pub const QUIET_ZONE_MODULES: usize = 4;

/// The quiet zone on a terminal that has no room for more.
const SCANT_QUIET_ZONE_MODULES: usize = 2;

/// Fewest pixels a module may have in a PNG; below, phones stop reading it from a screen.
pub const MIN_PX_PER_MODULE: u8 = 4;

/// Most pixels a module may have in a PNG, so that the largest code stays under 20 MB of memory.
pub const MAX_PX_PER_MODULE: u8 = 64;

/// Why there is no QR code or no picture of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// More than a QR code of level M holds (2331 bytes).
    #[error("the text is too long for a QR code: shorten the issuer or account, or show the text key")]
    TooLong,
    /// Outside [`MIN_PX_PER_MODULE`] to [`MAX_PX_PER_MODULE`].
    #[error("a module has to have 4 to 64 pixels")]
    PxPerModule,
}

/// The style in which a terminal shows the code. A QR code has to be dark on light to be read everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalStyle {
    /// Explicit black and white by ANSI colours; right on every terminal that has colours, whatever
    /// its theme.
    Ansi,
    /// No escape sequences (`NO_COLOR`), for a terminal that writes light on dark: the light
    /// modules are drawn. On a light terminal it would come out inverted, which many cameras miss.
    PlainOnDark,
    /// No escape sequences (`NO_COLOR`), for a terminal that writes dark on light, and for paper:
    /// the dark modules are drawn. In a font with gaps between blocks some readers miss it.
    PlainOnLight,
}

/// A QR code with its quiet zone. It holds a secret where the text
/// does, so it has neither `Debug` nor `Clone` and is wiped when dropped, as is every picture of
/// it. (The encoders' own buffers, inside `qrcode` and `png`, are not wiped.)
pub struct Qr {
    /// Row by row, without the quiet zone; true is dark.
    modules: Zeroizing<Vec<bool>>,
    side: usize,
    quiet: usize,
}

impl Qr {
    /// Encodes a text in the smallest code of level M.
    ///
    /// # Errors
    /// [`QrError::TooLong`].
    pub fn encode(text: &str) -> Result<Self, QrError> {
        Self::encode_as(text, EcLevel::M, QUIET_ZONE_MODULES)
    }

    /// Encodes a text so that it fits a terminal; where the usual code does not, a smaller one: of level L, because a screen
    /// has no stains to make up for, and then with half the quiet zone. Where none fits, the smallest.
    ///
    /// # Errors
    /// [`QrError::TooLong`].
    pub fn encode_for_terminal(text: &str, columns: usize, rows: usize) -> Result<Self, QrError> {
        let usual = Self::encode(text)?;
        if usual.fits(columns, rows) {
            return Ok(usual);
        }
        let smaller = Self::encode_as(text, EcLevel::L, QUIET_ZONE_MODULES)?;
        if smaller.fits(columns, rows) {
            return Ok(smaller);
        }
        Ok(Self {
            quiet: SCANT_QUIET_ZONE_MODULES,
            ..smaller
        })
    }

    fn encode_as(text: &str, level: EcLevel, quiet: usize) -> Result<Self, QrError> {
        // The encoder has other errors, but none that a free choice of size can meet.
        let code = QrCode::with_error_correction_level(text, level).map_err(|_| QrError::TooLong)?;
        let side = code.width();
        let mut modules = Zeroizing::new(Vec::with_capacity(side * side));
        modules.extend(code.into_colors().into_iter().map(|color| color == Color::Dark));
        Ok(Self { modules, side, quiet })
    }

    /// True if so much of a terminal shows all of it.
    pub fn fits(&self, columns: usize, rows: usize) -> bool {
        self.width() <= columns && self.rows() <= rows
    }

    /// The lines that [`Qr::to_terminal`] takes: two modules are one above the other.
    pub fn rows(&self) -> usize {
        self.width().div_ceil(2)
    }

    /// Modules on a side, quiet zone included. Also the columns that [`Qr::to_terminal`] takes:
    /// where the terminal has fewer, show the text key instead.
    pub fn width(&self) -> usize {
        self.side + 2 * self.quiet
    }

    /// True if a module is dark; `x` and `y` count from the corner of the quiet zone, and
    /// everything outside the code is light.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(self.quiet).filter(|&at| at < self.side);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.modules[y * self.side + x],
            _ => false,
        }
    }

    /// Runs of dark modules in a row, as (first, length).
    fn dark_runs(&self, y: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let mut x = 0;
        std::iter::from_fn(move || {
            let start = (x..self.width()).find(|&x| self.is_dark(x, y))?;
            let end = (start..self.width()).find(|&x| !self.is_dark(x, y))?;
            x = end;
            Some((start, end - start))
        })
    }

    /// An SVG element to inline or to serve: dark on a white card of its own, so that it can be
    /// read on a dark page. One unit of its `viewBox` is a module; it is 4 CSS pixels a module
    /// unless the page says otherwise. It has no style, script or identifier, so a strict content
    /// security policy lets it through and several fit on one page.
    pub fn to_svg(&self) -> Zeroizing<String> {
        const RUN_LEN_BYTES: usize = "M184 184h184v1h-184z".len();
        const FRAME_LEN_BYTES: usize = 256;
        let width = self.width();
        let runs: usize = (0..width).map(|y| self.dark_runs(y).count()).sum();
        let capacity = FRAME_LEN_BYTES + runs * RUN_LEN_BYTES;
        let mut svg = Zeroizing::new(String::with_capacity(capacity));
        let px = width * usize::from(MIN_PX_PER_MODULE);
        put(
            &mut svg,
            format_args!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{px}" height="{px}" viewBox="0 0 {width} {width}" shape-rendering="crispEdges">"#,
            ),
        );
        put(
            &mut svg,
            format_args!(r##"<path fill="#fff" d="M0 0h{width}v{width}h-{width}z"/>"##),
        );
        svg.push_str(r##"<path fill="#000" d=""##);
        for y in 0..width {
            for (x, len) in self.dark_runs(y) {
                put(&mut svg, format_args!("M{x} {y}h{len}v1h-{len}z"));
            }
        }
        svg.push_str(r#""/></svg>"#);
        svg
    }

    /// A PNG file, black and white, one bit a pixel, `px_per_module` pixels a module.
    ///
    /// # Errors
    /// [`QrError::PxPerModule`] outside [`MIN_PX_PER_MODULE`] to [`MAX_PX_PER_MODULE`].
    pub fn to_png(&self, px_per_module: u8) -> Result<Zeroizing<Vec<u8>>, QrError> {
        if !(MIN_PX_PER_MODULE..=MAX_PX_PER_MODULE).contains(&px_per_module) {
            return Err(QrError::PxPerModule);
        }
        let px_per_module = usize::from(px_per_module);
        let side_px = self.width() * px_per_module;
        let row_len = side_px.div_ceil(8);

        let mut pixels = Zeroizing::new(vec![0xFF_u8; row_len * side_px]);
        for (y_px, row) in pixels.chunks_exact_mut(row_len).enumerate() {
            for (x, len) in self.dark_runs(y_px / px_per_module) {
                for x_px in x * px_per_module..(x + len) * px_per_module {
                    row[x_px / 8] &= !(0x80 >> (x_px % 8));
                }
            }
        }

        let side_px = u32::try_from(side_px).expect("185 modules of 64 pixels fit");
        // The file is smaller than its pixels but for the header, so it never grows.
        let mut file = Zeroizing::new(Vec::with_capacity(pixels.len() + 1024));
        let mut encoder = png::Encoder::new(&mut *file, side_px, side_px);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let written = (|| {
            let mut writer = encoder.write_header()?;
            writer.write_image_data(&pixels)?;
            writer.finish()
        })();
        written.expect("memory takes every byte, and the sizes are right by construction");
        Ok(file)
    }

    /// [`Qr::rows`] lines for a terminal, [`Qr::width`] columns wide, each ending in `\n`.
    pub fn to_terminal(&self, style: TerminalStyle) -> Zeroizing<String> {
        let width = self.width();
        // Room for a change of colours before every character.
        let character_len = match style {
            TerminalStyle::Ansi => ON_BLACK.len() + '▄'.len_utf8(),
            TerminalStyle::PlainOnDark | TerminalStyle::PlainOnLight => '█'.len_utf8(),
        };
        let line_len = width * character_len + RESET.len() + 1;
        let mut lines = Zeroizing::new(String::with_capacity(line_len * self.rows()));
        // The width is odd, so the last line's lower half is one more row of the quiet zone.
        for y in (0..width).step_by(2) {
            match style {
                TerminalStyle::Ansi => self.push_coloured(&mut lines, y),
                TerminalStyle::PlainOnDark => self.push_plain(&mut lines, y, false),
                TerminalStyle::PlainOnLight => self.push_plain(&mut lines, y, true),
            }
            lines.push('\n');
        }
        lines
    }

    /// The upper module is the background, which fills the whole cell. Ink is needed only where the
    /// lower one differs: in most fonts blocks of ink have gaps between them, on which readers fail.
    fn push_coloured(&self, line: &mut String, y: usize) {
        let mut background = None;
        for x in 0..self.width() {
            let (upper, lower) = (self.is_dark(x, y), self.is_dark(x, y + 1));
            if background.replace(upper) != Some(upper) {
                line.push_str(if upper { ON_BLACK } else { ON_WHITE });
            }
            line.push(if upper == lower { ' ' } else { '▄' });
        }
        // Before the line break, or the white would run to the terminal's edge.
        line.push_str(RESET);
    }

    fn push_plain(&self, line: &mut String, y: usize, ink_is_dark: bool) {
        for x in 0..self.width() {
            let inked = |y| self.is_dark(x, y) == ink_is_dark;
            line.push(match (inked(y), inked(y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
    }
}

/// Entries 16 and 231 of the 256 colours: black and white that no theme changes, unlike the first
/// sixteen.
const ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const ON_BLACK: &str = "\x1b[38;5;231;48;5;16m";
const RESET: &str = "\x1b[0m";

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a String takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer that grows leaves a copy of the secret behind, and doubles its capacity.
    #[test]
    fn buffers_never_grow() {
        for len in [1, 100, 1000, 2331] {
            let qr = Qr::encode(&"a".repeat(len)).unwrap();
            let svg = qr.to_svg();
            assert!(svg.capacity() < 2 * svg.len() + 256, "SVG of {len}");
            let png = qr.to_png(MIN_PX_PER_MODULE).unwrap();
            let side_px = qr.width() * 4;
            assert_eq!(png.capacity(), side_px.div_ceil(8) * side_px + 1024, "PNG of {len}");
            for style in [
                TerminalStyle::Ansi,
                TerminalStyle::PlainOnDark,
                TerminalStyle::PlainOnLight,
            ] {
                let lines = qr.to_terminal(style);
                assert!(
                    lines.capacity() <= qr.width().div_ceil(2) * (qr.width() * 23 + 5),
                    "{style:?} of {len}"
                );
            }
        }
    }
}
