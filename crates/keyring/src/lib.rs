//! Sealing, hashing and signing under a key file: the service's [`Sealer`](service::Sealer) and [`Signer`] over `ring`.
//!
//! The file (0600) is a few lines of text, one a key: `KIND ID CREATED_MS HEX`. Whoever has the file *and* the database has
//! every secret, so backups of one never hold the other.
//!
//! | kind | from its 32 bytes | older ones |
//! |---|---|---|
//! | `seal` | the AES-256-GCM key, by HKDF-SHA-256 | stay until nothing is sealed under them |
//! | `mac` | the HMAC-SHA-256 key itself | stay for ever: what was hashed cannot be hashed anew |
//! | `sign` | the Ed25519 seed, of the trail | stay for what they signed |
//! | `grant` | the Ed25519 seed, of grants | an hour beside the next one, which is first used ten minutes after it was made |
//! | `session` | the HMAC-SHA-256 key itself, of session tokens | 48 hours beside the next one: the longest session |
//!
//! The newest of each kind is used for what is new. A line of any other kind was written by a newer version, and is
//! refused: a program that passed over it would also leave it out.
//!
//! Whoever has the file open takes in further grant keys below what it read ([`Keyring::check`]), so that these are rotated
//! while a service runs; any other change is another keyring.
//!
//! Keyrings of before had no `mac` lines; the HMAC key was derived from the sealing key of the same number, and still is
//! where there is none. [`Keyring::upgrade`] writes it down, after which a sealing key can end without it.

mod error;
mod file;
mod grants;
mod lines;
pub mod private_file;
mod sealing;
mod sessions;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use ring::{
    aead::LessSafeKey,
    hmac,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use service::{Entropy, GrantKey, PortError, Signer, UnixMs};

pub use error::KeyringError;
use grants::GrantKeys;
pub use grants::NewGrantKey;
use lines::Lines;
use sealing::sealing_key;
use sessions::SessionKeys;

/// The keys of one keyring file.
pub struct Keyring {
    sealing: BTreeMap<u32, LessSafeKey>,
    macs: BTreeMap<u32, hmac::Key>,
    signing: BTreeMap<u32, Ed25519KeyPair>,
    sessions: SessionKeys,
    entropy: Arc<dyn Entropy>,
    grown: RwLock<Grown>,
}

/// What may become more while the keyring is in use: the grant keys, and the file that they are from.
struct Grown {
    grants: GrantKeys,
    file: file::Seen,
}

impl Keyring {
    /// The keyring of these lines; at least one of each kind, but for the MAC keys of a file of before.
    fn new(lines: &Lines, entropy: Arc<dyn Entropy>, file: file::Seen) -> Result<Self, KeyringError> {
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
            sessions: SessionKeys::of(lines),
            entropy,
            grown: RwLock::new(Grown {
                grants: GrantKeys::of(lines)?,
                file,
            }),
        })
    }

    fn grown(&self) -> RwLockReadGuard<'_, Grown> {
        // Only whole values are put there.
        self.grown.read().unwrap_or_else(PoisonError::into_inner)
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

    fn verify_with(&self, public_key: &[u8; 32], statement: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, public_key)
            .verify(statement, signature)
            .is_ok()
    }

    fn current_grant_key(&self, now: UnixMs) -> Result<String, PortError> {
        self.grown().grants.current(now)
    }

    fn sign_grant(&self, key_id: &str, statement: &[u8]) -> Result<Vec<u8>, PortError> {
        self.grown().grants.sign(key_id, statement)
    }

    fn verify_grant(&self, key_id: &str, statement: &[u8], signature: &[u8], now: UnixMs) -> bool {
        self.grown().grants.verify(key_id, statement, signature, now)
    }

    fn grant_keys(&self, now: UnixMs) -> Vec<GrantKey> {
        self.grown().grants.published(now)
    }

    fn sign_session(&self, statement: &[u8]) -> Result<(u32, [u8; 32]), PortError> {
        self.sessions.sign(statement)
    }

    fn verify_session(&self, key_id: u32, statement: &[u8], mac: &[u8; 32], now: UnixMs) -> bool {
        self.sessions.verify(key_id, statement, mac, now)
    }
}
