//! The attempts at a picture, in their order. All of it always: that one code was found says nothing of a second one.

use super::reader::{self, Read};
use super::{Code, Found, Grey, Place};

/// A larger picture is shrunk to so many pixels before anything else.
const MAX_WHOLE_PX: f32 = 8e6;
/// Pixels of the pictures on which costly attempts are made.
const MAX_WORK_PX: f32 = 2e6;
/// A picture that is no larger is enlarged, too.
const MAX_SMALL_PX: f32 = 0.5e6;

/// Chance passes the error correction of the smallest codes once in a million tries; no `otpauth:` URI is as short.
const BELIEVED_AT_ONCE_LEN_BYTES: usize = 40;

pub(super) fn found(picture: &Grey) -> Found {
    let mut search = Search::default();

    let whole = picture.stretched().at_most(MAX_WHOLE_PX);
    search.attempt(&whole);
    search.attempt(&whole.blurred(1.0)); // noise, and the blocks of JPEG

    let work = whole.at_most(MAX_WORK_PX);
    search.attempt(&work.scaled(0.5)); // more noise
    search.attempt(&work.thresholded(10)); // low contrast, light and shadow
    // ink on a page that is nearly as dark, without a quiet zone between: whatever is no ink becomes the page
    let page = work.page();
    if let Some(between) = between(page, 0) {
        search.attempt(&work.black_to(between));
    }
    if let Some(between) = between(page, 255) {
        search.attempt(&work.black_to(between));
    }
    let sharp = work.sharpened(3.0);
    search.attempt(&sharp); // out of focus
    search.attempt(&sharp.sharpened(3.0)); // more so
    search.attempt(&work.sharpened(5.0).sharpened(4.0).sharpened(3.0)); // as far as it goes
    if work.area() <= MAX_SMALL_PX {
        search.attempt(&work.scaled(2.0).sharpened(3.0)); // modules below two pixels
    }
    search.believed()
}

/// A page this near to the ink, in greys, is taken for it.
const PAGE_TO_INK: u8 = 4;

/// The grey in the middle between page and ink; `None` where they are one, or the page is as far away as paper is.
fn between(page: u8, ink: u8) -> Option<u8> {
    let apart = page.abs_diff(ink);
    (PAGE_TO_INK..=u8::MAX / 2).contains(&apart).then(|| page.midpoint(ink))
}

/// The codes found so far, and how often.
#[derive(Default)]
struct Search(Vec<Seen>);

struct Seen {
    code: Code,
    is_part: bool,
    times: usize,
}

impl Search {
    /// Codes are dark on light; inverted, those that are light on dark are.
    fn attempt(&mut self, picture: &Grey) {
        self.look_at(picture);
        self.look_at(&picture.inverted());
    }

    fn look_at(&mut self, picture: &Grey) {
        for Read { text, is_part, corners } in reader::read(picture) {
            let is_same = |seen: &&mut Seen| seen.is_part == is_part && *seen.code.text == *text;
            match self.0.iter_mut().find(is_same) {
                Some(seen) => seen.times += 1,
                None => {
                    let place = Place::around(&corners, picture.scale());
                    self.0.push(Seen {
                        code: Code { text, place },
                        is_part,
                        times: 1,
                    });
                }
            }
        }
    }

    fn believed(mut self) -> Found {
        self.0
            .retain(|seen| seen.times > 1 || seen.code.text.len() >= BELIEVED_AT_ONCE_LEN_BYTES);
        let (parts, whole): (Vec<Seen>, Vec<Seen>) = self.0.into_iter().partition(|seen| seen.is_part);
        let mut codes: Vec<Code> = whole.into_iter().map(|seen| seen.code).collect();
        codes.sort_by_key(|code| (code.place.top, code.place.left));
        Found {
            codes,
            has_parts: !parts.is_empty(),
        }
    }
}
