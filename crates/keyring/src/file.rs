use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use ring::digest::{SHA256, digest};
use service::{Entropy, PortError, UnixMs};
use zeroize::Zeroizing;

use crate::{Keyring, Material, open_plain};

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
    #[error("{} can be read by others (mode {mode:o}): chmod 600 it, and rotate the keys if somebody did", path.display())]
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
    /// The file system refuses.
    #[error("the keyring cannot be used: {0}")]
    Io(#[from] io::Error),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] PortError),
}

const HEADER: &str = "# Countersign keyring, format 1. With it and the database, every secret can be read:\n\
                      # keep it 0600, keep a copy apart from the database's backups, never lose it.\n";
/// A keyring with many retired keys stays far below this.
const SIZE_MAX: u64 = 1 << 20;

impl Keyring {
    /// Makes a keyring with one key of each kind in a new file.
    pub fn create(path: &Path, entropy: Arc<dyn Entropy>, now: UnixMs) -> Result<Self, KeyringError> {
        let mut text = Zeroizing::new(String::with_capacity(1_024));
        text.push_str(HEADER);
        for kind in ["seal", "sign"] {
            let mut bytes: Material = Zeroizing::new([0; 32]);
            entropy.fill(&mut *bytes)?;
            write_line(&mut text, kind, 1, now, &bytes);
        }
        write_new(path, text.as_bytes())?;
        Self::parse(&text, entropy)
    }

    /// Whether the file is still the one that was opened: there, byte for byte, and its owner's alone.
    pub fn check(&self, path: &Path) -> Result<(), KeyringError> {
        if digest(&SHA256, &read(path)?).as_ref() == self.read_as.as_ref() {
            Ok(())
        } else {
            Err(KeyringError::Changed(path.into()))
        }
    }

    /// Reads the keyring of a file that only its owner may read.
    pub fn open(path: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, KeyringError> {
        let bytes = read(path)?;
        let text = str::from_utf8(&bytes).map_err(|_| KeyringError::Damaged {
            line: 0,
            what: "it is not text",
        })?;
        Self::parse(text, entropy)
    }

    fn parse(text: &str, entropy: Arc<dyn Entropy>) -> Result<Self, KeyringError> {
        let (mut sealing, mut signing) = (Vec::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            let damaged = |what| KeyringError::Damaged { line: index + 1, what };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            let (Some(kind), Some(id), Some(_created), Some(hex), None) =
                (words.next(), words.next(), words.next(), words.next(), words.next())
            else {
                return Err(damaged("four words are expected: kind, id, time, key"));
            };
            let id: u32 = id.parse().map_err(|_| damaged("the id is no number"))?;
            let key = (
                id,
                material(hex).ok_or_else(|| damaged("the key is not 64 hex digits"))?,
            );
            let kept = match kind {
                "seal" => &mut sealing,
                "sign" => &mut signing,
                _ => return Err(damaged("the kind is neither seal nor sign")),
            };
            if kept.iter().any(|(other, _)| *other == id) {
                return Err(damaged("the id stands twice"));
            }
            kept.push(key);
        }
        Self::new(sealing, signing, entropy, digest(&SHA256, text.as_bytes()))
    }
}

/// What a file holds that only its owner may read.
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

fn write_line(text: &mut String, kind: &str, id: u32, now: UnixMs, bytes: &Material) {
    let _infallible = write!(text, "{kind} {id} {} ", now.get());
    for byte in bytes.iter() {
        let _infallible = write!(text, "{byte:02x}");
    }
    text.push('\n');
}

fn material(hex: &str) -> Option<Material> {
    let mut bytes: Material = Zeroizing::new([0; 32]);
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// Writes a whole new file or none: beside its place first, then linked there, which fails where one is.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeyringError> {
    let beside = path.with_extension("new");
    let _left_by_a_crash = fs::remove_file(&beside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(KeyringError::Exists(path.into())),
        other => other?,
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
