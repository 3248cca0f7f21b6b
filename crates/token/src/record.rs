//! The records that a token keeps without power, and their places.
//!
//! | address | what |
//! |---|---|
//! | 0x000 | 32 random bytes from the factory, for a board without a source of randomness; zeroes once used |
//! | 0x040 | the seed of randomness, two slots of 64 bytes |
//! | 0x100 | the key record, two slots of 192 bytes |
//! | 0x280 | the clock record, two slots of 64 bytes |

use otp::{Algorithm, Digits, Parameters, Period};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    name::Name,
    ports::{PortError, STORAGE_LEN_BYTES, Storage},
    screen::Trouble,
    slots::Slots,
};

/// The address in a board's storage image of 32 random bytes of its own, when it has no source of randomness. No two boards
/// have the same, and nobody keeps them.
pub const FACTORY_SEED_ADDRESS: u16 = 0;
/// Their number.
pub const FACTORY_SEED_LEN_BYTES: usize = 32;

#[cfg(feature = "session")]
pub(crate) const SEED: Slots = Slots::new(0x040, 64);
const KEY: Slots = Slots::new(0x100, 192);
const CLOCK: Slots = Slots::new(0x280, 64);
const _: () = assert!(CLOCK.end() <= STORAGE_LEN_BYTES && KEY.end() <= 0x280);

/// The status of a token, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenStatus {
    Blank,
    Provisioned,
    Sealed,
    Wiped,
}

/// The key record, without what is secret in it.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub(crate) status: TokenStatus,
    /// How often a secret was made; ties the clock record to this one.
    pub(crate) generation: u32,
    pub(crate) parameters: Parameters,
    pub(crate) serial_number: Name,
    pub(crate) label: Name,
}

/// The secrets of a record.
#[derive(Default)]
pub(crate) struct Secrets {
    secret: Zeroizing<Bytes<SECRET_MAX_LEN_BYTES>>,
    len: usize,
    pub(crate) management_key: Zeroizing<Bytes<32>>,
}

/// An array that has a default whatever its length.
pub(crate) struct Bytes<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Zeroize for Bytes<N> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

pub(crate) const SECRET_MAX_LEN_BYTES: usize = 64;
const KEY_LEN_BYTES: usize = 1 + 4 + 4 + 2 * Name::KEPT_LEN_BYTES + 1 + SECRET_MAX_LEN_BYTES + 32;

impl Secrets {
    pub(crate) fn secret(&self) -> &[u8] {
        self.secret.0.get(..self.len).unwrap_or_default()
    }

    /// Room for a secret of this length.
    #[cfg(feature = "session")]
    pub(crate) fn secret_mut(&mut self, len: usize) -> &mut [u8] {
        self.len = len.min(SECRET_MAX_LEN_BYTES);
        self.secret.0.get_mut(..len).unwrap_or_default()
    }
}

impl Record {
    pub(crate) const BLANK: Self = Self {
        status: TokenStatus::Blank,
        generation: 0,
        parameters: Parameters::DEFAULT,
        serial_number: Name::EMPTY,
        label: Name::EMPTY,
    };

    /// Reads the record; a storage that holds no record is a blank token's. A record that is whole and yet unreadable
    /// was written by another firmware.
    pub(crate) fn read(storage: &mut impl Storage) -> Result<Self, Trouble> {
        let mut bytes = Zeroizing::new([0; KEY_LEN_BYTES]);
        let newest = KEY.read(storage, &mut *bytes)?;
        KEY.tidy(storage, newest.as_ref())?;
        match newest {
            Some(_) => record(&bytes).ok_or(Trouble::Record),
            None => Ok(Self::BLANK),
        }
    }

    /// The secrets of the record that is kept.
    pub(crate) fn secrets(storage: &mut impl Storage) -> Result<Secrets, PortError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN_BYTES]);
        KEY.read(storage, &mut *bytes)?.ok_or(PortError)?;
        let mut fields = Fields(&bytes[..]);
        let _public: [u8; 9] = fields.take().ok_or(PortError)?;
        let _names: [u8; 2 * Name::KEPT_LEN_BYTES] = fields.take().ok_or(PortError)?;
        let [len] = fields.take().ok_or(PortError)?;
        let mut secrets = Secrets {
            len: usize::from(len).min(SECRET_MAX_LEN_BYTES),
            ..Secrets::default()
        };
        secrets.secret.0 = fields.take().ok_or(PortError)?;
        secrets.management_key.0 = fields.take().ok_or(PortError)?;
        Ok(secrets)
    }

    /// Keeps this instead of what was kept.
    pub(crate) fn write(&self, secrets: &Secrets, storage: &mut impl Storage) -> Result<(), PortError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN_BYTES]);
        let status = match self.status {
            TokenStatus::Blank => return Err(PortError),
            TokenStatus::Provisioned => 1,
            TokenStatus::Sealed => 2,
            TokenStatus::Wiped => 3,
        };
        let algorithm = match self.parameters.algorithm {
            Algorithm::Sha1 => 1,
            Algorithm::Sha256 => 2,
            Algorithm::Sha512 => 3,
        };
        let [period_low, period_high, ..] = self.parameters.period.get_s().to_le_bytes();
        let mut rest = &mut bytes[..];
        put(&mut rest, &[status])?;
        put(&mut rest, &self.generation.to_le_bytes())?;
        put(
            &mut rest,
            &[algorithm, self.parameters.digits.get(), period_low, period_high],
        )?;
        put(&mut rest, &self.serial_number.kept())?;
        put(&mut rest, &self.label.kept())?;
        put(&mut rest, &[secrets.len as u8])?;
        put(&mut rest, &secrets.secret.0)?;
        put(&mut rest, &secrets.management_key.0)?;
        KEY.write(storage, &*bytes)
    }
}

