//! Text and bytes that hold secrets, and leave none behind when they grow.

use std::io;

use zeroize::Zeroizing;

/// A buffer that wipes what it outgrows.
pub(crate) struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl io::Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Zeros to write a secret of `len` bytes into.
pub(crate) fn zeros(len: usize) -> Zeroizing<Vec<u8>> {
    // A long one is given back to the system when it ends only where glibc maps it for itself, beyond 32 MiB. Room that is
    // never written to costs nothing.
    let capacity = if len < 4 << 20 { len } else { len.max((32 << 20) + 1) };
    let mut zeros = Zeroizing::new(Vec::with_capacity(capacity));
    zeros.resize(len, 0);
    zeros
}
