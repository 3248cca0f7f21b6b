//! Keys and proofs that both ends compute from the secrets they share.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Session, message::NAME_MAX_LEN_BYTES};

/// The token's secret, made by both halves of it; its length is `into`'s, and at most 64.
///
/// `HKDF-SHA-256(salt "countersign/secret/1", host's 32 bytes || token's 32 bytes, info serial number)`
pub fn secret(host_random: &[u8; 32], token_random: &[u8; 32], serial_number: &str, into: &mut [u8]) {
    let mut both = Zeroizing::new([0; 64]);
    both[..32].copy_from_slice(host_random);
    both[32..].copy_from_slice(token_random);
    let expanded = Hkdf::<Sha256>::new(Some(b"countersign/secret/1"), &*both).expand(serial_number.as_bytes(), into);
    // HKDF gives up to 255 hashes, which no caller comes near.
    debug_assert!(expanded.is_ok() && serial_number.len() <= NAME_MAX_LEN_BYTES);
}

/// The proof of possession in [`Response::Proof`](crate::Response::Proof): an HMAC-SHA-256 of session and nonce, under
/// `HKDF(secret, "countersign/possession/1")`. The secret itself signs nothing that a host chose.
pub fn possession(secret: &[u8], session: &Session, nonce: &[u8; 32]) -> [u8; 32] {
    let mut key = Zeroizing::new([0; 32]);
    let expanded = Hkdf::<Sha256>::new(None, secret).expand(b"countersign/possession/1", &mut *key);
    debug_assert!(expanded.is_ok());
    mac(&key, &[b"countersign/proof/1", session.transcript(), nonce])
}

/// Orders that only the holder of the management key may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Set the clock to this time, in seconds since 1970.
    SetTime(u64),
    /// Erase the secret.
    Wipe,
}

/// The tag of an order, good in this session only: HMAC-SHA-256 under the management key.
pub fn authorisation(management_key: &[u8; 32], session: &Session, order: Order) -> [u8; 32] {
    let (name, value): (&[u8], u64) = match order {
        Order::SetTime(unix_s) => (b"countersign/set time/1", unix_s),
        Order::Wipe => (b"countersign/wipe/1", 0),
    };
    mac(management_key, &[name, session.transcript(), &value.to_be_bytes()])
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is one for HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
