//! The ciphers of RFC 6030 section 6: XML Encryption's CBC modes and key wraps, of AES, Camellia and 3DES.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherDecrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use aes_kw::{AesKw, AesKwp};
use camellia::{Camellia128, Camellia192, Camellia256};
use des::{TdesEde2, TdesEde3};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::names::{XENC, fragment};
use crate::zeros::zeros;

/// The block of AES, and so the length of its initialisation vector.
pub(super) const AES_BLOCK_LEN: usize = 16;
const DES_BLOCK_LEN: usize = 8;

/// A cipher of XML Encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128Cbc,
    Aes192Cbc,
    Aes256Cbc,
    /// Read only: old tokens' files.
    TripleDesCbc,
    /// Read only, as all of Camellia's (RFC 4051).
    Camellia128Cbc,
    Camellia192Cbc,
    Camellia256Cbc,
    KwAes128,
    KwAes192,
    KwAes256,
    KwCamellia128,
    KwCamellia192,
    KwCamellia256,
    /// RFC 3217, read only.
    KwTripleDes,
}

/// A value that this key did not make.
#[derive(Debug)]
pub(super) struct Undecryptable;

impl Cipher {
    const ALL: [Self; 14] = [
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
        Self::TripleDesCbc,
        Self::Camellia128Cbc,
        Self::Camellia192Cbc,
        Self::Camellia256Cbc,
        Self::KwAes128,
        Self::KwAes192,
        Self::KwAes256,
        Self::KwCamellia128,
        Self::KwCamellia192,
        Self::KwCamellia256,
        Self::KwTripleDes,
    ];

    pub(super) fn from_uri(uri: &str) -> Option<Self> {
        match fragment(uri).as_str() {
            "kw-aes-128-pad" => Some(Self::KwAes128),
            "kw-aes-192-pad" => Some(Self::KwAes192),
            "kw-aes-256-pad" => Some(Self::KwAes256),
            name => Self::ALL.into_iter().find(|cipher| cipher.name() == name),
        }
    }

    /// The CBC cipher of a key of this length.
    pub(super) fn for_key(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Some(Self::Aes128Cbc),
            24 => Some(Self::Aes192Cbc),
            32 => Some(Self::Aes256Cbc),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Aes128Cbc => "aes128-cbc",
            Self::Aes192Cbc => "aes192-cbc",
            Self::Aes256Cbc => "aes256-cbc",
            Self::TripleDesCbc => "tripledes-cbc",
            Self::Camellia128Cbc => "camellia128-cbc",
            Self::Camellia192Cbc => "camellia192-cbc",
            Self::Camellia256Cbc => "camellia256-cbc",
            Self::KwAes128 => "kw-aes128",
            Self::KwAes192 => "kw-aes192",
            Self::KwAes256 => "kw-aes256",
            Self::KwCamellia128 => "kw-camellia128",
            Self::KwCamellia192 => "kw-camellia192",
            Self::KwCamellia256 => "kw-camellia256",
            Self::KwTripleDes => "kw-tripledes",
        }
    }

    /// The name of a cipher of XML Encryption 1.0, as all are that are written.
    pub(super) fn uri(self) -> String {
        format!("{XENC}{}", self.name())
    }

    /// True if a value says by itself that it was changed.
    pub(super) fn authenticates(self) -> bool {
        !matches!(
            self,
            Self::Aes128Cbc
                | Self::Aes192Cbc
                | Self::Aes256Cbc
                | Self::TripleDesCbc
                | Self::Camellia128Cbc
                | Self::Camellia192Cbc
                | Self::Camellia256Cbc
        )
    }

    pub(super) fn fits(self, key: &[u8]) -> bool {
        match self {
            Self::Aes128Cbc | Self::KwAes128 | Self::Camellia128Cbc | Self::KwCamellia128 => key.len() == 16,
            Self::Aes192Cbc | Self::KwAes192 | Self::Camellia192Cbc | Self::KwCamellia192 => key.len() == 24,
            Self::Aes256Cbc | Self::KwAes256 | Self::Camellia256Cbc | Self::KwCamellia256 => key.len() == 32,
            Self::TripleDesCbc | Self::KwTripleDes => matches!(key.len(), 16 | 24),
        }
    }

    /// The value under `key`, which [`fits`](Self::fits).
    pub(super) fn decrypt(self, key: &[u8], value: &[u8]) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
        match self {
            Self::Aes128Cbc => decrypt_cbc::<cbc::Decryptor<Aes128>>(key, value, AES_BLOCK_LEN),
            Self::Aes192Cbc => decrypt_cbc::<cbc::Decryptor<Aes192>>(key, value, AES_BLOCK_LEN),
            Self::Aes256Cbc => decrypt_cbc::<cbc::Decryptor<Aes256>>(key, value, AES_BLOCK_LEN),
            Self::Camellia128Cbc => decrypt_cbc::<cbc::Decryptor<Camellia128>>(key, value, AES_BLOCK_LEN),
            Self::Camellia192Cbc => decrypt_cbc::<cbc::Decryptor<Camellia192>>(key, value, AES_BLOCK_LEN),
            Self::Camellia256Cbc => decrypt_cbc::<cbc::Decryptor<Camellia256>>(key, value, AES_BLOCK_LEN),
            Self::TripleDesCbc if key.len() == 16 => decrypt_cbc::<cbc::Decryptor<TdesEde2>>(key, value, DES_BLOCK_LEN),
            Self::TripleDesCbc => decrypt_cbc::<cbc::Decryptor<TdesEde3>>(key, value, DES_BLOCK_LEN),
            Self::KwAes128 => unwrap::<Aes128>(key, value),
            Self::KwAes192 => unwrap::<Aes192>(key, value),
            Self::KwAes256 => unwrap::<Aes256>(key, value),
            Self::KwCamellia128 => unwrap::<Camellia128>(key, value),
            Self::KwCamellia192 => unwrap::<Camellia192>(key, value),
            Self::KwCamellia256 => unwrap::<Camellia256>(key, value),
            Self::KwTripleDes if key.len() == 16 => unwrap_3des::<cbc::Decryptor<TdesEde2>>(key, value),
            Self::KwTripleDes => unwrap_3des::<cbc::Decryptor<TdesEde3>>(key, value),
        }
    }

    /// `value` under `key`, which [`fits`](Self::fits), after its initialisation vector. Only the CBC modes of AES are
    /// written; `None` for the others.
    pub(super) fn encrypt(self, key: &[u8], iv: &[u8; AES_BLOCK_LEN], value: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Aes128Cbc => encrypt_cbc::<cbc::Encryptor<Aes128>>(key, iv, value),
            Self::Aes192Cbc => encrypt_cbc::<cbc::Encryptor<Aes192>>(key, iv, value),
            Self::Aes256Cbc => encrypt_cbc::<cbc::Encryptor<Aes256>>(key, iv, value),
            _ => None,
        }
    }
}

