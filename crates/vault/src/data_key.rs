use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The data key of a vault, which every slot wraps: 32 random bytes.
///
/// Whoever keeps a vault unlocked for a while keeps this, in locked memory, and nothing else.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; DataKey::LEN_BYTES]);

impl DataKey {
    /// Its length.
    pub const LEN_BYTES: usize = 32;

    /// Takes a copy; the original is the caller's to wipe.
    pub fn from_bytes(bytes: &[u8; Self::LEN_BYTES]) -> Self {
        Self(*bytes)
    }

    /// The key itself.
    pub fn expose_secret(&self) -> &[u8; Self::LEN_BYTES] {
        &self.0
    }

    /// The key of the entries.
    pub(crate) fn contents_key(&self, vault_id: &[u8]) -> Zeroizing<[u8; 32]> {
        self.derived(vault_id, b"countersign/vault/contents/1")
    }

    /// The MAC of the header.
    pub(crate) fn header_mac(&self, vault_id: &[u8], header: &[u8]) -> Hmac<Sha256> {
        let key = self.derived(vault_id, b"countersign/vault/header/1");
        let mut mac = Hmac::<Sha256>::new_from_slice(&*key).expect("HMAC takes a key of any length");
        mac.update(header);
        mac
    }

    fn derived(&self, vault_id: &[u8], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        hkdf_sha256(&self.0, vault_id, purpose)
    }
}

/// RFC 5869, to 32 bytes.
pub(crate) fn hkdf_sha256(key_material: &[u8], salt: &[u8], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), key_material)
        .expand(purpose, &mut *key)
        .expect("32 bytes are one block of the expansion");
    key
}
