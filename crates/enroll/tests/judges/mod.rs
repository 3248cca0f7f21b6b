//! Two independent readers of QR codes, which have to agree on every picture we draw.

use std::process::Command;

use image::GrayImage;
use rxing::{BarcodeFormat, DecodeHints};

/// Asserts that both readers find exactly `text` in the picture.
pub(crate) fn both_read(picture: &GrayImage, text: &str, what: &str) {
    assert_eq!(zbar(picture).as_deref(), Some(text), "zbarimg on {what}");
    assert_eq!(rxing(picture, false).as_deref(), Some(text), "rxing on {what}");
}

/// What Debian's `zbarimg` reads, or `None`.
pub(crate) fn zbar(picture: &GrayImage) -> Option<String> {
    let file = tempfile::Builder::new().suffix(".png").tempfile().unwrap();
    picture.save_with_format(file.path(), image::ImageFormat::Png).unwrap();
    let output = Command::new("zbarimg")
        .args(["--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable"])
        .arg(file.path())
        .output()
        .expect("zbarimg cannot be run: install the Debian package zbar-tools");
    let text = String::from_utf8(output.stdout).unwrap();
    (!text.is_empty()).then(|| text.trim_end_matches('\n').to_owned())
}

/// What `rxing` reads, or `None`.
pub(crate) fn rxing(picture: &GrayImage, also_inverted: bool) -> Option<String> {
    let mut hints = DecodeHints {
        AlsoInverted: Some(also_inverted),
        ..DecodeHints::default()
    };
    let (width, height) = picture.dimensions();
    let luma = picture.clone().into_raw();
    rxing::helpers::detect_in_luma_with_hints(luma, width, height, Some(BarcodeFormat::QR_CODE), &mut hints)
        .ok()
        .map(|result| result.getText().to_owned())
}
