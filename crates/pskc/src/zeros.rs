//! Room for a secret of a known length.

use zeroize::Zeroizing;

/// Zeros to write a secret of `len` bytes into.
pub(crate) fn zeros(len: usize) -> Zeroizing<Vec<u8>> {
    // A long one is given back to the system when it ends only where glibc maps it for itself, beyond 32 MiB. Room that is
    // never written to costs nothing.
    let capacity = if len < 4 << 20 { len } else { len.max((32 << 20) + 1) };
    let mut zeros = Zeroizing::new(Vec::with_capacity(capacity));
    zeros.resize(len, 0);
    zeros
}
