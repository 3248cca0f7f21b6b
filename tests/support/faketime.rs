//! libfaketime: another wall clock for programs of which tests have no sources.

use std::{fs, path::PathBuf};

/// The library for programs with threads, to be preloaded.
pub(crate) fn library() -> PathBuf {
    let of = |dir: fs::DirEntry| dir.path().join("faketime/libfaketimeMT.so.1");
    let mut found = fs::read_dir("/usr/lib").expect("a directory").flatten().map(of);
    found
        .find(|path| path.exists())
        .expect("install the Debian package faketime")
}
