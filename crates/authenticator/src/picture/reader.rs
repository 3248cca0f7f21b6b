//! What reads: `rxing`, step by step, so that a picture full of corners of codes costs no more than another.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rxing::common::{BitMatrix, DetectorRXingResult, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, FinderPatternSet, GenerateFinderPatternSets, SampleQR};
use rxing::{BinaryBitmap, Luma8Source};
use zeroize::Zeroizing;

use super::Grey;

/// A text, and the corners of its code.
pub(super) struct Read {
    pub(super) text: Zeroizing<String>,
    pub(super) corners: Vec<(f32, f32)>,
}

/// More corners of codes than a picture of codes has; the largest are looked at.
const MAX_FINDERS: usize = 256;
/// More ways to take three of them for one code than help.
const MAX_TRIES: usize = 512;

/// The texts of the codes that are dark on light.
pub(super) fn read(picture: &Grey) -> Vec<Read> {
    // its finder of corners says of itself that it can panic: then there is nothing to be found
    let reads = catch_unwind(AssertUnwindSafe(|| {
        let source = Luma8Source::new_with_slice(picture.pixels(), picture.width(), picture.height()).ok()?;
        let bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
        Some(read_matrix(bitmap.get_black_matrix()))
    }));
    reads.ok().flatten().unwrap_or_default()
}

fn read_matrix(matrix: &BitMatrix) -> Vec<Read> {
    let mut finders = FindFinderPatterns(matrix, true, 0);
    finders.sort_by_key(|finder| std::cmp::Reverse(finder.size));
    finders.truncate(MAX_FINDERS);
    let (mut reads, mut used) = (Vec::new(), Vec::new());
    for FinderPatternSet { bl, tl, tr } in GenerateFinderPatternSets(&mut finders).into_iter().take(MAX_TRIES) {
        if [bl, tl, tr].iter().any(|finder| used.contains(finder)) {
            continue;
        }
        let Ok(sampled) = SampleQR(matrix, &FinderPatternSet { bl, tl, tr }) else {
            continue;
        };
        let Some(decoded) = Decode(sampled.getBits()).ok().filter(|decoded| decoded.isValid()) else {
            continue;
        };
        used.extend([bl, tl, tr]);
        // one of several codes that are one text together says nothing alone
        if decoded.structuredAppend().count > 1 {
            continue;
        }
        let text = Zeroizing::new(decoded.text());
        if text.is_empty() || text.contains(char::REPLACEMENT_CHARACTER) {
            continue;
        }
        reads.push(Read {
            text,
            corners: sampled.getPoints().iter().map(|point| (point.x, point.y)).collect(),
        });
    }
    reads
}
