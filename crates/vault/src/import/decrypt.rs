//! Decryption of other apps' exports. Costs come from the file, so each is capped before any work.

use aes::Aes256;
use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use aes_gcm::aead::array::Array;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce};
use crypto_secretstream::{Header, Key, PullStream, Tag};
use hkdf::Hkdf;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::{Zeroize, Zeroizing};

use super::error::ImportError;
use crate::KdfCost;
use crate::cost::DeriveError;

pub(crate) type AesKey = Zeroizing<[u8; 32]>;

/// andOTP takes some 150,000, 2FAS 10,000.
const MAX_PBKDF2_ITERATIONS: u32 = 2_000_000;
/// The most work of scrypt for all slots of an Aegis vault, in bytes; one usual slot has 32 MiB.
pub(crate) const MAX_SCRYPT_WORK_BYTES: u64 = 1 << 30;

pub(crate) const TOO_DEAR: ImportError =
    ImportError::Cost("checking the password would take more memory or time than is spent on any file");

pub(crate) fn argon2id(cost: KdfCost, password: &[u8], salt: &[u8]) -> Result<AesKey, ImportError> {
    cost.derive(password, salt).map_err(|error| match error {
        DeriveError::OutOfMemory => ImportError::Cost("there is not enough memory to check the password"),
        DeriveError::Refused => ImportError::Cost("its salt is not one that Argon2 takes"),
    })
}

/// The work of scrypt with these numbers, and never less than what it holds at once: N blocks for each lane, and all lanes'
/// own blocks with two to mix in. `None` for numbers that it does not take.
pub(crate) fn scrypt_work_bytes(n: u64, r: u32, p: u32) -> Option<u64> {
    if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
        return None;
    }
    let (block_len, p) = (128 * u64::from(r), u64::from(p));
    n.checked_mul(p)?.checked_add(p + 2)?.checked_mul(block_len)
}

pub(crate) fn scrypt(password: &[u8], salt: &[u8], n: u64, r: u32, p: u32) -> Result<AesKey, ImportError> {
    if scrypt_work_bytes(n, r, p).is_none_or(|work| work > MAX_SCRYPT_WORK_BYTES) {
        return Err(TOO_DEAR);
    }
    let params = scrypt::Params::new(n.trailing_zeros() as u8, r, p).map_err(|_| TOO_DEAR)?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password, salt, &params, &mut *key).map_err(|_| TOO_DEAR)?;
    Ok(key)
}

pub(crate) fn pbkdf2_sha1(password: &[u8], salt: &[u8], iterations: u32) -> Result<AesKey, ImportError> {
    check_iterations(iterations)?;
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut *key);
    Ok(key)
}

pub(crate) fn pbkdf2_sha256(password: &[u8], salt: &[u8], iterations: u32) -> Result<AesKey, ImportError> {
    check_iterations(iterations)?;
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut *key);
    Ok(key)
}

pub(crate) fn pbkdf2_sha512(password: &[u8], salt: &[u8], iterations: u32) -> Result<AesKey, ImportError> {
    check_iterations(iterations)?;
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut *key);
    Ok(key)
}

/// RFC 5869's second half alone: the key is as good as a pseudorandom one already.
pub(crate) fn hkdf_expand_sha256(key: &AesKey, purpose: &[u8]) -> AesKey {
    let mut expanded = Zeroizing::new([0; 32]);
    let hkdf = Hkdf::<Sha256>::from_prk(&**key).expect("32 bytes are as long as a hash");
    hkdf.expand(purpose, &mut *expanded)
        .expect("32 bytes are one block of the expansion");
    expanded
}

fn check_iterations(iterations: u32) -> Result<(), ImportError> {
    match iterations {
        1..=MAX_PBKDF2_ITERATIONS => Ok(()),
        _ => Err(TOO_DEAR),
    }
}

/// AES-256-GCM, a nonce of 12 bytes, the tag of 16 behind the ciphertext. `None` where they do not belong together.
pub(crate) fn aes_gcm(key: &AesKey, nonce: &[u8], sealed: &[u8], associated: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let nonce: [u8; 12] = nonce.try_into().ok()?;
    let (body, tag) = sealed.split_last_chunk::<16>()?;
    let mut plain = Zeroizing::new(body.to_vec());
    Aes256Gcm::new(&Array(**key))
        .decrypt_inout_detached(
            &Nonce::from(nonce),
            associated,
            plain.as_mut_slice().into(),
            &Array(*tag),
        )
        .ok()?;
    Some(plain)
}

/// AES-256-CBC with PKCS #7's padding. Without a MAC beside it, `Some` proves nothing.
pub(crate) fn aes_cbc(key: &AesKey, iv: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let iv: [u8; 16] = iv.try_into().ok()?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    let len = cbc::Decryptor::<Aes256>::new(&Array(**key), &Array(iv))
        .decrypt_padded::<Pkcs7>(&mut plain)
        .ok()?
        .len();
    plain.truncate(len);
    Some(plain)
}

/// A stream of libsodium's `secretstream` that is a single message. It need not say that it is the last one: Ente's does not,
/// and its MAC is over all of it. (The crate's own copies of the key and of the state
/// are not wiped; the key opens this one file only.)
pub(crate) fn secretstream(key: &AesKey, header: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let header = Header::try_from(header).ok()?;
    let mut plain = sealed.to_vec();
    let pulled = PullStream::init(header, &Key::from(**key)).pull(&mut plain, &[]);
    let mut plain = Zeroizing::new(plain);
    match pulled {
        Ok(Tag::Final | Tag::Message) => Some(plain),
        _ => {
            plain.zeroize();
            None
        }
    }
}
