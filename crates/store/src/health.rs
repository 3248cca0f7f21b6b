use crate::StoreError;

/// What an engine says of the medium under it.
pub trait Health: Send + Sync {
    /// Whether what is decided here can be trusted: the files are the ones that were opened, and nobody else decides
    /// about them. While it is not, nothing is committed and no key is known.
    fn trusted(&self) -> Result<(), StoreError>;

    /// A number that is another one after any API key was made or revoked, by whatever process. Cheap enough for every
    /// request, so that a cache of keys can be trusted.
    fn api_key_generation(&self) -> Result<u64, StoreError>;

    /// What could not be read since the engine was opened.
    fn damage(&self) -> Damage;
}

/// What was found damaged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// How many reads and writes met it.
    pub reads: u64,
    /// The first of what they met, in words without a secret.
    pub first: Vec<String>,
}
