//! Sealing, hashing and signing under a key file: the service's [`Sealer`] and [`Signer`] over `ring`.
//!
//! The file (0600) is a few lines of text, one a key: `KIND ID CREATED_MS HEX`. Whoever has the file *and* the database has
//! every secret, so backups of one never hold the other.
//!
//! | kind | from its 32 bytes | older ones |
//! |---|---|---|
//! | `seal` | the AES-256-GCM key, by HKDF-SHA-256 | stay until nothing is sealed under them |
//! | `mac` | the HMAC-SHA-256 key itself | stay for ever: what was hashed cannot be hashed anew |
//! | `sign` | the Ed25519 seed | stay for what they signed |
//!
//! The newest of each kind is used for what is new. A line of any other kind was written by a newer version, and is
//! refused: a program that passed over it would also leave it out.
//!
//! Keyrings of before had no `mac` lines; the HMAC key was derived from the sealing key of the same number, and still is
//! where there is none. [`Keyring::upgrade`] writes it down, after which a sealing key can end without it.

mod error;
mod file;
mod format;
pub mod private_file;

use std::{collections::BTreeMap, sync::Arc};

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{Digest, SHA256, digest},
    hkdf::{HKDF_SHA256, Salt},
    hmac,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use service::{Entropy, PortError, Sealed, Sealer, Secret, Signer};
use zeroize::Zeroizing;

pub use error::KeyringError;

/// The keys of one keyring file.
pub struct Keyring {
    sealing: BTreeMap<u32, LessSafeKey>,
    macs: BTreeMap<u32, hmac::Key>,
    signing: BTreeMap<u32, Ed25519KeyPair>,
    entropy: Arc<dyn Entropy>,
    /// Of the file's bytes when it was opened.
    read_as: Digest,
}

/// The 32 bytes of a line, wiped.
pub(crate) type Material = Zeroizing<[u8; 32]>;

impl Keyring {
    /// The keyring of these lines; at least one of each kind, but for the MAC keys of a file of before.
    pub(crate) fn new(lines: &Lines, entropy: Arc<dyn Entropy>, read_as: Digest) -> Result<Self, KeyringError> {
        if lines.sealing.is_empty() || lines.signing.is_empty() {
            return Err(KeyringError::Damaged {
                line: 0,
                what: "at least one seal and one sign line are needed",
            });
        }
        let unusable = |_| KeyringError::Damaged {
            line: 0,
            what: "a key cannot be used",
        };
        let derived = lines.derived_macs();
        let macs = lines.macs.iter().chain(&derived);
        Ok(Self {
            sealing: lines
                .sealing
                .iter()
                .map(|(id, material)| (*id, sealing_key(material)))
                .collect(),
            macs: macs
                .map(|(id, material)| (*id, hmac::Key::new(hmac::HMAC_SHA256, &**material)))
                .collect(),
            signing: lines
                .signing
                .iter()
                .map(|(id, seed)| Ok((*id, Ed25519KeyPair::from_seed_unchecked(&**seed).map_err(unusable)?)))
                .collect::<Result<_, KeyringError>>()?,
            entropy,
            read_as,
        })
    }

    fn sealing(&self, id: u32) -> Result<&LessSafeKey, PortError> {
        self.sealing.get(&id).ok_or(PortError::NoSuchKey(id))
    }

    fn seal_for(&self, record: &RecordDigest, plain: &[u8]) -> Result<Sealed, PortError> {
        let key_id = self.current_sealing_key();
        // 96 random bits: at 2^32 seals under one key the chance of a repeated nonce is 2^-33; rotate before.
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce)?;
        let mut sealed = Zeroizing::new(Vec::with_capacity(plain.len() + 16));
        sealed.extend_from_slice(plain);
        self.sealing(key_id)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                associated(key_id, record),
                &mut *sealed,
            )
            .map_err(|_| PortError::DoesNotOpen)?;
        Ok(Sealed {
            key_id,
            bytes: [&record[..], &nonce, &sealed].concat(),
        })
    }

    /// Opens a sealed secret: the record it is bound to, and the secret.
    fn opened(&self, sealed: &Sealed) -> Result<(RecordDigest, Zeroizing<Vec<u8>>), PortError> {
        let key = self.sealing(sealed.key_id)?;
        let parts = sealed.bytes.split_first_chunk::<RECORD_LEN>();
        let (record, rest) = parts.ok_or(PortError::DoesNotOpen)?;
        let (nonce, bytes) = rest.split_first_chunk().ok_or(PortError::DoesNotOpen)?;
        let mut bytes = Zeroizing::new(bytes.to_vec());
        let plain = key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                associated(sealed.key_id, record),
                &mut bytes,
            )
            .map_err(|_| PortError::DoesNotOpen)?;
        let length = plain.len();
        bytes.truncate(length);
        Ok((*record, bytes))
    }
}

