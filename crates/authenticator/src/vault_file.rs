//! A vault's file on disk: one writer at a time, and the old content or the new one, whatever crashes.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use data_encoding::HEXLOWER;
use rustix::{
    fs::{CWD, OFlags, RenameFlags, major, minor, renameat_with},
    io::Errno,
};
use vault::{FileError, LockedVault, MAX_VAULT_LEN_BYTES};

use crate::refusal::named;

/// The time that a command waits for another one that is writing.
pub const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// The file of a vault. Nothing is opened until it is read or locked.
#[derive(Clone, Debug)]
pub struct VaultFile {
    path: PathBuf,
}

/// The right to write a vault, until it is dropped: what is read through it stays true until it is saved through it.
///
/// It is a lock on a file beside the vault, which stays there, empty; the kernel gives it back when its holder dies.
pub struct VaultLock {
    path: PathBuf,
    _held: File,
}

/// Why a vault's file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum VaultFileError {
    /// There is none.
    #[error("there is no vault at {}: the first `countersign authenticator add` makes one", named(.0))]
    Missing(PathBuf),
    /// There is one, and none was expected.
    #[error("{} exists already and is not overwritten: move it away, or name another file", named(.0))]
    Exists(PathBuf),
    /// It is no vault, or a damaged one.
    #[error("{}: {error}", named(path))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: FileError,
    },
    /// Somebody else is writing it.
    #[error("{} is being changed by {}: try again when that has ended", named(path), holder_of(*.holder))]
    Busy {
        /// The file.
        path: PathBuf,
        /// The process that holds it, as far as the kernel says so.
        holder: Option<u32>,
    },
    /// A directory, a device, a pipe.
    #[error("{} is not a file", named(.0))]
    NotAFile(PathBuf),
    /// The file system refuses.
    #[error("{} cannot be {doing}: {error}", named(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: Doing,
        /// What the file system says.
        error: io::Error,
    },
    /// It has its new content, and nobody knows for how long.
    #[error(
        "{} is saved, but may be the old one after a power failure: {error}; copy it to another disk",
        named(path)
    )]
    Unsynced {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        error: io::Error,
    },
}

/// What was being done to a vault's file when it failed.
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

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True if anything is there.
    pub fn exists(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// Reads the vault, whole: a writer at the same time does not disturb.
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
        make_dir(parent(&path)).map_err(failed)?;
        let file = open_lock(&path).map_err(failed)?;
        let until = Instant::now() + wait;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(VaultLock { path, _held: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(LOCK_POLL),
                Err(TryLockError::WouldBlock) => {
                    let holder = holder(&file);
                    return Err(VaultFileError::Busy { path, holder });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}

impl VaultLock {
    /// Reads the vault, which stays as it is until it is saved.
    ///
    /// # Errors
    /// [`VaultFileError`], but never `Busy`.
    pub fn read(&self) -> Result<LockedVault, VaultFileError> {
        read(&self.path)
    }

    /// Puts a vault where none is.
    ///
    /// # Errors
    /// [`VaultFileError::Exists`] when anything is there, and `Io`; nothing is changed then. `Unsynced`.
    pub fn create(&self, file: &[u8]) -> Result<(), VaultFileError> {
        self.put(file, rename_to_nothing)
    }

    /// Puts [`OpenVault::save`](vault::OpenVault::save)'s bytes in the place of what is there, durably.
    ///
    /// # Errors
    /// `Io`; the old content is there then. `Unsynced`.
    pub fn save(&self, file: &[u8]) -> Result<(), VaultFileError> {
        self.put(file, |new, path| fs::rename(new, path))
    }

    /// Written beside its place and synced, then put there in one step that is synced too.
    ///
    /// Not the keyring's writer, which this crate cannot see: it knows no service, and a vault keeps its user, lies on FAT
    /// too, and says whether a failure left the old one.
    fn put(&self, bytes: &[u8], into_place: fn(&Path, &Path) -> io::Result<()>) -> Result<(), VaultFileError> {
        let failed = |error| VaultFileError::Io {
            path: self.path.clone(),
            doing: Doing::Write,
            error,
        };
        // Opened before anything is done: it may be one that cannot be.
        let directory = File::open(parent(&self.path)).map_err(failed)?;
        self.clear_leftovers();
        let new = self.new_name(bytes);
        let mut file = new_file(&new, &self.path).map_err(failed)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if let Err(error) = written.and_then(|()| into_place(&new, &self.path)) {
            let _none_is_left = fs::remove_file(&new);
            return Err(match error.kind() {
                ErrorKind::AlreadyExists => VaultFileError::Exists(self.path.clone()),
                _ => failed(error),
            });
        }
        sync_dir(&directory).map_err(|error| VaultFileError::Unsynced {
            path: self.path.clone(),
            error,
        })
    }

    /// Hidden, and like no name that anybody gives: `.NAME.` and the end of the content's checksum, which is as good as random.
    fn new_name(&self, bytes: &[u8]) -> PathBuf {
        let end = HEXLOWER.encode(bytes.last_chunk::<LEFTOVER_MARK_LEN_BYTES>().unwrap_or(&[0; _]));
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(format!(".{end}{LEFTOVER_SUFFIX}"));
        self.path.with_file_name(name)
    }

    /// Removes the leftovers of a crash: the lock is held, so nobody is writing it. Where it cannot be taken away it does no
    /// harm.
    fn clear_leftovers(&self) {
        let name = self.path.file_name().unwrap_or_default();
        for entry in fs::read_dir(parent(&self.path)).into_iter().flatten().flatten() {
            if is_leftover(&entry.file_name(), name) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                let _harmless = fs::remove_file(entry.path());
            }
        }
    }
}

const LEFTOVER_MARK_LEN_BYTES: usize = 8;
const LEFTOVER_SUFFIX: &str = ".new";

fn is_leftover(name: &OsStr, of: &OsStr) -> bool {
    let rest = name.as_bytes().strip_prefix(b".");
    let rest = rest.and_then(|rest| rest.strip_prefix(of.as_bytes())?.strip_prefix(b"."));
    let mark = rest.and_then(|rest| rest.strip_suffix(LEFTOVER_SUFFIX.as_bytes()));
    mark.is_some_and(|mark| mark.len() == 2 * LEFTOVER_MARK_LEN_BYTES && HEXLOWER.decode(mark).is_ok())
}

/// Renames to where nothing is, in one step where the file system can. Others (FAT by some drivers) get an empty file first,
/// which nobody else can make at the same time; a crash in between leaves that, and loses nothing.
fn rename_to_nothing(new: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, new, CWD, path, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            OpenOptions::new().write(true).create_new(true).open(path)?;
            fs::rename(new, path)
        }
        renamed => Ok(renamed?),
    }
}

