//! A record that is kept twice, so that a power cut leaves the old one or the new one.
//!
//! A slot is `sequence u32 || payload || CRC-32`, little-endian, in pages of its own. A write goes into the slot that
//! does not hold the newest record; only when it reads back well is the other one overwritten with zeroes, for it may
//! hold a secret.

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use zeroize::Zeroizing;

use crate::ports::{PAGE_LEN_BYTES, PortError, Storage};

const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
/// The longest slot.
const MAX_LEN_BYTES: usize = 192;
const AROUND_LEN_BYTES: usize = 8;

/// Two slots of `len_bytes` each, one behind the other.
#[derive(Clone, Copy)]
pub(crate) struct Slots {
    address: u16,
    len_bytes: u16,
}

/// The newest content of the slots.
pub(crate) struct Newest {
    /// Counts the writes.
    pub(crate) sequence: u32,
    slot: u16,
}

impl Slots {
    /// Whole pages, so that a torn write spoils one slot and not both.
    pub(crate) const fn new(address: u16, len_bytes: u16) -> Self {
        assert!(address.is_multiple_of(PAGE_LEN_BYTES) && len_bytes.is_multiple_of(PAGE_LEN_BYTES));
        assert!(len_bytes as usize <= MAX_LEN_BYTES);
        Self { address, len_bytes }
    }

    pub(crate) const fn end(self) -> u16 {
        self.address + 2 * self.len_bytes
    }

    /// The newest record, into `payload`, if there is one.
    pub(crate) fn read(self, storage: &mut impl Storage, payload: &mut [u8]) -> Result<Option<Newest>, PortError> {
        let mut found: Option<Newest> = None;
        let mut buffer = Zeroizing::new([0; MAX_LEN_BYTES]);
        for slot in 0..2 {
            let bytes = self.fetch(storage, slot, payload.len(), &mut buffer)?;
            if let Some((sequence, kept)) = valid(bytes)
                && found.as_ref().is_none_or(|newest| newest.sequence < sequence)
            {
                payload.copy_from_slice(kept);
                found = Some(Newest { sequence, slot });
            }
        }
        Ok(found)
    }

    /// Makes this the newest record. After an error the old one stands, or the new one: [`read`](Self::read) says.
    pub(crate) fn write(self, storage: &mut impl Storage, payload: &[u8]) -> Result<(), PortError> {
        let mut buffer = Zeroizing::new([0; MAX_LEN_BYTES]);
        let old = {
            let mut old = Zeroizing::new([0; MAX_LEN_BYTES]);
            self.read(storage, old.get_mut(..payload.len()).ok_or(PortError)?)?
        };
        let (slot, sequence) = match old {
            Some(old) => (1 - old.slot, old.sequence.checked_add(1).ok_or(PortError)?),
            None => (0, 1),
        };
        let len = payload.len() + AROUND_LEN_BYTES;
        let bytes = buffer.get_mut(..len).ok_or(PortError)?;
        let (checked, check) = bytes.split_at_mut(len - 4);
        checked[..4].copy_from_slice(&sequence.to_le_bytes());
        checked[4..].copy_from_slice(payload);
        check.copy_from_slice(&CRC.checksum(checked).to_le_bytes());
        storage.write(self.place(slot), bytes)?;
        let kept = self.fetch(storage, slot, payload.len(), &mut buffer)?;
        if valid(kept).is_none_or(|(found, kept)| found != sequence || kept != payload) {
            return Err(PortError);
        }
        self.erase(storage, 1 - slot)
    }

    /// Overwrites the slot that does not hold the newest record, where that was left undone by a power cut.
    pub(crate) fn tidy(self, storage: &mut impl Storage, newest: Option<&Newest>) -> Result<(), PortError> {
        let Some(newest) = newest else { return Ok(()) };
        let other = 1 - newest.slot;
        let mut buffer = Zeroizing::new([0; MAX_LEN_BYTES]);
        let bytes = buffer.get_mut(..usize::from(self.len_bytes)).ok_or(PortError)?;
        storage.read(self.place(other), bytes)?;
        if bytes.iter().all(|&byte| byte == 0) || bytes.iter().all(|&byte| byte == 0xFF) {
            return Ok(());
        }
        self.erase(storage, other)
    }

    fn erase(self, storage: &mut impl Storage, slot: u16) -> Result<(), PortError> {
        let zeroes = [0; MAX_LEN_BYTES];
        storage.write(
            self.place(slot),
            zeroes.get(..usize::from(self.len_bytes)).ok_or(PortError)?,
        )
    }

    fn place(self, slot: u16) -> u16 {
        self.address + slot * self.len_bytes
    }

    fn fetch<'b>(
        self,
        storage: &mut impl Storage,
        slot: u16,
        payload_len: usize,
        buffer: &'b mut [u8; MAX_LEN_BYTES],
    ) -> Result<&'b [u8], PortError> {
        let len = payload_len + AROUND_LEN_BYTES;
        if len > usize::from(self.len_bytes) {
            return Err(PortError);
        }
        let bytes = buffer.get_mut(..len).ok_or(PortError)?;
        storage.read(self.place(slot), bytes)?;
        Ok(bytes)
    }
}

/// Sequence and payload of a slot that was written to its end.
fn valid(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (checked, check) = bytes.split_last_chunk::<4>()?;
    let (sequence, payload) = checked.split_first_chunk::<4>()?;
    let sequence = u32::from_le_bytes(*sequence);
    // Erased memory of either colour is no record, whatever its check would be.
    let written = sequence != 0 && sequence != u32::MAX;
    (written && CRC.checksum(checked) == u32::from_le_bytes(*check)).then_some((sequence, payload))
}
