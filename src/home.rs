//! The data directory: what stands in it, and how its parts are opened.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use keyring::{Keyring, KeyringError};
use service::{Clock, Entropy, Signer};
use store_sqlite::Sqlite;

use crate::{
    Failure,
    heads::Heads,
    real::{self, RealClock, RealEntropy},
};

/// Where the data is.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Home {
    /// The data directory [default: $XDG_DATA_HOME/countersign]
    #[arg(long, value_name = "DIR", env = "COUNTERSIGN_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl Home {
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
            .map_err(|error| Failure::new(format!("{} cannot be made: {error}", dir.display())))?;
        Ok(dir)
    }

    /// The directory, which `serve` must have made.
    pub(crate) fn existing(&self) -> Result<PathBuf, Failure> {
        let dir = self.dir()?;
        if dir.join(DATABASE).exists() {
            return Ok(dir);
        }
        Err(Failure::new(format!("{} holds no Countersign data", dir.display()))
            .help("start `countersign serve` once, or name the right directory with --data-dir"))
    }
}

/// The database's file.
pub(crate) const DATABASE: &str = "countersign.sqlite";
/// The keyring's file.
pub(crate) const KEYRING: &str = "keyring";
/// The first API key's file.
pub(crate) const ADMIN_KEY: &str = "admin.key";
/// The newest signed heads of the trail.
pub(crate) const HEADS: &str = "audit.heads";

/// The ports that are real on this machine, and the keyring of a data directory.
pub(crate) struct Means {
    /// The wall clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The kernel's randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Seals and signs.
    pub(crate) keyring: Arc<Keyring>,
}

impl Means {
    /// Opens the keyring of this directory; makes one only where there is no database yet that another
    /// keyring sealed, and refuses one that is not this database's.
    pub(crate) fn of(dir: &Path) -> Result<Self, Failure> {
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
            KeyringError::Io(error) => Failure::new(format!("{}: {error}", path.display()))
                .help("the data directory, with all that is in it, must belong to the user that runs this program"),
            other => Failure::new(other),
        })?;
        Heads::read(&dir.join(HEADS))?.signed_by(&keyring)?;
        Ok(Self {
            clock,
            entropy,
            keyring: Arc::new(keyring),
        })
    }

    /// Opens the database of this directory for `writer`; `owner` takes the owner lock.
    pub(crate) fn open_store(&self, dir: &Path, writer: &str, owner: bool) -> Result<Sqlite, Failure> {
        let signer = self.keyring.clone();
        let options = store_sqlite::Options {
            writer: format!("{writer}/{}/{}", real::host_name(), std::process::id()),
            opened_at: self.clock.now(),
            sign: &move |statement| signer.sign(statement),
            owner,
        };
        Sqlite::open(dir, options).map_err(Failure::new)
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The new name is on disk only with its directory.
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}
