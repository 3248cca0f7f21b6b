use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// Bytes on their way from an interrupt to the main loop: one side pushes, the other pops.
pub struct Ring<const LEN: usize> {
    bytes: [AtomicU8; LEN],
    /// How many were ever pushed, and popped.
    pushed: AtomicUsize,
    popped: AtomicUsize,
}

impl<const LEN: usize> Ring<LEN> {
    /// Empty. The length is a power of two, so that the counts may wrap around.
    pub const fn new() -> Self {
        const { assert!(LEN.is_power_of_two(), "a ring's length is a power of two") };
        Self {
            bytes: [const { AtomicU8::new(0) }; LEN],
            pushed: AtomicUsize::new(0),
            popped: AtomicUsize::new(0),
        }
    }

    /// Nothing to pop.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No room to push.
    pub fn is_full(&self) -> bool {
        self.len() >= LEN
    }

    /// Puts a byte in; false, and nothing done, when there is no room. Only one context may push.
    pub fn push(&self, byte: u8) -> bool {
        let pushed = self.pushed.load(Ordering::Relaxed);
        let free = !self.is_full();
        if let Some(place) = self.bytes.get(pushed % LEN).filter(|_| free) {
            place.store(byte, Ordering::Relaxed);
            self.pushed.store(pushed.wrapping_add(1), Ordering::Release);
        }
        free
    }

    /// Takes the oldest byte out. Only one context may pop.
    pub fn pop(&self) -> Option<u8> {
        let popped = self.popped.load(Ordering::Relaxed);
        if self.is_empty() {
            return None;
        }
        let byte = self.bytes.get(popped % LEN)?.load(Ordering::Relaxed);
        self.popped.store(popped.wrapping_add(1), Ordering::Release);
        Some(byte)
    }

    /// Takes what there is and has room, oldest first; returns how many.
    pub fn pop_into(&self, into: &mut [u8]) -> usize {
        let mut taken = 0;
        for place in into {
            let Some(byte) = self.pop() else { break };
            *place = byte;
            taken += 1;
        }
        taken
    }

    fn len(&self) -> usize {
        self.pushed
            .load(Ordering::Acquire)
            .wrapping_sub(self.popped.load(Ordering::Acquire))
    }
}

impl<const LEN: usize> Default for Ring<LEN> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_and_a_full_ring_takes_none() {
        let ring = Ring::<4>::new();
        let mut out = [0; 3];
        for round in 0..100_u8 {
            assert!(ring.is_empty());
            for byte in 0..4 {
                assert!(ring.push(round ^ byte));
            }
            assert!(ring.is_full() && !ring.push(0));
            assert_eq!(ring.pop_into(&mut out), 3);
            assert_eq!(out, [round, round ^ 1, round ^ 2]);
            assert_eq!(ring.pop(), Some(round ^ 3));
            assert_eq!(ring.pop(), None);
        }
    }
}
