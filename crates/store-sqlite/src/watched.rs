//! A file that is held against what it was when it was opened: its identity, and who may read it.

use std::{
    fs::{self, Metadata},
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::OpenError;

/// A file that was opened, by which file it is.
pub(crate) struct Watched {
    name: &'static str,
    pub(crate) path: PathBuf,
    identity: (u64, u64),
}

impl Watched {
    pub(crate) fn of(dir: &Path, name: &'static str) -> Result<Self, OpenError> {
        let path = dir.join(name);
        let found = fs::metadata(&path).map_err(crate::directory::files(&path))?;
        Ok(Self {
            name,
            path,
            identity: (found.dev(), found.ino()),
        })
    }

    pub(crate) fn found(&self) -> Result<Metadata, String> {
        let name = self.name;
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == self.identity => Ok(found),
            Ok(_) => Err(format!("{name} is another file than the one that was opened")),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(format!("{name} is gone")),
            Err(error) => Err(format!("{name} cannot be seen: {error}")),
        }
    }

    pub(crate) fn open_to_others(&self) -> Option<String> {
        let found = self.found().ok()?;
        let open = found.mode() & 0o077 != 0;
        open.then(|| format!("{} can be read by others: chmod 600 it", self.name))
    }
}
