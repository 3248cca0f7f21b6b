//! The error of opening a data directory.

use std::{io, path::PathBuf};

use store::audit::Head;

/// An error of opening a data directory, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the data directory.
    #[error(
        "{} is in use by {}: stop it first, or use a command that works beside it",
        path.display(),
        pid.map_or("another process".into(), |pid| format!("process {pid}"))
    )]
    Owned {
        /// Who, as far as its lock file says.
        pid: Option<u32>,
        /// The data directory.
        path: PathBuf,
    },
    /// A command beside a server found no database.
    #[error("there is no database in {}: check the data directory, or start the server once", path.display())]
    Missing {
        /// The data directory.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("{}: {error}; the directory must belong to the user that runs this program", path.display())]
    Files {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// The file is no SQLite database, or another program's.
    #[error("{} is not a database of this program ({why}): move it away, or name another data directory", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How that shows.
        why: String,
    },
    /// The file was written by a newer version of this program.
    #[error("{} has schema {found}, this program knows {known}: use the newer version that wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The file is one of version 0.1, whose tables nobody migrates.
    #[error(
        "{} was made by version 0.1, which this version does not read: move the data directory away, start anew, and bind \
         the devices again",
        path.display()
    )]
    Before {
        /// The file.
        path: PathBuf,
    },
    /// A command beside a server met an older schema, which only the owner may migrate.
    #[error("{} has schema {found}, this program needs {known}: restart the server with this version first", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// SQLite does not keep a setting that durability or erasure rests on.
    #[error("SQLite refuses {setting} on {} (it says {got}): use a local file system that supports it", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// What was asked.
        setting: String,
        /// What is.
        got: String,
    },
    /// The database's file or its lock has more than one name.
    #[error("{} {why}", path.display())]
    Linked {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        why: &'static str,
    },
    /// The file and its write-ahead log are of different times.
    #[error(
        "{} and the log beside it ({}-wal) do not belong together, one of them was put back: put back both, from the \
         same moment and the newest there are",
        path.display(),
        path.display()
    )]
    Mixed {
        /// The file.
        path: PathBuf,
    },
    /// A head that was kept outside names rows that are not there.
    #[error("chain {} had {} row(s), and they are not all there", head.chain, head.position)]
    Behind {
        /// The first such head.
        head: Head,
    },
    /// A head that was kept outside signed another row than the one that is there.
    #[error("row {} of chain {} is not the one that was signed: this is another history", head.position, head.chain)]
    Other {
        /// The first such head.
        head: Head,
    },
    /// The heads that are kept outside are older than the database, or somebody took one away.
    #[error("chain {chain} has rows, and no head of it is kept")]
    Unnamed {
        /// The chain.
        chain: i64,
    },
    /// The heads that are kept outside are none, though there is a trail.
    #[error("the database has a trail, and no head of it is kept")]
    NoHeads,
    /// The register was signed by another keyring.
    #[error("the keyring is another database's, or the register was changed: it did not sign the newest chain in {}", path.display())]
    OtherKeyring {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged: what was read cannot be what was written.
    #[error("{} is damaged ({what}): restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        what: String,
    },
    /// The medium refuses at the moment.
    #[error("{} cannot be opened now ({why}): check free space and the disk, then try again", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}
