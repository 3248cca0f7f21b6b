use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageReader, Limits};
use zeroize::Zeroize;

use super::{Grey, contained::contained};

/// More pixels than a telephone's camera has are refused before they are decoded.
pub const MAX_PIXELS: u64 = 50_000_000;

/// The memory that a decoder may take beside: eight bytes a pixel are the most that a PNG has.
const MAX_ALLOC_BYTES: u64 = 8 * MAX_PIXELS + (16 << 20);

/// Why a file is not a picture that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// None of the four formats.
    #[error("it is not a PNG, JPEG, WebP or BMP picture: take a screenshot of the code and save it as PNG")]
    Unknown,
    /// More than [`MAX_PIXELS`].
    #[error("the picture has {width} x {height} pixels, more than 50 million: cut out the part with the code")]
    TooLarge {
        /// From left to right.
        width: u32,
        /// From top to bottom.
        height: u32,
    },
    /// Its format is known, and yet it cannot be decoded.
    #[error("the picture is cut off or damaged: save it once more")]
    Damaged,
}

pub(super) fn decode(file: &[u8]) -> Result<Grey, PictureError> {
    grey(contained(|| decoded(file)).unwrap_or(Err(PictureError::Damaged))?)
}

fn decoded(file: &[u8]) -> Result<DynamicImage, PictureError> {
    let mut reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|_| PictureError::Unknown)?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_ALLOC_BYTES);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(|error| match error {
        ImageError::Unsupported(_) => PictureError::Unknown,
        _ => PictureError::Damaged,
    })?;
    check_size(decoder.dimensions())?;
    decoder.set_limits(limits).map_err(|_| PictureError::Damaged)?;
    DynamicImage::from_decoder(decoder).map_err(|_| PictureError::Damaged)
}

fn check_size((width, height): (u32, u32)) -> Result<(), PictureError> {
    match u64::from(width) * u64::from(height) {
        0 => Err(PictureError::Damaged),
        1..=MAX_PIXELS => Ok(()),
        _ => Err(PictureError::TooLarge { width, height }),
    }
}

/// The picture in grey; the decoded one is wiped.
pub(super) fn grey(mut decoded: DynamicImage) -> Result<Grey, PictureError> {
    check_size((decoded.width(), decoded.height()))?;
    let grey = match decoded.color().has_alpha() {
        true => opaque(&decoded),
        false => decoded.to_luma8(),
    };
    wipe(&mut decoded);
    Ok(Grey::new(grey))
}

/// Makes a picture opaque: white behind dark ink and black behind light ink.
fn opaque(decoded: &DynamicImage) -> GrayImage {
    let mut pixels = decoded.to_luma_alpha8();
    let (ink, cover) = pixels.pixels().fold((0, 0), |(ink, cover), pixel| {
        let [grey, alpha] = pixel.0.map(u64::from);
        (ink + grey * alpha, cover + alpha)
    });
    let paper = if ink < 128 * cover { 255 } else { 0 };
    let grey = GrayImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [grey, alpha] = pixels.get_pixel(x, y).0.map(u32::from);
        image::Luma([((grey * alpha + paper * (255 - alpha)) / 255) as u8])
    });
    pixels.zeroize();
    grey
}

fn wipe(decoded: &mut DynamicImage) {
    match decoded {
        DynamicImage::ImageLuma8(pixels) => pixels.zeroize(),
        DynamicImage::ImageLumaA8(pixels) => pixels.zeroize(),
        DynamicImage::ImageRgb8(pixels) => pixels.zeroize(),
        DynamicImage::ImageRgba8(pixels) => pixels.zeroize(),
        DynamicImage::ImageLuma16(pixels) => pixels.zeroize(),
        DynamicImage::ImageLumaA16(pixels) => pixels.zeroize(),
        DynamicImage::ImageRgb16(pixels) => pixels.zeroize(),
        DynamicImage::ImageRgba16(pixels) => pixels.zeroize(),
        // none of the four formats is decoded to another kind
        _ => {}
    }
}
