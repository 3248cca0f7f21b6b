//! A keyring's file: made, opened, checked, upgraded.

use std::{
    io::{ErrorKind, Read as _},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};

use ring::digest::{SHA256, digest};
use service::{Entropy, UnixMs};
use zeroize::Zeroizing;

use crate::{
    Keyring, KeyringError,
    lines::{HEADER, Lines, Material, write_line},
    private_file::{self, open_plain},
};

/// A keyring with many retired keys stays far below this.
const SIZE_MAX: u64 = 1 << 20;

impl Keyring {
    /// Makes a keyring with one key of each kind in a new file.
    pub fn create(path: &Path, entropy: Arc<dyn Entropy>, now: UnixMs) -> Result<Self, KeyringError> {
        let mut text = Zeroizing::new(String::with_capacity(1_280));
        text.push_str(HEADER);
        for kind in ["seal", "mac", "sign", "grant", "session"] {
            let mut bytes: Material = Zeroizing::new([0; 32]);
            entropy.fill(&mut *bytes)?;
            write_line(&mut text, kind, 1, now, &bytes);
        }
        private_file::create(path, text.as_bytes()).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => KeyringError::Exists(path.into()),
            _ => error.into(),
        })?;
        Self::parse(&text, entropy)
    }

    /// Checks that the file is still the one that was opened: there, byte for byte, and its owner's alone.
    pub fn check(&self, path: &Path) -> Result<(), KeyringError> {
        self.read_again(path).map(drop)
    }

    fn read_again(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let bytes = read(path)?;
        if digest(&SHA256, &bytes).as_ref() == self.read_as.as_ref() {
            Ok(bytes)
        } else {
            Err(KeyringError::Changed(path.into()))
        }
    }

    /// Reads the keyring of a file that only its owner may read.
    pub fn open(path: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, KeyringError> {
        Self::parse(as_text(&read(path)?)?, entropy)
    }

    /// Writes the MAC keys that a file of before leaves to be derived, and a key of grants and one of sessions where there is
    /// none, into the file, as lines of their own. The result is the keyring of the file as it is then; `None` where nothing
    /// is missing.
    ///
    /// For who owns the data directory, once the keyring has proven to be the database's: a program of before that runs
    /// beside would take the file for another one.
    pub fn upgrade(&self, path: &Path, now: UnixMs) -> Result<Option<Self>, KeyringError> {
        let bytes = self.read_again(path)?;
        let old = as_text(&bytes)?;
        let lines = Lines::of(old)?;
        let derived = lines.derived_macs();
        let kinds = [
            ("grant", lines.grants.is_empty()),
            ("session", lines.sessions.is_empty()),
        ];
        let missing: Vec<&str> = kinds.into_iter().filter_map(|(kind, is)| is.then_some(kind)).collect();
        if derived.is_empty() && missing.is_empty() {
            return Ok(None);
        }
        let new = derived.len() + missing.len();
        let mut text = Zeroizing::new(String::with_capacity(old.len() + 1 + 128 * new));
        text.push_str(old);
        if !old.ends_with('\n') {
            text.push('\n');
        }
        for (id, material) in &derived {
            write_line(&mut text, "mac", *id, now, material);
        }
        for kind in missing {
            let mut bytes: Material = Zeroizing::new([0; 32]);
            self.entropy.fill(&mut *bytes)?;
            write_line(&mut text, kind, 1, now, &bytes);
        }
        private_file::write(path, text.as_bytes())?;
        Self::parse(&text, self.entropy.clone()).map(Some)
    }

    fn parse(text: &str, entropy: Arc<dyn Entropy>) -> Result<Self, KeyringError> {
        Self::new(&Lines::of(text)?, entropy, digest(&SHA256, text.as_bytes()))
    }
}

fn as_text(bytes: &[u8]) -> Result<&str, KeyringError> {
    str::from_utf8(bytes).map_err(|_| KeyringError::Damaged {
        line: 0,
        what: "it is not text",
    })
}

/// Reads a file that only its owner may read.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let mut file = match open_plain(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(KeyringError::Missing(path.into())),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyringError::Exposed {
            path: path.into(),
            mode,
        });
    }
    if metadata.len() > SIZE_MAX {
        return Err(KeyringError::Damaged {
            line: 0,
            what: "it is far too long to be one",
        });
    }
    // Read from what was looked at, in one piece, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
