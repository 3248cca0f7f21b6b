//! Ports: the clock, randomness, sealing, signatures and cities, which the service is given.

use std::net::IpAddr;

use otp::Secret;
use store::Sealed;
use verify::UnixMs;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> UnixMs;

    /// A clock that is never set and that goes on while the machine sleeps, in milliseconds since some moment before
    /// the service started: Linux' `CLOCK_BOOTTIME`. What the wall clock says beyond it is a jump.
    fn monotonic_ms(&self) -> i64;

    /// Whether the kernel calls its wall clock synchronised. Asked only while the clock is doubted; may take a moment,
    /// and `false` where nobody can tell.
    fn synchronised(&self) -> bool;
}

/// Gives unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills all of it, or none may be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), PortError>;
}

/// Seals secrets for the database and hashes under keys that are not in it.
///
/// Two kinds of keys, numbered apart: a sealing key ends once nothing is sealed under it any more; a MAC key stays for
/// ever, for nothing that was hashed can be hashed anew.
pub trait Sealer: Send + Sync {
    /// Seals a secret for the record that `bound_to` describes, under the current sealing key, with a nonce that is
    /// used once. The key's id is bound too.
    fn seal(&self, bound_to: &[u8], secret: &Secret) -> Result<Sealed, PortError>;

    /// Opens what was sealed for that very record.
    fn open(&self, bound_to: &[u8], sealed: &Sealed) -> Result<Secret, PortError>;

    /// Seals for the same record, under the current sealing key, what an older one sealed; as long as it was. The record
    /// itself is not needed.
    fn reseal(&self, sealed: &Sealed) -> Result<Sealed, PortError>;

    /// Seals text under a key of its own, of 32 bytes, with a nonce that is used once under it: AES-256-GCM.
    fn seal_under(&self, key: &Secret, nonce: [u8; 12], text: Vec<u8>) -> Result<Vec<u8>, PortError>;

    /// Opens what [`seal_under`](Self::seal_under) sealed.
    fn open_under(&self, key: &Secret, nonce: [u8; 12], sealed: Vec<u8>) -> Result<Vec<u8>, PortError>;

    /// The sealing key that new seals use.
    fn current_sealing_key(&self) -> u32;

    /// HMAC-SHA-256 of what is hashed for this purpose, under the MAC key of this id.
    fn mac(&self, mac_key: u32, purpose: &str, data: &[u8]) -> Result<[u8; 32], PortError>;

    /// The MAC key that new hashes use.
    fn current_mac_key(&self) -> u32;

    /// Every MAC key, the current one last.
    fn mac_keys(&self) -> Vec<u32>;
}

/// Signs heads of the trail and its register.
pub trait Signer: Send + Sync {
    /// Ed25519.
    fn sign(&self, statement: &[u8]) -> Vec<u8>;

    /// Whether one of the keyring's signing keys, retired ones too, made this signature.
    fn verify(&self, statement: &[u8], signature: &[u8]) -> bool;

    /// Whether somebody else's key made this Ed25519 signature.
    fn verify_with(&self, public_key: &[u8; 32], statement: &[u8], signature: &[u8]) -> bool;

    /// The id (RFC 7638 thumbprint) of the key that grants are signed with at this time: the newest that verifiers have had
    /// time to fetch. Grant keys are a kind of their own.
    fn current_grant_key(&self, now: UnixMs) -> Result<String, PortError>;

    /// Ed25519 under the grant key of this id.
    fn sign_grant(&self, key_id: &str, statement: &[u8]) -> Result<Vec<u8>, PortError>;

    /// Whether the grant key of this id, if it is not retired at this time, made this signature.
    fn verify_grant(&self, key_id: &str, statement: &[u8], signature: &[u8], now: UnixMs) -> bool;

    /// The public keys by which grants are verified at this time: those to come, the current one, and those of which grants
    /// may still be alive.
    fn grant_keys(&self, now: UnixMs) -> Vec<GrantKey>;

    /// HMAC-SHA-256 under the newest session key, and that key's id. Session keys are a kind of their own.
    fn sign_session(&self, statement: &[u8]) -> Result<(u32, [u8; 32]), PortError>;

    /// Whether the session key of this id, if it is not retired at this time, made this MAC; in constant time.
    fn verify_session(&self, key_id: u32, statement: &[u8], mac: &[u8; 32], now: UnixMs) -> bool;
}

/// Tells the city of an address.
pub trait Cities: Send + Sync {
    /// Whether there is a database that tells any.
    fn is_in_force(&self) -> bool;

    /// Where this address is.
    fn locate(&self, address: IpAddr) -> Location;
}

/// Where an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In this city, named so that no other has its name.
    City(String),
    /// In a network of the operator's that is usual for everybody.
    UsualNetwork,
    /// Nobody knows.
    Unknown,
}

/// No database of cities.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCities;

impl Cities for NoCities {
    fn is_in_force(&self) -> bool {
        false
    }

    fn locate(&self, _: IpAddr) -> Location {
        Location::Unknown
    }
}

/// The public half of a grant key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantKey {
    /// RFC 7638 thumbprint of the key as a JWK.
    pub id: String,
    /// Ed25519 (RFC 8032).
    pub public: [u8; 32],
}

/// An error of a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// No randomness to be had.
    #[error("the system gives no random bytes")]
    Entropy,
    /// The keyring has no such sealing key.
    #[error("the keyring holds no sealing key {0}: bring the keyring file that sealed this database")]
    NoSuchKey(u32),
    /// The keyring has no such MAC key.
    #[error("the keyring holds no MAC key {0}: bring the keyring file that belongs to this database")]
    NoSuchMacKey(u32),
    /// The keyring has no grant key.
    #[error("the keyring holds no key for grants: start the service once, which adds one")]
    NoGrantKey,
    /// The keyring has no session key.
    #[error("the keyring holds no key for sessions: start the service once, which adds one")]
    NoSessionKey,
    /// The sealed bytes are not what was sealed for this record.
    #[error("a sealed secret does not open for its record: it was changed, or moved to another record")]
    DoesNotOpen,
}
