//! Golden pictures: what a page looked like when a person last looked at it. Chromium moves, and so do fonts: they are
//! compared in `cargo xtask soak` alone, and a few pixels may differ. `COUNTERSIGN_BLESS=1` takes the new ones.

use std::{env, fs, io::Cursor, path::Path};

use image::{ImageFormat, RgbImage, load_from_memory};
use serde_json::json;

use super::{Browser, looks::Shade, walk};

/// A pixel is another one when a channel of it is off by more than this of 255.
const TOLERANCE: u8 = 24;
/// Pixels in a hundred that may differ.
const MOST_PERCENT: f64 = 2.0;

/// Two pictures of a state say what six would: every width and shade is in one of them but the middle one.
pub(super) fn is_kept(width: u32, shade: Shade) -> bool {
    matches!((width, shade), (320, Shade::Dark) | (1440, Shade::Light))
}

/// Whether one is held against a golden one.
pub(super) fn is_compared(width: u32, shade: Shade) -> bool {
    is_kept(width, shade) && (soak() || blessing())
}

#[track_caller]
pub(super) fn compare(name: &str, png: &[u8]) {
    let png = &halved(png);
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pages/golden")
        .join(format!("{name}.png"));
    if blessing() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
        fs::write(&path, png).expect("a picture can be kept");
        return;
    }
    let golden = fs::read(&path);
    let golden =
        golden.unwrap_or_else(|error| panic!("{name} has no golden picture, COUNTERSIGN_BLESS=1 makes it: {error}"));
    let differing = percent_differing(&golden, png);
    if differing > MOST_PERCENT {
        let kept = walk::keep(&format!("{name}-covered"), png);
        panic!(
            "{differing:.1} % of {} are others than in the golden picture",
            kept.display()
        );
    }
}

/// Half as wide and high: a third of the bytes to keep, and the edges of letters count for less.
fn halved(png: &[u8]) -> Vec<u8> {
    let whole = load_from_memory(png).expect("a picture");
    let half = whole.thumbnail_exact(whole.width() / 2, whole.height() / 2).into_rgb8();
    let mut png = Cursor::new(Vec::new());
    half.write_to(&mut png, ImageFormat::Png).expect("a picture");
    png.into_inner()
}

/// How many pixels in a hundred are others; what only one of two sizes has is another one too.
pub(crate) fn percent_differing(one: &[u8], other: &[u8]) -> f64 {
    let read = |png| load_from_memory(png).expect("a picture").into_rgb8();
    let (one, other) = (read(one), read(other));
    let (width, height) = (one.width().max(other.width()), one.height().max(other.height()));
    let differs = |x: u32, y: u32| !same(&one, &other, x, y);
    let count = (0..height)
        .map(|y| (0..width).filter(|&x| differs(x, y)).count())
        .sum::<usize>();
    100.0 * count as f64 / (f64::from(width) * f64::from(height))
}

fn same(one: &RgbImage, other: &RgbImage, x: u32, y: u32) -> bool {
    match (one.get_pixel_checked(x, y), other.get_pixel_checked(x, y)) {
        (Some(one), Some(other)) => one
            .0
            .iter()
            .zip(other.0)
            .all(|(one, other)| one.abs_diff(other) <= TOLERANCE),
        _ => false,
    }
}

/// Whether there is time for what mostly finds nothing more.
pub(super) fn soak() -> bool {
    env::var_os("COUNTERSIGN_SOAK").is_some_and(|value| value == "1")
}

fn blessing() -> bool {
    env::var_os("COUNTERSIGN_BLESS").is_some_and(|value| value == "1")
}

impl Browser {
    /// A picture without what is another one each time.
    pub(super) fn covered(&self, varying: &[&str]) -> Vec<u8> {
        let set = |visibility: &str| {
            let script =
                "document.querySelectorAll(arguments[0]).forEach((one) => one.style.visibility = arguments[1])";
            if !varying.is_empty() {
                self.script(script, vec![json!(varying.join(", ")), json!(visibility)]);
            }
        };
        set("hidden");
        let picture = self.screenshot();
        set("");
        picture
    }
}
