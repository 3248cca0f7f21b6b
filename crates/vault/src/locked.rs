use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::cost::DeriveError;
use crate::cursor::Cursor;
use crate::header::{Header, MAGIC, VAULT_ID_LEN_BYTES, VERSION};
use crate::sealed::{Sealed, TAG_LEN};
use crate::{ContentsError, CostError, DataKey, Entries, OpenVault, SlotInfo, SlotKind, Unlock};

/// Largest vault that is read or written, in bytes.
pub const MAX_VAULT_LEN_BYTES: usize = 16 << 20;
pub(crate) const MAC_LEN: usize = 32;
const CHECKSUM_LEN: usize = 32;

/// A vault's file that was read and is whole, as far as anybody can tell without a key.
pub struct LockedVault {
    header: Header,
    mac: [u8; MAC_LEN],
    sealed: Sealed,
}

/// Why a file is not a vault that can be used. No key was asked for yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It does not begin like one.
    #[error("this is not a vault: it does not begin like one, or its beginning is damaged")]
    NotAVault,
    /// More than [`MAX_VAULT_LEN_BYTES`].
    #[error("the file is larger than 16 MiB, which no vault is")]
    TooLarge,
    /// A part is missing, or a bit has changed.
    #[error("the vault is damaged or was cut off: restore it from a backup")]
    Damaged,
    /// From a later version of this program.
    #[error("the vault was written by a newer version of this program: use that one")]
    NewerVersion,
    /// Its checksum is right, but its parts do not fit together: not written by this program.
    #[error("the vault's header makes no sense: whoever wrote it was not this program")]
    Layout,
    /// Opening it would cost more than is spent on any file.
    #[error("the vault is not opened: {0}")]
    Cost(CostError),
}

/// Why a vault was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// Its slots are of other kinds.
    #[error("the vault cannot be opened in this way: it has no slot for it")]
    NoSuchSlot,
    /// No slot of this kind opens.
    #[error("the passphrase or key is wrong")]
    Wrong,
    /// The key is right, and something else is not.
    #[error("the vault was changed by somebody without its key: restore it from a backup")]
    Altered,
    /// Argon2's working memory could not be had.
    #[error("there is not enough memory to check the passphrase: this vault takes {} MiB", .memory_kib / 1024)]
    OutOfMemory {
        /// What it takes.
        memory_kib: u32,
    },
    /// What was sealed cannot be read.
    #[error(transparent)]
    Contents(#[from] ContentsError),
}

impl LockedVault {
    /// Reads a vault's file. Nothing in it is trusted yet; what it may cost to open is within [`KdfCost`](crate::KdfCost)'s limits.
    ///
    /// # Errors
    /// [`FileError`], before any costly work.
    pub fn parse(file: &[u8]) -> Result<Self, FileError> {
        if file.len() > MAX_VAULT_LEN_BYTES {
            return Err(FileError::TooLarge);
        }
        if !file.starts_with(&MAGIC) {
            return Err(FileError::NotAVault);
        }
        let (body, checksum) = file.split_last_chunk::<CHECKSUM_LEN>().ok_or(FileError::Damaged)?;
        if Sha256::digest(body).as_slice() != checksum {
            return Err(FileError::Damaged);
        }
        let mut from = Cursor::new(body);
        from.take(MAGIC.len()).ok_or(FileError::Damaged)?;
        if from.u16().ok_or(FileError::Layout)? != VERSION {
            return Err(FileError::NewerVersion);
        }
        let header = Header::read(&mut from)?;
        let mac = from.array().ok_or(FileError::Layout)?;
        let nonce = from.array().ok_or(FileError::Layout)?;
        if from.rest().len() < TAG_LEN {
            return Err(FileError::Layout);
        }
        let ciphertext = from.rest().to_vec();
        let sealed = Sealed { nonce, ciphertext };
        Ok(Self { header, mac, sealed })
    }

    /// A random name of the vault, the same until [`OpenVault::rekey`]; not secret.
    pub fn id(&self) -> &[u8; VAULT_ID_LEN_BYTES] {
        &self.header.id
    }

    /// The ways to open it, in order.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = SlotInfo<'_>> {
        self.header.slots.iter().map(|slot| slot.info())
    }

    /// Opens it. A passphrase is tried on each passphrase slot, at the cost of each.
    ///
    /// # Errors
    /// [`UnlockError`]; whether the passphrase or its slot is wrong cannot be told apart.
    pub fn unlock(&self, unlock: Unlock<'_>) -> Result<OpenVault, UnlockError> {
        let data_key = match unlock {
            Unlock::DataKey(key) => DataKey::from_bytes(key.expose_secret()),
            _ => self.unwrap(unlock)?,
        };
        let altered = match unlock {
            Unlock::DataKey(_) => UnlockError::Wrong,
            _ => UnlockError::Altered,
        };
        data_key
            .header_mac(&self.header.id, &self.header.to_bytes())
            .verify_slice(&self.mac)
            .map_err(|_| altered)?;
        let contents = self
            .sealed
            .open(&data_key.contents_key(&self.header.id), &self.header.fixed())
            .ok_or(UnlockError::Altered)?;
        let entries = Entries::decode(&contents)?;
        Ok(OpenVault::from_parts(
            self.header.clone(),
            data_key,
            self.sealed.clone(),
            entries,
        ))
    }

    fn unwrap(&self, unlock: Unlock<'_>) -> Result<DataKey, UnlockError> {
        let mut any = false;
        let fixed = self.header.fixed();
        for slot in &self.header.slots {
            let kind = slot.info().kind;
            any |= matches!(
                (kind, unlock),
                (SlotKind::Passphrase(_), Unlock::Passphrase(_))
                    | (SlotKind::KeyFile, Unlock::KeyFile(_))
                    | (SlotKind::Keyring, Unlock::Keyring(_))
            );
            match (slot.open(unlock, &fixed), kind) {
                (Ok(Some(key)), _) => return Ok(key),
                (Err(DeriveError::OutOfMemory), SlotKind::Passphrase(cost)) => {
                    let memory_kib = cost.memory_kib();
                    return Err(UnlockError::OutOfMemory { memory_kib });
                }
                (Ok(None) | Err(_), _) => {}
            }
        }
        Err(if any {
            UnlockError::Wrong
        } else {
            UnlockError::NoSuchSlot
        })
    }
}

/// The whole file: what [`LockedVault::parse`] reads.
pub(crate) fn write_file(header: &Header, data_key: &DataKey, sealed: &Sealed) -> Vec<u8> {
    let mut file = header.to_bytes();
    let mac = data_key.header_mac(&header.id, &file).finalize().into_bytes();
    file.extend_from_slice(&mac);
    file.extend_from_slice(&sealed.nonce);
    file.extend_from_slice(&sealed.ciphertext);
    let checksum = Sha256::digest(&file);
    file.extend_from_slice(&checksum);
    file
}
