//! What other processors have of the instructions in `simd`: none of them.

use core::convert::Infallible;

use crate::lanes::Lanes;

#[derive(Clone, Copy)]
pub(crate) struct Vectors(Infallible);

impl Vectors {
    pub(crate) const fn avx512() -> Option<Self> {
        None
    }

    pub(crate) const fn avx2() -> Option<Self> {
        None
    }

    pub(crate) fn midstates(self, _lanes: &mut Lanes) {
        match self.0 {}
    }

    pub(crate) fn look(self, _lanes: &mut Lanes) {
        match self.0 {}
    }
}

#[derive(Clone, Copy)]
pub(crate) struct ShaNi(Infallible);

impl ShaNi {
    pub(crate) const fn get() -> Option<Self> {
        None
    }

    pub(crate) fn truncated<const N: usize>(self, _inner: &[u32; 5], _outer: &[u32; 5], _first: u64) -> [u32; N] {
        match self.0 {}
    }
}
