use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use token::{FACTORY_SEED_LEN_BYTES, PortError, STORAGE_LEN_BYTES, Storage};

use crate::{ClockSetting, Kept, blank_image};

/// A token's storage in a file: its bytes, then the clock's register.
///
/// Each write is on disk when it returns. A write that was cut off is what [`Storage`] says it may be, and the
/// application puts up with it. One process at a time has the file.
pub struct FileStorage(File);

const CLOCK_AT: u64 = STORAGE_LEN_BYTES as u64;
const CLOCK_LEN_BYTES: usize = 16;
const LEN_BYTES: u64 = CLOCK_AT + CLOCK_LEN_BYTES as u64;

impl FileStorage {
    /// Opens the token that is kept in this file; makes a blank one with this seed where there is no file.
    ///
    /// # Errors
    /// `ResourceBusy` when another process has the token, `InvalidData` when the file is
    /// none of ours, and what opening, reading and writing say.
    pub fn open(path: &Path, factory_seed: &[u8; FACTORY_SEED_LEN_BYTES]) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(io::ErrorKind::ResourceBusy, "another process has this token"),
            TryLockError::Error(error) => error,
        })?;
        match file.metadata()?.len() {
            0 => {
                let mut image = blank_image(factory_seed);
                image.extend([0xFF; CLOCK_LEN_BYTES]);
                file.write_all_at(&image, 0)?;
                file.sync_all()?;
            }
            LEN_BYTES => {}
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "this file holds no simulated token",
                ));
            }
        }
        Ok(Self(file))
    }

    fn put(&mut self, at: u64, bytes: &[u8]) -> Result<(), PortError> {
        let kept = self.0.write_all_at(bytes, at).and_then(|()| self.0.sync_data());
        kept.map_err(|_| PortError)
    }
}

/// Beyond the storage's end there is nothing.
pub(crate) fn within(address: u16, len: usize) -> Result<core::ops::Range<usize>, PortError> {
    let start = usize::from(address);
    let end = start
        .checked_add(len)
        .filter(|&end| end <= usize::from(STORAGE_LEN_BYTES));
    Ok(start..end.ok_or(PortError)?)
}

impl Storage for FileStorage {
    fn read(&mut self, address: u16, into: &mut [u8]) -> Result<(), PortError> {
        within(address, into.len())?;
        self.0.read_exact_at(into, address.into()).map_err(|_| PortError)
    }

    fn write(&mut self, address: u16, bytes: &[u8]) -> Result<(), PortError> {
        within(address, bytes.len())?;
        self.put(address.into(), bytes)
    }
}

impl Kept for FileStorage {
    fn clock_setting(&mut self) -> Result<Option<ClockSetting>, PortError> {
        let mut register = [0; CLOCK_LEN_BYTES];
        self.0.read_exact_at(&mut register, CLOCK_AT).map_err(|_| PortError)?;
        if register == [0xFF; CLOCK_LEN_BYTES] {
            return Ok(None);
        }
        let (unix_s, at_unix_ms) = register.split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).map_err(|_| PortError);
        Ok(Some(ClockSetting {
            unix_s: number(unix_s)?,
            at_unix_ms: number(at_unix_ms)?,
        }))
    }

    fn keep_clock_setting(&mut self, setting: ClockSetting) -> Result<(), PortError> {
        let mut register = [0; CLOCK_LEN_BYTES];
        register[..8].copy_from_slice(&setting.unix_s.to_le_bytes());
        register[8..].copy_from_slice(&setting.at_unix_ms.to_le_bytes());
        self.put(CLOCK_AT, &register)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_what_it_has_and_is_had_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let mut storage = FileStorage::open(&path, &[7; 32]).unwrap();
        let mut seed = [0; 33];
        storage.read(0, &mut seed).unwrap();
        assert_eq!((&seed[..32], seed[32]), (&[7; 32][..], 0xFF));
        assert_eq!(storage.clock_setting(), Ok(None));
        let setting = ClockSetting {
            unix_s: 1,
            at_unix_ms: 2,
        };
        storage.keep_clock_setting(setting).unwrap();
        storage.write(STORAGE_LEN_BYTES - 2, b"ab").unwrap();
        assert_eq!(storage.write(STORAGE_LEN_BYTES - 1, b"ab"), Err(PortError));
        let busy = FileStorage::open(&path, &[8; 32]).err().map(|error| error.kind());
        assert_eq!(busy, Some(io::ErrorKind::ResourceBusy));
        drop(storage);
        let mut storage = FileStorage::open(&path, &[8; 32]).unwrap();
        let mut end = [0; 2];
        storage.read(STORAGE_LEN_BYTES - 2, &mut end).unwrap();
        assert_eq!((&end, storage.clock_setting()), (b"ab", Ok(Some(setting))));
    }

    #[test]
    fn another_file_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("letter");
        std::fs::write(&path, "dear sir").unwrap();
        assert!(FileStorage::open(&path, &[7; 32]).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"dear sir");
    }
}