/// A new file of the user whose the file at `like` is, if there is one: root that changes somebody's vault does not take it
/// away from them.
fn new_file(path: &Path, like: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let Ok(owned) = fs::metadata(like) else {
        return Ok(file);
    };
    let given = file.metadata().and_then(|made| match made.uid() == owned.uid() {
        true => Ok(()),
        false => fchown(&file, Some(owned.uid()), Some(owned.gid())),
    });
    given.map(|()| file).map_err(|error| {
        let _none_is_left = fs::remove_file(path);
        match error.kind() {
            ErrorKind::PermissionDenied => {
                io::Error::other(format!("it belongs to the user {}: do this as that user", owned.uid()))
            }
            _ => error,
        }
    })
}

/// Whatever is there under the lock's name is locked and never written, so that it may be anybody's.
fn open_lock(vault: &Path) -> io::Result<File> {
    let path = beside(vault, ".lock");
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(no_link)
            .open(&path)
    };
    let opened = match open() {
        Err(error) if error.kind() == ErrorKind::NotFound => match new_file(&path, vault) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => open(),
            made => made,
        },
        opened => opened,
    };
    opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP) => io::Error::other(format!("{} is a link and no lock: remove it", named(&path))),
        _ => error,
    })
}

/// The process that holds a lock that was refused.
fn holder(lock: &File) -> Option<u32> {
    let of = lock.metadata().ok()?;
    let place = format!("{:02x}:{:02x}:{}", major(of.dev()), minor(of.dev()), of.ino());
    let held = fs::read_to_string("/proc/locks").ok()?;
    let mut locks = held.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // "1: FLOCK ADVISORY WRITE 4711 fe:00:42 0 EOF"
    locks.find_map(|lock| match lock[..] {
        [_, "FLOCK", _, "WRITE", id, at, ..] if at == place => id.parse().ok(),
        _ => None,
    })
}

/// Makes a directory for its owner alone, and those above that are missing; durably, for a vault that is durable in a
/// directory that is not is lost.
fn make_dir(path: &Path) -> io::Result<()> {
    let missing: Vec<_> = path
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    missing
        .into_iter()
        .try_for_each(|made| sync_dir(&File::open(parent(made))?))
}

/// Some file systems have nothing to sync in a directory, and say that they do not understand.
pub(crate) fn sync_dir(directory: &File) -> io::Result<()> {
    match directory.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
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

pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
