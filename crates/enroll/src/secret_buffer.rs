//! A growing buffer of bytes that hold secrets: it leaves none behind when it grows.

use std::io;

use zeroize::Zeroizing;

/// A growing buffer that is wiped when dropped, and wipes what it outgrows.
///
/// `Zeroizing<Vec<u8>>` alone wipes the last of its allocations only: those before are freed as they were.
pub struct SecretBuffer(Zeroizing<Vec<u8>>);

impl SecretBuffer {
    /// An empty one with room for so many bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    /// Adds bytes at the end.
    pub fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// Bytes in it.
    #[allow(clippy::len_without_is_empty, reason = "nobody asks that of it")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes over what is there, from `at` on.
    ///
    /// # Panics
    /// There are fewer bytes than that.
    pub fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The bytes themselves, wiped when dropped.
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl io::Write for SecretBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
