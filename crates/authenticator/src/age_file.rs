//! Encryption by `age` around any file: exports that leave, and come back.

use std::io::{BufReader, Read as _, Write as _};

use age::{
    DecryptError, Decryptor, Encryptor, Identity, IdentityFile, armor::ArmoredReader, scrypt, secrecy::SecretString,
    x25519,
};
use vault::import::MAX_EXPORT_LEN_BYTES;
use zeroize::Zeroizing;

use crate::Refusal;

/// scrypt's N as a power of two: 1 GiB, as with vaults. age itself takes what costs the writer's machine a second, some 2^18.
const MAX_WORK_FACTOR: u8 = 20;

/// The recipients of an encrypted file.
pub(crate) enum Recipients {
    Passphrase(Zeroizing<String>),
    Keys(Vec<x25519::Recipient>),
}

pub(crate) fn seal(plain: &[u8], recipients: &Recipients) -> Result<Vec<u8>, Refusal> {
    let encryptor = match recipients {
        Recipients::Passphrase(passphrase) => Encryptor::with_user_passphrase(secret(passphrase)),
        Recipients::Keys(keys) => {
            let keys = keys.iter().map(|key| key as &dyn age::Recipient);
            Encryptor::with_recipients(keys).map_err(Refusal::new)?
        }
    };
    let mut sealed = Vec::new();
    let written = encryptor.wrap_output(&mut sealed).and_then(|mut into| {
        into.write_all(plain)?;
        into.finish()
    });
    written.map_err(Refusal::new)?;
    Ok(sealed)
}

/// A file that was sealed, binary or with armour.
pub(crate) struct Sealed<'a>(Decryptor<ArmoredReader<BufReader<&'a [u8]>>>);

impl<'a> Sealed<'a> {
    pub(crate) fn parse(file: &'a [u8]) -> Result<Self, Refusal> {
        let decryptor = Decryptor::new_buffered(ArmoredReader::new(file)).map_err(refused)?;
        Ok(Self(decryptor))
    }

    /// Otherwise it takes the file with a secret key.
    pub(crate) fn takes_passphrase(&self) -> bool {
        self.0.is_scrypt()
    }

    pub(crate) fn open_by_passphrase(self, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let mut identity = scrypt::Identity::new(secret(passphrase));
        identity.set_max_work_factor(MAX_WORK_FACTOR);
        self.open(&[&identity])
    }

    /// Opens the file by a key file of `age-keygen`.
    pub(crate) fn open_by_keys(self, identity_file: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let no_keys =
            |_| Refusal::new("the file that was named has no secret key of age: one begins with AGE-SECRET-KEY-1");
        let keys = IdentityFile::from_buffer(identity_file).map_err(no_keys)?;
        let keys = keys.into_identities().map_err(refused)?;
        let keys: Vec<&dyn Identity> = keys.iter().map(|key| key.as_ref() as &dyn Identity).collect();
        self.open(&keys)
    }

    fn open(self, identities: &[&dyn Identity]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let opened = self.0.decrypt(identities.iter().copied()).map_err(refused)?;
        // the whole room at once, so that it never grows and leaves a copy behind
        let mut plain = Zeroizing::new(Vec::with_capacity(MAX_EXPORT_LEN_BYTES + 1));
        opened
            .take(MAX_EXPORT_LEN_BYTES as u64 + 1)
            .read_to_end(&mut plain)
            .map_err(|_| damaged())?;
        Ok(plain)
    }
}

fn secret(passphrase: &str) -> SecretString {
    SecretString::from(passphrase.to_owned())
}

fn damaged() -> Refusal {
    Refusal::new("the age file was cut off or damaged: get it again")
}

fn refused(error: DecryptError) -> Refusal {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            Refusal::new("the passphrase or key is not the one that the age file was encrypted for")
        }
        DecryptError::ExcessiveWork { .. } => {
            Refusal::new("checking the age file's passphrase would take more than 1 GiB: decrypt it with age first")
        }
        DecryptError::UnknownFormat => Refusal::new("the age file is of a newer version: decrypt it with age first"),
        _ => damaged(),
    }
}
