//! What is tried, in which order. All of it always: that one code was found says nothing of a second one.

use super::reader::{self, Read};
use super::{Code, Grey, Place};

/// A larger picture is shrunk to so many pixels before anything else.
const MAX_WHOLE_PX: f32 = 8e6;
/// What costs more is tried on so many.
const MAX_WORK_PX: f32 = 2e6;
/// A picture that is no larger is enlarged, too.
const MAX_SMALL_PX: f32 = 0.5e6;

/// Chance passes the error correction of the smallest codes once in a million tries; no `otpauth:` URI is as short.
const BELIEVED_AT_ONCE_LEN_BYTES: usize = 40;

pub(super) fn codes(picture: &Grey) -> Vec<Code> {
    let mut search = Search::default();

    let whole = picture.stretched().at_most(MAX_WHOLE_PX);
    search.attempt(&whole);
    search.attempt(&whole.blurred(1.0)); // noise, and the blocks of JPEG

    let work = whole.at_most(MAX_WORK_PX);
    search.attempt(&work.scaled(0.5)); // more noise
    search.attempt(&work.thresholded(10)); // low contrast, light and shadow
    let sharp = work.sharpened(3.0);
    search.attempt(&sharp); // out of focus
    search.attempt(&sharp.sharpened(3.0)); // more so
    search.attempt(&work.sharpened(5.0).sharpened(4.0).sharpened(3.0)); // as far as it goes
    if work.area() <= MAX_SMALL_PX {
        search.attempt(&work.scaled(2.0).sharpened(3.0)); // modules below two pixels
    }
    search.believed()
}

/// What was found so far, and how often.
#[derive(Default)]
struct Search(Vec<(Code, usize)>);

impl Search {
    /// Codes are dark on light; inverted, those that are light on dark are.
    fn attempt(&mut self, picture: &Grey) {
        self.look_at(picture);
        self.look_at(&picture.inverted());
    }

    fn look_at(&mut self, picture: &Grey) {
        for Read { text, corners } in reader::read(picture) {
            match self.0.iter_mut().find(|(code, _)| *code.text == *text) {
                Some((_, times)) => *times += 1,
                None => {
                    let place = Place::around(&corners, picture.scale());
                    self.0.push((Code { text, place }, 1));
                }
            }
        }
    }

    fn believed(self) -> Vec<Code> {
        let believed = |(code, times): (Code, usize)| {
            let enough = times > 1 || code.text.len() >= BELIEVED_AT_ONCE_LEN_BYTES;
            enough.then_some(code)
        };
        let mut codes: Vec<Code> = self.0.into_iter().filter_map(believed).collect();
        codes.sort_by_key(|code| (code.place.top, code.place.left));
        codes
    }
}
