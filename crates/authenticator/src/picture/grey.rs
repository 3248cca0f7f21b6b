use image::{GrayImage, Luma, imageops};
use zeroize::{Zeroize, Zeroizing};

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

    /// How many times as wide it is as the picture that it was made of.
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

    /// What is between the darkest and the lightest hundredth takes all the range there is.
    pub(super) fn stretched(&self) -> Self {
        let mut counts = [0_usize; 256];
        for grey in self.pixels() {
            counts[usize::from(*grey)] += 1;
        }
        let hundredth = self.pixels().len() / 100;
        let dark = beyond(hundredth, counts.iter().enumerate());
        let light = beyond(hundredth, counts.iter().enumerate().rev());
        let range = u32::from(light.saturating_sub(dark)).max(1);
        self.map(|grey| (u32::from(grey.saturating_sub(dark)) * 255 / range).min(255) as u8)
    }

    /// `sigma` in pixels.
    pub(super) fn blurred(&self, sigma: f32) -> Self {
        self.with(imageops::blur(&self.pixels, sigma))
    }

    pub(super) fn sharpened(&self) -> Self {
        self.with(imageops::unsharpen(&self.pixels, 3.0, 0))
    }

    pub(super) fn scaled(&self, factor: f32) -> Self {
        let [width, height] = [self.width(), self.height()].map(|side| ((side as f32 * factor) as u32).max(1));
        Self {
            pixels: imageops::resize(&self.pixels, width, height, imageops::FilterType::Triangle),
            scale: self.scale * factor,
        }
    }

    /// Shrunk, where it has more pixels.
    pub(super) fn at_most(self, pixels: f32) -> Self {
        match (pixels / self.area()).sqrt() {
            factor if factor < 1.0 => self.scaled(factor),
            _ => self,
        }
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

/// How much darker than its surroundings a pixel has to be, so that a plain surface stays plain.
const MARGIN: u64 = 3;

impl Drop for Grey {
    fn drop(&mut self) {
        self.pixels.zeroize();
    }
}
