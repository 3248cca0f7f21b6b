//! Slots for rows of a few hundred bytes: an allocation for each row would take a sixth more.

use std::ops::Range;

/// Slots are so many bytes longer from size to size.
const STEP: usize = 8;
/// So many slots are allocated together.
const CHUNK: usize = 64;
/// Bits of a place that say which slot of its size it is.
const SLOT_BITS: u32 = 20;
/// What stands before a row: whether there is one, and its length.
const HEADER: usize = 3;

const FREE: u8 = 0;
const KEPT: u8 = 1;
/// Kept, and asked for since the hand came by.
const ASKED: u8 = 2;

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

#[derive(Default)]
struct Size {
    chunks: Vec<Box<[u8]>>,
    /// Slots that were never used lie behind these.
    used: usize,
    free: Vec<u32>,
}

impl Size {
    fn slot(&self, size: usize, slot: usize) -> &[u8] {
        &self.chunks[slot / CHUNK][range(size, slot)]
    }

    fn slot_mut(&mut self, size: usize, slot: usize) -> &mut [u8] {
        &mut self.chunks[slot / CHUNK][range(size, slot)]
    }
}

/// The bytes of a slot in its chunk.
fn range(size: usize, slot: usize) -> Range<usize> {
    let length = size * STEP;
    let begin = slot % CHUNK * length;
    begin..begin + length
}

impl Slots {
    /// Keeps a row; `None` for one that is too long.
    pub(super) fn put(&mut self, row: &[u8]) -> Option<Place> {
        let size = (HEADER + row.len()).div_ceil(STEP);
        if self.sizes.len() <= size {
            Place::of(size, 0)?;
            self.sizes.resize_with(size + 1, Size::default);
        }
        let slots = &mut self.sizes[size];
        let slot = match slots.free.pop() {
            Some(slot) => slot as usize,
            None => slots.used,
        };
        let place = Place::of(size, slot)?;
        if slot == slots.used {
            if slot == slots.chunks.len() * CHUNK {
                slots.chunks.push(vec![0; CHUNK * size * STEP].into());
            }
            slots.used += 1;
        }
        self.write(place, row).then_some(place)
    }

    /// Keeps another row in this place; `false` where it does not fit.
    pub(super) fn write(&mut self, place: Place, row: &[u8]) -> bool {
        let slot = self.slot_mut(place);
        let Some(rest) = slot.len().checked_sub(HEADER + row.len()) else {
            return false;
        };
        let Ok(length) = u16::try_from(row.len()) else {
            return false;
        };
        let end = slot.len() - rest;
        if slot[0] == FREE {
            slot[0] = KEPT;
        }
        slot[1..HEADER].copy_from_slice(&length.to_le_bytes());
        slot[HEADER..end].copy_from_slice(row);
        // Nothing is left of what stood there.
        slot[end..].fill(0);
        true
    }

    /// The row in this place.
    pub(super) fn row(&self, place: Place) -> &[u8] {
        let slot = self.sizes[place.size()].slot(place.size(), place.slot());
        let length = u16::from_le_bytes([slot[1], slot[2]]).into();
        &slot[HEADER..][..length]
    }

    /// Its row is to be kept for longer.
    pub(super) fn asked(&mut self, place: Place) {
        self.slot_mut(place)[0] = ASKED;
    }

    pub(super) fn free(&mut self, place: Place) {
        self.slot_mut(place).fill(0);
        self.sizes[place.size()].free.push(place.slot() as u32);
    }

    /// The next row that was not asked for since the hand came by.
    pub(super) fn idle(&mut self) -> Option<Place> {
        // Twice round: those who were asked for are passed over once.
        let mut ends = 0;
        while ends <= 2 {
            let (size, slot) = self.hand;
            let Some(slots) = self.sizes.get_mut(size) else {
                (self.hand, ends) = ((0, 0), ends + 1);
                continue;
            };
            if slot == slots.used {
                self.hand = (size + 1, 0);
                continue;
            }
            self.hand = (size, slot + 1);
            let state = &mut slots.slot_mut(size, slot)[0];
            match *state {
                KEPT => return Place::of(size, slot),
                FREE => {}
                _ => *state = KEPT,
            }
        }
        None
    }

    #[cfg(test)]
    pub(super) fn chunks(&self) -> usize {
        self.sizes.iter().map(|size| size.chunks.len()).sum()
    }

    fn slot_mut(&mut self, place: Place) -> &mut [u8] {
        self.sizes[place.size()].slot_mut(place.size(), place.slot())
    }
}
