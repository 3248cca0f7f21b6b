use crate::header::{Header, MAX_SLOTS, VAULT_ID_LEN_BYTES};
use crate::locked::{MAX_VAULT_LEN_BYTES, write_file};
use crate::sealed::{NONCE_LEN, Sealed};
use crate::slot::Slot;
use crate::{DataKey, Entries, NewSlot, SlotError, SlotInfo};

/// The most by which [`OpenVault::save`]'s file is longer than its entries: header, nonce, tag, checksum.
const FRAME_LEN: usize = 16 << 10;

/// An unlocked vault: its entries, and the key that seals them. No `Debug`, no `Clone`; wiped when dropped.
pub struct OpenVault {
    header: Header,
    data_key: DataKey,
    /// The entries as they were read or saved last.
    sealed: Sealed,
    entries: Entries,
    /// Whether `entries` may differ from `sealed`.
    touched: bool,
}

/// Why a vault was not written. `E` is the caller's random source's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaveError<E> {
    /// The random source failed.
    #[error("no random bytes: {0}")]
    Entropy(E),
    /// It would be larger than [`MAX_VAULT_LEN_BYTES`].
    #[error("the vault would be larger than 16 MiB: shorten notes")]
    TooLarge,
}

impl OpenVault {
    /// A vault without entries and with one way to open it. `entropy` fills the whole slice from a cryptographic source.
    ///
    /// # Errors
    /// [`SlotError`]; no vault exists then.
    pub fn create<E>(
        slot: NewSlot<'_>,
        label: &str,
        entropy: &mut dyn FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, SlotError<E>> {
        let mut vault = Self {
            header: Header {
                id: [0; VAULT_ID_LEN_BYTES],
                slots: Vec::new(),
            },
            data_key: DataKey::from_bytes(&[0; DataKey::LEN_BYTES]),
            sealed: Sealed {
                nonce: [0; NONCE_LEN],
                ciphertext: Vec::new(),
            },
            entries: Entries::new(),
            touched: true,
        };
        vault.rekey(slot, label, entropy)?;
        Ok(vault)
    }

    pub(crate) fn from_parts(header: Header, data_key: DataKey, sealed: Sealed, entries: Entries) -> Self {
        Self {
            header,
            data_key,
            sealed,
            entries,
            touched: false,
        }
    }

    /// Its entries.
    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Its entries, to be changed; nothing is kept until [`save`](Self::save)'s bytes are.
    pub fn entries_mut(&mut self) -> &mut Entries {
        self.touched = true;
        &mut self.entries
    }

    /// Its entries, alone.
    pub(crate) fn into_entries(self) -> Entries {
        self.entries
    }

    /// A random name of the vault, the same until [`rekey`](Self::rekey); not secret.
    pub fn id(&self) -> &[u8; VAULT_ID_LEN_BYTES] {
        &self.header.id
    }

    /// The key that opens this vault without a slot, until [`rekey`](Self::rekey): for an agent that keeps it unlocked.
    pub fn data_key(&self) -> &DataKey {
        &self.data_key
    }

    /// The ways to open it, in order.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = SlotInfo<'_>> {
        self.header.slots.iter().map(Slot::info)
    }

    /// Adds a slot: one more way to open it.
    ///
    /// # Errors
    /// [`SlotError`]; nothing is changed then.
    pub fn add_slot<E>(
        &mut self,
        slot: NewSlot<'_>,
        label: &str,
        entropy: &mut dyn FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), SlotError<E>> {
        if self.header.slots.len() >= MAX_SLOTS {
            return Err(SlotError::TooMany);
        }
        let slot = self.wrap(slot, label, entropy)?;
        let mut header = self.header.clone();
        header.slots.push(slot);
        self.adopt(header)
    }

    /// Another passphrase or key in the place of slot `index`, which keeps its label. Entries are not sealed again.
    ///
    /// Whoever has an older copy of the file and its passphrase has the data key: [`rekey`](Self::rekey) ends that.
    ///
    /// # Errors
    /// [`SlotError`]; nothing is changed then.
    pub fn replace_slot<E>(
        &mut self,
        index: usize,
        slot: NewSlot<'_>,
        entropy: &mut dyn FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), SlotError<E>> {
        let label = self
            .slots()
            .nth(index)
            .ok_or(SlotError::NoSuchSlot { index })?
            .label
            .to_owned();
        let slot = self.wrap(slot, &label, entropy)?;
        let mut header = self.header.clone();
        header.slots[index] = slot;
        self.adopt(header)
    }

    /// Removes a slot: one way less to open it.
    ///
    /// # Errors
    /// [`SlotError::NoSuchSlot`] and [`SlotError::Last`], which also protects the last one that this version can open.
    pub fn remove_slot(&mut self, index: usize) -> Result<(), SlotError<std::convert::Infallible>> {
        if index >= self.header.slots.len() {
            return Err(SlotError::NoSuchSlot { index });
        }
        let usable = |(at, slot): (usize, SlotInfo<'_>)| at != index && slot.kind.is_usable();
        if !self.slots().enumerate().any(usable) {
            return Err(SlotError::Last);
        }
        self.header.slots.remove(index);
        Ok(())
    }

    /// A new data key with this slot alone: what was wrapped or kept before opens nothing that is saved from now on. Saved
    /// elsewhere it is a vault of its own, with all that this one has.
    ///
    /// # Errors
    /// [`SlotError`]; nothing is changed then.
    pub fn rekey<E>(
        &mut self,
        slot: NewSlot<'_>,
        label: &str,
        entropy: &mut dyn FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), SlotError<E>> {
        let mut header = Header {
            id: [0; VAULT_ID_LEN_BYTES],
            slots: Vec::new(),
        };
        entropy(&mut header.id).map_err(SlotError::Entropy)?;
        let mut bytes = zeroize::Zeroizing::new([0; DataKey::LEN_BYTES]);
        entropy(&mut *bytes).map_err(SlotError::Entropy)?;
        let data_key = DataKey::from_bytes(&bytes);
        header
            .slots
            .push(Slot::new(slot, label, &header.fixed(), &data_key, entropy)?);
        header.check_cost().map_err(SlotError::Cost)?;
        self.header = header;
        self.data_key = data_key;
        self.touched = true;
        Ok(())
    }

    /// The bytes of the file. Entries are sealed again, under a new nonce, only if they were lent for changing since.
    ///
    /// # Errors
    /// [`SaveError`]; the vault can be saved again later.
    pub fn save<E>(&mut self, entropy: &mut dyn FnMut(&mut [u8]) -> Result<(), E>) -> Result<Vec<u8>, SaveError<E>> {
        if self.touched {
            let plain = self.entries.encode();
            if plain.len() + FRAME_LEN > MAX_VAULT_LEN_BYTES {
                return Err(SaveError::TooLarge);
            }
            let mut nonce = [0; NONCE_LEN];
            entropy(&mut nonce).map_err(SaveError::Entropy)?;
            let key = self.data_key.contents_key(&self.header.id);
            self.sealed = Sealed::seal(&key, nonce, &self.header.fixed(), plain);
            self.touched = false;
        }
        Ok(write_file(&self.header, &self.data_key, &self.sealed))
    }

    fn wrap<E>(
        &self,
        slot: NewSlot<'_>,
        label: &str,
        entropy: &mut dyn FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<Slot, SlotError<E>> {
        Slot::new(slot, label, &self.header.fixed(), &self.data_key, entropy)
    }

    fn adopt<E>(&mut self, header: Header) -> Result<(), SlotError<E>> {
        header.check_cost().map_err(SlotError::Cost)?;
        self.header = header;
        Ok(())
    }
}
