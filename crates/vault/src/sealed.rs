//! XChaCha20-Poly1305 over bytes that stay where they are.

use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

pub(crate) const NONCE_LEN: usize = 24;
pub(crate) const TAG_LEN: usize = 16;

/// A ciphertext with its tag behind it, and the nonce that it was made with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) nonce: [u8; NONCE_LEN],
    pub(crate) ciphertext: Vec<u8>,
}

impl Sealed {
    pub(crate) fn seal(key: &[u8; 32], nonce: [u8; NONCE_LEN], header: &[u8], mut plain: Zeroizing<Vec<u8>>) -> Self {
        let tag = XChaCha20Poly1305::new(key.into())
            .encrypt_inout_detached(&XNonce::from(nonce), header, plain.as_mut_slice().into())
            .expect("a vault is far shorter than the cipher's limit of 256 GiB");
        let mut ciphertext = Vec::with_capacity(plain.len() + TAG_LEN);
        ciphertext.extend_from_slice(&plain);
        ciphertext.extend_from_slice(&tag);
        Self { nonce, ciphertext }
    }

    /// `None` where key, nonce, header and ciphertext do not belong together.
    pub(crate) fn open(&self, key: &[u8; 32], header: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (body, tag) = self.ciphertext.split_last_chunk::<TAG_LEN>()?;
        let mut plain = Zeroizing::new(body.to_vec());
        XChaCha20Poly1305::new(key.into())
            .decrypt_inout_detached(
                &XNonce::from(self.nonce),
                header,
                plain.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .ok()?;
        Some(plain)
    }
}
