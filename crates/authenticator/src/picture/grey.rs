use image::{GrayImage, Luma, imageops};
use zeroize::{Zeroize, Zeroizing};

/// `rxing` counts the pixels of a row in 16 bits, and a row is enlarged once at most.
const MAX_SIDE_PX: f32 = 30_000.0;

/// A grey picture, wiped when dropped.
pub(super) struct Grey {
    pixels: GrayImage,
    scale: f32,
}

impl Grey {
    pub(super) fn new(pixels: GrayImage) -> Self {
        Self { pixels, scale: 1.0 }
    }

    pub(super) fn pixels(&self) -> &[u8] {
        self.pixels.as_raw()
    }

    pub(super) fn width(&self) -> u32 {
        self.pixels.width()
    }

    pub(super) fn height(&self) -> u32 {
        self.pixels.height()
    }

    pub(super) fn area(&self) -> f32 {
        self.width() as f32 * self.height() as f32
    }

    /// Its width, divided by that of the picture it was made of.
    pub(super) fn scale(&self) -> f32 {
        self.scale
    }

    fn with(&self, pixels: GrayImage) -> Self {
        let scale = self.scale;
        Self { pixels, scale }
    }

    fn map(&self, change: impl Fn(u8) -> u8) -> Self {
        let mut changed = self.pixels.clone();
        changed.iter_mut().for_each(|grey| *grey = change(*grey));
        self.with(changed)
    }

    /// Light becomes dark.
    pub(super) fn inverted(&self) -> Self {
        self.map(|grey| 255 - grey)
    }

    /// The darkest grey becomes black and the lightest white, but for a few outliers: fewer pixels than the smallest code has.
    pub(super) fn stretched(&self) -> Self {
        let mut counts = [0_usize; 256];
        for grey in self.pixels() {
            counts[usize::from(*grey)] += 1;
        }
        let outliers = (self.pixels().len() / 1_000).min(MAX_OUTLIERS);
        let dark = beyond(outliers, counts.iter().enumerate());
        let light = beyond(outliers, counts.iter().enumerate().rev());
        let range = u32::from(light.saturating_sub(dark)).max(1);
        self.map(|grey| (u32::from(grey.saturating_sub(dark)) * 255 / range).min(255) as u8)
    }

    /// `sigma` in pixels.
    pub(super) fn blurred(&self, sigma: f32) -> Self {
        self.with(imageops::blur(&self.pixels, sigma))
    }

    /// The picture sharpened: what a blur by `sigma` takes away is added once more.
    pub(super) fn sharpened(&self, sigma: f32) -> Self {
        self.with(imageops::unsharpen(&self.pixels, sigma, 0))
    }

    pub(super) fn scaled(&self, factor: f32) -> Self {
        let [width, height] = [self.width(), self.height()].map(|side| ((side as f32 * factor) as u32).max(1));
        Self {
            pixels: imageops::resize(&self.pixels, width, height, imageops::FilterType::Triangle),
            scale: self.scale * factor,
        }
    }

    /// Shrunk, where it has more pixels or a longer side than the reader counts.
    pub(super) fn at_most(self, pixels: f32) -> Self {
        let longest = self.width().max(self.height()) as f32;
        match (pixels / self.area()).sqrt().min(MAX_SIDE_PX / longest) {
            factor if factor < 1.0 => self.scaled(factor),
            _ => self,
        }
    }

    /// The grey of the page: that of half of the picture's edge, and of what is darker.
    pub(super) fn page(&self) -> u8 {
        let [right, bottom] = [self.width(), self.height()].map(|side| side.saturating_sub(1));
        let rows = (0..self.width()).flat_map(|x| [(x, 0), (x, bottom)]);
        let edge = rows.chain((0..self.height()).flat_map(|y| [(0, y), (right, y)]));
        let mut greys: Vec<u8> = edge.map(|(x, y)| self.pixels.get_pixel(x, y).0[0]).collect();
        let middle = greys.len() / 2;
        let (_, page, _) = greys.select_nth_unstable(middle);
        *page
    }

    /// Black up to this grey, else white.
    pub(super) fn black_to(&self, most: u8) -> Self {
        self.map(|grey| if grey <= most { 0 } else { 255 })
    }

    /// Black where a pixel is darker than what surrounds it, else white: light and shadow go.
    pub(super) fn thresholded(&self, radius: usize) -> Self {
        let [width, height] = [self.width(), self.height()].map(|side| side as usize);
        // of every rectangle from the upper left corner, the sum of its pixels
        let mut sums = Zeroizing::new(vec![0_u64; (width + 1) * (height + 1)]);
        for (y, row) in self.pixels().chunks_exact(width).enumerate() {
            let mut sum = 0;
            for (x, grey) in row.iter().enumerate() {
                sum += u64::from(*grey);
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + sum;
            }
        }
        let sum_to = |x: usize, y: usize| sums[y * (width + 1) + x];
        let around = |at: usize, side: usize| (at.saturating_sub(radius), (at + radius + 1).min(side));
        self.with(GrayImage::from_fn(self.width(), self.height(), |x, y| {
            let ((left, right), (top, bottom)) = (around(x as usize, width), around(y as usize, height));
            let sum = sum_to(right, bottom) + sum_to(left, top) - sum_to(left, bottom) - sum_to(right, top);
            let count = ((right - left) * (bottom - top)) as u64;
            let grey = u64::from(self.pixels.get_pixel(x, y).0[0]);
            Luma([if (grey + MARGIN) * count < sum { 0 } else { 255 }])
        }))
    }
}

/// The first grey with more than so many pixels up to it.
fn beyond<'a>(pixels: usize, mut counts: impl Iterator<Item = (usize, &'a usize)>) -> u8 {
    let mut seen = 0;
    let found = counts.find(|(_, count)| {
        seen += **count;
        seen > pixels
    });
    found.map_or(0, |(grey, _)| grey as u8)
}

const MAX_OUTLIERS: usize = 200;

/// The margin by which a dark pixel is darker than its surroundings, so that a plain surface stays plain.
const MARGIN: u64 = 3;

impl Drop for Grey {
    fn drop(&mut self) {
        self.pixels.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_row_is_shrunk_to_what_the_reader_counts() {
        let row = Grey::new(GrayImage::new(60_000, 4)).at_most(1e6);
        assert_eq!((row.width(), row.height(), row.scale()), (30_000, 2, 0.5));
        let fits = row.at_most(1e6);
        assert_eq!(fits.width(), 30_000);
    }

    #[test]
    fn two_close_greys_become_black_and_white() {
        let close = GrayImage::from_fn(20, 20, |x, _| Luma([if x < 10 { 120 } else { 125 }]));
        let stretched = Grey::new(close).stretched();
        assert!(
            stretched
                .pixels()
                .chunks(20)
                .all(|row| row[..10] == [0; 10] && row[10..] == [255; 10])
        );
    }

    #[test]
    fn a_threshold_sees_ink_in_the_shadow_and_none_on_a_plain_page() {
        // ink is darker by 20 than the paper around it, which darkens to the right
        let shadow = GrayImage::from_fn(100, 20, |x, y| {
            Luma([200 - x as u8 - if x % 10 == 5 && y == 10 { 20 } else { 0 }])
        });
        let seen = Grey::new(shadow).thresholded(5);
        let inked: Vec<usize> = (0..100).filter(|x| seen.pixels()[10 * 100 + x] == 0).collect();
        assert_eq!(inked, [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]);
        let plain = Grey::new(GrayImage::from_pixel(30, 30, Luma([77]))).thresholded(5);
        assert!(plain.pixels().iter().all(|grey| *grey == 255));
    }
}
