use zeroize::Zeroizing;

/// A QR code: its text and its place. Holds a secret as a rule, so it has neither `Debug` nor `Clone`.
pub struct Code {
    pub(super) text: Zeroizing<String>,
    pub(super) place: Place,
}

impl Code {
    /// The text.
    pub fn expose_text(&self) -> &str {
        &self.text
    }

    /// Its place in the picture.
    pub fn place(&self) -> Place {
        self.place
    }
}

/// The message for people where [`Found::has_parts`].
pub(crate) const PART: &str = "a QR code that has only a part of its text (structured append)";

/// The QR codes of a picture.
pub struct Found {
    /// Every distinct text of its QR codes, from top to bottom. What is not an `otpauth:` URI is here too: that a code says
    /// something else is worth telling.
    pub codes: Vec<Code>,
    /// Whether there is a code that has a part of a text only (structured append), which is not among `codes`: alone it says
    /// nothing, or half a secret.
    pub has_parts: bool,
}

impl Found {
    /// True if there is no QR code at all.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty() && !self.has_parts
    }
}

/// A rectangle around a code, in pixels of the picture; a few more or less than the code itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its left edge.
    pub left: u32,
    /// Its upper edge.
    pub top: u32,
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Place {
    /// Around corners that were found in a picture `scale` times as large.
    pub(super) fn around(corners: &[(f32, f32)], scale: f32) -> Self {
        let (mut left, mut top, mut right, mut bottom) = (f32::MAX, f32::MAX, 0.0_f32, 0.0_f32);
        for &(x, y) in corners {
            (left, right) = (left.min(x / scale), right.max(x / scale));
            (top, bottom) = (top.min(y / scale), bottom.max(y / scale));
        }
        // `as` saturates, so that no corner outside the picture does harm
        Self {
            left: left as u32,
            top: top as u32,
            width: (right - left) as u32,
            height: (bottom - top) as u32,
        }
    }
}
