use core::{error, fmt};

use zeroize::{Zeroize, ZeroizeOnDrop};

const MAX_LEN: usize = 128;

/// The secret that device and verifier share: 1 to 128 bytes (RFC 4226 section 4, R6 asks for 16 at least and
/// recommends 20; tokens in the field have fewer and more).
///
/// Held inside the value and wiped when dropped. It cannot be printed, copied or compared; its bytes
/// are read by [`expose_secret`](Self::expose_secret), a name to search for.
pub struct Secret {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl Secret {
    /// A copy of `bytes`, whose wiping stays with the caller.
    ///
    /// # Errors
    /// [`SecretError`] for a length outside 1..=128.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SecretError> {
        Self::fill_with(bytes.len(), |secret| secret.copy_from_slice(bytes))
    }

    /// A secret of `len` bytes written in place by `fill`, which is handed exactly `len` zeros.
    ///
    /// # Errors
    /// [`SecretError`] for a length outside 1..=128; `fill` is not called then.
    pub fn fill_with(len: usize, fill: impl FnOnce(&mut [u8])) -> Result<Self, SecretError> {
        let mut secret = Self::zeros(len)?;
        fill(&mut secret.bytes[..len]);
        Ok(secret)
    }

    /// Like [`fill_with`](Self::fill_with) for a `fill` that can fail: an unsealing, a random source.
    /// What it had written before it failed is wiped.
    ///
    /// # Errors
    /// The outer one for a length outside 1..=128, without calling `fill`; the inner one is `fill`'s own.
    pub fn try_fill_with<E>(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Result<Self, E>, SecretError> {
        let mut secret = Self::zeros(len)?;
        Ok(fill(&mut secret.bytes[..len]).map(|()| secret))
    }

    /// The bytes themselves. Do not let them outlive the moment: no log, no copy that is not wiped.
    pub fn expose_secret(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    const fn zeros(len: usize) -> Result<Self, SecretError> {
        match len {
            0 => Err(SecretError::Empty),
            1..=MAX_LEN => Ok(Self {
                bytes: [0; MAX_LEN],
                len,
            }),
            _ => Err(SecretError::TooLong),
        }
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // Behind its length nothing was ever written.
        self.bytes[..self.len].zeroize();
        self.len.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

/// A length that no [`Secret`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// No bytes at all: anybody could compute its codes.
    Empty,
    /// More than 128 bytes.
    TooLong,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the secret is empty",
            Self::TooLong => "the secret is longer than 128 bytes",
        })
    }
}

impl error::Error for SecretError {}
