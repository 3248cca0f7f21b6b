//! Files that say by their first bytes what they are: those that hold no export, or hold one inside something else.

use super::error::ImportError;

/// zip, gzip, 7z, xz, bzip2, zstd.
const ARCHIVES: [&[u8]; 6] = [
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"7z\xbc\xaf",
    b"\xfd7zXZ",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
];
/// PNG, JPEG, GIF, WebP, both TIFFs, PDF: some only to be told what to do with them.
const PICTURES: [&[u8]; 7] = [
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"II*\0",
    b"MM\0*",
    b"%PDF",
];
const AGE: [&[u8]; 2] = [b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----"];
const DATABASE: &[u8] = b"SQLite format 3\0";
const KEE_PASS: &[u8] = b"\x03\xd9\xa2\x9a";
/// What `openssl enc` writes: binary as andOTP's exports are, and none.
const OPENSSL: &[u8] = b"Salted__";

/// Why a file that begins like this is not read here; `None` for what may be an export.
pub(super) fn refusal(bytes: &[u8]) -> Option<ImportError> {
    let begins_with_any = |magics: &[&[u8]]| magics.iter().any(|magic| bytes.starts_with(magic));
    if begins_with_any(&ARCHIVES) {
        Some(ImportError::Archive)
    } else if begins_with_any(&PICTURES) || is_heif(bytes) || is_bmp(bytes) {
        Some(ImportError::Picture)
    } else if begins_with_any(&AGE) {
        Some(ImportError::Age)
    } else if bytes.starts_with(b"-----BEGIN PGP MESSAGE-----") || is_open_pgp(bytes) {
        Some(ImportError::OpenPgp)
    } else if bytes.starts_with(DATABASE) {
        Some(ImportError::Database)
    } else if bytes.starts_with(KEE_PASS) {
        Some(ImportError::KeePass)
    } else if bytes.starts_with(OPENSSL) {
        Some(ImportError::Unknown)
    } else {
        None
    }
}

/// True for what telephones photograph in: HEIC, AVIF.
fn is_heif(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"ftyp")
}

/// True for BMP. Its first two bytes are letters; the four behind the size are always 0.
fn is_bmp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BM") && bytes.get(6..10) == Some(&[0; 4])
}

/// A session key for a public key (version 3) or a password (version 4), which is what a message for somebody begins with.
fn is_open_pgp(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0x84, _, 3, ..] | [0x85, _, _, 3, ..] | [0xc1, _, 3, ..] | [0xc1, _, _, 3, ..] | [0x8c | 0xc3, _, 4, ..]
    )
}
