//! A slot, one way to open a vault: the data key, wrapped under a passphrase or a key.

use zeroize::Zeroizing;

use crate::cost::DeriveError;
use crate::cursor::Cursor;
use crate::data_key::hkdf_sha256;
use crate::sealed::{NONCE_LEN, Sealed, TAG_LEN};
use crate::text::has_invisible;
use crate::{CostError, DataKey, FileError, KdfCost};

pub(crate) const SALT_LEN: usize = 16;
const WRAPPED_LEN: usize = DataKey::LEN_BYTES + TAG_LEN;
/// Longest label of a slot, in bytes of UTF-8.
pub const MAX_SLOT_LABEL_LEN_BYTES: usize = 64;
/// Fewest bytes of a key file: fewer could be guessed, for no cost slows that down.
pub const MIN_KEY_FILE_LEN_BYTES: usize = 32;
/// Most bytes of a key file.
pub const MAX_KEY_FILE_LEN_BYTES: usize = 1 << 20;

/// The kind of a slot: what opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotKind {
    /// A passphrase, at this cost.
    Passphrase(KdfCost),
    /// The bytes of a file.
    KeyFile,
    /// A random key that the operating system keeps.
    Keyring,
    /// Of a newer version: kept as it is, and of no use here.
    Unknown(u8),
}

impl SlotKind {
    pub(crate) fn is_usable(self) -> bool {
        !matches!(self, Self::Unknown(_))
    }
}

/// A slot as people see it. Equal to another one only if that is the same slot with the same secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotInfo<'a> {
    /// How it is opened.
    pub kind: SlotKind,
    /// What its owner calls it; may be empty. Of a file that is not open yet it is anybody's text.
    pub label: &'a str,
    /// Random, drawn anew for each secret: two slots of one kind and label differ.
    salt: &'a [u8],
}

