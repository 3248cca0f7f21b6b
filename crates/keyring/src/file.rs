//! A keyring's file: made, opened, checked, upgraded.

use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, PoisonError},
};

use service::{Entropy, UnixMs};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    Grown, Keyring, KeyringError, NewGrantKey,
    grants::GrantKeys,
    lines::{HEADER, Lines, Material, write_line},
    private_file::{self, open_plain},
};

/// A keyring with many retired keys stays far below this.
const SIZE_MAX: u64 = 1 << 20;

/// A file's bytes, as far as they are to be known again.
pub(crate) struct Seen {
    length: usize,
    digest: [u8; 32],
}

impl Seen {
    fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len(),
            digest: Sha256::digest(bytes).into(),
        }
    }

    /// What stands below them in this file; `None` if it is another one.
    fn rest_of<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (same, rest) = bytes.split_at_checked(self.length)?;
        let is_whole = rest.is_empty() || same.ends_with(b"\n") || rest.starts_with(b"\n");
        (is_whole && *Sha256::digest(same) == self.digest).then_some(rest)
    }
}

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

    /// Checks that the file is still the one that was opened: there, byte for byte, and its owner's alone. Further grant keys
    /// below that are taken in; true if there were any.
    pub fn check(&self, path: &Path) -> Result<bool, KeyringError> {
        self.read_again(path).map(|(_, is_more)| is_more)
    }

    /// The file's bytes, and whether there was more to take in.
    fn read_again(&self, path: &Path) -> Result<(Zeroizing<Vec<u8>>, bool), KeyringError> {
        let bytes = read(path)?;
        let rest = self.grown().file.rest_of(&bytes).map(|rest| rest.len());
        let is_more = match rest {
            Some(0) => false,
            Some(more) => {
                let grown = grown(&bytes, more).ok_or_else(|| KeyringError::Changed(path.into()))?;
                *self.grown.write().unwrap_or_else(PoisonError::into_inner) = grown;
                true
            }
            None => return Err(KeyringError::Changed(path.into())),
        };
        Ok((bytes, is_more))
    }

    /// Draws a grant key, which is nobody's yet.
    pub fn new_grant_key(&self) -> Result<NewGrantKey, KeyringError> {
        let mut seed: Material = Zeroizing::new([0; 32]);
        self.entropy.fill(&mut *seed)?;
        NewGrantKey::of(seed)
    }

    /// Writes a further grant key into the file. It is published from then on, and signs a while later.
    pub fn add_grant_key(&self, path: &Path, key: &NewGrantKey, now: UnixMs) -> Result<(), KeyringError> {
        let _no_other_writes = locked(path)?;
        let (bytes, _) = self.read_again(path)?;
        let text = as_text(&bytes)?;
        let number = Lines::of(text)?.grants.iter().map(|(id, _)| *id).max().unwrap_or(0);
        let mut text = with_room(text, 1);
        write_line(&mut text, "grant", number.saturating_add(1), now, key.seed());
        private_file::write(path, text.as_bytes())?;
        self.check(path).map(drop)
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
        let _no_other_writes = locked(path)?;
        let (bytes, _) = self.read_again(path)?;
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
        let mut text = with_room(old, derived.len() + missing.len());
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
        Self::new(&Lines::of(text)?, entropy, Seen::of(text.as_bytes()))
    }
}

/// What a keyring has become whose file is longer by so many bytes; `None` unless they are newer grant keys alone.
fn grown(bytes: &[u8], more: usize) -> Option<Grown> {
    let lines = |bytes| Lines::of(as_text(bytes).ok()?).ok();
    let all = lines(bytes)?;
    if !all.only_gained_grants(&lines(&bytes[bytes.len() - more..])?) {
        return None;
    }
    Some(Grown {
        grants: GrantKeys::of(&all).ok()?,
        file: Seen::of(bytes),
    })
}

fn as_text(bytes: &[u8]) -> Result<&str, KeyringError> {
    str::from_utf8(bytes).map_err(|_| KeyringError::Damaged {
        line: 0,
        what: "it is not text",
    })
}

/// A keyring's text with room for so many lines more, in one piece, so that no copy is left behind by growing.
fn with_room(text: &str, lines: usize) -> Zeroizing<String> {
    let mut with_room = Zeroizing::new(String::with_capacity(text.len() + 1 + 128 * lines));
    with_room.push_str(text);
    if !text.ends_with('\n') {
        with_room.push('\n');
    }
    with_room
}

/// Keeps other processes from writing the keyring of this folder until it is dropped: who reads, adds and puts in place
/// would lose what another one added in between.
fn locked(path: &Path) -> Result<File, KeyringError> {
    let folder = File::open(
        path.parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    )?;
    folder.lock()?;
    Ok(folder)
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
