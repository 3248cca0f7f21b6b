//! Errors of a keyring file.

use std::{io, path::PathBuf};

use service::PortError;

/// Why there is no keyring.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file is not there.
    #[error("{} is missing: put back the keyring file that belongs to this database", .0.display())]
    Missing(PathBuf),
    /// A keyring is there already.
    #[error("{} exists already and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// Others may read it.
    #[error("{} can be read by others (mode {mode:o}): chmod 600 it; whoever read it and the database has every secret in that", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is another one than the one that was opened.
    #[error("{} is not the keyring that was opened", .0.display())]
    Changed(PathBuf),
    /// It is not a keyring.
    #[error("the keyring cannot be read: line {line}: {what}")]
    Damaged {
        /// Counted from 1; 0 for the file as a whole.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// It has a key of a kind that is not known.
    #[error(
        "the keyring cannot be read: line {line}: this version knows no such kind of key, a newer one wrote it: use that one"
    )]
    Newer {
        /// Counted from 1.
        line: usize,
    },
    /// The file system refuses.
    #[error("the keyring cannot be used: {0}")]
    Io(#[from] io::Error),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] PortError),
}