fn record(bytes: &[u8; KEY_LEN_BYTES]) -> Option<Record> {
    let mut fields = Fields(bytes);
    let status = match fields.take()? {
        [1] => TokenStatus::Provisioned,
        [2] => TokenStatus::Sealed,
        [3] => TokenStatus::Wiped,
        _ => return None,
    };
    let generation = u32::from_le_bytes(fields.take()?);
    let [algorithm, digits, period_low, period_high] = fields.take()?;
    let algorithm = match algorithm {
        1 => Algorithm::Sha1,
        2 => Algorithm::Sha256,
        3 => Algorithm::Sha512,
        _ => return None,
    };
    Some(Record {
        status,
        generation,
        parameters: Parameters {
            algorithm,
            digits: Digits::new(digits)?,
            period: Period::new_s(u16::from_le_bytes([period_low, period_high]).into())?,
        },
        serial_number: Name::of_kept(&fields.take()?)?,
        label: Name::of_kept(&fields.take()?)?,
    })
}

/// The record of the clock: what it did and what was done to it.
#[derive(Clone, Copy, Default)]
pub(crate) struct ClockRecord {
    /// Of the key record it belongs to.
    pub(crate) generation: u32,
    /// No code of this step or a later one was ever shown.
    pub(crate) unshown_from: u64,
    /// What was used of the allowance since [`since_s`](Self::since_s).
    pub(crate) shifted_s: u32,
    pub(crate) since_s: u64,
    /// How often the clock was set.
    pub(crate) settings: u32,
}

const CLOCK_LEN_BYTES: usize = 4 + 8 + 4 + 8 + 4;

impl ClockRecord {
    /// The record of a clock that was set when its token was provisioned.
    #[cfg(feature = "session")]
    pub(crate) fn new(generation: u32, since_s: u64) -> Self {
        Self {
            generation,
            since_s,
            ..Self::default()
        }
    }

    /// The one that belongs to this generation of the key record.
    pub(crate) fn read(generation: u32, storage: &mut impl Storage) -> Result<Option<Self>, PortError> {
        let mut bytes = [0; CLOCK_LEN_BYTES];
        let newest = CLOCK.read(storage, &mut bytes)?;
        CLOCK.tidy(storage, newest.as_ref())?;
        let record = newest.and_then(|_| {
            let mut fields = Fields(&bytes);
            Some(Self {
                generation: u32::from_le_bytes(fields.take()?),
                unshown_from: u64::from_le_bytes(fields.take()?),
                shifted_s: u32::from_le_bytes(fields.take()?),
                since_s: u64::from_le_bytes(fields.take()?),
                settings: u32::from_le_bytes(fields.take()?),
            })
        });
        Ok(record.filter(|record| record.generation == generation))
    }

    pub(crate) fn write(&self, storage: &mut impl Storage) -> Result<(), PortError> {
        let mut bytes = [0; CLOCK_LEN_BYTES];
        let mut rest = &mut bytes[..];
        put(&mut rest, &self.generation.to_le_bytes())?;
        put(&mut rest, &self.unshown_from.to_le_bytes())?;
        put(&mut rest, &self.shifted_s.to_le_bytes())?;
        put(&mut rest, &self.since_s.to_le_bytes())?;
        put(&mut rest, &self.settings.to_le_bytes())?;
        CLOCK.write(storage, &bytes)
    }
}

/// Reads field after field.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

/// Writes field after field.
fn put(rest: &mut &mut [u8], field: &[u8]) -> Result<(), PortError> {
    let (place, behind) = core::mem::take(rest)
        .split_at_mut_checked(field.len())
        .ok_or(PortError)?;
    place.copy_from_slice(field);
    *rest = behind;
    Ok(())
}
