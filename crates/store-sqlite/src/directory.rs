//! The data directory: who may read it, and which process holds it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::{FILE_NAME, OpenError};

/// SQLite's own names beside the database's.
pub(crate) const WAL_NAME: &str = "countersign.sqlite-wal";
pub(crate) const SHM_NAME: &str = "countersign.sqlite-shm";
/// Locked by whoever owns the directory.
pub(crate) const LOCK: &str = "owner.lock";
/// See [`generation`](crate::generation).
pub(crate) const GENERATION: &str = "keys.generation";

/// The data directory is kept from others for as long as this lives.
pub struct OwnerLock(File);

impl OwnerLock {
    /// Takes it, for work that no owner may do at the same time; `None` while there is an owner.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn if_free(dir: &Path) -> Result<Option<Self>, OpenError> {
        match lock(dir) {
            Ok(lock) => Ok(Some(lock)),
            Err(OpenError::Owned { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // Closing alone would leave it to a child process that was being started elsewhere in this one.
        let _ended_with_the_file_at_the_latest = self.0.unlock();
    }
}

/// The files that an owner holds before it opens the database.
pub(crate) struct Owned {
    /// The database's file, made (0600) if need be: SQLite would ask the umask, and gives its log and index the mode
    /// of the database.
    pub(crate) file: File,
    pub(crate) lock: OwnerLock,
}

/// Makes the directory (0700) and the database's file if need be, and takes the owner lock.
pub(crate) fn own(dir: &Path) -> Result<Owned, OpenError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(files(dir))?;
    for name in [FILE_NAME, LOCK] {
        has_one_name(dir, name)?;
    }
    let lock = lock(dir)?;
    let path = dir.join(FILE_NAME);
    let file = private(OpenOptions::new().read(true).write(true), &path).map_err(files(&path))?;
    Ok(Owned { file, lock })
}

/// By another name the same file would have another log, or another lock.
fn has_one_name(dir: &Path, name: &'static str) -> Result<(), OpenError> {
    let path = dir.join(name);
    let why = match fs::symlink_metadata(&path) {
        Ok(found) if found.is_symlink() => "is a link: name the directory where the file itself is",
        Ok(found) if found.is_file() && found.nlink() > 1 => "has another name (a hard link): remove that one",
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(files(&path)(error)),
        _ => return Ok(()),
    };
    Err(OpenError::Linked { path, why })
}

/// A directory to be read, beside its owner or without one; who else reads it keeps owners out meanwhile.
pub(crate) enum Reading {
    Beside,
    Alone(Option<OwnerLock>),
}

/// A directory that can only be read may lack a lock, and will get none.
pub(crate) fn read(dir: &Path) -> Result<Reading, OpenError> {
    let path = dir.join(FILE_NAME);
    if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        return Err(files(&path)(no_file()));
    }
    let path = dir.join(LOCK);
    let file = match plain(OpenOptions::new().read(true), &path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Reading::Alone(None)),
        Err(error) => return Err(files(&path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Reading::Alone(Some(OwnerLock(file)))),
        Err(TryLockError::WouldBlock) => Ok(Reading::Beside),
        Err(TryLockError::Error(error)) => Err(files(&path)(error)),
    }
}

/// The database's file beside its owner.
pub(crate) fn beside(dir: &Path) -> Result<PathBuf, OpenError> {
    let path = dir.join(FILE_NAME);
    match fs::metadata(&path) {
        Ok(found) if found.len() > 0 => Ok(path),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files(&path)(error)),
        _ => Err(OpenError::Missing { path: dir.into() }),
    }
}

/// Opens or makes a file that only its owner may read.
pub(crate) fn private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = plain(options.create(true).truncate(false).mode(0o600), path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Opens a file that is one: a pipe or a device in its place would keep whoever opens or reads it waiting.
pub(crate) fn plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let at_once = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = options.custom_flags(at_once).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(no_file())
}

fn no_file() -> io::Error {
    let why = "it is no file: a pipe, a device or a directory";
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// An [`OpenError::Files`] about this path.
pub(crate) fn files(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    |error| OpenError::Files { path, error }
}

fn lock(dir: &Path) -> Result<OwnerLock, OpenError> {
    let path = dir.join(LOCK);
    let mut file = private(OpenOptions::new().read(true).write(true), &path).map_err(files(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let known = file.read_to_string(&mut pid).is_ok();
            return Err(OpenError::Owned {
                pid: known.then(|| pid.trim().parse().ok()).flatten(),
                path: dir.into(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(files(&path)(error)),
    }
    // For people and for the message above; the lock itself is the kernel's and ends with the process.
    let write = |file: &mut File| {
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())
    };
    write(&mut file).map_err(files(&path))?;
    Ok(OwnerLock(file))
}
