//! The session: X25519 with the host's key committed first, HKDF-SHA-256, ChaCha20-Poly1305.

use core::fmt;

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Tag};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::VERSION;

/// The length of the tag that a seal adds to a message.
pub(crate) const TAG_LEN_BYTES: usize = 16;

/// One end's key pair, for one session.
pub(crate) struct KeyPair {
    private: Zeroizing<[u8; 32]>,
    pub(crate) public: [u8; 32],
}

impl KeyPair {
    pub(crate) fn of(random: &[u8; 32]) -> Self {
        Self {
            private: Zeroizing::new(*random),
            public: x25519(*random, X25519_BASEPOINT_BYTES),
        }
    }
}

/// Binds the host to its key before it shows it.
pub(crate) fn commitment(host_public: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"countersign/commit/1");
    hash.update(host_public);
    hash.finalize().into()
}

/// Which end this is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Host,
    Token,
}

/// The handshake, as both ends have seen it when they agree.
pub(crate) struct Seen<'a> {
    pub(crate) compare: bool,
    pub(crate) host_public: &'a [u8; 32],
    pub(crate) token_public: &'a [u8; 32],
}

/// Keys that two ends share. Has no `Debug` and no `Clone`; wiped when dropped.
pub struct Session {
    transcript: [u8; 32],
    compare: bool,
    sending: Direction,
    receiving: Direction,
    management_key: Zeroizing<[u8; 32]>,
}

/// One key, and how many messages it has sealed.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Direction {
    key: [u8; 32],
    messages: u64,
}

/// The seal is broken, or there is no room: the session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsealed;

impl Session {
    /// `None` when the other end's key is none: all who share a secret with it know that secret.
    pub(crate) fn agree(end: End, own: &KeyPair, seen: &Seen<'_>) -> Option<Self> {
        let other = match end {
            End::Host => seen.token_public,
            End::Token => seen.host_public,
        };
        let shared = Zeroizing::new(x25519(*own.private, *other));
        if bool::from(shared.ct_eq(&[0; 32])) {
            return None;
        }
        let transcript = transcript(seen);
        let keys = Hkdf::<Sha256>::new(Some(&transcript), &*shared);
        let derived = |label: &[u8]| {
            let mut key = Zeroizing::new([0; 32]);
            keys.expand(label, &mut *key).ok().map(|()| key)
        };
        let direction = |label: &[u8]| {
            let key = *derived(label)?;
            Some(Direction { key, messages: 0 })
        };
        let to_token = direction(b"countersign/to token/1")?;
        let to_host = direction(b"countersign/to host/1")?;
        let (sending, receiving) = match end {
            End::Host => (to_token, to_host),
            End::Token => (to_host, to_token),
        };
        Some(Self {
            transcript,
            compare: seen.compare,
            sending,
            receiving,
            management_key: derived(b"manage")?,
        })
    }

    /// The hash of what both ends have seen: the same on both sides, and in no other session.
    pub fn transcript(&self) -> &[u8; 32] {
        &self.transcript
    }

    /// True if somebody compares the digits.
    pub fn compares(&self) -> bool {
        self.compare
    }

    /// The digits that both ends show.
    pub fn digits(&self) -> ComparisonDigits {
        let mut hash = Sha256::new();
        hash.update(b"countersign/compare/1");
        hash.update(self.transcript);
        let hash: [u8; 32] = hash.finalize().into();
        let number = hash
            .iter()
            .take(8)
            .fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        ComparisonDigits((number % 1_000_000) as u32)
    }

    /// The management key of a token that is provisioned in this session.
    pub fn management_key(&self) -> &[u8; 32] {
        &self.management_key
    }

    /// Seals the beginning of `buffer`, whose rest takes the tag.
    pub(crate) fn seal<'b>(&mut self, buffer: &'b mut [u8], len: usize) -> Result<&'b [u8], Unsealed> {
        let (nonce, cipher) = self.sending.next()?;
        let sealed = buffer.get_mut(..len + TAG_LEN_BYTES).ok_or(Unsealed)?;
        let (message, tag) = sealed.split_at_mut(len);
        let made = cipher
            .encrypt_inout_detached(&nonce.into(), &[], message.into())
            .map_err(|_| Unsealed)?;
        tag.copy_from_slice(&made);
        Ok(sealed)
    }

    /// Opens what the other end sealed, in place.
    pub(crate) fn open<'b>(&mut self, sealed: &'b mut [u8]) -> Result<&'b mut [u8], Unsealed> {
        let (nonce, cipher) = self.receiving.next()?;
        let (message, tag) = sealed.split_last_chunk_mut::<TAG_LEN_BYTES>().ok_or(Unsealed)?;
        let tag = Tag::from(*tag);
        cipher
            .decrypt_inout_detached(&nonce.into(), &[], (&mut *message).into(), &tag)
            .map_err(|_| Unsealed)?;
        Ok(message)
    }
}

impl Direction {
    /// A key and a number are used once together.
    fn next(&mut self) -> Result<([u8; 12], ChaCha20Poly1305), Unsealed> {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.messages.to_le_bytes());
        self.messages = self.messages.checked_add(1).ok_or(Unsealed)?;
        Ok((nonce, ChaCha20Poly1305::new(&self.key.into())))
    }
}

fn transcript(seen: &Seen<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"countersign/session/1");
    hash.update([VERSION, u8::from(seen.compare)]);
    hash.update(commitment(seen.host_public));
    hash.update(seen.token_public);
    hash.update(seen.host_public);
    hash.finalize().into()
}

/// Six digits that are the same on both sides unless somebody stands in the middle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ComparisonDigits(u32);

impl ComparisonDigits {
    /// Below a million.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ComparisonDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

impl fmt::Debug for ComparisonDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
