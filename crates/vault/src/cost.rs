//! The cost of a passphrase's key derivation (Argon2id), and the most that a file may ask for.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

/// The cost of Argon2id (RFC 9106). A file says its own; whatever a file says is within these limits, so that opening it
/// ends in seconds and in a gibibyte, whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl KdfCost {
    /// 64 MiB, 3 passes, 4 lanes: the second recommended option of RFC 9106 section 4.
    pub const DEFAULT: Self = Self {
        memory_kib: 64 << 10,
        passes: 3,
        lanes: 4,
    };
    /// Most memory: 1 GiB, in KiB.
    pub const MAX_MEMORY_KIB: u32 = 1 << 20;
    /// Most lanes.
    pub const MAX_LANES: u32 = 16;
    /// Most memory times passes: 4 GiB, in KiB, which is what libsodium calls sensitive; less than ten seconds. A file's
    /// passphrase slots share it.
    pub const MAX_WORK_KIB: u64 = 4 << 20;

    /// Checks a cost, a file's or a user's. No lower limit beyond Argon2's own: a cheap vault harms its owner only.
    ///
    /// # Errors
    /// [`CostError`] names the limit.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        if memory_kib > Self::MAX_MEMORY_KIB {
            return Err(CostError::Memory { memory_kib });
        }
        if lanes > Self::MAX_LANES {
            return Err(CostError::Lanes { lanes });
        }
        // RFC 9106 section 3.1
        if passes == 0 || lanes == 0 || memory_kib < 8 * lanes {
            return Err(CostError::TooLow);
        }
        let cost = Self {
            memory_kib,
            passes,
            lanes,
        };
        if cost.work_kib() > Self::MAX_WORK_KIB {
            return Err(CostError::Work);
        }
        Ok(cost)
    }

    /// The memory of one guess, in KiB.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Parts of the memory that can be filled side by side.
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// Memory times passes.
    pub(crate) const fn work_kib(self) -> u64 {
        self.memory_kib as u64 * self.passes as u64
    }

    pub(crate) fn derive(self, password: &[u8], salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, DeriveError> {
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| DeriveError::Refused)?;
        let mut memory = Memory::allocate(params.block_count())?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password, salt, &mut *key, &mut memory.0[..])
            .map_err(|_| DeriveError::Refused)?;
        Ok(key)
    }
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeriveError {
    OutOfMemory,
    /// A salt or a password that Argon2 does not take.
    Refused,
}

/// Argon2's working memory, which the password can be guessed from faster than from the key.
struct Memory(Vec<Block>);

impl Memory {
    fn allocate(blocks: usize) -> Result<Self, DeriveError> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(blocks).map_err(|_| DeriveError::OutOfMemory)?;
        memory.resize(blocks, Block::default());
        Ok(Self(memory))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// A cost outside the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// No pass, no lane, or less than 8 KiB a lane.
    #[error("the cost of the passphrase is below what Argon2 can do: one pass, one lane, 8 KiB a lane")]
    TooLow,
    /// More than [`KdfCost::MAX_MEMORY_KIB`].
    #[error("the passphrase would take {} MiB of memory: 1024 MiB is the most that is spent", .memory_kib / 1024)]
    Memory {
        /// What was asked for.
        memory_kib: u32,
    },
    /// More than [`KdfCost::MAX_LANES`].
    #[error("the passphrase would take {lanes} lanes: 16 is the most that is spent")]
    Lanes {
        /// What was asked for.
        lanes: u32,
    },
    /// More than [`KdfCost::MAX_WORK_KIB`].
    #[error("the passphrase would take minutes: memory times passes may be 4 GiB at most")]
    Work,
}
