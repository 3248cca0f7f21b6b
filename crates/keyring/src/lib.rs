//! Sealing and signing under a key file: the service's [`Sealer`] and [`Signer`] over `ring`.
//!
//! The file (0600) is a few lines of text, `seal ID CREATED_MS HEX` and `sign ID CREATED_MS HEX`. The newest
//! of each kind is used for what is new; older ones stay for what was made under them. Whoever has the file
//! *and* the database has every secret, so backups of one never hold the other.
//!
//! From the 32 bytes of a `seal` line come, by HKDF-SHA-256 with a label each, the AES-256-GCM key that
//! seals and the HMAC key that hashes. A `sign` line is an Ed25519 seed.

mod file;
mod plain;

use std::{collections::BTreeMap, sync::Arc};

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::Digest,
    hkdf::{HKDF_SHA256, Salt},
    hmac,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use service::{Entropy, PortError, Sealed, Sealer, Secret, Signer};
use zeroize::Zeroizing;

pub use file::KeyringError;
pub use plain::open_plain;

/// The keys of one keyring file.
pub struct Keyring {
    sealing: BTreeMap<u32, SealingKey>,
    signing: BTreeMap<u32, Ed25519KeyPair>,
    entropy: Arc<dyn Entropy>,
    /// Of the file's bytes when it was opened.
    read_as: Digest,
}

struct SealingKey {
    aead: LessSafeKey,
    mac: hmac::Key,
}

/// The 32 bytes of a line, wiped.
pub(crate) type Material = Zeroizing<[u8; 32]>;

impl Keyring {
    /// The keyring of these lines; at least one of each kind.
    pub(crate) fn new(
        sealing: Vec<(u32, Material)>,
        signing: Vec<(u32, Material)>,
        entropy: Arc<dyn Entropy>,
        read_as: Digest,
    ) -> Result<Self, KeyringError> {
        if sealing.is_empty() || signing.is_empty() {
            return Err(KeyringError::Damaged {
                line: 0,
                what: "at least one seal and one sign line are needed",
            });
        }
        let unusable = |_| KeyringError::Damaged {
            line: 0,
            what: "a key cannot be used",
        };
        Ok(Self {
            sealing: sealing
                .into_iter()
                .map(|(id, bytes)| (id, SealingKey::derived(&bytes)))
                .collect(),
            signing: signing
                .into_iter()
                .map(|(id, seed)| Ok((id, Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(unusable)?)))
                .collect::<Result<_, KeyringError>>()?,
            entropy,
            read_as,
        })
    }

    fn sealing(&self, id: u32) -> Result<&SealingKey, PortError> {
        self.sealing.get(&id).ok_or(PortError::NoSuchKey(id))
    }
}

impl SealingKey {
    fn derived(material: &[u8; 32]) -> Self {
        let root = Salt::new(HKDF_SHA256, b"countersign/keyring/1").extract(material);
        let expand = |label: &'static [u8]| {
            let mut bytes: Material = Zeroizing::new([0; 32]);
            root.expand(&[label], HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut *bytes))
                .expect("32 bytes are the output length of HKDF-SHA-256");
            bytes
        };
        let aead = UnboundKey::new(&AES_256_GCM, &*expand(b"seal")).expect("32 bytes are the length of an AES-256 key");
        Self {
            aead: LessSafeKey::new(aead),
            mac: hmac::Key::new(hmac::HMAC_SHA256, &*expand(b"mac")),
        }
    }
}

/// The key's id and the record: what a sealed secret is bound to.
fn associated(key_id: u32, bound_to: &[u8]) -> Aad<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4 + bound_to.len());
    bytes.extend(key_id.to_be_bytes());
    bytes.extend(bound_to);
    Aad::from(bytes)
}

impl Sealer for Keyring {
    fn seal(&self, bound_to: &[u8], secret: &Secret) -> Result<Sealed, PortError> {
        let key_id = self.current_key();
        // 96 random bits: at 2^32 seals under one key the chance of a repeated nonce is 2^-33; rotate before.
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce)?;
        let mut sealed = Zeroizing::new(Vec::with_capacity(128 + 16));
        sealed.extend_from_slice(secret.expose_secret());
        self.sealing(key_id)?
            .aead
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                associated(key_id, bound_to),
                &mut *sealed,
            )
            .map_err(|_| PortError::DoesNotOpen)?;
        Ok(Sealed {
            key_id,
            bytes: [&nonce, sealed.as_slice()].concat(),
        })
    }

    fn open(&self, bound_to: &[u8], sealed: &Sealed) -> Result<Secret, PortError> {
        let key = self.sealing(sealed.key_id)?;
        let (nonce, bytes) = sealed.bytes.split_first_chunk().ok_or(PortError::DoesNotOpen)?;
        let mut bytes = Zeroizing::new(bytes.to_vec());
        let plain = key
            .aead
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                associated(sealed.key_id, bound_to),
                &mut bytes,
            )
            .map_err(|_| PortError::DoesNotOpen)?;
        Secret::from_slice(plain).map_err(|_| PortError::DoesNotOpen)
    }

    fn mac(&self, key_id: u32, purpose: &str, data: &[u8]) -> Result<[u8; 32], PortError> {
        let mut context = hmac::Context::with_key(&self.sealing(key_id)?.mac);
        context.update(&(purpose.len() as u32).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(data);
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        Ok(mac)
    }

    fn current_key(&self) -> u32 {
        self.sealing.last_key_value().map_or(0, |(id, _)| *id)
    }
}

impl Signer for Keyring {
    fn sign(&self, statement: &[u8]) -> Vec<u8> {
        let (_, newest) = self
            .signing
            .last_key_value()
            .expect("a keyring has a signing key; `new` sees to it");
        newest.sign(statement).as_ref().to_vec()
    }

    fn verify(&self, statement: &[u8], signature: &[u8]) -> bool {
        let signed_by = |pair: &Ed25519KeyPair| {
            UnparsedPublicKey::new(&ED25519, pair.public_key())
                .verify(statement, signature)
                .is_ok()
        };
        self.signing.values().any(signed_by)
    }
}
