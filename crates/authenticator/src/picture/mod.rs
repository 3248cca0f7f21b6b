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
mod file;
mod grey;
mod reader;
#[cfg(feature = "screen")]
mod screen;

pub use code::{Code, Place};
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

    /// All that an X11 screen shows; `display` is what `DISPLAY` says. Nothing is written anywhere.
    ///
    /// # Errors
    /// [`ScreenError`] says what to do instead.
    #[cfg(feature = "screen")]
    pub fn of_screen(display: &str) -> Result<Self, ScreenError> {
        screen::grab(display).map(Self)
    }

    /// Every distinct text of its QR codes, from top to bottom; empty when there is none. What is not an `otpauth:` URI comes
    /// too: that a code says something else is worth telling.
    pub fn codes(&self) -> Vec<Code> {
        attempts::codes(&self.0)
    }
}
