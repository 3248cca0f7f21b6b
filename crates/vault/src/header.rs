//! The part of a vault's file that is read before anything is opened.

use crate::cursor::Cursor;
use crate::slot::Slot;
use crate::{CostError, FileError, KdfCost, SlotKind};

pub(crate) const MAGIC: [u8; 8] = *b"\x93CSVAULT";
pub(crate) const VERSION: u16 = 1;
/// Length of a vault's id.
pub const VAULT_ID_LEN_BYTES: usize = 16;

/// Most slots of a vault.
pub const MAX_SLOTS: usize = 8;

#[derive(Clone)]
pub(crate) struct Header {
    pub(crate) id: [u8; VAULT_ID_LEN_BYTES],
    pub(crate) slots: Vec<Slot>,
}

impl Header {
    /// The fixed part of the header, with which the entries are sealed as associated data.
    pub(crate) fn fixed(&self) -> Vec<u8> {
        let mut fixed = Vec::with_capacity(MAGIC.len() + 2 + VAULT_ID_LEN_BYTES);
        fixed.extend_from_slice(&MAGIC);
        fixed.extend_from_slice(&VERSION.to_le_bytes());
        fixed.extend_from_slice(&self.id);
        fixed
    }

    /// The whole header without its MAC.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.fixed();
        bytes.push(self.slots.len() as u8);
        self.slots.iter().for_each(|slot| slot.write(&mut bytes));
        bytes
    }

    /// From behind magic and version.
    pub(crate) fn read(from: &mut Cursor<'_>) -> Result<Self, FileError> {
        let id = from.array().ok_or(FileError::Layout)?;
        let count = usize::from(from.u8().ok_or(FileError::Layout)?);
        if !(1..=MAX_SLOTS).contains(&count) {
            return Err(FileError::Layout);
        }
        let slots = (0..count).map(|_| Slot::read(from)).collect::<Result<_, _>>()?;
        let header = Self { id, slots };
        header.check_cost().map_err(FileError::Cost)?;
        Ok(header)
    }

    /// A wrong passphrase is tried on every slot, so they are limited together.
    pub(crate) fn check_cost(&self) -> Result<(), CostError> {
        let works = self.slots.iter().map(|slot| match slot.info().kind {
            SlotKind::Passphrase(cost) => cost.work_kib(),
            _ => 0,
        });
        if works.sum::<u64>() > KdfCost::MAX_WORK_KIB {
            return Err(CostError::Work);
        }
        Ok(())
    }
}
