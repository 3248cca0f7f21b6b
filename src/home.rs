//! The data directory: what stands in it, and how its parts are opened.

use std::{
    fs::{self, DirBuilder, Metadata},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::{DirBuilderExt, MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use keyring::{Keyring, KeyringError, private_file::open_plain};
use service::{Clock, Entropy, Signer};
use store::audit::Head;
use store_sqlite::{OpenError, Sqlite};
use zeroize::Zeroizing;

use crate::{
    Failure,
    real::{self, RealClock, RealEntropy},
};

/// Where the data is.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Home {
    /// The data directory [default: ~/.local/share/countersign, or countersign in $XDG_DATA_HOME]
    #[arg(long, value_name = "DIR", env = "COUNTERSIGN_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl Home {
    /// This one, or that directory where none is named.
    pub(crate) fn or(self, dir: Option<PathBuf>) -> Self {
        Self {
            data_dir: self.data_dir.or(dir),
        }
    }

    /// The directory, whether or not it exists.
    pub(crate) fn dir(&self) -> Result<PathBuf, Failure> {
        self.data_dir.clone().or_else(real::data_dir).ok_or_else(|| {
            Failure::usage("there is no place for the data: neither XDG_DATA_HOME nor HOME is set")
                .help("name one with --data-dir DIR")
        })
    }

    /// The directory, made (0700) when it is missing.
    pub(crate) fn make(&self) -> Result<PathBuf, Failure> {
        let dir = self.dir()?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|error| {
                Failure::new(format!("{} cannot be made: {error}", dir.display()))
                    .help("name another with --data-dir DIR, or make it for the user that runs this program")
            })?;
        private_dir(&dir)?;
        Ok(dir)
    }

    /// The directory, which `serve` must have made.
    pub(crate) fn existing(&self) -> Result<PathBuf, Failure> {
        let dir = self.dir()?;
        if dir.join(DATABASE).exists() {
            private_dir(&dir)?;
            return Ok(dir);
        }
        Err(Failure::new(format!("{} holds no Countersign data", dir.display()))
            .help("start `countersign serve` once, or name the right directory with --data-dir"))
    }
}

/// Refuses a directory that others may enter: modes of what is in it are one mistake away from being read.
pub(crate) fn private_dir(dir: &Path) -> Result<(), Failure> {
    match there(dir)? {
        Some(found) if found.mode() & 0o077 != 0 => {
            let (dir, mode) = (dir.display(), found.mode() & 0o777);
            Err(Failure::new(format!("{dir} may be entered by others (mode {mode:o})"))
                .help(format!("chmod 700 {dir}")))
        }
        Some(_) => Ok(()),
        None => Err(Failure::new(format!("{} is gone", dir.display()))),
    }
}

/// Refuses a file of secrets that others may read; one that is not there is none.
pub(crate) fn not_for_others(path: &Path) -> Result<(), Failure> {
    match there(path)? {
        Some(found) if found.mode() & 0o077 != 0 => {
            let (path, mode) = (path.display(), found.mode() & 0o777);
            Err(
                Failure::new(format!("{path} can be read by others (mode {mode:o})")).help(format!(
                    "chmod 600 {path}, and make another key if somebody did read it"
                )),
            )
        }
        _ => Ok(()),
    }
}

/// The metadata of what is at this path, if anything is.
pub(crate) fn there(path: &Path) -> Result<Option<Metadata>, Failure> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!("{}: {error}", path.display())).help(OURS)),
    }
}

const OURS: &str = "the data directory, with all that is in it, must belong to the user that runs this program";

/// The database's file.
pub(crate) const DATABASE: &str = "countersign.sqlite";
/// The keyring's file.
pub(crate) const KEYRING: &str = "keyring";
/// The first API key's file.
pub(crate) const ADMIN_KEY: &str = "admin.key";
/// The newest signed heads of the trail.
pub(crate) const HEADS: &str = "audit.heads";

/// The ports that are real on this machine, and the keyring of a data directory.
pub(crate) struct Environment {
    /// The wall clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The kernel's randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Seals and signs.
    pub(crate) keyring: Arc<Keyring>,
}

impl Environment {
    /// Opens the keyring of this directory; makes one only where there is no database yet that another
    /// keyring sealed, and refuses one that is not this database's.
    pub(crate) fn of(dir: &Path) -> Result<Self, Failure> {
        // Not before: a file that a shell hands over as /dev/fd/N could not be opened any more.
        authenticator::keep_memory_private()
            .map_err(|error| Failure::new(format!("the memory of this process cannot be kept private: {error}")))?;
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(RealEntropy::new());
        let path = dir.join(KEYRING);
        let fresh = !path.exists() && !dir.join(DATABASE).exists();
        let keyring = if fresh {
            Keyring::create(&path, entropy.clone(), clock.now())
        } else {
            Keyring::open(&path, entropy.clone())
        };
        let keyring = keyring.map_err(|error| match error {
            KeyringError::Io(error) => Failure::new(format!("{}: {error}", path.display())).help(OURS),
            damaged @ (KeyringError::Damaged { .. } | KeyringError::Newer { .. }) => Failure::new(format!(
                "{}: {damaged}",
                path.display()
            ))
            .help(
                "put back the keyring file that belongs to this database, from the copy that is kept apart from its \
                 backups; `countersign audit verify` says whether it is the right one",
            ),
            other => Failure::new(other),
        })?;
        Ok(Self {
            clock,
            entropy,
            keyring: Arc::new(keyring),
        })
    }

    /// Opens the database of this directory for `writer`, once it has reached these heads; `owner` takes the owner lock.
    pub(crate) fn open_store(
        &self,
        dir: &Path,
        writer: &str,
        owner: bool,
        heads: Option<&[Head]>,
    ) -> Result<Sqlite, OpenError> {
        let options = store_sqlite::Options {
            writer: format!("{writer}/{}/{}", real::host_name(), std::process::id()),
            opened_at: self.clock.now(),
            sign: &|statement| self.keyring.sign(statement),
            verify: &|statement, signature| self.keyring.verify(statement, signature),
            heads,
            owner,
        };
        Sqlite::open(dir, options)
    }
}

/// The bytes of a plain file, see [`open_plain`].
pub(crate) fn read_plain(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = open_plain(path)?;
    let length = file.metadata()?.len();
    // In one piece, so that no copy of a secret is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(length).unwrap_or(0).saturating_add(1),
    ));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The bytes of a file that an operator names. What a shell hands over (`<(…)`, as `/dev/fd/N`) is a pipe that somebody
/// writes.
pub(crate) fn read_named(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    if ["/dev/fd", "/dev/stdin", "/proc"]
        .iter()
        .any(|given| path.starts_with(given))
    {
        return fs::read(path).map(Zeroizing::new);
    }
    read_plain(path)
}
