//! Slots for rows of a few hundred bytes, without gaps: an allocation for each row would take a sixth more.

use std::ops::Range;

/// Slots are so many bytes longer from size to size.
const STEP: usize = 4;
/// So many bytes are allocated together, or one slot.
const CHUNK: usize = 1 << 13;
/// A row that would leave so much of its slot unused gets a shorter one.
const SPARE: usize = 32;
/// Bits of a place that say which slot of its size it is.
const SLOT_BITS: u32 = 20;
/// What stands before a row: whether it was asked for since the hand came by, and its length.
const HEADER: usize = 3;

/// The address of a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    fn of(size: usize, slot: usize) -> Option<Self> {
        let (size, slot) = (u32::try_from(size).ok()?, u32::try_from(slot).ok()?);
        let fits = size < 1 << (u32::BITS - SLOT_BITS) && slot < 1 << SLOT_BITS;
        fits.then_some(Self(size << SLOT_BITS | slot))
    }

    /// The length of its slot in steps.
    fn size(self) -> usize {
        (self.0 >> SLOT_BITS) as usize
    }

    fn slot(self) -> usize {
        (self.0 & ((1 << SLOT_BITS) - 1)) as usize
    }
}

/// All slots, by their size.
#[derive(Default)]
pub(super) struct Slots {
    /// At its length in steps.
    sizes: Vec<Size>,
    /// Where the hand is that looks for a row to make room.
    hand: (usize, usize),
}

/// Slots of one size, side by side from the first on.
#[derive(Default)]
struct Size {
    chunks: Vec<Box<[u8]>>,
    used: usize,
}

/// The length in steps of the slot for this row.
fn size_for(row: &[u8]) -> usize {
    (HEADER + row.len()).div_ceil(STEP)
}

fn slots_in_chunk(size: usize) -> usize {
    (CHUNK / (size * STEP)).max(1)
}

/// The chunk of a slot, and its bytes there.
fn lies(size: usize, slot: usize) -> (usize, Range<usize>) {
    let (many, length) = (slots_in_chunk(size), size * STEP);
    let begin = slot % many * length;
    (slot / many, begin..begin + length)
}

impl Slots {
    /// Whether a row is short enough for a slot.
    pub(super) fn takes(row: &[u8]) -> bool {
        Place::of(size_for(row), 0).is_some()
    }

    /// Keeps a row; `None` for one that is too long.
    pub(super) fn put(&mut self, row: &[u8]) -> Option<Place> {
        let size = size_for(row);
        if self.sizes.len() <= size {
            Place::of(size, 0)?;
            self.sizes.resize_with(size + 1, Size::default);
        }
        let slots = &mut self.sizes[size];
        let place = Place::of(size, slots.used)?;
        if lies(size, slots.used).0 == slots.chunks.len() {
            slots.chunks.push(vec![0; slots_in_chunk(size) * size * STEP].into());
        }
        slots.used += 1;
        self.fill(place, row);
        Some(place)
    }

    /// Keeps another row in this place, if that is a place for it.
    pub(super) fn write(&mut self, place: Place, row: &[u8]) -> bool {
        let spare = (place.size() * STEP).checked_sub(HEADER + row.len());
        let fits = spare.is_some_and(|spare| spare < SPARE);
        if fits {
            self.fill(place, row);
        }
        fits
    }

    fn fill(&mut self, place: Place, row: &[u8]) {
        let slot = self.slot_mut(place);
        let (header, rest) = slot.split_at_mut(HEADER);
        // As long as a place can say, which is less.
        header[1..].copy_from_slice(&(row.len() as u16).to_le_bytes());
        let (kept, rest) = rest.split_at_mut(row.len());
        kept.copy_from_slice(row);
        // Nothing is left of what stood there.
        rest.fill(0);
    }

    /// The row in this place.
    pub(super) fn row(&self, place: Place) -> &[u8] {
        let slot = self.slot(place);
        let length = u16::from_le_bytes([slot[1], slot[2]]).into();
        &slot[HEADER..][..length]
    }

    /// Its row is to be kept for longer.
    pub(super) fn asked(&mut self, place: Place) {
        self.slot_mut(place)[0] = 1;
    }

    /// Ends the row of this place. The last one of its size takes the place, if it was another: where that stood is told.
    pub(super) fn end(&mut self, place: Place) -> Option<Place> {
        let size = place.size();
        let last = Place::of(size, self.sizes[size].used - 1)?;
        if last != place {
            let moved = self.slot(last).to_vec();
            self.slot_mut(place).copy_from_slice(&moved);
        }
        self.slot_mut(last).fill(0);
        let slots = &mut self.sizes[size];
        slots.used -= 1;
        slots.chunks.truncate(slots.used.div_ceil(slots_in_chunk(size)));
        (last != place).then_some(last)
    }

    /// The next row that was not asked for since the hand came by.
    pub(super) fn idle(&mut self) -> Option<Place> {
        // Those who were asked for are passed over once.
        let mut ends = 0;
        while ends <= 2 {
            let (size, slot) = self.hand;
            let Some(slots) = self.sizes.get(size) else {
                (self.hand, ends) = ((0, 0), ends + 1);
                continue;
            };
            if slot >= slots.used {
                self.hand = (size + 1, 0);
                continue;
            }
            let place = Place::of(size, slot)?;
            // Past it in any case: the newest of its size takes the place of one that ends.
            self.hand = (size, slot + 1);
            let asked = &mut self.slot_mut(place)[0];
            if *asked == 0 {
                return Some(place);
            }
            *asked = 0;
        }
        None
    }

    fn slot(&self, place: Place) -> &[u8] {
        let (chunk, range) = lies(place.size(), place.slot());
        &self.sizes[place.size()].chunks[chunk][range]
    }

    fn slot_mut(&mut self, place: Place) -> &mut [u8] {
        let (chunk, range) = lies(place.size(), place.slot());
        &mut self.sizes[place.size()].chunks[chunk][range]
    }

    #[cfg(test)]
    pub(super) fn chunks(&self) -> usize {
        self.sizes.iter().map(|size| size.chunks.len()).sum()
    }
}
