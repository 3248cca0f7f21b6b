/// A picture on the display: 128 x 64 pixels, lit or dark.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    rows: [[u8; Picture::WIDTH / 8]; Picture::HEIGHT],
}

impl Picture {
    /// Pixels from left to right.
    pub const WIDTH: usize = 128;
    /// Pixels from top to bottom.
    pub const HEIGHT: usize = 64;

    /// A dark picture.
    pub const fn new() -> Self {
        Self {
            rows: [[0; Self::WIDTH / 8]; Self::HEIGHT],
        }
    }

    /// The rows from the top, eight pixels a byte, the leftmost in its highest bit.
    pub fn rows(&self) -> &[[u8; Self::WIDTH / 8]; Self::HEIGHT] {
        &self.rows
    }

    /// True if this pixel is lit; outside the picture all is dark.
    pub fn is_lit(&self, x: usize, y: usize) -> bool {
        let byte = self.rows.get(y).and_then(|row| row.get(x / 8));
        byte.is_some_and(|byte| byte & 0x80 >> (x % 8) != 0)
    }

    /// Lights or darkens this pixel; outside the picture nothing happens.
    pub fn set(&mut self, x: usize, y: usize, lit: bool) {
        if let Some(byte) = self.rows.get_mut(y).and_then(|row| row.get_mut(x / 8)) {
            let bit = 0x80 >> (x % 8);
            if lit {
                *byte |= bit;
            } else {
                *byte &= !bit;
            }
        }
    }
}

impl Default for Picture {
    fn default() -> Self {
        Self::new()
    }
}