/// The keys that a file holds, each with its id.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) sealing: Vec<(u32, Material)>,
    pub(crate) macs: Vec<(u32, Material)>,
    pub(crate) signing: Vec<(u32, Material)>,
}

impl Lines {
    /// The MAC keys of a file of before: one of each sealing key, by its number, for each of them may have hashed.
    pub(crate) fn derived_macs(&self) -> Vec<(u32, Material)> {
        let of_before = self.macs.is_empty().then_some(&self.sealing);
        let sealing = of_before.into_iter().flatten();
        sealing.map(|(id, material)| (*id, derived(material, b"mac"))).collect()
    }
}

/// The key that is derived from a `seal` line's bytes for one use.
fn derived(material: &Material, label: &'static [u8]) -> Material {
    let root = Salt::new(HKDF_SHA256, b"countersign/keyring/1").extract(&**material);
    let mut bytes: Material = Zeroizing::new([0; 32]);
    root.expand(&[label], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *bytes))
        .expect("32 bytes are the output length of HKDF-SHA-256");
    bytes
}

fn sealing_key(material: &Material) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, &*derived(material, b"seal"));
    LessSafeKey::new(key.expect("32 bytes are the length of an AES-256 key"))
}

fn own_key(key: &Secret) -> Result<LessSafeKey, PortError> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose_secret());
    key.map(LessSafeKey::new).map_err(|_| PortError::DoesNotOpen)
}

/// Which record a sealed secret is bound to, where it stands before the nonce: the start of a SHA-256 of its description.
///
/// Why not the description itself, which would have to stand somewhere for whoever seals anew? It names account and user,
/// is longer than the secret, and of another length for each record; this is of one length, and names nobody. Half a
/// SHA-256 is enough: for two descriptions that it cannot tell apart somebody would need 2^64 records, of ids that we
/// choose. It is authenticated like the description was, so a changed one opens nothing.
type RecordDigest = [u8; RECORD_LEN];
const RECORD_LEN: usize = 16;

fn record(bound_to: &[u8]) -> RecordDigest {
    let mut short = [0; RECORD_LEN];
    short.copy_from_slice(&digest(&SHA256, bound_to).as_ref()[..RECORD_LEN]);
    short
}

/// The key's id and the record: what a sealed secret is bound to.
fn associated(key_id: u32, record: &RecordDigest) -> Aad<[u8; 4 + RECORD_LEN]> {
    let mut bytes = [0; 4 + RECORD_LEN];
    bytes[..4].copy_from_slice(&key_id.to_be_bytes());
    bytes[4..].copy_from_slice(record);
    Aad::from(bytes)
}

impl Sealer for Keyring {
    fn seal(&self, bound_to: &[u8], secret: &Secret) -> Result<Sealed, PortError> {
        self.seal_for(&record(bound_to), secret.expose_secret())
    }

    fn open(&self, bound_to: &[u8], sealed: &Sealed) -> Result<Secret, PortError> {
        let (of, plain) = self.opened(sealed)?;
        if of != record(bound_to) {
            return Err(PortError::DoesNotOpen);
        }
        Secret::from_slice(&plain).map_err(|_| PortError::DoesNotOpen)
    }

    fn reseal(&self, sealed: &Sealed) -> Result<Sealed, PortError> {
        let (record, plain) = self.opened(sealed)?;
        self.seal_for(&record, &plain)
    }

    fn seal_under(&self, key: &Secret, nonce: [u8; 12], mut text: Vec<u8>) -> Result<Vec<u8>, PortError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        own_key(key)?
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut text)
            .map_err(|_| PortError::DoesNotOpen)?;
        Ok(text)
    }

    fn open_under(&self, key: &Secret, nonce: [u8; 12], mut sealed: Vec<u8>) -> Result<Vec<u8>, PortError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let text = own_key(key)?.open_in_place(nonce, Aad::empty(), &mut sealed);
        let length = text.map_err(|_| PortError::DoesNotOpen)?.len();
        sealed.truncate(length);
        Ok(sealed)
    }

    fn current_sealing_key(&self) -> u32 {
        self.sealing.last_key_value().map_or(0, |(id, _)| *id)
    }

    fn mac(&self, mac_key: u32, purpose: &str, data: &[u8]) -> Result<[u8; 32], PortError> {
        let key = self.macs.get(&mac_key).ok_or(PortError::NoSuchMacKey(mac_key))?;
        let mut context = hmac::Context::with_key(key);
        context.update(&(purpose.len() as u32).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(data);
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        Ok(mac)
    }

    fn current_mac_key(&self) -> u32 {
        self.macs.last_key_value().map_or(0, |(id, _)| *id)
    }

    fn mac_keys(&self) -> Vec<u32> {
        self.macs.keys().copied().collect()
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
