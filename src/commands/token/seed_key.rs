//! The key of encrypted seed files, and the files that it opens.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use pskc::{ManagementKey, Seed, Unlock, typed_hex};
use zeroize::Zeroizing;

use crate::Failure;

/// A seed file that was made when the token was provisioned.
#[derive(Args)]
pub(super) struct SeedFile {
    /// The encrypted PSKC file that has the token
    #[arg(long, value_name = "FILE")]
    seeds: PathBuf,
    #[command(flatten)]
    key: KeyFile,
}

/// What it is encrypted with.
#[derive(Args)]
pub(super) struct KeyFile {
    /// The file of the key that seed files are encrypted with: 16, 24 or 32 bytes, as they are or hexadecimal
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_SEED_KEY_FILE")]
    key_file: PathBuf,
}

/// The key; wiped when dropped.
pub(in crate::commands) struct SeedKey(Zeroizing<Vec<u8>>);

impl SeedFile {
    /// The seed of this token.
    pub(super) fn seed(&self, serial_number: &str) -> Result<Seed, Failure> {
        let seeds = self.key.read()?.read_seeds(&self.seeds)?;
        let found = seeds.into_iter().find(|seed| seed.serial_number == serial_number);
        found.ok_or_else(|| {
            Failure::new(format!("{} does not hold {serial_number}", self.seeds.display()))
                .help("name the file of the token's batch with --seeds FILE")
        })
    }
}

impl SeedFile {
    /// The management key of this token.
    pub(super) fn management_key(&self, serial_number: &str) -> Result<ManagementKey, Failure> {
        self.seed(serial_number)?.management_key.ok_or_else(|| {
            Failure::new(format!("{} has no management key of {serial_number}", self.seeds.display()))
                .help("name the file that `token provision` wrote; or hold the token's button for ten seconds, which erases it")
        })
    }
}

impl KeyFile {
    pub(super) fn read(&self) -> Result<SeedKey, Failure> {
        SeedKey::read(&self.key_file)
    }
}

/// The key that a text is the hexadecimal of, however it was pasted into its file.
fn unhex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = typed_hex(str::from_utf8(text).ok()?)?;
    is_key(&key).then_some(key)
}

fn is_key(bytes: &[u8]) -> bool {
    matches!(bytes.len(), 16 | 24 | 32)
}

impl SeedKey {
    /// As it travels to the service.
    pub(super) fn to_base64(&self) -> api::Base64 {
        self.0.clone().into()
    }

    /// This key.
    pub(in crate::commands) fn new(key: &[u8; 32]) -> Self {
        Self(Zeroizing::new(key.to_vec()))
    }

    /// The key of this file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        authenticator::kept_private(path)?;
        let bytes = fs::read(path).map(Zeroizing::new).map_err(|error| {
            Failure::usage(format!("{shown} cannot be read: {error}")).help(
                "a file of before opens with its own key alone; for a new file make one with \
                 `(umask 077; openssl rand -hex 32 > FILE)`, and give it to whoever imports the tokens",
            )
        })?;
        let key = match unhex(&bytes) {
            Some(key) => key,
            None => bytes,
        };
        if !is_key(&key) {
            return Err(Failure::usage(format!(
                "{shown} holds no key: 16, 24 or 32 bytes, or as many in hexadecimal"
            ))
            .help(
                "a file of before opens with its own key alone; for a new file make one with \
                 `(umask 077; openssl rand -hex 32 > FILE)`",
            ));
        }
        Ok(Self(key))
    }

    /// The key itself.
    pub(in crate::commands) fn expose_secret(&self) -> &[u8] {
        &self.0
    }

    /// Reads all tokens of a seed file.
    pub(super) fn read_seeds(&self, path: &Path) -> Result<Vec<Seed>, Failure> {
        let shown = path.display();
        let file = fs::read(path).map_err(|error| Failure::new(format!("{shown} cannot be read: {error}")))?;
        let read = pskc::read(&file, &Unlock::Key(self.expose_secret()));
        let receipt = read.map_err(|error| {
            Failure::new(format!("{shown}: {error}")).help("name the key that it was written with by --key-file FILE")
        })?;
        Ok(receipt.seeds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_bytes_or_digits() {
        assert_eq!(
            unhex(b"000102030405060708090a0b0c0d0e0F\n").map(|key| key.to_vec()),
            Some((0..16).collect())
        );
        let pasted = "\u{feff}00010203-04050607\u{200b} \u{6f0}8090a0b \u{660}c0d0e0F\u{200e}\r\n";
        assert_eq!(
            unhex(pasted.as_bytes()).map(|key| key.to_vec()),
            Some((0..16).collect())
        );
        assert!(unhex(&[0xFF; 32]).is_none());
        assert!(unhex(b"0001").is_none());
    }
}