fn decrypt_cbc<C: BlockModeDecrypt + KeyIvInit>(
    key: &[u8],
    value: &[u8],
    block_len: usize,
) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
    let (iv, encrypted) = value.split_at_checked(block_len).ok_or(Undecryptable)?;
    let mut plain = zeros(encrypted.len());
    C::new_from_slices(key, iv)
        .map_err(|_| Undecryptable)?
        .decrypt_padded_b2b::<NoPadding>(encrypted, &mut plain)
        .map_err(|_| Undecryptable)?;
    // XML Encryption 1.0 section 5.2: the last byte counts the padding, whose other bytes are arbitrary.
    let padding = plain.last().map(|&count| usize::from(count)).ok_or(Undecryptable)?;
    if padding == 0 || padding > block_len {
        return Err(Undecryptable);
    }
    let len = plain.len() - padding;
    plain.truncate(len);
    Ok(plain)
}

/// RFC 3217 section 3.2: encrypted twice, turned round in between, with a checksum at the end.
fn unwrap_3des<C: BlockModeDecrypt + KeyIvInit>(key: &[u8], value: &[u8]) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
    const IV: [u8; DES_BLOCK_LEN] = [0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05];
    // An initialisation vector, a checksum, and one block at least.
    if value.len() < 3 * DES_BLOCK_LEN {
        return Err(Undecryptable);
    }
    let decrypt = |iv: &[u8], value: &[u8]| {
        let mut plain = zeros(value.len());
        C::new_from_slices(key, iv)
            .map_err(|_| Undecryptable)?
            .decrypt_padded_b2b::<NoPadding>(value, &mut plain)
            .map_err(|_| Undecryptable)?;
        Ok(plain)
    };
    let mut inner = decrypt(&IV, value)?;
    inner.reverse();
    let (iv, inner) = inner.split_at_checked(DES_BLOCK_LEN).ok_or(Undecryptable)?;
    let mut plain = decrypt(iv, inner)?;
    let len = plain.len() - DES_BLOCK_LEN;
    let checksum = Sha1::digest(&plain[..len]);
    if !bool::from(checksum[..DES_BLOCK_LEN].ct_eq(&plain[len..])) {
        return Err(Undecryptable);
    }
    plain.truncate(len);
    Ok(plain)
}

/// RFC 3394, or RFC 5649 for secrets that are not whole blocks of 64 bits: the value says which, for it fails the other's
/// check.
fn unwrap<C>(key: &[u8], value: &[u8]) -> Result<Zeroizing<Vec<u8>>, Undecryptable>
where
    C: KeyInit + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    // A check value and one block at least.
    if value.len() < 16 {
        return Err(Undecryptable);
    }
    let mut plain = zeros(value.len() - 8);
    if value.len() >= 24 {
        let cipher = AesKw::<C>::new_from_slice(key).map_err(|_| Undecryptable)?;
        if cipher.unwrap_key(value, &mut plain).is_ok() {
            return Ok(plain);
        }
    }
    let cipher = AesKwp::<C>::new_from_slice(key).map_err(|_| Undecryptable)?;
    let len = cipher.unwrap_key(value, &mut plain).map_err(|_| Undecryptable)?.len();
    plain.truncate(len);
    Ok(plain)
}

fn encrypt_cbc<C: BlockModeEncrypt + KeyIvInit>(key: &[u8], iv: &[u8; AES_BLOCK_LEN], value: &[u8]) -> Option<Vec<u8>> {
    // PKCS #7, which is one of the paddings that XML Encryption allows, and the one that everybody can take off.
    let padding = AES_BLOCK_LEN - value.len() % AES_BLOCK_LEN;
    let mut padded = zeros(value.len() + padding);
    padded[..value.len()].copy_from_slice(value);
    padded[value.len()..].fill(u8::try_from(padding).unwrap_or_default());
    let mut encrypted = vec![0; AES_BLOCK_LEN + padded.len()];
    encrypted[..AES_BLOCK_LEN].copy_from_slice(iv);
    C::new_from_slices(key, iv)
        .ok()?
        .encrypt_padded_b2b::<NoPadding>(&padded, &mut encrypted[AES_BLOCK_LEN..])
        .ok()?;
    Some(encrypted)
}
