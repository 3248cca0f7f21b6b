//! A reader of QR codes: `rxing`, step by step, so that a picture full of corners of codes costs no more than another.

use std::cmp::Reverse;

use rxing::common::{BitMatrix, DetectorRXingResult, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, GenerateFinderPatternSets, SampleQR};
use rxing::{BinaryBitmap, Luma8Source};
use zeroize::Zeroizing;

use super::{Grey, contained::contained};

/// A text, or one part of several that are one text together, and the corners of its code.
pub(super) struct Read {
    pub(super) text: Zeroizing<String>,
    pub(super) is_part: bool,
    pub(super) corners: Vec<(f32, f32)>,
}

/// More corners of codes than a picture of codes has; the largest are looked at.
const MAX_CORNERS: usize = 120;
/// One corner is the upper left one of so many codes at most: the likeliest.
const MAX_TRIES_A_CORNER: usize = 6;

/// The texts of the codes that are dark on light.
pub(super) fn read(picture: &Grey) -> Vec<Read> {
    // its finder of corners says of itself that it can panic: then there is nothing to be found
    let reads = contained(|| {
        let source = Luma8Source::new_with_slice(picture.pixels(), picture.width(), picture.height()).ok()?;
        let bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
        Some(read_matrix(bitmap.get_black_matrix()))
    });
    reads.flatten().unwrap_or_default()
}

fn read_matrix(matrix: &BitMatrix) -> Vec<Read> {
    let mut corners = FindFinderPatterns(matrix, true, 0);
    corners.sort_by_key(|corner| Reverse(corner.size));
    corners.truncate(MAX_CORNERS);
    let (mut reads, mut used, mut tries) = (Vec::new(), Vec::new(), vec![0; corners.len()]);
    for set in GenerateFinderPatternSets(&mut corners) {
        let of = [set.bl, set.tl, set.tr];
        let upper_left = corners.iter().position(|corner| *corner == set.tl).unwrap_or(0);
        if tries[upper_left] == MAX_TRIES_A_CORNER || of.iter().any(|corner| used.contains(corner)) {
            continue;
        }
        tries[upper_left] += 1;
        let Ok(sampled) = SampleQR(matrix, &set) else {
            continue;
        };
        let Some(decoded) = Decode(sampled.getBits()).ok().filter(|decoded| decoded.isValid()) else {
            continue;
        };
        used.extend(of);
        let text = Zeroizing::new(decoded.text());
        if text.is_empty() || text.contains(char::REPLACEMENT_CHARACTER) {
            continue;
        }
        reads.push(Read {
            text,
            is_part: decoded.structuredAppend().count > 1,
            corners: sampled.getPoints().iter().map(|point| (point.x, point.y)).collect(),
        });
    }
    reads
}
