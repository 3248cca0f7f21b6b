//! `MACMethod` and `ValueMAC` (RFC 6030 section 6.1.1): what a CBC value needs, for a change of it would go unseen.

use hmac::{Hmac, KeyInit, Mac as _};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::names::fragment;

/// Which HMAC authenticates a container's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MacAlgorithm {
    HmacSha1,
    HmacSha224,
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

impl MacAlgorithm {
    pub(super) fn from_uri(uri: &str) -> Option<Self> {
        match fragment(uri).as_str() {
            "hmac-sha1" => Some(Self::HmacSha1),
            "hmac-sha224" => Some(Self::HmacSha224),
            "hmac-sha256" => Some(Self::HmacSha256),
            "hmac-sha384" => Some(Self::HmacSha384),
            "hmac-sha512" => Some(Self::HmacSha512),
            _ => None,
        }
    }

    /// True if `mac` is that of `value`, found out in constant time.
    pub(super) fn verify(self, key: &[u8], value: &[u8], mac: &[u8]) -> bool {
        fn verify<M: hmac::Mac + KeyInit>(key: &[u8], value: &[u8], mac: &[u8]) -> bool {
            M::new_from_slice(key).is_ok_and(|hmac| hmac.chain_update(value).verify_slice(mac).is_ok())
        }
        match self {
            Self::HmacSha1 => verify::<Hmac<Sha1>>(key, value, mac),
            Self::HmacSha224 => verify::<Hmac<Sha224>>(key, value, mac),
            Self::HmacSha256 => verify::<Hmac<Sha256>>(key, value, mac),
            Self::HmacSha384 => verify::<Hmac<Sha384>>(key, value, mac),
            Self::HmacSha512 => verify::<Hmac<Sha512>>(key, value, mac),
        }
    }
}

/// HMAC-SHA-256 of `value`, the one that is written.
pub(super) fn hmac_sha256(key: &[u8], value: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(), // an HMAC takes keys of every length
        |hmac| hmac.chain_update(value).finalize().into_bytes().to_vec(),
    )
}
