//! ZIP, as apps and password managers put around an export (Raivo, Proton Pass, 1Password): its files are asked one by one for
//! the export, and nothing is written anywhere. Encrypted, by AE-1 or AE-2 (WinZip) or by PKWARE's old cipher.

use std::io::{Cursor, Read};

use zeroize::Zeroizing;
use zip::ZipArchive;
use zip::read::ZipReadOptions;
use zip::result::ZipError;

use super::error::ImportError;
use super::read::{MAX_EXPORT_LEN_BYTES, read_itself};
use super::receipt::{Export, Format, Protection};

const FORMAT: Format = Format::Zip;
/// The first bytes of a ZIP with a file in it.
const MAGIC: &[u8] = b"PK\x03\x04";
/// An export is among few files; more are attachments, and looked at no further than these.
const MAX_FILES: usize = 256;
/// So many of them are tried as what only the password proves.
const MAX_TRIALS: usize = 4;
/// What is unpacked of all files together, in bytes.
const MAX_UNPACKED_BYTES: usize = 2 * MAX_EXPORT_LEN_BYTES;

pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The export in it: the only file that is one.
pub(super) fn read(bytes: &[u8], password: Option<&[u8]>) -> Result<Export, ImportError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| ImportError::Archive)?;
    let (mut found, mut left) = (None, MAX_UNPACKED_BYTES);
    let (mut other, mut trials_left) = (None, MAX_TRIALS);
    for number in 0..archive.len().min(MAX_FILES) {
        let Some(Unpacked { content, is_encrypted }) = unpacked(&mut archive, number, password, left)? else {
            continue;
        };
        left -= content.len();
        let mut export = match read_with(&content, password, &mut trials_left) {
            Ok(export) => export,
            Err(error) if says_nothing(error) => continue,
            Err(error) if is_of_another_kind(error) => {
                other = other.or(Some(error));
                continue;
            }
            Err(error) => return Err(error),
        };
        if found.is_some() {
            let why = "several files in it are exports: unpack it, and import each";
            return Err(ImportError::Unsupported(FORMAT, why));
        }
        if is_encrypted {
            export.protection = Protection::Encrypted;
        }
        found = Some(export);
    }
    found.ok_or(other.unwrap_or(ImportError::Unsupported(
        FORMAT,
        "none of its files is an export that is known",
    )))
}

/// A file of it, by the password only where it asks for one: what has no magic may be an andOTP backup, each of which says for
/// itself what trying the password costs.
fn read_with(content: &[u8], password: Option<&[u8]>, trials_left: &mut usize) -> Result<Export, ImportError> {
    match read_itself(content, None) {
        Err(error @ ImportError::Locked(format)) if password.is_some() => {
            if format == Format::AndOtp {
                match trials_left.checked_sub(1) {
                    Some(left) => *trials_left = left,
                    None => return Err(error),
                }
            }
            read_itself(content, password)
        }
        read => read,
    }
}

/// True for what attachments, pictures and help texts beside an export give.
fn says_nothing(error: ImportError) -> bool {
    matches!(
        error,
        ImportError::Unknown
            | ImportError::Archive
            | ImportError::Picture
            | ImportError::Damaged { .. }
            | ImportError::Locked(Format::AndOtp)
            | ImportError::WrongPassword(Format::AndOtp)
            | ImportError::NotEvenAndOtp
    )
}

/// True for what an attachment may be, and an export that is not read: worth telling where there is no other.
fn is_of_another_kind(error: ImportError) -> bool {
    matches!(
        error,
        ImportError::Encoding(_)
            | ImportError::EncryptedDatabase
            | ImportError::Database
            | ImportError::KeePass
            | ImportError::Age
            | ImportError::OpenPgp
    )
}

struct Unpacked {
    content: Zeroizing<Vec<u8>>,
    is_encrypted: bool,
}

/// A file's content; `None` for what is no file, or larger than any export.
fn unpacked(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    number: usize,
    password: Option<&[u8]>,
    left: usize,
) -> Result<Option<Unpacked>, ImportError> {
    let of_zip = |error| match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ImportError::Locked(FORMAT),
        ZipError::InvalidPassword => ImportError::WrongPassword(FORMAT),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => ImportError::Archive,
        _ => ImportError::Malformed(FORMAT, "it was damaged or cut off; export it again"),
    };
    let about = archive.by_index_raw(number).map_err(of_zip)?;
    let (is_encrypted, is_file) = (about.encrypted(), about.is_file());
    let claimed = usize::try_from(about.size()).unwrap_or(usize::MAX);
    drop(about);
    let most = left.min(MAX_EXPORT_LEN_BYTES);
    if !is_file || claimed > most {
        return Ok(None);
    }
    let options = ZipReadOptions::new().password(password.filter(|_| is_encrypted));
    let mut file = archive.by_index_with_options(number, options).map_err(of_zip)?;
    // a size that is a lie is found out by the one byte more
    let mut content = Zeroizing::new(Vec::with_capacity(claimed + 1));
    file.by_ref()
        .take(claimed as u64 + 1)
        .read_to_end(&mut content)
        .map_err(|_| match is_encrypted {
            // PKWARE's cipher takes one wrong password in 256, and the checksum does not
            true => ImportError::WrongPassword(FORMAT),
            false => ImportError::Malformed(FORMAT, "it was damaged or cut off; export it again"),
        })?;
    match content.len() == claimed {
        true => Ok(Some(Unpacked { content, is_encrypted })),
        false => Err(ImportError::Malformed(FORMAT, "a file in it is not as long as it says")),
    }
}
