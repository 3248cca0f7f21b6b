//! A vault's file on disk: one writer at a time, and the old content or the new one, whatever crashes.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use vault::{FileError, LockedVault, MAX_VAULT_LEN_BYTES};

/// How long a command waits for another one that is writing.
pub const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Where a vault is kept. Nothing is opened until it is read or locked.
#[derive(Clone, Debug)]
pub struct VaultFile {
    path: PathBuf,
}

/// The right to write a vault, until it is dropped: what is read through it stays true until it is saved through it.
///
/// It is a lock on a file beside the vault, which stays there; the kernel gives it back when its holder dies.
pub struct VaultLock {
    path: PathBuf,
    _held: File,
}

/// Why a vault's file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum VaultFileError {
    /// There is none.
    #[error("there is no vault at {}: the first `countersign authenticator add` makes one", .0.display())]
    Missing(PathBuf),
    /// There is one, and none was expected.
    #[error("{} exists already and is not overwritten: move it away, or name another file", .0.display())]
    Exists(PathBuf),
    /// It is no vault, or a damaged one.
    #[error("{}: {error}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: FileError,
    },
    /// Somebody else is writing it.
    #[error("{} is being changed by {}: try again when that has ended", path.display(), holder_of(*.holder))]
    Busy {
        /// The file.
        path: PathBuf,
        /// The process that holds it, as far as it said so.
        holder: Option<u32>,
    },
    /// A directory, a device, a pipe.
    #[error("{} is not a file", .0.display())]
    NotAFile(PathBuf),
    /// The file system refuses.
    #[error("{} cannot be {doing}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: Doing,
        /// What the file system says.
        error: io::Error,
    },
}

/// What is done to a vault's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Waiting for other writers.
    Lock,
    /// Taking its content.
    Read,
    /// Putting a new content in its place.
    Write,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lock => "locked",
            Self::Read => "read",
            Self::Write => "written",
        })
    }
}

fn holder_of(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"))
}

impl VaultFile {
    /// The vault at `path`, whether or not there is one.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything is there.
    pub fn exists(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// What is there now, whole: a writer at the same time does not disturb.
    ///
    /// # Errors
    /// [`VaultFileError`], but never `Busy`.
    pub fn read(&self) -> Result<LockedVault, VaultFileError> {
        read(&self.path)
    }

    /// Waits for whoever is writing, [`LOCK_WAIT`] as a rule, and keeps others from it. Makes the vault's directory, for its
    /// owner alone, where that is missing.
    ///
    /// # Errors
    /// [`VaultFileError::Busy`] when the wait was in vain, and `Io`.
    pub fn lock(&self, wait: Duration) -> Result<VaultLock, VaultFileError> {
        // Behind a symbolic link is the file that is replaced; the link stays.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let failed = |error| VaultFileError::Io {
            path: path.clone(),
            doing: Doing::Lock,
            error,
        };
        let mut directory = DirBuilder::new();
        directory.recursive(true).mode(0o700);
        directory.create(parent(&path)).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(beside(&path, ".lock")).map_err(failed)?;
        let until = Instant::now() + wait;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(LOCK_POLL),
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    let _unsaid = file.take(16).read_to_string(&mut holder);
                    let holder = holder.trim().parse().ok();
                    return Err(VaultFileError::Busy { path, holder });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        // Who holds it is for people to read; the lock holds without.
        let _unsaid = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(VaultLock { path, _held: file })
    }
}

impl VaultLock {
    /// What is there, and stays there until it is saved.
    ///
    /// # Errors
    /// [`VaultFileError`], but never `Busy`.
    pub fn read(&self) -> Result<LockedVault, VaultFileError> {
        read(&self.path)
    }

    /// Puts a vault where none is.
    ///
    /// # Errors
    /// [`VaultFileError::Exists`] when anything is there, and `Io`; nothing is changed then.
    pub fn create(&self, file: &[u8]) -> Result<(), VaultFileError> {
        self.put(file, |new, path| {
            fs::hard_link(new, path)?;
            fs::remove_file(new)
        })
    }

    /// Puts [`OpenVault::save`](vault::OpenVault::save)'s bytes in the place of what is there, durably.
    ///
    /// # Errors
    /// `Io`; the old content is there then.
    pub fn save(&self, file: &[u8]) -> Result<(), VaultFileError> {
        self.put(file, |new, path| fs::rename(new, path))
    }

    /// Written beside its place and synced, then put there in one step that is synced too.
    fn put(&self, bytes: &[u8], into_place: fn(&Path, &Path) -> io::Result<()>) -> Result<(), VaultFileError> {
        let new = beside(&self.path, ".new");
        let written = write_synced(&new, bytes)
            .and_then(|()| into_place(&new, &self.path))
            .and_then(|()| File::open(parent(&self.path))?.sync_all());
        written.map_err(|error| {
            let _none_is_left = fs::remove_file(&new);
            let path = self.path.clone();
            match error.kind() {
                ErrorKind::AlreadyExists => VaultFileError::Exists(path),
                _ => VaultFileError::Io {
                    path,
                    doing: Doing::Write,
                    error,
                },
            }
        })
    }
}

fn write_synced(new: &Path, bytes: &[u8]) -> io::Result<()> {
    // The lock is held, so what is there was left by a crash.
    let _left = fs::remove_file(new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn read(path: &Path) -> Result<LockedVault, VaultFileError> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => VaultFileError::Missing(path.into()),
        _ => VaultFileError::Io {
            path: path.into(),
            doing: Doing::Read,
            error,
        },
    };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(VaultFileError::NotAFile(path.into()));
    }
    let mut bytes = Vec::new();
    let most = MAX_VAULT_LEN_BYTES as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(failed)?;
    LockedVault::parse(&bytes).map_err(|error| VaultFileError::Unusable {
        path: path.into(),
        error,
    })
}

/// The name with something behind it, in the same directory.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
