//! What the tests of the vault share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
};

use enroll::EntryDigits;
use otp::{Algorithm, Secret};
use vault::{Credential, Draft, KdfCost, Kind, Name};

/// The least that Argon2 can do: a test opens thousands.
pub(crate) fn cheap() -> KdfCost {
    KdfCost::new(8, 1, 1).unwrap()
}

/// "Random" bytes that are the same in every run: 1, 2, 3 …
pub(crate) fn counting() -> impl FnMut(&mut [u8]) -> Result<(), Infallible> {
    let mut last = 0_u8;
    move |into| {
        for byte in into {
            last = last.wrapping_add(1);
            *byte = last;
        }
        Ok(())
    }
}

pub(crate) fn credential(kind: Kind, secret: &[u8], algorithm: Algorithm, digits: u8) -> Credential {
    let secret = Secret::from_slice(secret).unwrap();
    Credential::new(kind, secret, algorithm, EntryDigits::new(digits).unwrap())
}

pub(crate) fn draft(issuer: &str, account: &str, secret: &[u8]) -> Draft {
    let credential = credential(Kind::TOTP_30_S, secret, Algorithm::Sha1, 6);
    Draft::new(Name::new(issuer).unwrap(), Name::new(account).unwrap(), credential)
}

pub(crate) fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The file as it has been since it was written once; `COUNTERSIGN_BLESS=1` writes one that is new.
#[allow(clippy::disallowed_methods, reason = "a test asks whether to write its files")]
pub(crate) fn assert_golden(name: &str, found: &[u8]) {
    let path = tests().join("golden").join(name);
    if std::env::var_os("COUNTERSIGN_BLESS").is_some() && !path.exists() {
        fs::write(&path, found).unwrap();
    }
    let wanted = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        wanted == found,
        "{name}: what people have on their disks says it otherwise"
    );
}
