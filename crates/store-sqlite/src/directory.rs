//! The data directory: who may read it, and which process holds it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::{FILE_NAME, OpenError};

/// The data directory is held by this process for as long as this lives.
pub(crate) struct OwnerLock(File);

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // Closing alone would leave it to a child process that was being started elsewhere in this one.
        let _ended_with_the_file_at_the_latest = self.0.unlock();
    }
}

/// Makes the directory (0700) and the database's file (0600) if need be, and takes the owner lock.
pub(crate) fn own(dir: &Path) -> Result<(PathBuf, OwnerLock), OpenError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(files(dir))?;
    let lock = lock(dir)?;
    let path = dir.join(FILE_NAME);
    // Made here, for SQLite would ask the umask; it gives its log and index the mode of the database.
    private(OpenOptions::new().write(true), &path).map_err(files(&path))?;
    Ok((path, lock))
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
    let file = options.create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// An [`OpenError::Files`] about this path.
pub(crate) fn files(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    |error| OpenError::Files { path, error }
}

fn lock(dir: &Path) -> Result<OwnerLock, OpenError> {
    let path = dir.join("owner.lock");
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