/// A passphrase or key that opens a vault. The bytes are the caller's to wipe.
#[derive(Clone, Copy)]
pub enum Unlock<'a> {
    /// A passphrase, in UTF-8.
    Passphrase(&'a [u8]),
    /// The whole content of a key file.
    KeyFile(&'a [u8]),
    /// The key that the operating system's keyring had.
    Keyring(&'a [u8]),
    /// The data key of this vault, from [`OpenVault::data_key`](crate::OpenVault::data_key): no slot is asked.
    DataKey(&'a DataKey),
}

/// A slot to be made. The bytes are the caller's to wipe.
#[derive(Clone, Copy)]
pub enum NewSlot<'a> {
    /// A passphrase, in UTF-8, and what a guess shall cost.
    Passphrase {
        /// At least one byte; how good it is is the caller's to say.
        passphrase: &'a [u8],
        /// What opening will cost.
        cost: KdfCost,
    },
    /// The content of a key file: [`MIN_KEY_FILE_LEN_BYTES`] random bytes or more.
    KeyFile(&'a [u8]),
    /// A random key of [`MIN_KEY_FILE_LEN_BYTES`] or more for the operating system's keyring.
    Keyring(&'a [u8]),
}

/// Why a slot was not made or removed. `E` is the caller's random source's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotError<E> {
    /// The random source failed.
    #[error("no random bytes: {0}")]
    Entropy(E),
    /// No bytes.
    #[error("the passphrase is empty: choose one")]
    EmptyPassphrase,
    /// Shorter than [`MIN_KEY_FILE_LEN_BYTES`] or longer than [`MAX_KEY_FILE_LEN_BYTES`].
    #[error("a key file has 32 bytes to 1 MiB, this one {len_bytes}: make one of random bytes")]
    KeyFileLength {
        /// What was given.
        len_bytes: usize,
    },
    /// Longer than [`MAX_SLOT_LABEL_LEN_BYTES`], or with what a [`Name`](crate::Name) may not have.
    #[error("a slot's label has at most 64 bytes and nothing invisible")]
    Label,
    /// [`MAX_SLOTS`](crate::MAX_SLOTS) are there.
    #[error("the vault has 8 ways to open it already: remove one first")]
    TooMany,
    /// There is no slot with this number.
    #[error("the vault has no slot {index}")]
    NoSuchSlot {
        /// The number asked for, from 0.
        index: usize,
    },
    /// Without it nobody could open the vault again.
    #[error("this is the only way to open the vault: add another one first")]
    Last,
    /// All passphrases together may not cost more than one file may ask for.
    #[error("all passphrases of the vault together: {0}")]
    Cost(CostError),
    /// Argon2's working memory could not be had.
    #[error("there is not enough memory for this cost: choose a lower one")]
    OutOfMemory,
}

impl<E> From<DeriveError> for SlotError<E> {
    fn from(error: DeriveError) -> Self {
        match error {
            DeriveError::OutOfMemory => Self::OutOfMemory,
            DeriveError::Refused => Self::Cost(CostError::TooLow),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Slot {
    label: String,
    lock: Lock,
}

#[derive(Clone)]
enum Lock {
    Known {
        kind: SlotKind,
        salt: [u8; SALT_LEN],
        wrapped: Sealed,
    },
    Unknown {
        kind: u8,
        body: Vec<u8>,
    },
}

impl Slot {
    /// Wraps `data_key`. `fixed` is the part of the header that never changes.
    pub(crate) fn new<E>(
        new: NewSlot<'_>,
        label: &str,
        fixed: &[u8],
        data_key: &DataKey,
        entropy: &mut dyn FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, SlotError<E>> {
        if label.len() > MAX_SLOT_LABEL_LEN_BYTES || has_invisible(label) {
            return Err(SlotError::Label);
        }
        let (kind, key_material) = match new {
            NewSlot::Passphrase { passphrase: [], .. } => return Err(SlotError::EmptyPassphrase),
            NewSlot::Passphrase { passphrase, cost } => (SlotKind::Passphrase(cost), passphrase),
            NewSlot::KeyFile(key) => (SlotKind::KeyFile, key),
            NewSlot::Keyring(key) => (SlotKind::Keyring, key),
        };
        let is_key = !matches!(kind, SlotKind::Passphrase(_));
        if is_key && !(MIN_KEY_FILE_LEN_BYTES..=MAX_KEY_FILE_LEN_BYTES).contains(&key_material.len()) {
            let len_bytes = key_material.len();
            return Err(SlotError::KeyFileLength { len_bytes });
        }
        let (mut salt, mut nonce) = ([0; SALT_LEN], [0; NONCE_LEN]);
        entropy(&mut salt).map_err(SlotError::Entropy)?;
        entropy(&mut nonce).map_err(SlotError::Entropy)?;
        let key = wrapping_key(kind, key_material, &salt)?;
        let described = described(fixed, kind, label, &salt);
        let plain = Zeroizing::new(data_key.expose_secret().to_vec());
        Ok(Self {
            label: label.to_owned(),
            lock: Lock::Known {
                kind,
                salt,
                wrapped: Sealed::seal(&key, nonce, &described, plain),
            },
        })
    }

    pub(crate) fn info(&self) -> SlotInfo<'_> {
        let (kind, salt) = match &self.lock {
            Lock::Known { kind, salt, .. } => (*kind, &salt[..]),
            Lock::Unknown { kind, body } => (SlotKind::Unknown(*kind), &body[..]),
        };
        SlotInfo {
            kind,
            label: &self.label,
            salt,
        }
    }

    /// The data key; `None` where `unlock` is of another kind, or wrong.
    pub(crate) fn open(&self, unlock: Unlock<'_>, fixed: &[u8]) -> Result<Option<DataKey>, DeriveError> {
        let Lock::Known { kind, salt, wrapped } = &self.lock else {
            return Ok(None);
        };
        let key_material = match (kind, unlock) {
            (SlotKind::Passphrase(_), Unlock::Passphrase(bytes))
            | (SlotKind::KeyFile, Unlock::KeyFile(bytes))
            | (SlotKind::Keyring, Unlock::Keyring(bytes)) => bytes,
            _ => return Ok(None),
        };
        let key = wrapping_key(*kind, key_material, salt)?;
        let plain = wrapped.open(&key, &described(fixed, *kind, &self.label, salt));
        Ok(plain.and_then(|plain| plain.first_chunk().map(DataKey::from_bytes)))
    }

    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        match &self.lock {
            Lock::Known { kind, salt, wrapped } => {
                put_described(into, *kind, &self.label, salt);
                into.extend_from_slice(&wrapped.nonce);
                into.extend_from_slice(&wrapped.ciphertext);
            }
            Lock::Unknown { kind, body } => {
                put_start(into, *kind, &self.label, body.len());
                into.extend_from_slice(body);
            }
        }
    }

    pub(crate) fn read(from: &mut Cursor<'_>) -> Result<Self, FileError> {
        let kind = from.u8().ok_or(FileError::Layout)?;
        let label_len = from.u8().ok_or(FileError::Layout)?;
        let label = from.take(label_len.into()).ok_or(FileError::Layout)?;
        let label = str::from_utf8(label).map_err(|_| FileError::Layout)?.to_owned();
        if label.len() > MAX_SLOT_LABEL_LEN_BYTES || label.contains(char::is_control) {
            return Err(FileError::Layout);
        }
        let body_len = from.u16().ok_or(FileError::Layout)?;
        let body = from.take(body_len.into()).ok_or(FileError::Layout)?;
        let mut body_cursor = Cursor::new(body);
        let lock = match kind {
            PASSPHRASE => {
                let cost = read_cost(&mut body_cursor)?;
                Lock::read(SlotKind::Passphrase(cost), body_cursor)?
            }
            KEY_FILE => Lock::read(SlotKind::KeyFile, body_cursor)?,
            KEYRING => Lock::read(SlotKind::Keyring, body_cursor)?,
            _ => Lock::Unknown {
                kind,
                body: body.to_vec(),
            },
        };
        Ok(Self { label, lock })
    }
}

impl Lock {
    fn read(kind: SlotKind, mut body: Cursor<'_>) -> Result<Self, FileError> {
        let salt = body.array().ok_or(FileError::Layout)?;
        let nonce = body.array().ok_or(FileError::Layout)?;
        let ciphertext = body.take(WRAPPED_LEN).ok_or(FileError::Layout)?.to_vec();
        if !body.is_at_end() {
            return Err(FileError::Layout);
        }
        let wrapped = Sealed { nonce, ciphertext };
        Ok(Self::Known { kind, salt, wrapped })
    }
}

const PASSPHRASE: u8 = 1;
const KEY_FILE: u8 = 2;
const KEYRING: u8 = 3;

fn read_cost(body: &mut Cursor<'_>) -> Result<KdfCost, FileError> {
    let mut number = || body.u32().ok_or(FileError::Layout);
    let (memory_kib, passes, lanes) = (number()?, number()?, number()?);
    KdfCost::new(memory_kib, passes, lanes).map_err(FileError::Cost)
}

fn wrapping_key(kind: SlotKind, key_material: &[u8], salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, DeriveError> {
    match kind {
        SlotKind::Passphrase(cost) => cost.derive(key_material, salt),
        SlotKind::KeyFile => Ok(hkdf_sha256(key_material, salt, b"countersign/vault/key file/1")),
        SlotKind::Keyring => Ok(hkdf_sha256(key_material, salt, b"countersign/vault/keyring/1")),
        SlotKind::Unknown(_) => Err(DeriveError::Refused),
    }
}

/// The associated data of a wrapped key: the vault and everything of the slot before it.
fn described(fixed: &[u8], kind: SlotKind, label: &str, salt: &[u8; SALT_LEN]) -> Vec<u8> {
    let mut described = fixed.to_vec();
    put_described(&mut described, kind, label, salt);
    described
}

fn put_described(into: &mut Vec<u8>, kind: SlotKind, label: &str, salt: &[u8; SALT_LEN]) {
    const WITHOUT_COST: usize = SALT_LEN + NONCE_LEN + WRAPPED_LEN;
    match kind {
        SlotKind::Passphrase(cost) => {
            put_start(into, PASSPHRASE, label, 12 + WITHOUT_COST);
            for number in [cost.memory_kib(), cost.passes(), cost.lanes()] {
                into.extend_from_slice(&number.to_le_bytes());
            }
        }
        SlotKind::KeyFile => put_start(into, KEY_FILE, label, WITHOUT_COST),
        SlotKind::Keyring => put_start(into, KEYRING, label, WITHOUT_COST),
        SlotKind::Unknown(kind) => put_start(into, kind, label, WITHOUT_COST),
    }
    into.extend_from_slice(salt);
}

/// Label and body were within their limits when they came in.
fn put_start(into: &mut Vec<u8>, kind: u8, label: &str, body_len: usize) {
    into.push(kind);
    into.push(label.len() as u8);
    into.extend_from_slice(label.as_bytes());
    into.extend_from_slice(&(body_len as u16).to_le_bytes());
}
