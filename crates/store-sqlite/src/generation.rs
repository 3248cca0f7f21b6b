//! The generation of API keys, [`Health::api_key_generation`](store::Health::api_key_generation): eight bytes in a file
//! that every process of the data directory reads and raises.
//!
//! The file is made odd before a change of keys is committed and even after. While it is odd, nobody knows
//! whether the change is there, so every reading is another number and no cache is trusted; a process
//! that dies in between leaves it odd, which is slow and not wrong, until the next owner opens.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use store::StoreError;

use crate::{OpenError, directory};

pub(crate) struct Generation {
    file: File,
    untrusted: AtomicU64,
    /// The number at the last look, and when the file was last written.
    seen: Mutex<(u64, Option<SystemTime>)>,
}

/// A change of keys under way; ends when it is dropped, by commit or rollback.
pub(crate) struct Raising<'a> {
    generation: &'a Generation,
    even: u64,
}

impl Raising<'_> {
    /// The trail has the change at this sequence number: so a number that was used once is never used again, even if the
    /// file was set back meanwhile.
    pub(crate) fn committed(&mut self, sequence: i64) {
        self.even = self.even.max(sequence.cast_unsigned() << 8);
    }
}

impl Generation {
    pub(crate) fn open(dir: &Path, owner: bool) -> Result<Self, OpenError> {
        let path = dir.join(directory::GENERATION);
        let file = directory::private(OpenOptions::new().read(true).write(true), &path);
        let generation = Self {
            file: file.map_err(directory::files(&path))?,
            untrusted: AtomicU64::new(u64::MAX),
            seen: Mutex::default(),
        };
        if owner {
            // Whoever left it odd is dead or waits for us; either way the next number is another one.
            drop(generation.raise().map_err(|error| OpenError::Unavailable {
                path,
                why: error.to_string(),
            })?);
        }
        Ok(generation)
    }

    pub(crate) fn read(&self) -> Result<u64, StoreError> {
        let found = self.stored().map_err(unavailable)?;
        if found % 2 == 0 {
            Ok(found)
        } else {
            Ok(self.untrusted.fetch_sub(1, Ordering::Relaxed))
        }
    }

    /// Once a second: a number that was written and did not rise was written by none of ours. It might rise again to one
    /// that caches know, so it is raised above all that were seen.
    pub(crate) fn look(&self) -> Result<(), StoreError> {
        let written = || {
            self.file
                .metadata()
                .and_then(|found| found.modified())
                .map_err(unavailable)
        };
        let mut seen = crate::shared::lock(&self.seen);
        let now = (self.stored().map_err(unavailable)?, Some(written()?));
        if now.1 != seen.1 && now.0 <= seen.0 {
            tracing::error!("keys.generation was changed by another program; no API key is trusted from before");
            drop(self.raise_above(seen.0)?);
            *seen = (self.stored().map_err(unavailable)?, Some(written()?));
        } else {
            *seen = now;
        }
        Ok(())
    }

    /// Before the commit; the result is held until after it.
    pub(crate) fn raise(&self) -> Result<Raising<'_>, StoreError> {
        self.raise_above(0)
    }

    fn raise_above(&self, floor: u64) -> Result<Raising<'_>, StoreError> {
        self.lock()?;
        let odd = match self.stored() {
            Ok(found) => found.max(floor).wrapping_add(1) | 1,
            Err(error) => return Err(self.unlocked(error)),
        };
        match self.file.write_all_at(&odd.to_le_bytes(), 0) {
            Ok(()) => Ok(Raising {
                generation: self,
                even: odd.wrapping_add(1),
            }),
            Err(error) => Err(self.unlocked(error)),
        }
    }

    /// A file that is empty or cut counts as one that was never raised.
    fn stored(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        match self.file.read_exact_at(&mut bytes, 0) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            Err(_) => Ok(0),
            Ok(()) => Ok(u64::from_le_bytes(bytes)),
        }
    }

    /// As long as SQLite would wait for the other process.
    fn lock(&self) -> Result<(), StoreError> {
        let until = Instant::now() + crate::connection::BUSY;
        loop {
            match self.file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(unavailable(error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    return Err(StoreError::Unavailable("another process is changing API keys".into()));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn unlocked(&self, error: io::Error) -> StoreError {
        let _ = self.file.unlock();
        unavailable(error)
    }
}

impl Drop for Raising<'_> {
    fn drop(&mut self) {
        // On failure it stays odd: slow, not wrong.
        let _ = self.generation.file.write_all_at(&self.even.to_le_bytes(), 0);
        let _ = self.generation.file.unlock();
    }
}

fn unavailable(error: io::Error) -> StoreError {
    StoreError::Unavailable(format!("keys.generation: {error}"))
}
