//! The agent: a process in the background that holds one vault's data key, and nothing else, for a while.
//!
//! It saves the passphrase and its costly derivation; every command still reads the vault's file. It listens on a socket in
//! a directory that only its user may enter, and answers only processes of the same user. A request is one byte:
//!
//! | request | answer |
//! |---|---|
//! | `k` | seconds left (u32, little-endian) and the data key\[32\] |
//! | `l` | `l`, when the key is wiped; the agent ends when the asker has hung up |

mod client;
mod keeper;

pub(crate) use client::{Agent, start};
pub(crate) use keeper::keep;

use std::{
    fs::{self, DirBuilder},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::Machine;

const GIVE_KEY: u8 = b'k';
const LOCK: u8 = b'l';
/// What the agent says on its pipe when it listens.
const READY: &[u8] = b"ready";

/// Where the agent of the vault at `path` listens: each vault has its own.
fn socket_of(machine: &Machine, path: &Path) -> PathBuf {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match &machine.runtime_dir {
        Some(runtime_dir) => {
            let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
            let name = data_encoding::HEXLOWER.encode(&digest[..8]);
            runtime_dir.join("countersign").join(name)
        }
        None => {
            let mut directory = path.into_os_string();
            directory.push(".agent");
            PathBuf::from(directory).join("socket")
        }
    }
}

/// Makes the socket's directory, or sees to it that nobody else may enter the one that is there.
fn private_directory(socket: &Path) -> io::Result<()> {
    let directory = socket.parent().unwrap_or(Path::new("/"));
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(directory)?;
    let ours = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
    ours.then_some(()).ok_or_else(|| {
        let shown = directory.display();
        io::Error::other(format!(
            "{shown} is not a directory that only its owner may enter: remove it"
        ))
    })
}
