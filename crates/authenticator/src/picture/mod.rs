//! QR codes in pictures: the bytes of a PNG, JPEG, WebP or BMP file become every text that a code in it says.
//!
//! ```
//! use authenticator::picture::{Picture, PictureError};
//!
//! let shown = enroll::Qr::encode("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
//! let screenshot = shown.to_png(4)?;
//!
//! let codes = Picture::parse(&screenshot)?.codes();
//! assert_eq!(codes.len(), 1);
//! assert!(enroll::Entry::parse(codes[0].expose_text()).is_ok());
//!
//! assert_eq!(Picture::parse(b"%PDF-1.7").err(), Some(PictureError::Unknown));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `rxing` does the reading; ours are the grey pictures that it looks at, and their order. What is tried, how often it succeeds
//! and where the limits come from is in the manual, chapter `pictures`.
//!
//! Texts hold secrets, and so do the pictures of them: both are wiped when dropped and have neither `Debug` nor `Clone`.
//! (Buffers inside the decoders of files and codes are not wiped.)

mod attempts;
mod code;
mod contained;
mod file;
mod grey;
mod reader;
#[cfg(feature = "screen")]
mod screen;

pub(crate) use code::PART;
pub use code::{Code, Found, Place};
pub use file::{MAX_PIXELS, PictureError};
#[cfg(feature = "screen")]
pub use screen::ScreenError;

use grey::Grey;

/// A picture, decoded and grey.
pub struct Picture(Grey);

impl Picture {
    /// Decodes the bytes of a file. Its name does not matter: the format is what its first bytes say.
    ///
    /// # Errors
    /// [`PictureError`] says what to do instead.
    pub fn parse(file: &[u8]) -> Result<Self, PictureError> {
        file::decode(file).map(Self)
    }

    /// A screenshot of an X11 screen; `display` is what `DISPLAY` says. Nothing is written anywhere.
    ///
    /// # Errors
    /// [`ScreenError`] says what to do instead.
    #[cfg(feature = "screen")]
    pub fn of_screen(display: &str) -> Result<Self, ScreenError> {
        screen::grab(display).map(Self)
    }

    /// Pixels that the clipboard's owner has decoded, four bytes each.
    #[cfg(feature = "clipboard")]
    pub(crate) fn of_pixels(pixels: image::RgbaImage) -> Result<Self, PictureError> {
        file::grey(pixels.into()).map(Self)
    }

    /// The QR codes in it; empty when there are none.
    pub fn found(&self) -> Found {
        attempts::found(&self.0)
    }

    /// The codes among that.
    pub fn codes(&self) -> Vec<Code> {
        self.found().codes
    }
}
