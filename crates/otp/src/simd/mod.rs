//! HMAC-SHA-1 of several messages at once, by instructions that this processor may have. The only `unsafe` of the workspace.

#![allow(unsafe_code)]

mod avx2;
mod avx512;
mod sha_ni;
mod vector;

use crate::lanes::Lanes;

cpufeatures::new!(has_avx512, "avx512f");
cpufeatures::new!(has_avx2, "avx2");
cpufeatures::new!(has_sha_ni, "sha", "sse2", "ssse3", "sse4.1");

/// Proof that the processor has vectors for [`Lanes`].
#[derive(Clone, Copy)]
pub(crate) struct Vectors(Width);

#[derive(Clone, Copy)]
enum Width {
    Avx512,
    Avx2,
}

impl Vectors {
    pub(crate) fn avx512() -> Option<Self> {
        has_avx512::get().then_some(Self(Width::Avx512))
    }

    pub(crate) fn avx2() -> Option<Self> {
        has_avx2::get().then_some(Self(Width::Avx2))
    }

    /// Makes both midstates of each lane from its key block.
    pub(crate) fn midstates(self, lanes: &mut Lanes) {
        match self.0 {
            // SAFETY: the processor has AVX-512F, or there were no such value.
            Width::Avx512 => unsafe { avx512::midstates(lanes) },
            // SAFETY: the processor has AVX2, or there were no such value.
            Width::Avx2 => unsafe { avx2::midstates(lanes) },
        }
    }

    /// Looks at which of its steps each lane's code stands.
    pub(crate) fn look(self, lanes: &mut Lanes) {
        match self.0 {
            // SAFETY: the processor has AVX-512F, or there were no such value.
            Width::Avx512 => unsafe { avx512::look(lanes) },
            // SAFETY: the processor has AVX2, or there were no such value.
            Width::Avx2 => unsafe { avx2::look(lanes) },
        }
    }
}

/// Proof that the processor has the SHA extensions.
#[derive(Clone, Copy)]
pub(crate) struct ShaNi(());

impl ShaNi {
    #[inline]
    pub(crate) fn get() -> Option<Self> {
        has_sha_ni::get().then_some(Self(()))
    }

    /// The truncated HMACs of `first` and the `N - 1` steps after it, from both midstates.
    #[inline]
    pub(crate) fn truncated<const N: usize>(self, inner: &[u32; 5], outer: &[u32; 5], first: u64) -> [u32; N] {
        // SAFETY: the processor has the SHA extensions, SSSE3 and SSE4.1, or there were no such value.
        unsafe { sha_ni::truncated(inner, outer, first) }
    }
}
