//! The health of an engine: trust in its files, and damage it has met.

use crate::StoreError;

/// The health of an engine and of the medium under it.
pub trait Health: Send + Sync {
    /// Refuses where what is decided here cannot be trusted. It can while the files are the ones that were opened, and
    /// nobody else decides about them; else nothing is committed and no key is known.
    fn trusted(&self) -> Result<(), StoreError>;

    /// A number that is another one after any API key was made or revoked, by whatever process. Cheap enough for every
    /// request, so that a cache of keys can be trusted.
    fn api_key_generation(&self) -> Result<u64, StoreError>;

    /// The damage met since the engine was opened.
    fn damage(&self) -> Damage;
}

/// Damage that was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// The number of reads and writes that met it.
    pub reads: u64,
    /// The first of what they met, in words without a secret.
    pub first: Vec<String>,
}
