use crate::{Device, Pending, Sealed, Token};

/// What proves that a keyring is this database's. A witness is put down once for each key, before anything else is
/// sealed under it, by [`Write::Witness`](crate::Write::Witness).
pub trait Witnesses: Send + Sync {
    /// The witness of each key.
    fn witnesses(&self) -> Pending<'_, Vec<Sealed>>;

    /// A sealed device and a sealed token of each key, for a database that is older than witnesses: it may read all
    /// of them.
    fn sealed_samples(&self) -> Pending<'_, (Vec<Device>, Vec<Token>)>;
}
