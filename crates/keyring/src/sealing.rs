//! Sealing and hashing: AES-256-GCM and HMAC-SHA-256 under the keyring's keys.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey},
    hmac,
};
use service::{PortError, Sealed, Sealer, Secret};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The length of a tag of AES-GCM.
const TAG_LEN: usize = 16;

use crate::{
    Keyring,
    lines::{Material, derived},
};

impl Keyring {
    fn sealing(&self, id: u32) -> Result<&LessSafeKey, PortError> {
        self.sealing.get(&id).ok_or(PortError::NoSuchKey(id))
    }

    fn seal_for(&self, record: &RecordDigest, plain: &[u8]) -> Result<Sealed, PortError> {
        let key_id = self.current_sealing_key();
        // 96 random bits: at 2^32 seals under one key the chance of a repeated nonce is 2^-33; rotate before.
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce)?;
        let mut sealed = Zeroizing::new(Vec::with_capacity(plain.len() + TAG_LEN));
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

    /// The secret that was sealed, and the record it is for.
    fn opened(&self, sealed: &Sealed) -> Result<(RecordDigest, Secret), PortError> {
        let key = self.sealing(sealed.key_id)?;
        let parts = Parts::of(&sealed.bytes).ok_or(PortError::DoesNotOpen)?;
        let open = |bytes: &mut [u8]| {
            bytes.copy_from_slice(parts.text);
            let nonce = Nonce::assume_unique_for_key(*parts.nonce);
            let bound_to = associated(sealed.key_id, parts.record);
            let opened = key.open_in_place_separate_tag(nonce, bound_to, parts.tag, bytes, 0..);
            opened.map(drop).map_err(|_| PortError::DoesNotOpen)
        };
        let secret = Secret::try_fill_with(parts.text.len(), open);
        Ok((*parts.record, secret.map_err(|_| PortError::DoesNotOpen)??))
    }
}

/// What stands in a sealed secret.
struct Parts<'a> {
    record: &'a RecordDigest,
    nonce: &'a [u8; NONCE_LEN],
    text: &'a [u8],
    tag: Tag,
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Option<Self> {
        let (record, rest) = sealed.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (text, tag) = rest.split_last_chunk::<TAG_LEN>()?;
        Some(Self {
            record,
            nonce,
            text,
            tag: Tag::from(*tag),
        })
    }
}

/// The AES key of a `seal` line.
pub(crate) fn sealing_key(material: &Material) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, &*derived(material, b"seal"));
    LessSafeKey::new(key.expect("32 bytes are the length of an AES-256 key"))
}

fn own_key(key: &Secret) -> Result<LessSafeKey, PortError> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose_secret());
    key.map(LessSafeKey::new).map_err(|_| PortError::DoesNotOpen)
}

/// The record that a sealed secret is bound to, where it stands before the nonce: the start of a SHA-256 of its description.
///
/// Why not the description itself, which would have to stand somewhere for whoever seals anew? It names account and user,
/// is longer than the secret, and of another length for each record; this is of one length, and names nobody. Half a
/// SHA-256 is enough: for two descriptions that it cannot tell apart somebody would need 2^64 records, of ids that we
/// choose. It is authenticated like the description was, so a changed one opens nothing.
type RecordDigest = [u8; RECORD_LEN];
const RECORD_LEN: usize = 16;

fn record(bound_to: &[u8]) -> RecordDigest {
    let mut short = [0; RECORD_LEN];
    short.copy_from_slice(&Sha256::digest(bound_to)[..RECORD_LEN]);
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
        let (of, secret) = self.opened(sealed)?;
        if of != record(bound_to) {
            return Err(PortError::DoesNotOpen);
        }
        Ok(secret)
    }

    fn reseal(&self, sealed: &Sealed) -> Result<Sealed, PortError> {
        let (record, secret) = self.opened(sealed)?;
        self.seal_for(&record, secret.expose_secret())
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
