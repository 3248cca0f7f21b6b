/// A secret as it is at rest: nonce, ciphertext and tag under the key of this id.
///
/// Only what made it can open it, and only together with the record it was sealed for.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key in the keyring.
    pub key_id: u32,
    /// Opaque to every engine.
    pub bytes: Vec<u8>,
}
